//! The steps of an execution: state, name, how far, what it says, how long, how it ended.

use leptos::prelude::*;

use super::{
    progress_bar::{source_word, tenth},
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::live,
    domain::{
        execution::{Execution, Step, StepStatus},
        reading,
        time::{spoken, ticking},
    },
};

/// All of them, in the order of the file.
#[component]
pub fn StepList(
    /// Whose steps they are.
    execution: Signal<Execution>,
) -> impl IntoView {
    let steps = execution.with_untracked(|execution| execution.steps.len());
    view! {
        <ol class="step-list" aria-label="Steps">
            {(0..steps).map(|index| view! { <StepRow execution index/> }).collect_view()}
        </ol>
    }
}

#[component]
fn StepRow(execution: Signal<Execution>, index: usize) -> impl IntoView {
    let of = move |read: fn(&Step) -> Option<String>| {
        execution.with(|execution| execution.steps.get(index).and_then(read)).unwrap_or_default()
    };
    let status = Memo::new(move |_| {
        execution.with(|execution| execution.steps.get(index).map_or(StepStatus::Pending, |step| step.status))
    });
    let percent = Memo::new(move |_| {
        execution.with(|execution| execution.steps.get(index).map_or(0.0, |step| tenth(step.percent)))
    });
    let source =
        Memo::new(move |_| execution.with(|execution| execution.steps.get(index).and_then(|step| step.source)));
    let name = of(|step| Some(step.name.clone()));
    let now = live::now();
    let unusual = Memo::new(move |_| {
        let now = now.get()?;
        execution.with(|execution| reading::unusual(execution.steps.get(index)?, now))
    });
    let earlier = Memo::new(move |_| {
        execution.with(|execution| execution.steps.get(index).map(reading::earlier_attempts)).unwrap_or_default()
    });
    let message = Memo::new(move |_| of(message));
    let end = Memo::new(move |_| of(end));
    let time = time(execution, index);
    view! {
        <li data-status=move || status.get().word() aria-current=move || (status.get() == StepStatus::Running).then_some("step")>
            <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent/>
            <span data-part="name">{name.clone()}</span>
            <div
                class="progress-bar"
                data-status=move || status.get().word()
                role="progressbar"
                aria-label=name
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=move || percent.get().to_string()
            >
                <span
                    data-status=move || status.get().word()
                    data-source=move || source.get().filter(|_| status.get() == StepStatus::Running).map(source_word)
                    style=move || format!("--value:{}", percent.get())
                ></span>
            </div>
            <span data-part="percent">{move || (status.get() == StepStatus::Running).then(|| format!("{:.0}%", percent.get().floor()))}</span>
            <span data-part="message">
                {move || unusual.get().map(|unusual| view! { <em data-part="unusual">{unusual}</em> " " })}
                {move || message.get()}
            </span>
            <span data-part="end">{move || end.get()}</span>
            <span data-part="time">{move || time.get()}</span>
            {move || {
                let earlier = earlier.get();
                (!earlier.is_empty()).then(|| view! {
                    <ul data-part="attempts" aria-label="Earlier attempts">
                        {earlier.into_iter().map(|told| view! { <li>{told}</li> }).collect_view()}
                    </ul>
                })
            }}
        </li>
    }
}

fn message(step: &Step) -> Option<String> {
    if step.status.is_final() { step.error.clone().or_else(|| step.message.clone()) } else { step.message.clone() }
}

fn end(step: &Step) -> Option<String> {
    match (&step.signal, step.exit_code) {
        (Some(signal), _) => Some(signal.clone()),
        (None, Some(code)) if step.status != StepStatus::Succeeded => Some(format!("exit {code}")),
        (None, _) if step.status == StepStatus::Skipped => Some("skipped".to_owned()),
        (None, _) if step.reused => Some("from before".to_owned()),
        _ => None,
    }
}

fn time(execution: Signal<Execution>, index: usize) -> Signal<Option<String>> {
    let now = live::now();
    Memo::new(move |_| {
        execution.with(|execution| {
            let step = execution.steps.get(index)?;
            if step.status == StepStatus::Running {
                let begun = step.started_at?;
                return now.get().map(|now| ticking(now.since(begun)));
            }
            step.duration_ms.map(spoken)
        })
    })
    .into()
}
