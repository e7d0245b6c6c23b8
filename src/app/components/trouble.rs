//! A page that could not be fetched.

use leptos::prelude::*;

/// Says so, and how to go on.
#[component]
pub fn Trouble() -> impl IntoView {
    view! {
        <div class="empty-state" role="alert">
            <h1>"This page could not be fetched"</h1>
            <p>"The server does not answer, or you are no longer signed in. Nothing has been changed."</p>
            <div data-part="actions">
                <a class="button" data-kind="main" href="" rel="external">"Try again"</a>
                <a class="button" href="/sign-in" rel="external">"Sign in"</a>
            </div>
        </div>
    }
}
