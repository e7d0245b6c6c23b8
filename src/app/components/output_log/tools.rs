//! The bar above the lines: which steps, what is looked for, what stands out, how it looks, and taking it away.

use std::time::Duration;

use leptos::{html, prelude::*};

use super::{
    listed::Listed,
    looks::{Looks, Times},
    view::View,
};
use crate::{
    app::{
        components::icon::Icon,
        log::{COPIED_MAX, Log, find::Hits},
        run::Run,
    },
    browser::{address, time},
    domain::{id::StepId, marks::Places, size::spoken_number},
};

#[component]
pub fn Tools(run: Run, looks: Looks, search: NodeRef<html::Input>, view: View) -> impl IntoView {
    let log = run.log;
    let steps = run.execution.with_untracked(|execution| {
        execution.steps.iter().map(|step| (step.id.to_string(), step.name.clone())).collect::<Vec<_>>()
    });
    let choose = move |event| log.choose(event_target_value(&event).parse::<StepId>().ok());
    let chosen = move || log.step.get().map(|step| step.to_string()).unwrap_or_default();
    view! {
        <div data-part="tools">
            <select class="button" data-kind="quiet" aria-label="Steps shown" prop:value=chosen on:change=choose>
                <option value="">"All steps"</option>
                {steps.into_iter().map(|(id, name)| view! { <option value=id>{name}</option> }).collect_view()}
            </select>
            <output aria-live="off">{move || count(log.end.get())}</output>
            <hr/>
            <Search log search/>
            <Standing log errors=true/>
            <Standing log errors=false/>
            <Listed view/>
            <hr/>
            <button
                class="button"
                type="button"
                data-kind="quiet"
                data-shape="square"
                aria-label=move || looks.times.get().label()
                title=move || looks.times.get().label()
                aria-pressed=move || (looks.times.get() != Times::Off).to_string()
                on:click=move |_| looks.turn_times()
            >
                <Icon name="clock"/>
            </button>
            <button
                class="button"
                type="button"
                data-kind="quiet"
                data-shape="square"
                aria-label="Wrap lines"
                title="Wrap lines"
                aria-pressed=move || looks.wrap.get().to_string()
                on:click=move |_| looks.turn_wrap()
            >
                <Icon name="wrap"/>
            </button>
            <Copy log/>
            <Download run/>
        </div>
    }
}

fn count(lines: u64) -> String {
    match lines {
        0 => "no lines".to_owned(),
        1 => "1 line".to_owned(),
        lines => format!("{} lines", spoken_number(lines)),
    }
}

#[component]
fn Search(log: Log, search: NodeRef<html::Input>) -> impl IntoView {
    let find = log.find;
    let typed = move |event| log.look_for(event_target_value(&event));
    let key = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            log.next_hit(!event.shift_key());
        }
        "Escape" => log.look_for(String::new()),
        _ => {}
    };
    let words = move || match find.problem.get() {
        Some(problem) => problem.to_string(),
        None => find.hits.with(|hits| found(hits, log.end.get(), find.busy.get())),
    };
    let some = move || find.hits.with(|hits| hits.total > 0);
    view! {
        <label data-part="search">
            <Icon name="search"/>
            <span class="visually-hidden">"Search the output"</span>
            <input
                type="search"
                placeholder="Search the output"
                autocomplete="off"
                spellcheck="false"
                maxlength="200"
                node_ref=search
                prop:value=move || find.text.get()
                on:input=typed
                on:keydown=key
            />
            <span data-part="found" role="status">{words}</span>
        </label>
        <Show when=some>
            <Go label="The line before that holds it" icon="up" go=move || log.next_hit(false)/>
            <Go label="The next line that holds it" icon="down" go=move || log.next_hit(true)/>
        </Show>
    }
}

#[component]
pub fn Go(label: &'static str, icon: &'static str, go: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button class="button" type="button" data-kind="quiet" data-shape="square" aria-label=label title=label on:click=move |_| go()>
            <Icon name=icon/>
        </button>
    }
}

