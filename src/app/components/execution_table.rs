//! All of history, a line each. The line's link opens it; the box at its left selects it.

use leptos::{either::EitherOf5, prelude::*};

use super::{
    execution_row::message,
    moment::Moment,
    progress_bar::ProgressBar,
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::{
        history::History,
        live::Live,
        rows::{Row, trigger_word},
        selection::Selection,
    },
    domain::{
        execution::{Execution, Status},
        reading::rough,
        time::spoken,
    },
};

/// The table.
#[component]
pub fn ExecutionTable(
    /// What it shows.
    history: History,
    /// What of it is selected.
    selection: Selection,
) -> impl IntoView {
    let all = move || {
        let ids: Vec<_> = history.rows.with(|rows| rows.iter().map(|row| row.id).collect());
        !ids.is_empty() && selection.chosen.with(|chosen| ids.iter().all(|id| chosen.contains(id)))
    };
    view! {
        <div class="execution-table">
            <table>
                <caption class="visually-hidden">"Executions, newest first"</caption>
                <thead>
                    <tr>
                        <td data-part="box">
                            <label>
                                <input
                                    type="checkbox"
                                    aria-label="Choose all that are shown"
                                    prop:checked=all
                                    on:change=move |_| selection.all()
                                />
                                <span aria-hidden="true">"All that are shown"</span>
                            </label>
                        </td>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Workflow"</th>
                        <th scope="col"><span class="visually-hidden">"What it said"</span></th>
                        <th scope="col">"Owner"</th>
                        <th scope="col" data-part="trigger">"Trigger"</th>
                        <th scope="col" data-type="number">"Took"</th>
                        <th scope="col">"Started"</th>
                        <th scope="col" data-part="id"><span class="visually-hidden">"Id"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || history.rows.get() key=|row| row.id let:row>
                        <TableRow row selection/>
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn TableRow(row: Row, selection: Selection) -> impl IntoView {
    let (id, execution) = (row.id, RwSignal::from(row.execution));
    let fixed = execution.get_untracked();
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| execution.percent.floor()));
    let chosen = Memo::new(move |_| selection.chosen.with(|chosen| chosen.contains(&id)));
    let took = took(execution);
    // Of what waits, since when it does.
    let began = Memo::new(move |_| execution.with(|execution| execution.started_at.unwrap_or(execution.queued_at)));
    let how = move || match status.get() {
        Status::Running => EitherOf5::A(view! { <ProgressBar execution/> }),
        Status::Queued => EitherOf5::B(move || execution.with(message)),
        Status::Cancelled => EitherOf5::C(
            execution
                .with_untracked(|execution| execution.cancelled_by.as_ref().map(|by| format!("cancelled by {by}"))),
        ),
        Status::Succeeded => EitherOf5::D(execution.with_untracked(result)),
        _ => {
            let (step, why) = execution.with_untracked(error);
            EitherOf5::E(view! { <span>{step}</span><code>{why}</code> })
        }
    };
    view! {
        <tr data-status=move || status.get().word() data-chosen=move || chosen.get().then_some("")>
            <td data-part="box">
                <label>
                    <input
                        type="checkbox"
                        aria-label=format!("Choose {} {}", fixed.workflow, id.short())
                        prop:checked=chosen
                        on:click=move |event| selection.toggle(id, event.shift_key())
                    />
                </label>
            </td>
            <td data-part="status">
                <span class="status-badge" data-status=move || status.get().word()>
                    <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent mute=true/>
                    {move || status.get().label()}
                </span>
            </td>
            <th scope="row">
                <a href=format!("/executions/{id}") title=fixed.workflow.to_string()>{fixed.workflow.to_string()}</a>
            </th>
            <td data-part="how">{how}</td>
            <td data-part="owner">{fixed.owner.to_string()}</td>
            <td data-part="trigger">{trigger_word(fixed.trigger)}</td>
            <td data-part="took" data-type="number">{took}</td>
            <td data-part="when">{move || view! { <Moment at=began.get()/> }}</td>
            <td data-part="id">{id.short()}</td>
        </tr>
    }
}

/// How long it took, or has taken, roughly: a number that ticks in each line would be a flicker.
fn took(execution: RwSignal<Execution>) -> Memo<Option<String>> {
    let now = Live::expect().now;
    Memo::new(move |_| {
        let (duration, begun) = execution.with(|execution| (execution.duration_ms, execution.started_at));
        match duration {
            Some(ms) => Some(spoken(ms)),
            None => Some(rough(now.get().since(begun?))),
        }
    })
}

fn error(execution: &Execution) -> (Option<String>, String) {
    let Some(error) = &execution.error else { return (None, String::new()) };
    (error.step.as_ref().map(|step| format!("{step}: ")), error.message.clone())
}

/// Its first outputs, in a line.
fn result(execution: &Execution) -> String {
    let outputs = execution.result.iter().flat_map(|result| result.values()).flatten();
    let pairs: Vec<String> = outputs.take(3).map(|(key, value)| format!("{key} {value}")).collect();
    pairs.join(", ")
}
