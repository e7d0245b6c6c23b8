//! A page that could not be fetched.

use futures::future::abortable;
use leptos::prelude::*;

use crate::{
    app::live::{Live, LiveState},
    browser::http,
};

/// Says so, and how to go on. Where no server answered, the page is loaded anew once one does.
#[component]
pub fn Trouble() -> impl IntoView {
    let state = Live::expect().state;
    Effect::new(move || {
        let (waiting, handle) = abortable(async move {
            let lost = matches!(state.get_untracked(), LiveState::Offline | LiveState::Reconnecting);
            // Who answers has refused, and would again.
            if lost || !http::answers().await {
                http::answer().await;
                http::reload();
            }
        });
        leptos::task::spawn_local(async move {
            let _ = waiting.await;
        });
        on_cleanup(move || handle.abort());
    });
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
