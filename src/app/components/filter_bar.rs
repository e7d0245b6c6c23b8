//! Filters live in the address, so they work as links, by the back button, and before the page is hydrated. What is
//! set stands below as chips, each a link to the list without it.

use std::time::Duration;

use leptos::{ev, html::Form, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::FormData;

use super::{
    icon::Icon,
    moment::{clock, hydrated},
};
use crate::{
    app::pages::executions::address,
    browser::time,
    domain::{
        event::Trigger,
        execution::Status,
        id::Name,
        listing::{Query, When},
    },
};

/// How long a person may pause while they type, before what they typed is looked for.
const PAUSE: Duration = Duration::from_millis(250);
/// The word of the choice to say a span of time oneself.
const SPAN: &str = "span";

/// The filters of a list of executions.
#[component]
pub fn FilterBar(
    /// What is asked for now.
    query: Memo<Query>,
    /// The workflows to choose from.
    workflows: Vec<Name>,
    /// Whether there are others' executions to see.
    admin: bool,
) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let go = StoredValue::new(go(form));
    let go = move |replace: bool| go.with_value(|go| go(replace));
    let typed = debounced(move || go(true));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go(false);
    };
    let spans = RwSignal::new(query.with_untracked(spans));
    Effect::new(move || spans.set(query.with(self::spans)));
    let text = move || query.with(|query| query.q.clone().unwrap_or_default());
    let ended = move || query.with(|query| query.ended_from.map(|when| when.to_string()));
    let workflow_names: Vec<(String, String)> =
        workflows.into_iter().map(|name| (name.to_string(), name.to_string())).collect();
    view! {
        <form
            class="filter-bar"
            role="search"
            aria-label="Filter executions"
            method="get"
            action="/executions"
            node_ref=form
            on:submit=submit
        >
            <label data-part="text">
                <Icon name="search"/>
                <span class="visually-hidden">"Text"</span>
                <input
                    type="search"
                    name="q"
                    placeholder="Workflow, owner, error, id"
                    aria-keyshortcuts="/"
                    value=untrack(text)
                    prop:value=text
                    on:input=move |_| typed()
                />
            </label>
            <Choice name="status" label="Status" any="Any status" options=statuses() chosen=move || query.with(status_word) change=move || go(false)/>
            <Choice name="workflow" label="Workflow" any="Any workflow" options=workflow_names chosen=move || query.with(|query| query.workflow.as_ref().map(Name::to_string)) change=move || go(false)/>
            {admin.then(|| view! { <OwnerFilter query change=move || go(false)/> })}
            <Choice name="trigger" label="Trigger" any="Any trigger" options=triggers() chosen=move || query.with(|query| query.trigger.map(|trigger| trigger.word().to_owned())) change=move || go(false)/>
            <Choice
                name="from"
                label="Started"
                any="Any time"
                options=times()
                chosen=move || if spans.get() { Some(SPAN.to_owned()) } else { query.with(|query| query.from.map(|from| from.to_string())) }
                change=move || {
                    spans.set(chooses_span(form));
                    if !spans.get_untracked() {
                        go(false);
                    }
                }
            />
            <Show when=move || spans.get()>
                <Edge name="since" label="From" at=Signal::derive(move || query.with(|query| query.from)) change=move || go(false)/>
                <Edge name="until" label="To" at=Signal::derive(move || query.with(|query| query.to)) change=move || go(false)/>
            </Show>
            {move || ended().map(|ended| view! { <input type="hidden" name="ended_from" value=ended/> })}
            <noscript><button class="button" type="submit">"Filter"</button></noscript>
        </form>
        <Chips query/>
    }
}

/// A span of time that is none of the ready-made ones.
fn spans(query: &Query) -> bool {
    query.to.is_some() || matches!(query.from, Some(When::At(_)))
}

fn status_word(query: &Query) -> Option<String> {
    let words: Vec<&str> = query.status.iter().map(|status| status.word()).collect();
    (!words.is_empty()).then(|| words.join(","))
}

fn statuses() -> Vec<(String, String)> {
    let one = |status: Status| (status.word().to_owned(), status.label().to_owned());
    let bad = ("failed,timed_out,interrupted".to_owned(), "Failed in any way".to_owned());
    Status::ALL.map(one).into_iter().chain([bad]).collect()
}

fn triggers() -> Vec<(String, String)> {
    Trigger::ALL.map(|trigger| (trigger.word().to_owned(), trigger.word().to_owned())).into()
}

fn times() -> Vec<(String, String)> {
    [("1h", "The last hour"), ("1d", "The last day"), ("7d", "The last week"), (SPAN, "From, to")]
        .map(|(word, label)| (word.to_owned(), label.to_owned()))
        .into()
}

/// One of several, or any. What an address asks for beside them is one choice more.
#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    any: &'static str,
    mut options: Vec<(String, String)>,
    chosen: impl Fn() -> Option<String> + Send + Sync + 'static,
    change: impl Fn() + 'static,
) -> impl IntoView {
    let chosen = Memo::new(move |_| chosen());
    if let Some(chosen) = chosen.get_untracked()
        && options.iter().all(|(value, _)| *value != chosen)
    {
        options.push((chosen.clone(), chosen.replace(',', ", ")));
    }
    let options = options.into_iter().map(|(value, label)| {
        let is = {
            let value = value.clone();
            move || chosen.with(|chosen| chosen.as_ref() == Some(&value))
        };
        let selected = untrack(&is);
        view! { <option value=value selected=selected prop:selected=is>{label}</option> }
    });
    view! {
        <select
            data-part="filter"
            data-set=move || chosen.with(|chosen| chosen.as_ref().map(|_| ""))
            name=name
            aria-label=label
            on:change=move |_| change()
        >
            <option value="">{any}</option>
            {options.collect_view()}
        </select>
    }
}

