//! A password: hidden unless one wants to see it, with a word when Caps Lock is on.

use leptos::{ev::KeyboardEvent, html::Input, prelude::*};

use super::moment::hydrated;
use crate::browser::page;

/// The field.
#[component]
pub fn SecretField(
    /// Its name in the form.
    name: &'static str,
    /// Its name in the page, if another: a page may have several forms.
    #[prop(optional)]
    id: Option<&'static str>,
    /// What it asks for.
    label: &'static str,
    /// What the browser may fill in: `current-password` or `new-password`.
    autocomplete: &'static str,
    /// What is wrong with what was given.
    #[prop(optional, into)]
    error: Signal<Option<&'static str>>,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let (shown, capitals, hydrated) = (RwSignal::new(false), RwSignal::new(false), hydrated());
    let fresh = autocomplete == "new-password";
    let typed = move |event: KeyboardEvent| capitals.set(event.get_modifier_state("CapsLock"));
    let toggle = move |_| {
        let Some(input) = input.get_untracked() else { return };
        shown.update(|shown| *shown = !*shown);
        page::reveal(&input, shown.get_untracked());
        let _ = input.focus();
    };
    let id = id.unwrap_or(name);
    let described = format!("{id}-says");
    view! {
        <div class="field secret-field">
            <label for=id>{label}{fresh.then(|| view! { <small>"10 characters or more"</small> })}</label>
            <div data-part="secret">
                <input
                    id=id
                    name=name
                    type="password"
                    autocomplete=autocomplete
                    required
                    minlength=fresh.then_some("10")
                    maxlength="256"
                    aria-invalid=move || error.get().map(|_| "true")
                    aria-describedby=described.clone()
                    node_ref=input
                    on:keydown=typed
                    on:keyup=typed
                    on:blur=move |_| capitals.set(false)
                />
                <button
                    class="button"
                    type="button"
                    data-kind="quiet"
                    aria-pressed=move || shown.get().to_string()
                    hidden=move || !hydrated.get()
                    on:click=toggle
                >
                    {move || if shown.get() { "Hide" } else { "Show" }}
                </button>
            </div>
            <div id=described>
                <p data-part="capitals" role="status">{move || capitals.get().then_some("Caps Lock is on.")}</p>
                <p data-part="error" role="alert">{move || error.get()}</p>
            </div>
        </div>
    }
}
