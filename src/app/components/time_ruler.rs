//! The ruler over the steps: marks of time, where attempts failed, and where the end is expected. Whatever moves along the
//! axis is put into it.

use leptos::prelude::*;

use super::moment::hydrated;
use crate::{
    browser,
    domain::{
        axis::{Axis, Tick, expected_end},
        execution::{Execution, StepStatus},
        time::Timestamp,
    },
};

/// Most marks with room for their labels on a desk; a phone hides every other label.
const TICKS: u32 = 9;
/// Most failures that are marked; the ones that came first.
const MARKS_MAX: usize = 100;

/// The marks of an axis, by the reader's clock once the page is hydrated.
pub fn ticks(axis: Signal<Axis>) -> Signal<Vec<Tick>> {
    let hydrated = hydrated();
    Memo::new(move |_| {
        let axis = axis.get();
        axis.ticks(TICKS, Some(if hydrated.get() { browser::time::zone(axis.from) } else { 0 }))
    })
    .into()
}

/// The ruler; as wide as the lanes below it.
#[component]
pub fn TimeRuler(
    /// What it measures.
    axis: Signal<Axis>,
    /// The execution as it is now.
    #[prop(into)]
    execution: Signal<Execution>,
    /// The time now.
    #[prop(into)]
    now: Signal<Timestamp>,
    /// What moves along it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let ticks = ticks(axis);
    let each = move || {
        let ticks = ticks.get();
        ticks.into_iter().map(|tick| view! { <li style=at(tick.at)>{tick.label}</li> }).collect_view()
    };
    let band = move || execution.with(|execution| expected_end(execution, now.get()));
    let band = move || {
        let ends = band()?;
        let [from, to] = ends.map(|end| axis.get().at(end) * 100.0);
        Some(view! { <span data-part="band" style=format!("--from:{from:.2};--to:{to:.2}")></span> })
    };
    let failed = Memo::new(move |_| execution.with(failures));
    let marks = move || {
        let axis = axis.get();
        failed
            .get()
            .into_iter()
            .map(|end| view! { <span data-status="failed" style=at(axis.at(end))></span> })
            .collect_view()
    };
    view! {
        <div data-part="ruler">
            <ol aria-hidden="true">{each}</ol>
            {band}
            <span data-part="marks" aria-hidden="true">{marks}</span>
            {children.map(|children| children())}
        </div>
    }
}

fn at(part: f64) -> String {
    format!("--at:{:.2}", part * 100.0)
}

/// When attempts failed.
fn failures(execution: &Execution) -> Vec<Timestamp> {
    let steps = execution.steps.iter().flat_map(|step| {
        let failed = matches!(step.status, StepStatus::Failed | StepStatus::TimedOut);
        let attempts = step.attempts.iter().map(|attempt| attempt.finished_at);
        attempts.chain(step.finished_at.filter(|_| failed))
    });
    steps.take(MARKS_MAX).collect()
}
