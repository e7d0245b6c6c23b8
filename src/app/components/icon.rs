//! Line drawings, and the sheet that they are taken from.

use leptos::prelude::*;

/// The sheet of all symbols; once on a page.
#[component]
pub fn Symbols() -> impl IntoView {
    view! { <svg hidden aria-hidden="true" inner_html=include_str!("symbols.svg")></svg> }
}

/// A drawing that says nothing which words beside it do not.
#[component]
pub fn Icon(
    /// The symbol's name in the sheet.
    #[prop(into)]
    name: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use_ href=move || format!("#i-{}", name.get())/>
        </svg>
    }
}

/// Three steps, the last one at work.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg data-part="mark" viewBox="0 0 16 16" aria-hidden="true">
            <rect y="2" width="9" height="3" rx="1"/>
            <rect x="4" y="6.5" width="9" height="3" rx="1"/>
            <rect data-part="now" x="9" y="11" width="7" height="3" rx="1"/>
        </svg>
    }
}
