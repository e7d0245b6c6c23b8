//! What stands where nothing has run yet: what to do.

use leptos::prelude::*;

use super::icon::Icon;

/// The way to a first run.
#[component]
pub fn FirstRun() -> impl IntoView {
    view! {
        <div class="empty-state">
            <h2>"Nothing has run yet"</h2>
            <p>"Start a workflow from its page, or from a terminal. It appears here by itself."</p>
            <pre>"runcast start hello --follow"</pre>
            <div data-part="actions">
                <a class="button" data-kind="main" href="/workflows"><Icon name="play"/>"Start a workflow"</a>
            </div>
        </div>
    }
}
