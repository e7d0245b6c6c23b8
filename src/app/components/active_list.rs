//! What runs, what waits, and what has ended of one workflow.

use leptos::prelude::*;

use super::{ended_list::EndedList, execution_row::ExecutionRow};
use crate::app::rows::{Row, Rows};

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

/// What has ended.
#[component]
pub fn Ended(
    /// The rows it is a part of.
    rows: Rows,
) -> impl IntoView {
    view! {
        <section aria-label="Ended" hidden=move || rows.ended.with(Vec::is_empty)>
            <div class="section-heading">
                <h2>"Ended"</h2>
            </div>
            <EndedList executions=rows.ended/>
        </section>
    }
}