#[component]
fn OwnerFilter(query: Memo<Query>, change: impl Fn() + 'static) -> impl IntoView {
    let owner = move || query.with(|query| query.owner.as_ref().map(Name::to_string).unwrap_or_default());
    view! {
        <label data-part="text">
            <span class="visually-hidden">"Owner"</span>
            <input name="owner" placeholder="Owner" autocomplete="off" value=untrack(owner) prop:value=owner on:change=move |_| change()/>
        </label>
    }
}

/// An end of a span of time, by the reader's clock.
#[component]
fn Edge(
    name: &'static str,
    label: &'static str,
    at: Signal<Option<When>>,
    change: impl Fn() + 'static,
) -> impl IntoView {
    let hydrated = hydrated();
    let value = move || match (hydrated.get(), at.get()) {
        (true, Some(When::At(at))) => time::field(at),
        _ => String::new(),
    };
    view! {
        <label data-part="edge">
            <span>{label}</span>
            <input type="datetime-local" name=name prop:value=value on:change=move |_| change()/>
        </label>
    }
}

/// What is set, each with a way to be without it.
#[component]
fn Chips(query: Memo<Query>) -> impl IntoView {
    let hydrated = hydrated();
    let chips = move || query.with(|query| chips(query, hydrated.get()));
    view! {
        <ul class="filter-chips" aria-label="Filters that are set" hidden=move || chips().is_empty()>
            <For each=chips key=|(name, value, without)| (*name, value.clone(), without.clone()) let:chip>
                <Chip name=chip.0 value=chip.1 without=chip.2/>
            </For>
            <li><a href="/executions" data-part="all">"Clear all"</a></li>
        </ul>
    }
}

#[component]
fn Chip(name: &'static str, value: String, without: String) -> impl IntoView {
    let label = format!("Remove the filter {name}: {value}");
    view! {
        <li>
            <a href=without aria-label=label>
                {name}
                " "
                <strong>{value}</strong>
                <Icon name="close"/>
            </a>
        </li>
    }
}

fn chips(query: &Query, hydrated: bool) -> Vec<(&'static str, String, String)> {
    let time = |when: When| match when {
        When::At(at) => clock(at, hydrated),
        When::Ago(_) => format!("{when} ago"),
    };
    let statuses: Vec<&str> = query.status.iter().map(|status| status.label()).collect();
    let set = [
        ("text", query.q.clone(), Query { q: None, ..query.clone() }),
        (
            "status",
            Some(statuses.join(", ")).filter(|words| !words.is_empty()),
            Query { status: Vec::new(), ..query.clone() },
        ),
        ("workflow", query.workflow.as_ref().map(Name::to_string), Query { workflow: None, ..query.clone() }),
        ("owner", query.owner.as_ref().map(Name::to_string), Query { owner: None, ..query.clone() }),
        ("trigger", query.trigger.map(|trigger| trigger.word().to_owned()), Query { trigger: None, ..query.clone() }),
        ("started since", query.from.map(time), Query { from: None, ..query.clone() }),
        ("started before", query.to.map(time), Query { to: None, ..query.clone() }),
        ("ended since", query.ended_from.map(time), Query { ended_from: None, ..query.clone() }),
    ];
    set.into_iter().filter_map(|(name, value, without)| Some((name, value?, address(&without, None)))).collect()
}

/// Calls it once the calls have paused.
fn debounced(call: impl Fn() + Clone + 'static) -> impl Fn() + Clone + 'static {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    move || {
        if let Some(handle) = waiting.get_value() {
            handle.clear();
        }
        let call = call.clone();
        waiting.set_value(set_timeout_with_handle(call, PAUSE).ok());
    }
}

fn field(form: NodeRef<Form>, name: &str) -> Option<String> {
    let data = FormData::new_with_form(&form.get_untracked()?).ok()?;
    data.get(name).as_string().filter(|value| !value.is_empty())
}

fn chooses_span(form: NodeRef<Form>) -> bool {
    field(form, "from").is_some_and(|from| from == SPAN)
}

/// Goes to the address that the form as it stands asks for; `replace`, so that each letter is no step to come back from.
fn go(form: NodeRef<Form>) -> impl Fn(bool) + Clone {
    let navigate = use_navigate();
    move |replace| {
        let mut pairs = Vec::new();
        for key in ["q", "status", "workflow", "owner", "trigger", "from", "ended_from"] {
            match field(form, key) {
                Some(value) if key == "from" && value == SPAN => {
                    for (key, name) in [("from", "since"), ("to", "until")] {
                        pairs.extend(
                            field(form, name).and_then(|value| time::read(&value)).map(|at| (key, at.to_string())),
                        );
                    }
                }
                Some(value) => pairs.push((key, value)),
                None => {}
            }
        }
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={}", js_sys::encode_uri_component(value))).collect();
        let joint = if pairs.is_empty() { "" } else { "?" };
        let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
        navigate(&format!("/executions{joint}{}", pairs.join("&")), options);
    }
}
