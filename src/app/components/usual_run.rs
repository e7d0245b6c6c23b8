//! The usual run of a workflow, small: where each step lies, with nothing on it yet.

use leptos::prelude::*;

use crate::domain::{axis::Axis, event::PlannedStep, reading::rough, time::Timestamp, usual};

/// Most marks below it.
const TICKS: u32 = 6;

/// The usual run.
#[component]
pub fn UsualRun(
    /// The steps of the workflow, in the order of the file.
    steps: Vec<PlannedStep>,
    /// Where they lie.
    usual: usual::UsualRun,
) -> impl IntoView {
    let slots = usual.slots(steps.iter().map(|step| &step.id));
    let length = i64::try_from(usual.duration_ms).unwrap_or(i64::MAX);
    let axis = Axis::new(Timestamp(0), Timestamp(length));
    let ticks = axis.ticks(TICKS, None);
    let rows = steps.into_iter().zip(slots).map(|(step, slot)| {
        let bar = slot.map(|slot| {
            let to = slot.from_ms.saturating_add(slot.duration_ms);
            view! { <span data-part="ghost" style=format!("--from:{};--to:{to}", slot.from_ms)></span> }
        });
        let figure = slot.map_or_else(|| "not known yet".to_owned(), |slot| format!("~{}", rough(slot.duration_ms)));
        view! {
            <li data-place>
                <div data-part="step"><span>{step.name}</span><span data-part="figure">{figure}</span></div>
                <div data-part="lane" aria-hidden="true"><div data-part="track">{bar}</div></div>
            </li>
        }
    });
    let at = |at: f64| format!("--at:{:.2}", at * 100.0);
    let lines = ticks.iter().map(|tick| view! { <b style=at(tick.at)></b> }).collect_view();
    let marks = ticks.iter().map(|tick| view! { <li style=at(tick.at)>{tick.label.clone()}</li> }).collect_view();
    view! {
        <div class="step-timeline" data-size="small" style=format!("--span:{}", axis.span_ms())>
            <div data-part="body">
                <div data-part="axis-line" aria-hidden="true">{lines}</div>
                <ol data-part="rows" aria-label="Steps of the usual run">{rows.collect_view()}</ol>
            </div>
            <ol data-part="minutes" aria-hidden="true">{marks}</ol>
        </div>
    }
}
