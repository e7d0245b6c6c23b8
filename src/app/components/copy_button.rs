//! Copying something out of the page, and saying that it was.

use std::time::Duration;

use leptos::prelude::*;

use super::icon::Icon;
use crate::browser::{address, time};

/// How long it is said.
const SAID: Duration = Duration::from_secs(2);

/// Copies a text.
#[component]
pub fn CopyButton(
    /// What is copied, for the label: `Copy value`.
    what: &'static str,
    /// Its icon.
    #[prop(default = "copy")]
    icon: &'static str,
    /// Whether the icon alone is seen.
    #[prop(optional)]
    small: bool,
    /// The text.
    text: impl Fn() -> String + Clone + 'static,
) -> impl IntoView {
    let said = RwSignal::new(None::<&'static str>);
    let copy = move |_| {
        let text = text();
        leptos::task::spawn_local(async move {
            let copied = address::copy(&text).await;
            said.try_set(Some(if copied { "Copied" } else { "The browser does not let this page copy" }));
            time::sleep(SAID).await;
            said.try_set(None);
        });
    };
    let label = format!("Copy {what}");
    let (name, title) = (small.then(|| label.clone()), small.then(|| label.clone()));
    view! {
        <button
            class="button"
            type="button"
            data-kind="quiet"
            data-shape=small.then_some("square")
            aria-label=name
            title=title
            on:click=copy
        >
            <Icon name=icon/>
            {(!small).then_some(label)}
        </button>
        <span class="copy-button" role="status">{move || said.get()}</span>
    }
}
