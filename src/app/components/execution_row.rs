//! One execution, while it matters: who, where it is, how far, how long still, and what is wrong if anything is.

use leptos::prelude::*;

use super::{
    moment::{clock, hydrated},
    progress_bar::{ProgressBar, source_word},
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::{
        live::Live,
        rows::{Row, trigger_word},
    },
    domain::{
        event::Source,
        execution::{Execution, Status, StepStatus},
        reading::{self, rough},
        time::Timestamp,
        urgency::{self, Reason, Urgency},
    },
};

/// A row of what runs or waits.
#[component]
pub fn ExecutionRow(
    /// Its execution.
    row: Row,
) -> impl IntoView {
    let now = Live::expect().now;
    let (execution, due) = (RwSignal::from(row.execution), RwSignal::from(row.due));
    let fixed = execution.get_untracked();
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| execution.percent.floor()));
    let source = Memo::new(move |_| execution.with(|execution| execution.running().find_map(|step| step.source)));
    let reason = Memo::new(move |_| execution.with(|execution| urgency::reason(execution, now.get())));
    let sign = Memo::new(move |_| execution.with(|execution| sign(execution, reason.read().as_ref())));
    let queued = move || status.get() == Status::Queued;
    view! {
        <li
            class="execution-row"
            data-status=move || sign.get().word
            data-source=move || source.get().map(source_word)
            data-urgency=move || reason.with(|reason| reason.as_ref().map(|reason| reason.urgency.word()))
        >
            <StatusIcon sign percent/>
            <div data-part="name">
                <a href=format!("/executions/{}", fixed.id)>{fixed.workflow.to_string()}</a>
                <small>{format!("{} · {}", fixed.owner, trigger_word(fixed.trigger))}</small>
            </div>
            <Doing execution reason/>
            <div data-part="bar">
                <ProgressBar execution/>
            </div>
            <div data-part="percent">
                {move || {
                    (!queued())
                        .then(|| view! {
                            <span aria-hidden="true">{move || (source.get() == Some(Source::Estimated)).then_some("~")}</span>
                            <data value=move || percent.get().to_string()>{move || percent.get().to_string()}</data>
                            <small>"%"</small>
                        })
                }}
            </div>
            <Left execution due now/>
        </li>
    }
}

/// The step at work, and below it what is wrong, or what it says.
#[component]
fn Doing(execution: RwSignal<Execution>, reason: Memo<Option<Reason>>) -> impl IntoView {
    let place = Memo::new(move |_| execution.with(place));
    let message = Memo::new(move |_| execution.with(message));
    let why = Memo::new(move |_| reason.with(|reason| reason.as_ref().map(|reason| reason.why.clone())));
    let rest = move || {
        reason.with(|reason| match reason {
            Some(reason) if !reason.rest.is_empty() => format!(" · {}", reason.rest),
            Some(_) => String::new(),
            None => message.get(),
        })
    };
    view! {
        <div data-part="step">
            <span>
                <strong>{move || place.get().0}</strong>
                " "
                <span>{move || place.get().1}</span>
            </span>
            <small>
                {move || why.get().map(|why| view! { <span data-part="reason">{why}</span> })}
                {rest}
            </small>
        </div>
    }
}

/// How long still, and when that is; or how long already, if nobody knows.
#[component]
fn Left(execution: RwSignal<Execution>, due: RwSignal<Option<Timestamp>>, now: RwSignal<Timestamp>) -> impl IntoView {
    let hydrated = hydrated();
    let left = Memo::new(move |_| execution.with(|execution| left(execution, due.get(), now.get())));
    let below = move || {
        left.with(|(_, below)| match below {
            Below::Nothing => String::new(),
            Below::Words(words) => (*words).to_owned(),
            Below::At(at) => {
                let clock = clock(*at, hydrated.get());
                // The seconds of a guess are noise.
                format!("about {}", clock.get(..5).filter(|_| clock.len() == 8).unwrap_or(&clock))
            }
        })
    };
    view! {
        <div data-part="left">
            <span>{move || left.with(|(first, _)| first.clone())}</span>
            <small>{below}</small>
        </div>
    }
}

#[derive(Clone, PartialEq)]
enum Below {
    Nothing,
    Words(&'static str),
    At(Timestamp),
}

fn left(execution: &Execution, due: Option<Timestamp>, now: Timestamp) -> (String, Below) {
    if execution.status != Status::Running {
        let took = execution.duration_ms.map(rough).unwrap_or_default();
        return (took, if execution.status.is_final() { Below::Words("in all") } else { Below::Nothing });
    }
    if let Some(over) = urgency::overtime(execution, now) {
        return (format!("{} over", rough(over)), Below::Words("its usual time"));
    }
    match due {
        Some(due) if due > now => (format!("~{}", rough(due.since(now))), Below::At(due)),
        Some(_) => ("any moment".to_owned(), Below::Nothing),
        None => (rough(now.since(execution.started_at.unwrap_or(now))), Below::Words("so far")),
    }
}

/// What the icon shows: the status, or what is wrong.
fn sign(execution: &Execution, reason: Option<&Reason>) -> Sign {
    let retries = execution.running().any(|step| step.status == StepStatus::Retrying);
    match reason.map(|reason| reason.urgency) {
        Some(Urgency::Failing) if retries => Sign::from(StepStatus::Retrying),
        Some(Urgency::Stalled) => Sign { word: "stalled", label: "Stalled" },
        Some(Urgency::OutOfTouch) => Sign { word: "stalled", label: "Out of touch" },
        _ => Sign::from(execution.status),
    }
}

/// The names of the steps at work, and which of how many they are.
fn place(execution: &Execution) -> (String, String) {
    let mut names: Vec<&str> = execution.running().map(|step| step.name.as_str()).collect();
    if names.is_empty() {
        // What was at work last stays where it stood.
        let last = execution.steps.iter().filter(|step| step.finished_at.is_some()).max_by_key(|step| step.finished_at);
        names.extend(last.map(|step| step.name.as_str()));
    }
    let of = execution.steps.len();
    if execution.status == Status::Queued {
        return (String::new(), if of == 1 { "1 step".to_owned() } else { format!("{of} steps") });
    }
    let first = execution.running().next();
    let at = execution.steps.iter().position(|step| first.is_some_and(|first| first.id == step.id));
    let at = at.map_or_else(|| execution.steps.iter().filter(|step| step.status.is_final()).count(), |at| at + 1);
    (names.join(", "), format!("{at} of {of}"))
}

/// What it says; when it has ended, how.
pub fn message(execution: &Execution) -> String {
    match execution.status {
        Status::Queued => reading::waits(execution).unwrap_or_else(|| "about to begin".to_owned()),
        Status::Running => execution.running().find_map(|step| step.message.clone()).unwrap_or_default(),
        ended => ended.label().to_lowercase(),
    }
}
