//! A button that copies a text, and says so.

use std::time::Duration;

use leptos::prelude::*;

use super::{icon::Icon, moment::hydrated};
use crate::browser::clipboard;

/// How long it says so.
const SAID_FOR: Duration = Duration::from_secs(2);

/// The button.
#[component]
pub fn CopyButton(
    /// What it copies.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let said = RwSignal::new("Copy");
    let hydrated = hydrated();
    let copy = move |_| {
        said.set(if text.with_untracked(|text| clipboard::copy(text)) { "Copied" } else { "Not copied" });
        set_timeout(move || _ = said.try_set("Copy"), SAID_FOR);
    };
    view! {
        <button class="button" type="button" data-kind="quiet" disabled=move || !hydrated.get() on:click=copy>
            <Icon name="copy"/>
            <span>{said}</span>
        </button>
        // Within the button it would take its name away.
        <span class="visually-hidden" role="status">{move || (said.get() != "Copy").then(|| said.get())}</span>
    }
}
