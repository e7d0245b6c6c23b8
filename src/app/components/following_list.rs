//! What one follows, in the rail of every page: a pie that fills, a percent, or when it ended.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::{
    moment::Moment,
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::following::Following,
    domain::{execution::Execution, followed::Followed},
};

/// The list; nothing at all while nothing is followed.
#[component]
pub fn FollowingList() -> impl IntoView {
    let following = Following::expect();
    let none = move || following.runs.with(Vec::is_empty);
    view! {
        <nav data-part="following" aria-label="Following" hidden=none>
            <h2>"Following"</h2>
            <For each=move || following.runs.get() key=|(what, run)| (what.clone(), run.id) let:one>
                <One one/>
            </For>
        </nav>
    }
}

#[component]
fn One(one: (Followed, Execution)) -> impl IntoView {
    let following = Following::expect();
    let path = use_location().pathname;
    let (what, first) = one;
    let href = format!("/executions/{}", first.id);
    let here = href.clone();
    let (name, title) = (first.workflow.to_string(), first.workflow.to_string());
    let run = Memo::new(move |_| {
        following.runs.with(|runs| {
            let found = runs.iter().find(|(one, run)| *one == what && run.id == first.id);
            found.map_or_else(|| first.clone(), |(_, run)| run.clone())
        })
    });
    let sign = Signal::derive(move || run.with(|run| Sign::from(run.status)));
    let percent = Signal::derive(move || run.with(|run| run.percent));
    let told = move || {
        let (last, percent) = run.with(|run| (run.finished_at, run.percent.floor()));
        match last {
            Some(at) => view! { <Moment at/> }.into_any(),
            None => format!("{percent:.0}%").into_any(),
        }
    };
    view! {
        <a href=href title=title aria-current=move || path.with(|path| *path == here).then_some("page")>
            <StatusIcon sign percent/>
            <span>{name}</span>
            <data value=move || percent.get().to_string()>{told}</data>
        </a>
    }
}
