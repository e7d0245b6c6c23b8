//! A row of the timeline: the step, and its lane with a bar for each attempt.

use leptos::prelude::*;

use super::{
    progress_bar::{source_word, tenth},
    status_badge::{Sign, StatusIcon},
    step_name::StepName,
    step_shape::{Relation, Shape},
};
use crate::domain::{
    course::{Bar, bars},
    event::Source,
    execution::{Step, StepStatus},
    reading::{Note, earlier_attempts, figure, note},
    time::{Timestamp, spoken},
};

/// A note has room beside a bar that leaves so much of the lane free, 0.0..=1.0.
const ROOM: f64 = 0.15;

/// All that a row shows of its step; as long as it is the same, the row is.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    status: StepStatus,
    percent: f64,
    source: Option<Source>,
    figure: String,
    note: Note,
    bars: Vec<Bar>,
    next_attempt_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    attempts: usize,
}

impl Row {
    fn of(step: &Step, shape: Shape, place: usize) -> Self {
        let working = matches!(step.status, StepStatus::Running | StepStatus::Retrying);
        // What has ended does not hear the clock.
        let now = working.then(|| shape.now.get());
        let slot = shape.slot(place);
        Self {
            status: step.status,
            percent: tenth(step.percent),
            source: step.source.filter(|_| step.status == StepStatus::Running),
            figure: figure(step, slot, now),
            note: note(step, slot, now),
            bars: bars(step),
            next_attempt_at: step.next_attempt_at,
            finished_at: step.finished_at,
            attempts: step.attempts.len(),
        }
    }
}

/// A row of the timeline.
#[component]
pub fn StepRow(
    /// What is drawn.
    shape: Shape,
    /// Which step, by its place.
    place: usize,
    /// The row that Tab comes to.
    at: RwSignal<usize>,
    /// Where the moment lies on the axis, in milliseconds.
    now: Memo<i64>,
) -> impl IntoView {
    let row = Memo::new(move |_| shape.step(place, |step| Row::of(step, shape, place)));
    let status = Memo::new(move |_| row.with(|row| row.as_ref().map_or(StepStatus::Pending, |row| row.status)));
    let percent = Memo::new(move |_| row.with(|row| row.as_ref().map_or(0.0, |row| row.percent)));
    let source = Memo::new(move |_| row.with(|row| row.as_ref()?.source));
    let figure = move || row.with(|row| row.as_ref().map(|row| row.figure.clone()));
    let attempts = Memo::new(move |_| row.with(|row| row.as_ref().map_or(0, |row| row.attempts)));
    let name = untrack(|| shape.step(place, |step| step.name.clone())).unwrap_or_default();
    let told = move || {
        let told = untrack(|| shape.step(place, earlier_attempts)).unwrap_or_default();
        (attempts.get() > 0).then(|| {
            view! {
                <ul class="visually-hidden" aria-label="Earlier attempts">
                    {told.into_iter().map(|told| view! { <li>{told}</li> }).collect_view()}
                </ul>
            }
        })
    };
    let said = move || row.with(|row| row.as_ref().map(|row| row.note.line())).filter(|line| !line.is_empty());
    let percent_said = move || {
        let source = source.get().map(|source| format!(", {}", source_word(source))).unwrap_or_default();
        format!("{}, {} percent{source}", status.get().label(), percent.get())
    };
    view! {
        <li
            data-place=place.to_string()
            data-status=move || status.get().word()
            data-source=move || source.get().map(source_word)
            data-chosen=move || shape.is_chosen(place).then_some("")
            data-relation=move || shape.relation(place).map(Relation::word)
            aria-current=move || (status.get() == StepStatus::Running).then_some("step")
        >
            <div data-part="step">
                <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent/>
                <button
                    type="button"
                    title=name.clone()
                    tabindex=move || if at.get() == place { "0" } else { "-1" }
                    aria-pressed=move || shape.is_chosen(place).to_string()
                >
                    <StepName name=name.clone()/>
                </button>
                <span data-part="figure">{figure}</span>
            </div>
            <div data-part="lane" title=said>
                <div
                    data-part="track"
                    role="progressbar"
                    aria-label=name
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=move || percent.get().to_string()
                    aria-valuetext=percent_said
                >
                    <Ghost shape place/>
                    <Bars shape row now/>
                    <Ahead shape place/>
                </div>
                <Beside shape place row/>
            </div>
            {told}
        </li>
    }
}

