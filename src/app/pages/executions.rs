//! What runs, what waits, what has ended.

use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    app::{
        api,
        components::{
            ended_list::EndedList, execution_row::ExecutionRow, filter_bar::FilterBar, icon::Icon, trouble::Trouble,
        },
        rows::{Page, Row, Rows, query_of},
        shell::Me,
    },
    domain::{
        id::{ExecutionId, Name},
        listing::Query,
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
            let page = Page::fetch(query.clone()).await;
            page.map(|page| (query, page))
        },
    );
    let found = move || {
        Suspend::new(async move {
            match page.await {
                Ok((query, page)) => Either::Left(view! { <Found query page/> }),
                Err(_) => Either::Right(view! { <Trouble/> }),
            }
        })
    };
    view! {
        <div class="page-header">
            <h1>"Executions"</h1>
            <div data-part="actions">
                <a class="button" href="/workflows"><Icon name="play"/>"Run a workflow"</a>
            </div>
        </div>
        <Filters query/>
        <Transition>{found}</Transition>
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
fn Found(query: Query, page: Page) -> impl IntoView {
    let rows = Rows::new(query.clone(), page);
    rows.follow();
    let title = move || match rows.running.with(Vec::len) {
        0 => "Executions".to_owned(),
        running => format!("{running} running"),
    };
    let older = query.before.is_some();
    let filtered = Query { limit: None, before: None, ..query.clone() } != Query::default();
    view! {
        <Title text=title/>
        <Active title="Running" rows=rows.running/>
        <Active title="Queued" rows=rows.queued/>
        <Ended rows/>
        <Show when=move || rows.is_empty()>
            <Nothing filtered older/>
        </Show>
        <Older rows query=query.clone()/>
        <p class="visually-hidden" role="status">{move || rows.said.get()}</p>
    }
}

/// What runs, or what waits.
#[component]
pub fn Active(
    /// The name of the part.
    title: &'static str,
    /// What is in it.
    rows: RwSignal<Vec<Row>>,
) -> impl IntoView {
    view! {
        <section aria-label=title hidden=move || rows.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>{title}</h2>
                <span>{move || rows.with(Vec::len)}</span>
            </div>
            <ul aria-label=title>
                <For each=move || rows.get() key=|row| row.id let:row>
                    <ExecutionRow execution=RwSignal::from(row.execution)/>
                </For>
            </ul>
        </section>
    }
}

/// What has ended.
#[component]
pub fn Ended(
    /// The rows it is a part of.
    rows: Rows,
) -> impl IntoView {
    view! {
        <section aria-label="Ended" hidden=move || rows.ended.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>"Ended"</h2>
            </div>
            <EndedList executions=rows.ended/>
        </section>
    }
}

#[component]
fn Nothing(filtered: bool, older: bool) -> impl IntoView {
    if filtered || older {
        Either::Left(view! {
            <div class="empty-state">
                <h2>"No execution matches"</h2>
                <p>"None that you may see is like that. One that begins to match appears here by itself."</p>
                <div data-part="actions"><a class="button" href="/">"Drop the filters"</a></div>
            </div>
        })
    } else {
        Either::Right(view! {
            <div class="empty-state">
                <h2>"Nothing has run yet"</h2>
                <p>"Start a workflow from its page, or from a terminal. It appears here by itself."</p>
                <pre>"runcast start hello --follow"</pre>
                <div data-part="actions">
                    <a class="button" data-kind="main" href="/workflows"><Icon name="play"/>"Choose a workflow"</a>
                </div>
            </div>
        })
    }
}

#[component]
fn Older(rows: Rows, query: Query) -> impl IntoView {
    let newest = query.before.is_some().then(|| address(&query, None));
    let older = move || rows.next.get().map(|before| address(&query, Some(before)));
    view! {
        <nav class="pager" aria-label="Pages of the list">
            {newest.map(|href| view! { <a class="button" href=href>"Newest"</a> })}
            {move || older().map(|href| view! { <a class="button" href=href>"Older"</a> })}
        </nav>
    }
}

/// The address of another page of the same list.
fn address(query: &Query, before: Option<ExecutionId>) -> String {
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
    format!("/{}", map.to_query_string())
}
