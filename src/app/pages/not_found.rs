//! Nothing is here.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::app::live::{self, Live};

/// The page of an address that means nothing.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="door">
            <main id="main" tabindex="-1">
                <Missing what="page"/>
            </main>
        </div>
    }
}

/// What is not there, or is another's: the viewer is not told which.
#[component]
pub fn Missing(
    /// What was looked for, in a word.
    what: &'static str,
) -> impl IntoView {
    live::rest();
    Live::expect().wake();
    let why = if what == "page" {
        "The address may be mistyped."
    } else {
        "The address may be mistyped, it may have been removed, or it is not yours to see."
    };
    view! {
        <Title text="Not found"/>
        <div class="empty-state">
            <h1>{format!("There is no such {what}")}</h1>
            <p>{why}</p>
            <div data-part="actions">
                <a class="button" data-kind="main" href="/">"Now"</a>
                <a class="button" href="/executions">"Executions"</a>
                <a class="button" href="/workflows">"Workflows"</a>
            </div>
        </div>
    }
}

/// It is there, but for admins only.
#[component]
pub fn ForAdmins() -> impl IntoView {
    live::rest();
    Live::expect().wake();
    view! {
        <Title text="For admins"/>
        <div class="empty-state">
            <h1>"This page is for admins"</h1>
            <p>"You are signed in, and may not see it. An admin of this server can tell you what you need, or make you one."</p>
            <div data-part="actions">
                <a class="button" data-kind="main" href="/profile">"Your profile"</a>
                <a class="button" href="/">"Now"</a>
            </div>
        </div>
    }
}
