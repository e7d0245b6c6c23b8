//! Points and spans of time. Both sides render the same; the browser's own zone and clock come after hydration.

use leptos::prelude::*;

use crate::{
    app::live::{self, Live},
    browser,
    domain::{
        execution::Execution,
        reading,
        time::{Timestamp, about, spoken, ticking},
    },
};

/// Whether this page has been hydrated, so that the browser may be asked.
pub fn hydrated() -> Signal<bool> {
    Live::expect().awake.into()
}

/// A point in time: UTC until hydrated, then as the reader's clock has it.
pub fn clock(at: Timestamp, hydrated: bool) -> String {
    if hydrated { browser::time::local(at) } else { at.on_a_clock(Live::expect().now.get_untracked()) }
}

/// A point in time.
#[component]
pub fn Moment(
    /// Which.
    at: Timestamp,
) -> impl IntoView {
    let hydrated = hydrated();
    let exact = at.to_string();
    view! {
        <time datetime=exact.clone() title=exact>
            {move || clock(at, hydrated.get())}
        </time>
    }
}

/// How far away a point in time is: `in 16 h`, `5 m ago`.
pub fn in_time(at: Timestamp) -> Signal<String> {
    let now = Live::expect().now;
    Memo::new(move |_| match now.get() {
        now if at > now => format!("in {}", about(at.since(now))),
        now if now.since(at) < 1_000 => "now".to_owned(),
        now => format!("{} ago", about(now.since(at))),
    })
    .into()
}

/// How long an execution has taken; it ticks while it runs. None before it has begun.
pub fn elapsed(execution: impl Into<Signal<Execution>>) -> Signal<Option<String>> {
    let (execution, now) = (execution.into(), live::now());
    let words = move |execution: &Execution| {
        let say = if execution.status.is_final() { spoken } else { ticking };
        taken(execution, || now.get()).map(say)
    };
    Memo::new(move |_| execution.with(words)).into()
}

/// The same in milliseconds.
pub fn elapsed_ms(execution: RwSignal<Execution>) -> Signal<Option<u64>> {
    let now = Live::expect().now;
    Memo::new(move |_| execution.with(|execution| taken(execution, || now.get()))).into()
}

/// What is unusual about the steps at work, or about whoever reports on it; it moves with the clock.
pub fn unusual(execution: impl Into<Signal<Execution>>) -> Signal<Option<String>> {
    let (execution, now) = (execution.into(), live::now());
    Memo::new(move |_| {
        let now = now.get();
        execution.with(|execution| {
            let silent = execution.out_of_touch_at.map(|_| "out of touch: whoever reports on it is silent".to_owned());
            silent.or_else(|| execution.running().find_map(|step| reading::unusual(step, now)))
        })
    })
    .into()
}

fn taken(execution: &Execution, now: impl Fn() -> Timestamp) -> Option<u64> {
    if execution.status.is_final() {
        return execution.duration_ms;
    }
    Some(now().since(execution.started_at?))
}
