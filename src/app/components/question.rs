//! A question above the page, open for as long as something is asked.

use leptos::prelude::*;

use super::dialog::Dialog;

/// What is asked, if anything is: an act and what it is about, say.
pub type Asked<T> = RwSignal<Option<T>>;

/// The question.
#[component]
pub fn Question<T: Clone + Send + Sync + 'static>(
    /// What is asked.
    asked: Asked<T>,
    /// What it is called.
    title: fn(&T) -> String,
    /// What is in it, made anew for each question; by the signal it is closed.
    inside: Callback<(T, RwSignal<bool>), AnyView>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move || open.set(asked.with(Option::is_some)));
    Effect::new(move || {
        if !open.get() {
            asked.update_untracked(|asked| *asked = None);
        }
    });
    let title = Signal::derive(move || asked.with(|asked| asked.as_ref().map(title).unwrap_or_default()));
    let inside = move || asked.get_untracked().map(|asked| inside.run((asked, open)));
    view! { <Dialog title open>{inside()}</Dialog> }
}
