//! How far an execution is, how long still, and how it keeps up. The number is the hero.

use leptos::prelude::*;

use super::{
    moment::{clock, elapsed, hydrated},
    progress_bar::{source_word, tenth},
};
use crate::{
    app::{live, run::Run},
    domain::{
        axis::expected_end,
        course::Course,
        event::Source,
        execution::{Execution, Status},
        links::Links,
        pace::{Pace, Word},
        reading,
    },
};

/// The reading of what the page shows: as it is, or as it was.
#[component]
pub fn ExecutionReading(
    /// Of which execution.
    run: Run,
) -> impl IntoView {
    let execution = run.shown;
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| tenth(execution.percent)));
    let source = Memo::new(move |_| {
        let running = |execution: &Execution| execution.running().find_map(|step| step.source);
        execution.with(running).filter(|_| status.get() == Status::Running)
    });
    let guessed = move || if source.get() == Some(Source::Estimated) { "~" } else { "" };
    let number = move || if percent.get() >= 100.0 { "100".to_owned() } else { format!("{:.1}", percent.get()) };
    view! {
        <div class="execution-reading">
            <span data-part="percent" data-source=move || source.get().map(source_word)>
                <data value=number>{guessed}{number}</data>
                <small>"%"</small>
            </span>
            <Time execution status/>
            <Keeping run/>
        </div>
    }
}

/// How long still, and when it will end; or how long it took.
#[component]
fn Time(execution: Signal<Execution>, status: Memo<Status>) -> impl IntoView {
    let (now, hydrated) = (live::now(), hydrated());
    let elapsed = elapsed(execution);
    let left = Memo::new(move |_| execution.with(reading::left));
    let strong = move || match (status.get(), left.get()) {
        (Status::Running, Some(left)) => left,
        _ => elapsed.get().unwrap_or_else(|| "not begun".to_owned()),
    };
    // Which clock is the reader's is known to the browser only.
    let ends = Memo::new(move |_| {
        let now = now.get();
        let [low, high] = execution.with(|execution| expected_end(execution, now))?.map(|at| clock(at, hydrated.get()));
        Some(if low == high { format!("ends at {low}") } else { format!("ends between {low} and {high}") })
    });
    let soft = move || match status.get() {
        Status::Queued => execution.with(reading::waits).unwrap_or_else(|| "about to begin".to_owned()),
        Status::Running if left.get().is_some() => ends.get().unwrap_or_default(),
        Status::Running => "so far".to_owned(),
        Status::Cancelled => "until it was cancelled".to_owned(),
        _ => "from beginning to end".to_owned(),
    };
    view! {
        <div data-part="elapsed">
            <strong>{strong}</strong>
            <span>{soft}</span>
        </div>
    }
}

/// How it keeps up with its usual run, and where the time went; nothing if that is not known, or if it is as usual.
#[component]
fn Keeping(run: Run) -> impl IntoView {
    let (execution, now) = (run.shown, live::now());
    let usual = run.usual.get_value();
    let (links, slots) = execution.with_untracked(|execution| {
        let steps = execution.steps.iter();
        let slots = usual.as_ref().map(|usual| usual.slots(steps.clone().map(|step| &step.id))).unwrap_or_default();
        (Links::new(steps.map(|step| (&step.id, step.needs.as_slice()))), slots)
    });
    let known = StoredValue::new((links, slots));
    let pace = Memo::new(move |_| {
        let now = now.get();
        execution.with(|execution| {
            // What was stopped early has won nothing.
            let keeps = matches!(execution.status, Status::Running | Status::Succeeded);
            let now = execution.finished_at.or(Some(now)).filter(|_| keeps)?;
            let taken = now.since(execution.started_at?);
            let pace = known.with_value(|(links, slots)| {
                if slots.is_empty() {
                    return None;
                }
                let course = Course::of(execution, links, slots, now);
                Pace::of(execution, &course, slots, now)
            });
            pace.filter(|pace| !pace.is_usual(taken))
        })
    });
    let words = |pace: &Pace| {
        let words = pace.sentence().into_iter().map(|word| match word {
            Word::Text(text) => text.into_any(),
            Word::Step(step) => view! { <b>{step}</b> }.into_any(),
        });
        words.collect_view()
    };
    move || {
        pace.get().map(|pace| {
            view! {
                <div data-part="pace">
                    <strong>{pace.headline()}</strong>
                    <span>{words(&pace)}</span>
                </div>
            }
        })
    }
}
