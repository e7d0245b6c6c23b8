//! How the last runs of a workflow ended and how long they took: a bar for each, oldest first, and those at work at the
//! right end. Pointer and focus tell more of a bar, a click opens its run; arrows go from one to the next.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    moment::Moment,
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::rows::Row,
    domain::{
        execution::Status,
        id::{ExecutionId, Name},
        listing::PastRun,
        time::{Timestamp, spoken},
    },
};

/// Most bars of ended runs: what can still be told apart on a phone.
const BARS: usize = 50;
/// Most bars of runs at work, the oldest.
const AT_WORK: usize = 5;
/// From so many bars on there is an axis: fewer do not fill the width.
const AXIS_FROM: usize = 40;
/// How much higher than the longest run the chart is: the line of the usual needs room for its words.
const ROOM: f64 = 1.1;

/// A bar.
#[derive(Clone, Debug, PartialEq)]
struct Bar {
    id: ExecutionId,
    owner: Name,
    status: Status,
    at: Timestamp,
    took_ms: u64,
}

/// The bars.
#[component]
pub fn HistoryChart(
    /// Newest first.
    #[prop(into)]
    runs: Signal<Vec<PastRun>>,
    /// Those at work.
    running: RwSignal<Vec<Row>>,
    /// How long one usually takes.
    #[prop(into)]
    usual_ms: Signal<Option<u64>>,
) -> impl IntoView {
    let highest = Memo::new(move |_| {
        let longest = runs.with(|runs| runs.iter().take(BARS).filter_map(|run| run.duration_ms).max());
        longest.unwrap_or_default().max(usual_ms.get().unwrap_or_default()).max(1) as f64 * ROOM
    });
    let bars = Memo::new(move |_| runs.with(|runs| ended(runs)));
    // The stop of the Tab key; none means the last bar.
    let stop = RwSignal::new(None::<ExecutionId>);
    let at_work = move || running.with(|rows| rows.iter().rev().take(AT_WORK).cloned().collect::<Vec<_>>());
    let last = Memo::new(move |_| {
        let newest = running.with(|rows| rows.iter().rev().take(AT_WORK).next_back().map(|row| row.id));
        newest.or_else(|| bars.with(|bars| bars.last().map(|bar| bar.id)))
    });
    let is_stop = move |id| Signal::derive(move || stop.get().or(last.get()) == Some(id));
    let usual = move || {
        usual_ms.get().map(|ms| {
            view! { <div data-part="usual" style=format!("--at:{}", percent(ms, highest.get()))><span>"usual, "{spoken(ms)}</span></div> }
        })
    };
    view! {
        <div class="history-chart">
            <ol data-part="plot" aria-label="How the last runs ended, oldest first" on:keydown=walk on:focusin=move |event| stop.set(focused(&event))>
                <For each=move || bars.get() key=|bar| bar.id let:bar>
                    <Ended is_stop=is_stop(bar.id) bar usual_ms highest=highest.into()/>
                </For>
                <For each=at_work key=|row| row.id let:row>
                    <AtWork is_stop=is_stop(row.id) row highest=highest.into()/>
                </For>
            </ol>
            {usual}
            <Show when=move || { bars.with(Vec::len) >= AXIS_FROM }>
                <div data-part="axis" aria-hidden="true">
                    {move || bars.with(|bars| ends(bars)).map(|at| view! { <Moment at/> })}
                </div>
            </Show>
        </div>
    }
}

fn ended(runs: &[PastRun]) -> Vec<Bar> {
    let bar = |run: &PastRun| {
        let took_ms = run.duration_ms.unwrap_or_default();
        let at = run.finished_at.unwrap_or(run.queued_at);
        Bar { id: run.id, owner: run.owner.clone(), status: run.status, at, took_ms }
    };
    runs.iter().take(BARS).rev().map(bar).collect()
}

fn percent(ms: u64, highest: f64) -> u64 {
    ((ms as f64 * 100.0 / highest).round() as u64).min(100)
}

/// The oldest, the middle and the newest.
fn ends(bars: &[Bar]) -> [Timestamp; 3] {
    let at = |place: usize| bars.get(place).map(|bar| bar.at).unwrap_or_default();
    [at(0), at(bars.len() / 2), at(bars.len().saturating_sub(1))]
}

