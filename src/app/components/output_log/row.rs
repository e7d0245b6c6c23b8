//! One row: a line, the head of an attempt, or what stands for a line until it comes.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    lines::Drawn,
    looks::{Times, since},
};
use crate::{
    app::{
        components::{ansi::drawn as pieces, icon::Icon, moment::clock},
        log::{Log, link},
    },
    browser::{address, focus},
    domain::{
        execution::Execution, folds::Fold, id::StepId, listing::LogLine, log::Level, marks::Head, size::spoken_number,
        time::Timestamp,
    },
};

#[component]
pub fn LineRow(log: Log, drawn: Drawn, line: Arc<LogLine>) -> impl IntoView {
    let n = line.n;
    let level = line.line.level.map(|level| match level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
        Level::Group => "group",
    });
    let fold = (line.line.level == Some(Level::Group) && log.is_group(n)).then_some(Fold::Group(n));
    let text = pieces(&line.line.text, drawn.hit.as_ref(), fold.is_none());
    let stray = drawn.stray.then(|| {
        let name = log.shown.with_untracked(|execution| step_name(execution, &line.step));
        view! { <small data-part="stray">{name}</small> }
    });
    view! {
        <div
            data-part="line"
            id=format!("L{}", n + 1)
            data-level=level
            data-depth=(drawn.depth > 0).then_some(drawn.depth)
            data-chosen=drawn.chosen.then_some("true")
            data-current=drawn.current.then_some("true")
        >
            <Number n/>
            <time datetime=line.line.at.to_string()>{time(log, line.line.at, drawn.times)}</time>
            {match fold {
                Some(fold) => view! { <FoldButton log fold><code>{text}</code></FoldButton> }.into_any(),
                None => view! { <code>{stray}{text}</code> }.into_any(),
            }}
        </div>
    }
}

/// Stands for a line until it comes.
#[component]
pub fn WaitingRow(n: u64) -> impl IntoView {
    view! {
        <div data-part="line" data-state="waiting" id=format!("L{}", n + 1)>
            <span data-part="number">{n + 1}</span>
            <span data-part="skeleton" style=format!("--long:{}", 20 + n * 37 % 50)></span>
        </div>
    }
}

/// What an attempt at a step printed, from here on.
#[component]
pub fn HeadRow(log: Log, at: u64) -> impl IntoView {
    let head = move || log.marks.with(|marks| marks.heads.iter().find(|head| head.line == at).cloned());
    let words = move || head().map(|head| log.shown.with(|execution| head_name(execution, &head)));
    let end = Signal::derive(move || head().and_then(|head| log.shown.with(|execution| exit(execution, &head))));
    view! {
        <div data-part="head">
            <FoldButton log fold=Fold::Head(at) end>
                <b>{words}</b>
            </FoldButton>
        </div>
    }
}

#[component]
fn FoldButton(
    log: Log,
    fold: Fold,
    /// How what it holds ended.
    #[prop(optional)]
    end: Option<Signal<Option<String>>>,
    children: Children,
) -> impl IntoView {
    let held = move || {
        let lines = match log.held(fold) {
            1 => "1 line".to_owned(),
            lines => format!("{} lines", spoken_number(lines)),
        };
        match end.and_then(|end| end.get()) {
            Some(end) => format!("{lines}, {end}"),
            None => lines,
        }
    };
    view! {
        <button
            type="button"
            data-part="fold"
            aria-expanded=move || (!log.is_folded(fold)).to_string()
            on:click=move |_| log.fold(fold)
        >
            <Icon name="right"/>
            {children()}
            <small>{held}</small>
        </button>
    }
}

/// The link to a line. A click on it is heard for all rows together: [`choose`].
#[component]
fn Number(n: u64) -> impl IntoView {
    let href = link::hash(n + 1, n + 1);
    view! { <a href=href aria-label=format!("Line {}", n + 1) tabindex="-1" data-line=n>{n + 1}</a> }
}

/// A click among the rows. One on a line's number chooses that line, with Shift all lines from the chosen one to it.
pub fn choose(log: Log, event: &leptos::ev::MouseEvent) {
    let Some(n) = focus::number_of(event, "data-line") else { return };
    if event.ctrl_key() || event.meta_key() || event.button() != 0 {
        return;
    }
    event.prevent_default();
    let (first, last) = match log.chosen.get_untracked() {
        Some((first, _)) if event.shift_key() => (first.min(n), first.max(n)),
        _ => (n, n),
    };
    mark(log, first, last);
}

/// Chooses lines, and says so in the address.
pub fn mark(log: Log, first: u64, last: u64) {
    log.chosen.set(Some((first, last)));
    let search = link::search(&address::parts().0, log.step.get_untracked().as_ref());
    address::set(&search, &link::hash(first + 1, last + 1));
}

fn time(log: Log, at: Timestamp, (times, local): (Times, bool)) -> String {
    let start = log.shown.with_untracked(|execution| execution.started_at.unwrap_or(execution.queued_at));
    match times {
        Times::Since => since(at.since(start)),
        Times::Clock | Times::Off => clock(at, local),
    }
}

/// What an attempt is called: its step, and which it is where there are several.
pub fn head_name(execution: &Execution, head: &Head) -> String {
    let name = step_name(execution, &head.step);
    let several = head.attempt > 1 || execution.step(&head.step).is_some_and(|step| step.attempt > 1);
    if several { format!("{name}, attempt {}", head.attempt) } else { name }
}

fn step_name(execution: &Execution, id: &StepId) -> String {
    execution.step(id).map_or(id.as_str(), |step| step.name.as_str()).to_owned()
}

/// How an attempt ended, if it did and not well.
fn exit(execution: &Execution, head: &Head) -> Option<String> {
    let step = execution.step(&head.step)?;
    let (code, signal) = match step.attempts.iter().find(|attempt| attempt.attempt == head.attempt) {
        Some(attempt) => (attempt.exit_code, attempt.signal.as_deref()),
        None if step.attempt == head.attempt && step.status.is_final() => (step.exit_code, step.signal.as_deref()),
        None => (None, None),
    };
    match (signal, code) {
        (Some(signal), _) => Some(signal.to_owned()),
        (None, Some(code)) if code != 0 => Some(format!("exit {code}")),
        _ => None,
    }
}