/// Where it usually lies.
#[component]
fn Ghost(shape: Shape, place: usize) -> impl IntoView {
    let slot = shape.slot(place)?;
    let title = format!("usually {}", spoken(slot.duration_ms));
    let to = slot.from_ms.saturating_add(slot.duration_ms);
    Some(view! { <span data-part="ghost" style=format!("--from:{};--to:{to}", slot.from_ms) title=title></span> })
}

/// Its attempts, and dots where it waited between them.
#[component]
fn Bars(shape: Shape, row: Memo<Option<Row>>, now: Memo<i64>) -> impl IntoView {
    let from = move || shape.axis.get().from;
    let ms = |from: Timestamp, at: Timestamp| at.0.saturating_sub(from.0);
    let from = Memo::new(move |_| from());
    move || {
        let left = from.get();
        row.with(|row| {
            let row = row.as_ref()?;
            let ends = row.bars.iter().skip(1).map(|bar| Some(bar.from)).chain([row.next_attempt_at]);
            let waits = row.bars.iter().zip(ends).filter_map(|(bar, next)| Some((bar.to?, next?)));
            let waits = waits.map(|(a, b)| {
                view! { <span data-part="wait" style=format!("--from:{};--to:{}", ms(left, a), ms(left, b))></span> }
            });
            let bars = row.bars.iter().map(|bar| {
                let source = row.source.filter(|_| bar.to.is_none()).map(source_word);
                let title = bar.to.map(|to| {
                    format!("attempt {}, {}: {}", bar.attempt, bar.status.label().to_lowercase(), spoken(to.since(bar.from)))
                });
                let (from, to) = (ms(left, bar.from), bar.to.map(|to| ms(left, to)));
                let style = move || format!("--from:{from};--to:{}", to.unwrap_or_else(|| now.get()));
                view! { <span data-part="attempt" data-status=bar.status.word() data-source=source style=style title=title></span> }
            });
            Some((waits.collect_view(), bars.collect_view()))
        })
    }
}

/// When it is expected to be at work from now on.
#[component]
fn Ahead(shape: Shape, place: usize) -> impl IntoView {
    let ahead = Memo::new(move |_| {
        let [from, to] = shape.course.with(|course| course.ahead.get(place).copied().flatten())?;
        let axis = shape.axis.get();
        Some((axis.ms(from), axis.ms(to)))
    });
    move || {
        ahead.get().map(|(from, to)| view! { <span data-part="ahead" style=format!("--from:{from};--to:{to}")></span> })
    }
}

/// What there is to say, where there is room for it: after the bar, or before it where there is more. Nothing is written
/// over a bar; where it fills the lane, what is said is heard, and stands in the lane's title.
#[component]
fn Beside(shape: Shape, place: usize, row: Memo<Option<Row>>) -> impl IntoView {
    let said = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.note.clone()).unwrap_or_default()));
    let where_to = Memo::new(move |_| {
        let axis = shape.axis.get();
        let ahead = shape.course.with(|course| course.ahead.get(place).copied().flatten());
        row.with(|row| {
            let row = row.as_ref()?;
            let begin = row.bars.first().map(|bar| bar.from).or(row.finished_at).unwrap_or(axis.from);
            let known = row.bars.last().and_then(|bar| bar.to).or(row.finished_at);
            let end = ahead.map(|[_, to]| to).or(known).unwrap_or_else(|| shape.moment());
            let (before, after) = (axis.at(begin), 1.0 - axis.at(end));
            Some(if after >= ROOM.max(before.min(2.0 * ROOM)) {
                ("after", axis.ms(end))
            } else if before >= ROOM {
                ("before", axis.ms(begin))
            } else {
                ("none", 0)
            })
        })
    });
    move || {
        let note = said.get();
        let line = note.line();
        if line.is_empty() {
            return None;
        }
        let (side, at) = where_to.get()?;
        Some(view! {
            <span data-part="note" data-side=side style=format!("--at:{at}") title=line>
                {note.mark.map(|mark| view! { <em>{mark}</em> })}
                {note.text}
            </span>
        })
    }
}