#[component]
fn Ended(bar: Bar, usual_ms: Signal<Option<u64>>, highest: Signal<f64>, is_stop: Signal<bool>) -> impl IntoView {
    let sign = Signal::stored(Sign::from(bar.status));
    let what = format!("{} in {}", bar.status.label(), spoken(bar.took_ms));
    let label = format!("{what}, by {}", bar.owner);
    let good = bar.status == Status::Succeeded;
    let beside = move || usual_ms.get().filter(|_| good).and_then(|usual| beside(bar.took_ms, usual));
    view! {
        <li>
            <a
                id=anchor(bar.id)
                href=format!("/executions/{}", bar.id)
                data-status=bar.status.word()
                style=move || format!("--value:{}", percent(bar.took_ms, highest.get()))
                aria-label=label
                tabindex=move || if is_stop.get() { "0" } else { "-1" }
            ></a>
            <div data-part="tip">
                <strong><StatusIcon sign mute=true/>{what}</strong>
                <span>{bar.owner.to_string()}", "<Moment at=bar.at/>{beside}</span>
            </div>
        </li>
    }
}

/// How much longer or shorter than usual, if it is worth a word.
fn beside(took: u64, usual: u64) -> Option<String> {
    let off = took.abs_diff(usual);
    let word = if took > usual { "over" } else { "under" };
    (off * 10 > usual).then(|| format!(", {} {word} the usual", spoken(off)))
}

#[component]
fn AtWork(row: Row, highest: Signal<f64>, is_stop: Signal<bool>) -> impl IntoView {
    let id = row.id;
    let execution = RwSignal::from(row.execution);
    let elapsed = super::moment::elapsed_ms(execution);
    let took = move || elapsed.get().map(spoken).unwrap_or_default();
    let owner = execution.with_untracked(|execution| execution.owner.to_string());
    view! {
        <li>
            <a
                id=anchor(id)
                href=format!("/executions/{id}")
                data-status="running"
                style=move || format!("--value:{}", percent(elapsed.get().unwrap_or_default(), highest.get()))
                aria-label=format!("Running, by {owner}")
                tabindex=move || if is_stop.get() { "0" } else { "-1" }
            ></a>
            <div data-part="tip"><strong>"Running for "{took}</strong><span>{owner}</span></div>
        </li>
    }
}

fn anchor(id: ExecutionId) -> String {
    format!("run-{id}")
}

fn focused(event: &ev::FocusEvent) -> Option<ExecutionId> {
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    element.id().strip_prefix("run-")?.parse().ok()
}

/// Arrows, Home and End move the focus from bar to bar.
fn walk(event: ev::KeyboardEvent) {
    let from = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(item) = from.and_then(|link| link.parent_element()) else { return };
    let list = || item.parent_element();
    let to = match event.key().as_str() {
        "ArrowLeft" => item.previous_element_sibling(),
        "ArrowRight" => item.next_element_sibling(),
        "Home" => list().and_then(|list| list.first_element_child()),
        "End" => list().and_then(|list| list.last_element_child()),
        _ => return,
    };
    event.prevent_default();
    let link =
        to.and_then(|item| item.first_element_child()).and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(link) = link {
        let _ = link.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_far_from_the_usual_is_said_to_be() {
        assert_eq!(beside(105_000, 100_000), None);
        assert_eq!(beside(160_000, 100_000).as_deref(), Some(", 1 m 00 s over the usual"));
        assert_eq!(beside(60_000, 100_000).as_deref(), Some(", 40 s under the usual"));
    }

    #[test]
    fn the_newest_fifty_are_drawn_oldest_first() {
        let run = |n: u64| PastRun {
            id: ExecutionId(uuid::Uuid::from_u128(n.into())),
            owner: "alice".parse().expect("a name"),
            status: Status::Succeeded,
            queued_at: Timestamp(0),
            finished_at: None,
            duration_ms: Some(n),
        };
        let runs: Vec<PastRun> = (1..=70).rev().map(run).collect();
        let bars = ended(&runs);
        assert_eq!((bars.len(), bars[0].took_ms, bars[49].took_ms), (50, 21, 70));
        assert_eq!([0, 35, 70, 90].map(|ms| percent(ms, 70.0)), [0, 50, 100, 100]);
    }
}
