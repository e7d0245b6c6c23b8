//! The steps on one axis of time, a row each. Behind each bar lies the slot that the step fills in the usual run, and a thin
//! thread leads from bar to bar along the chain that decides the end.
//!
//! Times enter the style sheet as milliseconds after the left end, and the length of the axis once for all rows: when the
//! axis becomes longer no row is touched, a fact touches the row of its step, and a later moment the bars that are open.

use leptos::{ev::KeyboardEvent, prelude::*};

use super::{step_row::StepRow, step_shape::Shape, time_ruler::ticks};
use crate::{browser::focus, domain::axis::expected_end};

/// With more rows than this the panel scrolls.
const ROWS_IN_VIEW: usize = 30;

/// The timeline.
#[component]
pub fn StepTimeline(
    /// What is drawn.
    shape: Shape,
    /// Whether the moment is a past one that was chosen.
    past: Signal<bool>,
    /// How many good runs the usual run is made of.
    runs: Option<usize>,
) -> impl IntoView {
    let count = shape.links.with_value(|links| links.len());
    let at = RwSignal::new(untrack(|| shape.chosen_place()).unwrap_or(0));
    let axis = shape.axis;
    let span = Memo::new(move |_| axis.get().span_ms());
    let now = Memo::new(move |_| axis.get().ms(shape.moment()).max(0));
    let keys = move |event: KeyboardEvent| keys(&event, shape, at, count);
    view! {
        <section
            class="step-timeline"
            aria-label="Timeline of steps"
            data-tall=(count > ROWS_IN_VIEW).then_some("")
            style=move || format!("--span:{}", span.get())
        >
            <div data-part="panel">
                <div data-part="body">
                    <Under shape/>
                    <ol
                        data-part="rows"
                        aria-label="Steps"
                        data-lit=move || shape.lit().map(|_| "")
                        on:click=move |event| {
                            if let Some(place) = focus::place_of(&event) {
                                shape.toggle(place);
                            }
                        }
                        on:keydown=keys
                        on:pointerover=move |event| shape.lit.set(focus::place_of(&event))
                        on:pointerleave=move |_| shape.lit.set(None)
                        on:focusin=move |event| {
                            if let Some(place) = focus::place_of(&event) {
                                at.set(place);
                                shape.lit.set(Some(place));
                            }
                        }
                        on:focusout=move |_| shape.lit.set(None)
                    >
                        {(0..count).map(|place| view! { <StepRow shape place at now/> }).collect_view()}
                    </ol>
                    <Over shape past now/>
                </div>
            </div>
            <Legend shape runs/>
        </section>
    }
}

/// Arrows go from row to row, Escape lets go of the chosen step. Enter is a button's own.
fn keys(event: &KeyboardEvent, shape: Shape, at: RwSignal<usize>, count: usize) {
    let here = at.get_untracked();
    let last = count.saturating_sub(1);
    let place = match event.key().as_str() {
        "ArrowDown" => (here + 1).min(last),
        "ArrowUp" => here.saturating_sub(1),
        "Home" => 0,
        "End" => last,
        "Escape" if shape.chosen.with_untracked(Option::is_some) => {
            event.prevent_default();
            return shape.choose.run(None);
        }
        _ => return,
    };
    event.prevent_default();
    at.set(place);
    focus::go_to_place(event, place);
}

/// What lies under the rows: the marks of the ruler, and where the end is expected.
#[component]
fn Under(shape: Shape) -> impl IntoView {
    let ticks = ticks(shape.axis);
    let marks = move || {
        let each = ticks.get().into_iter();
        each.map(|tick| view! { <b style=format!("--at:{:.2}", tick.at * 100.0)></b> }).collect_view()
    };
    let band = move || {
        let ends = shape.execution.with(|execution| expected_end(execution, shape.moment()))?;
        let [from, to] = ends.map(|end| shape.axis.get().ms(end));
        Some(view! { <i style=format!("--from:{from};--to:{to}")></i> })
    };
    view! { <div data-part="axis-line" aria-hidden="true">{marks}{band}</div> }
}

/// What lies over the rows: the moment, and the threads.
#[component]
fn Over(shape: Shape, past: Signal<bool>, now: Memo<i64>) -> impl IntoView {
    let over = Memo::new(move |_| {
        shape.execution.with(|execution| execution.status.is_final() || execution.started_at.is_none())
    });
    let line = move || {
        (!over.get() || past.get()).then(|| {
            let at = move || format!("--at:{}", now.get());
            view! { <span data-live=move || (!past.get()).to_string() style=at></span> }
        })
    };
    let threads = Memo::new(move |_| threads(shape));
    let each = move || {
        let threads = threads.get().into_iter();
        threads
            .map(|[row, rows, at]| view! { <em style=format!("--row:{row};--rows:{rows};--at:{at}")></em> })
            .collect_view()
    };
    view! { <div data-part="axis-line" data-over aria-hidden="true">{each}{line}</div> }
}

/// From the end of each step on the critical path to the row of the next: first row, number of rows, milliseconds.
fn threads(shape: Shape) -> Vec<[i64; 3]> {
    let axis = shape.axis.get();
    shape.course.with(|course| {
        let pairs = course.critical.windows(2).filter_map(|pair| {
            let &[from, to] = pair else { return None };
            let end = course.ends.get(from).copied().flatten()?;
            let rows = i64::try_from(from.abs_diff(to)).ok()?;
            Some([i64::try_from(from.min(to)).ok()?, rows, axis.ms(end)])
        });
        pairs.collect()
    })
}

/// What the marks mean. Those that only work in progress has keep their place when it is over: nothing below moves.
#[component]
fn Legend(shape: Shape, runs: Option<usize>) -> impl IntoView {
    let is_over = Memo::new(move |_| shape.execution.with(|execution| execution.status.is_final()));
    let has_chain = shape.links.with_value(|links| links.needs.iter().any(|needs| !needs.is_empty()));
    let usual = runs.map(|runs| match runs {
        1 => "each step’s last success".to_owned(),
        runs => format!("usual run, median of each step’s last {runs} successes"),
    });
    view! {
        <p data-part="legend" data-over=move || is_over.get().then_some("")>
            {usual.map(|usual| view! { <span><i data-of="ghost"></i>{usual}</span> })}
            {has_chain.then(|| view! { <span><i data-of="chain"></i>"critical path"</span> })}
            <span><i data-of="reported"></i>"said by the step"</span>
            <span><i data-of="parsed"></i>"read off its output"</span>
            <span><i data-of="estimated"></i>"estimated"</span>
            <span><i data-of="ahead"></i>"expected"</span>
            <span><i data-of="band"></i>"expected end"</span>
        </p>
    }
}
