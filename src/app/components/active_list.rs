//! What runs or waits of one workflow.

use leptos::prelude::*;

use super::execution_row::ExecutionRow;
use crate::app::rows::Row;

/// What runs, or what waits.
#[component]
pub fn Active(
    /// The name of the part.
    title: &'static str,
    /// What is in it.
    rows: RwSignal<Vec<Row>>,
    /// Whether these are the newest ones only.
    more: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <section aria-label=title hidden=move || rows.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>{title}</h2>
                <span>{move || if more.get() { format!("the newest {}", rows.with(Vec::len)) } else { rows.with(Vec::len).to_string() }}</span>
            </div>
            <ul aria-label=title>
                <For each=move || rows.get() key=|row| row.id let:row>
                    <ExecutionRow row/>
                </For>
            </ul>
        </section>
    }
}