/// `3 of 128`.
fn found(hits: &Hits, end: u64, busy: bool) -> String {
    let total = hits.before(end);
    let (number, so_far) = (spoken_number(total), if busy { "…" } else { "" });
    match (&hits.needle, hits.at) {
        (None, _) => String::new(),
        (Some(_), Some(at)) if total > 0 => format!("{} of {number}{so_far}", spoken_number(hits.base + at as u64 + 1)),
        (Some(_), _) if busy => "looking…".to_owned(),
        (Some(_), _) => "nothing found".to_owned(),
    }
}

/// How many errors or warnings there are, and the way to the next one.
#[component]
fn Standing(log: Log, errors: bool) -> impl IntoView {
    let of = move |places: &Places| (places.before(log.end.get()).1, places.clone());
    let places = move || log.marks.with(|marks| of(if errors { &marks.errors } else { &marks.warnings }));
    let total = Memo::new(move |_| places().0);
    let word = if errors { "error" } else { "warning" };
    let label = move || match total.get() {
        1 => format!("1 {word}"),
        total => format!("{} {word}s", spoken_number(total)),
    };
    let go = move |event: leptos::ev::MouseEvent| {
        let (end, (_, places)) = (log.end.get_untracked(), untrack(places));
        log.next_of(places.before(end).0, !event.shift_key());
    };
    let (status, sign) = if errors { ("failed", "#s-failed") } else { ("retrying", "#s-warning") };
    view! {
        <Show when=move || { total.get() > 0 }>
            <button
                class="button"
                type="button"
                data-kind="quiet"
                title=format!("Go to the next {word}; with Shift to the one before")
                on:click=go
            >
                <svg class="status-icon" data-status=status viewBox="0 0 16 16" aria-hidden="true"><use_ href=sign/></svg>
                {label}
            </button>
        </Show>
    }
}

/// Takes the chosen lines to the clipboard, or those in view.
#[component]
fn Copy(log: Log) -> impl IntoView {
    let said = RwSignal::new("");
    let label = move || match log.chosen.get() {
        Some((first, last)) if first < last => format!("Copy lines {} to {}", first + 1, last + 1),
        Some((line, _)) => format!("Copy line {}", line + 1),
        None => "Copy the lines in view".to_owned(),
    };
    let copy = move |_| {
        let lines = log.chosen.get_untracked().map_or_else(|| log.in_view(), |(first, last)| first..last + 1);
        let all = lines.end - lines.start <= COPIED_MAX;
        leptos::task::spawn_local(async move {
            let copied = match log.text(lines).await {
                Ok(text) => address::copy(&text).await,
                Err(_) => false,
            };
            said.try_set(match copied {
                true if all => "Copied",
                true => "Copied the first 10,000",
                false => "The lines can't be copied",
            });
            time::sleep(Duration::from_secs(3)).await;
            said.try_set("");
        });
    };
    view! {
        <button class="button" type="button" data-kind="quiet" data-shape="square" aria-label=label title=label on:click=copy>
            <Icon name="copy"/>
        </button>
        <span data-part="said" role="status">{move || said.get()}</span>
    }
}

#[component]
fn Download(run: Run) -> impl IntoView {
    let (id, name) = run
        .execution
        .with_untracked(|execution| (execution.id, format!("{}-{}", execution.workflow, execution.id.short())));
    let step = move || run.log.step.get();
    let href = move || match step() {
        Some(step) => format!("/api/executions/{id}/log?step={step}"),
        None => format!("/api/executions/{id}/log"),
    };
    let file = move || match step() {
        Some(step) => format!("{name}-{step}.txt"),
        None => format!("{name}.txt"),
    };
    let label = move || if step().is_some() { "Download the step's output" } else { "Download the whole output" };
    view! {
        <a class="button" data-kind="quiet" data-shape="square" href=href rel="external" download=file aria-label=label title=label>
            <Icon name="download"/>
        </a>
    }
}
