//! The output: numbered lines in their colours, of all steps or of one. It follows the end until the reader scrolls up.

use std::sync::Arc;

use leptos::{html::Div, prelude::*};

use super::{
    ansi::Ansi,
    icon::Icon,
    moment::{clock, hydrated},
};
use crate::{
    app::{
        log::{Block, Log},
        run::Run,
    },
    browser,
    domain::{id::StepId, listing::LogLine, log::Level},
};

/// How near to the end counts as at the end, pixels.
const NEAR: i32 = 24;

/// The output of an execution.
#[component]
pub fn OutputLog(
    /// Whose output it is.
    run: Run,
) -> impl IntoView {
    let lines = NodeRef::<Div>::new();
    let following = RwSignal::new(!run.is_final());
    let wrap = RwSignal::new(false);
    follow_end(run.log, lines, following);
    view! {
        <section class="output-log" data-times="true" data-wrap=move || wrap.get().to_string() aria-label="Output">
            <Tools run wrap/>
            <div data-part="frame">
                <div data-part="lines" role="log" aria-label="Lines" tabindex="0" node_ref=lines on:scroll=watch(lines, following)>
                    <Earlier run/>
                    <Lines log=run.log/>
                </div>
                <button
                    data-part="live"
                    type="button"
                    hidden=move || run.execution.with(|execution| execution.status.is_final())
                    aria-pressed=move || following.get().to_string()
                    on:click=move |_| following.update(|following| *following = !*following)
                >
                    <Icon name="down"/>
                    "Following"
                </button>
            </div>
        </section>
    }
}

/// Keeps the end in view, after the new lines are drawn.
fn follow_end(log: Log, lines: NodeRef<Div>, following: RwSignal<bool>) {
    Effect::new(move || {
        log.next.track();
        if following.get() {
            leptos::task::spawn_local(async move {
                browser::time::frame().await;
                if let (Some(Some(lines)), Some(true)) = (lines.try_get_untracked(), following.try_get_untracked()) {
                    lines.set_scroll_top(lines.scroll_height());
                }
            });
        }
    });
}

/// Scrolling up lets go of the end, scrolling down to it takes hold again. New lines scroll nothing, so they do neither.
fn watch(lines: NodeRef<Div>, following: RwSignal<bool>) -> impl Fn(leptos::ev::Event) + Clone {
    let last = StoredValue::new((0, 0));
    move |_| {
        let Some(lines) = lines.get_untracked() else { return };
        let (top, height) = (lines.scroll_top(), lines.scroll_height());
        let at_end = top + lines.client_height() + NEAR >= height;
        let (before, height_before) = last.get_value();
        last.set_value((top, height));
        if at_end {
            following.set(true);
        } else if top < before && height >= height_before {
            following.set(false);
        }
    }
}

#[component]
fn Tools(run: Run, wrap: RwSignal<bool>) -> impl IntoView {
    let steps = run.execution.with_untracked(|execution| {
        execution.steps.iter().map(|step| (step.id.to_string(), step.name.clone())).collect::<Vec<_>>()
    });
    let choose = move |event| {
        let value = event_target_value(&event);
        run.log.choose(value.parse::<StepId>().ok());
    };
    let log = run.execution.with_untracked(|execution| format!("/api/executions/{}/log", execution.id));
    let chosen = move || run.log.step.get().map(|step| step.to_string()).unwrap_or_default();
    let save = move || match run.log.step.get() {
        Some(step) => format!("{log}?step={step}"),
        None => log.clone(),
    };
    view! {
        <div data-part="tools">
            <select class="button" aria-label="Steps shown" prop:value=chosen on:change=choose>
                <option value="">"All steps"</option>
                {steps.into_iter().map(|(id, name)| view! { <option value=id>{name}</option> }).collect_view()}
            </select>
            <output>{move || count(run.log.next.get())}</output>
            <button
                class="button"
                type="button"
                data-kind="quiet"
                data-shape="square"
                aria-label="Wrap lines"
                title="Wrap lines"
                aria-pressed=move || wrap.get().to_string()
                on:click=move |_| wrap.update(|wrap| *wrap = !*wrap)
            >
                <Icon name="wrap"/>
            </button>
            <a class="button" data-kind="quiet" data-shape="square" href=save rel="external" download="output.txt" aria-label="Download" title="Download">
                <Icon name="download"/>
            </a>
        </div>
    }
}

fn count(lines: u64) -> String {
    match lines {
        0 => "no lines yet".to_owned(),
        1 => "1 line".to_owned(),
        lines => format!("{lines} lines"),
    }
}

#[component]
fn Earlier(run: Run) -> impl IntoView {
    let log = run.log;
    view! {
        <Show when=move || log.has_earlier()>
            <p data-part="earlier">
                <Show
                    when=move || log.has_room()
                    fallback=|| "What came before is in the download."
                >
                    <button class="button" type="button" data-kind="quiet" on:click=move |_| run.log.earlier()>
                        "Show earlier lines"
                    </button>
                </Show>
            </p>
        </Show>
        {move || log.problem.get().map(|problem| view! { <p data-part="problem" role="alert">{problem.to_string()}</p> })}
    }
}

#[component]
fn Lines(log: Log) -> impl IntoView {
    view! {
        <For each=move || log.blocks.get() key=|block| block.key let:block>
            <BlockOfLines block/>
        </For>
    }
}

#[component]
fn BlockOfLines(block: Block) -> impl IntoView {
    let hydrated = hydrated();
    let lines = RwSignal::from(block.lines);
    // The browser's own clock comes after hydration: each line is then drawn once more, by its other key.
    let each = move || {
        let local = hydrated.get();
        lines.get().into_iter().map(move |line| (line, local)).collect::<Vec<_>>()
    };
    view! {
        <div data-part="block" style=move || format!("--lines:{}", lines.with(Vec::len))>
            <For each=each key=|(line, local)| (line.n, *local) let((line, local))>
                <OneLine line local/>
            </For>
        </div>
    }
}

#[component]
fn OneLine(line: Arc<LogLine>, local: bool) -> impl IntoView {
    let number = line.n + 1;
    let level = line.line.level.map(|level| match level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
        Level::Group => "group",
    });
    let exact = line.line.at.to_string();
    view! {
        <div data-part="line" id=format!("L{number}") data-level=level>
            <a href=format!("#L{number}") rel="external" aria-label=format!("Line {number}") tabindex="-1">{number}</a>
            <time datetime=exact>{clock(line.line.at, local)}</time>
            <code><Ansi text=line.line.text.clone()/></code>
        </div>
    }
}
