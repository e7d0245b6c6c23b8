//! What has ended: one line each; a failure brings its first words along.

use leptos::{either::EitherOf3, prelude::*};

use super::{
    moment::Moment,
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::rows::trigger_word,
    domain::{
        execution::{Execution, Status},
        time::spoken,
    },
};

/// The table of them, newest first.
#[component]
pub fn EndedList(
    /// What it holds.
    #[prop(into)]
    executions: Signal<Vec<Execution>>,
) -> impl IntoView {
    view! {
        <table class="ended-list">
            <caption class="visually-hidden">"Executions that have ended, newest first"</caption>
            <thead class="visually-hidden">
                <tr>
                    <th scope="col">"Status"</th>
                    <th scope="col">"Workflow"</th>
                    <th scope="col">"Owner"</th>
                    <th scope="col">"What it said"</th>
                    <th scope="col">"Took"</th>
                    <th scope="col">"Ended"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || executions.get() key=|execution| execution.id let:execution>
                    <EndedRow execution/>
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn EndedRow(execution: Execution) -> impl IntoView {
    let said = match &execution.error {
        Some(error) => {
            let step = error.step.as_ref().map(|step| format!("{step}: "));
            EitherOf3::A(view! { <span>{step}</span><code>{error.message.clone()}</code> })
        }
        None if execution.status == Status::Cancelled => {
            EitherOf3::B(execution.cancelled_by.as_ref().map(|by| format!("cancelled by {by}")))
        }
        None => EitherOf3::C(()),
    };
    view! {
        <tr data-status=execution.status.word()>
            <td data-part="icon">
                <StatusIcon sign=Signal::stored(Sign::from(execution.status))/>
            </td>
            <th scope="row">
                <a href=format!("/executions/{}", execution.id) title=execution.workflow.to_string()>
                    {execution.workflow.to_string()}
                </a>
            </th>
            <td data-part="owner">{format!("{} · {}", execution.owner, trigger_word(execution.trigger))}</td>
            <td data-part="said">{said}</td>
            <td data-part="number">{execution.duration_ms.map(spoken)}</td>
            <td data-part="when">{execution.finished_at.map(|at| view! { <Moment at/> })}</td>
        </tr>
    }
}
