//! One execution, while it matters: who, where it is, how far, how long already.

use leptos::prelude::*;

use super::{
    moment::{elapsed, unusual},
    progress_bar::{ProgressBar, source_word},
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::rows::trigger_word,
    domain::{
        execution::{Execution, Status},
        reading,
    },
};

/// A row of what runs or waits.
#[component]
pub fn ExecutionRow(
    /// Its execution.
    execution: RwSignal<Execution>,
) -> impl IntoView {
    let fixed = execution.get_untracked();
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| execution.percent.floor()));
    let source = Memo::new(move |_| execution.with(|execution| execution.running().find_map(|step| step.source)));
    let message = Memo::new(move |_| execution.with(message));
    let place = Memo::new(move |_| execution.with(place));
    let queued = move || status.get() == Status::Queued;
    let elapsed = elapsed(execution);
    let unusual = unusual(execution);
    let left = Memo::new(move |_| execution.with(reading::left));
    view! {
        <li class="execution-row" data-status=move || status.get().word() data-source=move || source.get().map(source_word)>
            <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent=percent/>
            <div data-part="name">
                <a href=format!("/executions/{}", fixed.id)>{fixed.workflow.to_string()}</a>
                <small>{format!("{} · {}", fixed.owner, trigger_word(fixed.trigger))}</small>
            </div>
            <div data-part="step">
                <span>
                    <strong>{move || place.get().0}</strong>
                    " "
                    <span>{move || place.get().1}</span>
                </span>
                <small>
                    {move || unusual.get().map(|unusual| view! { <span data-part="reason">{unusual}</span> " " })}
                    {move || message.get()}
                </small>
            </div>
            <div data-part="bar">
                <ProgressBar execution/>
            </div>
            <div data-part="percent">
                {move || {
                    (!queued())
                        .then(|| view! {
                            <data value=move || percent.get().to_string()>{move || percent.get().to_string()}</data>
                            <small>"%"</small>
                        })
                }}
            </div>
            <div data-part="left">
                <span>{move || elapsed.get().unwrap_or_else(|| "waits".to_owned())}</span>
                <small>{move || left.get()}</small>
            </div>
        </li>
    }
}

/// The names of the steps at work, and which of how many they are.
fn place(execution: &Execution) -> (String, String) {
    let names: Vec<&str> = execution.running().map(|step| step.name.as_str()).collect();
    let of = execution.steps.len();
    if execution.status == Status::Queued {
        return (String::new(), if of == 1 { "1 step".to_owned() } else { format!("{of} steps") });
    }
    let first = execution.running().next();
    let at = execution.steps.iter().position(|step| first.is_some_and(|first| first.id == step.id));
    let at = at.map_or_else(|| execution.steps.iter().filter(|step| step.status.is_final()).count(), |at| at + 1);
    (names.join(", "), format!("{at} of {of}"))
}

fn message(execution: &Execution) -> String {
    if execution.status == Status::Queued {
        return reading::waits(execution).unwrap_or_else(|| "waits for its turn".to_owned());
    }
    execution.running().find_map(|step| step.message.clone()).unwrap_or_default()
}
