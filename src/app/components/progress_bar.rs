//! A bar made of its steps, each as wide as its weight.

use leptos::prelude::*;

use crate::domain::{
    event::Source,
    execution::{Execution, StepStatus},
};

/// How far an execution is, step by step.
#[component]
pub fn ProgressBar(
    /// Whose bar it is.
    #[prop(into)]
    execution: Signal<Execution>,
    /// `hero`, `thin`, or as high as a row wants it.
    #[prop(optional)]
    size: Option<&'static str>,
) -> impl IntoView {
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| tenth(execution.percent)));
    let name = execution.with_untracked(|execution| execution.workflow.to_string());
    let steps = execution.with_untracked(|execution| execution.steps.len());
    view! {
        <div
            class="progress-bar"
            data-status=move || status.get().word()
            data-size=size
            role="progressbar"
            aria-label=name
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || percent.get().to_string()
            aria-valuetext=move || format!("{} percent, {}", percent.get(), status.get().label().to_lowercase())
        >
            {(0..steps).map(|index| view! { <Segment execution index/> }).collect_view()}
        </div>
    }
}

#[component]
fn Segment(execution: Signal<Execution>, index: usize) -> impl IntoView {
    let step = Memo::new(move |_| {
        execution.with(|execution| {
            let step = execution.steps.get(index)?;
            Some((step.status, tenth(step.percent), step.source, step.weight, execution.status.word()))
        })
    });
    let status = move || match step.get() {
        Some((StepStatus::Pending, .., "queued")) => "queued",
        Some((status, ..)) => status.word(),
        None => "pending",
    };
    let style = move || {
        step.get().map(|(status, percent, _, weight, _)| match status {
            // What failed is seen whole, however far it was.
            StepStatus::Pending | StepStatus::Skipped | StepStatus::Failed | StepStatus::TimedOut => {
                format!("--weight-of:{weight}")
            }
            _ => format!("--weight-of:{weight};--value:{percent}"),
        })
    };
    let source = move || {
        let (status, _, source, ..) = step.get()?;
        source.filter(|_| status == StepStatus::Running).map(source_word)
    };
    view! { <span data-status=status data-source=source style=style></span> }
}

/// A percent to a tenth: what a bar can show.
pub fn tenth(percent: f64) -> f64 {
    (percent * 10.0).floor() / 10.0
}

/// The word of a source, as the API has it.
pub fn source_word(source: Source) -> &'static str {
    match source {
        Source::Reported => "reported",
        Source::Parsed => "parsed",
        Source::Estimated => "estimated",
    }
}
