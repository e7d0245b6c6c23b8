//! The head of an execution: what it is, how far, how long. The number is the hero.

use leptos::prelude::*;

use super::{
    moment::{Moment, elapsed, unusual},
    progress_bar::{ProgressBar, source_word, tenth},
    rerun_buttons::RerunButtons,
    status_badge::{Sign, StatusBadge, StatusIcon},
    stop_button::StopButton,
};
use crate::{
    app::rows::trigger_word,
    domain::{
        execution::{Execution, Status},
        reading,
    },
};

/// The head of an execution's page.
#[component]
pub fn ExecutionHeader(
    /// Whose head it is.
    execution: Signal<Execution>,
) -> impl IntoView {
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| tenth(execution.percent)));
    let sign = Signal::derive(move || Sign::from(status.get()));
    let name = execution.with_untracked(|execution| execution.workflow.to_string());
    view! {
        <header class="execution-header">
            <div data-part="title">
                <StatusIcon sign percent size="large" mute=true/>
                <h1>{name}</h1>
                <dl data-part="facts">
                    <div>
                        <dt class="visually-hidden">"Status"</dt>
                        <dd><StatusBadge sign/></dd>
                    </div>
                    <Facts execution/>
                </dl>
                <div data-part="actions">
                    <Show when=move || !status.get().is_final() fallback=move || view! { <RerunButtons execution/> }>
                        <StopButton execution/>
                    </Show>
                </div>
            </div>
            <Reading execution status percent/>
            <ProgressBar execution size="hero"/>
            <Said execution/>
        </header>
    }
}

#[component]
fn Facts(execution: Signal<Execution>) -> impl IntoView {
    let fixed = execution.get_untracked();
    let by = Memo::new(move |_| execution.with(|execution| execution.cancelled_by.clone()));
    let finished = Memo::new(move |_| execution.with(|execution| execution.finished_at));
    let value = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let params = fixed.params.into_iter().map(|(name, given)| {
        view! { <div><dt>{name}</dt><dd><code>{value(given)}</code></dd></div> }
    });
    view! {
        <div><dt>"owner"</dt><dd>{fixed.owner.to_string()}</dd></div>
        <div><dt>"trigger"</dt><dd>{trigger_word(fixed.trigger)}</dd></div>
        {fixed.rerun_of.map(|of| view! {
            <div><dt>"repeats"</dt><dd><a href=format!("/executions/{of}")><code>{of.short()}</code></a></dd></div>
        })}
        <div><dt>"queued"</dt><dd><Moment at=fixed.queued_at/></dd></div>
        {move || finished.get().map(|at| view! { <div><dt>"ended"</dt><dd><Moment at/></dd></div> })}
        {move || by.get().map(|by| view! { <div><dt>"cancelled by"</dt><dd>{by.to_string()}</dd></div> })}
        {params.collect_view()}
    }
}

#[component]
fn Reading(execution: Signal<Execution>, status: Memo<Status>, percent: Memo<f64>) -> impl IntoView {
    let elapsed = elapsed(execution);
    let time = move || elapsed.get().unwrap_or_else(|| "not begun".to_owned());
    let word = Memo::new(move |_| match status.get() {
        Status::Queued => execution.with(reading::waits).unwrap_or_else(|| "waits for its turn".to_owned()),
        Status::Running => "so far".to_owned(),
        _ => "from beginning to end".to_owned(),
    });
    let left = Memo::new(move |_| execution.with(reading::left));
    let text = move || if percent.get() >= 100.0 { "100".to_owned() } else { format!("{:.1}", percent.get()) };
    view! {
        <div data-part="reading">
            <span data-part="percent">
                <data value=text>{text}</data>
                <small>"%"</small>
            </span>
            <div data-part="elapsed">
                <strong>{time}{move || left.get().map(|left| view! { <span data-part="left">{left}</span> })}</strong>
                <span>{word}</span>
            </div>
        </div>
    }
}

/// What the steps at work say, and how the percent is known.
#[component]
fn Said(execution: Signal<Execution>) -> impl IntoView {
    let said = Memo::new(move |_| {
        execution.with(|execution| {
            let step = execution.running().next()?;
            let at = execution.steps.iter().position(|one| one.id == step.id)? + 1;
            let source = step.source.map(|source| format!(", {}", source_word(source))).unwrap_or_default();
            let names: Vec<&str> = execution.running().map(|step| step.name.as_str()).collect();
            let place = format!("step {at} of {}{source}", execution.steps.len());
            Some((names.join(", "), step.message.clone().unwrap_or_default(), place))
        })
    });
    let unusual = unusual(execution);
    view! {
        <p data-part="said">
            <span>
                {move || unusual.get().map(|unusual| view! { <em data-part="unusual">{unusual}</em> " " })}
                <strong>{move || said.get().map(|said| said.0)}</strong>
                " "
                {move || said.get().map(|said| said.1)}
            </span>
            <span>{move || said.get().map(|said| said.2)}</span>
        </p>
    }
}
