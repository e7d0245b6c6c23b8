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
) -> impl IntoView {
    view! {
        <section aria-label=title hidden=move || rows.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>{title}</h2>
                <span>{move || rows.with(Vec::len)}</span>
            </div>
            <ul aria-label=title>
                <For each=move || rows.get() key=|row| row.id let:row>
                    <ExecutionRow row/>
                </For>
            </ul>
        </section>
    }
}
