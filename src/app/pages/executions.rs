//! All executions: of every status, as far back as they are kept, page by page.

use leptos::{either::Either, ev, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    app::{
        api,
        components::{
            execution_table::ExecutionTable, filter_bar::FilterBar, first_run::FirstRun, icon::Icon,
            selection_bar::SelectionBar, trouble::Trouble,
        },
        history::{History, PAGE},
        rows::query_of,
        selection::Selection,
        shell::Me,
    },
    browser::keys,
    domain::{
        id::{ExecutionId, Name},
        listing::{Listing, Query},
    },
};

/// The page.
#[component]
pub fn Executions() -> impl IntoView {
    let address = use_query_map();
    let query = Memo::new(move |_| query_of(&address.read()));
    let page = Resource::new(
        move || query.get(),
        |query| async move {
            let query = Query { limit: Some(PAGE), ..query };
            let listing = api::executions(query.clone()).await;
            listing.map(|listing| (query, listing))
        },
    );
    let busy = RwSignal::new(false);
    let found = move || {
        Suspend::new(async move {
            match page.await {
                Ok((query, listing)) => Either::Left(view! { <Found query listing/> }),
                Err(_) => Either::Right(view! { <Trouble/> }),
            }
        })
    };
    view! {
        <Title text="Executions"/>
        <div class="page-header">
            <h1>"Executions"</h1>
            <div data-part="actions">
                <a class="button" href="/workflows"><Icon name="play"/>"Run a workflow"</a>
            </div>
        </div>
        <Filters query/>
        <div class="executions-page" aria-busy=move || busy.get().to_string()>
            <Transition set_pending=busy.write_only()>{found}</Transition>
        </div>
    }
}

/// They stay as they are while the list changes, or a keyboard would lose its place.
#[component]
fn Filters(query: Memo<Query>) -> impl IntoView {
    let me = Me::expect();
    let workflows = Resource::new(|| (), |()| api::workflows());
    let bar = move || {
        Suspend::new(async move {
            let admin = me.viewer().await.is_some_and(|viewer| viewer.is_admin());
            let workflows = workflows.await.unwrap_or_default();
            let workflows: Vec<Name> = workflows.into_iter().map(|workflow| workflow.name).collect();
            view! { <FilterBar query workflows admin/> }
        })
    };
    view! { <Transition>{bar}</Transition> }
}

#[component]
fn Found(query: Query, listing: Listing) -> impl IntoView {
    let history = History::new(query.clone(), listing);
    history.follow();
    let selection = Selection::new(history);
    let older = query.before.is_some();
    let filtered = Query { limit: None, before: None, ..query.clone() } != Query::default();
    view! {
        <Reading history selection/>
        <Show when=move || history.rows.with(Vec::is_empty)>
            <Nothing filtered older/>
        </Show>
        <Older history query=query.clone()/>
        <SelectionBar selection/>
        <p class="visually-hidden" role="status">{move || history.said.get()}</p>
    }
}

/// The table, and whether somebody reads it: they point at it, have the focus there, selected something, or scrolled.
#[component]
fn Reading(history: History, selection: Selection) -> impl IntoView {
    let (pointed, focused, scrolled) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    Effect::new(move || {
        let selected = selection.chosen.with(|chosen| !chosen.is_empty());
        history.hold(pointed.get() || focused.get() || scrolled.get() || selected);
    });
    Effect::new(move || {
        let scrolling = window_event_listener(ev::scroll, move |_| {
            let down = keys::scrolled();
            if scrolled.get_untracked() != down {
                scrolled.set(down);
            }
        });
        let keys = window_event_listener(ev::keydown, move |event| pressed(&event, selection));
        on_cleanup(move || {
            scrolling.remove();
            keys.remove();
        });
    });
    view! {
        <div
            hidden=move || history.rows.with(Vec::is_empty)
            on:pointerenter=move |_| pointed.set(true)
            on:pointerleave=move |_| pointed.set(false)
            on:focusin=move |_| focused.set(true)
            on:focusout=move |_| focused.set(false)
        >
            // Whoever goes to the button still reads: it stays until it is pressed.
            <New history/>
            <ExecutionTable history selection/>
        </div>
    }
}

/// From row to row by the keyboard.
fn pressed(event: &ev::KeyboardEvent, selection: Selection) {
    if keys::typing(event) {
        return;
    }
    const LINKS: &str = ".execution-table tbody th a";
    match event.key().as_str() {
        "j" | "ArrowDown" if keys::step(LINKS, true) => event.prevent_default(),
        "k" | "ArrowUp" if keys::step(LINKS, false) => event.prevent_default(),
        "x" => {
            let link = keys::focused_link();
            let id = link.as_deref().and_then(|link| link.rsplit('/').next()).and_then(|id| id.parse().ok());
            if let Some(id) = id {
                selection.toggle(id, event.shift_key());
            }
        }
        "/" if keys::focus(".filter-bar input[type=search]") => event.prevent_default(),
        "Escape" => selection.clear(),
        _ => {}
    }
}

/// Says that there are new ones, which would move what somebody reads.
#[component]
fn New(history: History) -> impl IntoView {
    let take_in = move |_| {
        history.take_in();
        keys::to_top();
    };
    view! {
        <p class="new-bar" role="status">
            <Show when=move || { history.waiting.get() > 0 }>
                <button class="button" type="button" on:click=take_in>
                    {move || format!("{} new", history.waiting.get())}
                </button>
            </Show>
        </p>
    }
}

#[component]
fn Nothing(filtered: bool, older: bool) -> impl IntoView {
    if filtered || older {
        Either::Left(view! {
            <div class="empty-state">
                <h2>"No execution matches"</h2>
                <p>"None that you may see is like that. One that begins to match appears here by itself."</p>
                <div data-part="actions"><a class="button" href="/executions">"Clear the filters"</a></div>
            </div>
        })
    } else {
        Either::Right(view! { <FirstRun/> })
    }
}

#[component]
fn Older(history: History, query: Query) -> impl IntoView {
    let newest = query.before.is_some().then(|| address(&query, None));
    let older = move || history.next.get().map(|before| address(&query, Some(before)));
    view! {
        <nav class="pager" aria-label="Pages of the list">
            {newest.map(|href| view! { <a class="button" href=href>"Newest"</a> })}
            {move || older().map(|href| view! { <a class="button" href=href>"Older"</a> })}
        </nav>
    }
}

/// The address of another page of the same list.
pub fn address(query: &Query, before: Option<ExecutionId>) -> String {
    let status: Vec<&str> = query.status.iter().map(|status| status.word()).collect();
    let pairs = [
        ("q", query.q.clone()),
        ("status", (!status.is_empty()).then(|| status.join(","))),
        ("workflow", query.workflow.as_ref().map(Name::to_string)),
        ("owner", query.owner.as_ref().map(Name::to_string)),
        ("trigger", query.trigger.map(|trigger| trigger.word().to_owned())),
        ("from", query.from.map(|when| when.to_string())),
        ("to", query.to.map(|when| when.to_string())),
        ("ended_from", query.ended_from.map(|when| when.to_string())),
        ("before", before.map(|before| before.to_string())),
    ];
    let mut map = leptos_router::params::ParamsMap::new();
    for (key, value) in pairs {
        if let Some(value) = value {
            map.insert(key, value);
        }
    }
    format!("/executions{}", map.to_query_string())
}
