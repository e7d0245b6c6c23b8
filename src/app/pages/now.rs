//! What runs now, by urgency: what needs a look, what goes on as it should, what waits, and what has just ended.

use leptos::{either::Either, ev, html, prelude::*};
use leptos_meta::Title;
use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

use crate::{
    app::{
        api,
        components::{
            activity_strip::ActivityStrip,
            count_bar::CountBar,
            ended_list::EndedList,
            execution_row::ExecutionRow,
            first_run::FirstRun,
            icon::Icon,
            moment::{clock, hydrated},
            trouble::Trouble,
        },
        live::{self, Live},
        now::Now,
        rows::Row,
    },
    browser::glide,
    domain::listing::Overview,
};

/// How many rows of a group are drawn at first, and how many more at a time: what lies further down costs nothing.
const ROWS: usize = 60;

/// The page.
#[component]
pub fn NowPage() -> impl IntoView {
    let overview = Resource::new(|| (), |()| api::now());
    let content = move || {
        Suspend::new(async move {
            match overview.await {
                Ok(overview) => Either::Left(view! { <Found overview/> }),
                Err(_) => Either::Right(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

#[component]
fn Found(overview: Overview) -> impl IntoView {
    let now = Now::new(overview);
    live::follow(now);
    let live = Live::expect();
    Effect::new(move || {
        if live.awake.get() {
            now.tick(live.now.get());
        }
    });
    view! {
        <Title text=move || now.counts.with(|counts| title(counts.running, counts.look))/>
        <div class="page-header">
            <h1>"Now"</h1>
            <p><Clock/></p>
            <div data-part="actions">
                <a class="button" href="/workflows"><Icon name="play"/>"Run a workflow"</a>
            </div>
        </div>
        <Show when=move || !now.is_empty() fallback=FirstRun>
            <CountBar now/>
            <ActivityStrip now/>
            <Lists now/>
        </Show>
        <p class="visually-hidden" role="status">{move || now.said.get()}</p>
    }
}

/// What the browser's tab says.
fn title(running: u64, look: u64) -> String {
    match (running, look) {
        (0, _) => "Now".to_owned(),
        (running, 0) => format!("{running} running"),
        (running, 1) => format!("{running} running, 1 needs a look"),
        (running, look) => format!("{running} running, {look} need a look"),
    }
}

#[component]
fn Clock() -> impl IntoView {
    let live = Live::expect();
    view! { <time>{move || clock(live.now.get(), live.awake.get())}</time> }
}

/// All rows. Nothing of it moves while the pointer or the focus is in it.
#[component]
fn Lists(now: Now) -> impl IntoView {
    let (pointed, focused) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move || now.hold(pointed.get() || focused.get()));
    let leaves = move |event: ev::FocusEvent| {
        let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
        let lists = event.current_target().and_then(|lists| lists.dyn_into::<Element>().ok());
        focused.set(lists.is_some_and(|lists| next.is_some_and(|next| lists.contains(Some(&next)))));
    };
    let lists = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if let Some(lists) = lists.get() {
            glide::rows(&lists, ":is(.execution-row, .ended-list tbody tr)");
        }
    });
    view! {
        <div
            class="now-lists"
            node_ref=lists
            data-live=hydrated()
            on:pointerenter=move |_| pointed.set(true)
            on:pointerleave=move |_| pointed.set(false)
            on:focusin=move |_| focused.set(true)
            on:focusout=leaves
        >
            <Group title="Needs a look" id="attention" rows=now.look/>
            <Group title="On course" note=", next to end first" rows=now.course/>
            <Group title="Queued" rows=now.queued/>
            <section aria-label="Just ended" hidden=move || now.ended.with(Vec::is_empty)>
                <div class="section-heading">
                    <h2>"Just ended"</h2>
                    <a href="/executions">"All executions"</a>
                </div>
                <EndedList executions=now.ended/>
            </section>
            <p data-part="waiting" role="status" hidden=move || !now.waiting.get()>
                {move || {
                    let note = "The order has changed: it is shown when you leave the list";
                    now.waiting.get().then(|| view! { <span>{note}</span> })
                }}
            </p>
        </div>
    }
}

/// A part of the rows.
#[component]
fn Group(
    title: &'static str,
    /// A place that a link can lead to.
    #[prop(optional)]
    id: Option<&'static str>,
    /// What the order means.
    #[prop(optional)]
    note: &'static str,
    rows: RwSignal<Vec<Row>>,
) -> impl IntoView {
    let shown = RwSignal::new(ROWS);
    let drawn = move || rows.with(|rows| rows.iter().take(shown.get()).cloned().collect::<Vec<_>>());
    let hidden = Memo::new(move |_| rows.with(Vec::len).saturating_sub(shown.get()));
    view! {
        <section id=id aria-label=title hidden=move || rows.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>{title}</h2>
                <span>{move || rows.with(Vec::len)}{note}</span>
            </div>
            <ul aria-label=title>
                <For each=drawn key=|row| row.id let:row>
                    <ExecutionRow row/>
                </For>
            </ul>
            <Show when=move || { hidden.get() > 0 }>
                <p class="pager">
                    <button class="button" type="button" on:click=move |_| shown.update(|shown| *shown += 2 * ROWS)>
                        {move || format!("Show more of {}", hidden.get())}
                    </button>
                </p>
            </Show>
        </section>
    }
}
