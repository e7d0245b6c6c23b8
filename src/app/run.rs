//! One execution as its page holds it: the execution itself and a window of its output, folded from the stream.

use std::cell::Cell;

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower, Live, ShownTime},
    log::{Log, lines_of},
    travel::Travel,
};
use crate::{
    browser,
    domain::{
        differences::Failure,
        event::Recorded,
        execution::Execution,
        history::Moment,
        id::{ExecutionId, Seq},
        listing::Opening,
        usual::UsualRun,
    },
};

/// An execution and its output. A copy is the same one.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What is known of it by now.
    pub execution: RwSignal<Execution>,
    /// What the page shows of it: what is known by now, or what it was at the chosen moment. Its steps' `lines` are how
    /// many log lines there were then.
    pub shown: Signal<Execution>,
    /// The moment that was chosen; none means that the page is live.
    pub moment: RwSignal<Option<Moment>>,
    /// What it printed.
    pub log: Log,
    /// The usual run of its workflow, as of when the page was opened.
    pub usual: StoredValue<Option<UsualRun>>,
    /// Whether it is no more, or no more to be seen.
    pub gone: RwSignal<bool>,
    /// What there is to know of why it failed.
    pub failure: RwSignal<Option<Failure>>,
    /// Those that repeat it, as far as they were known when the page was opened.
    pub reruns: RwSignal<Vec<ExecutionId>>,
    /// Whether it can be run again from what failed, as far as that was known when the page was opened.
    pub kept: RwSignal<bool>,
    /// Whether the page has room for how it ended. What ends while its past is shown gets none before the reader is back:
    /// nothing that one points at moves.
    pub closed: Memo<bool>,
    /// How it goes through its past.
    pub travel: Travel,
    /// What it was at the chosen moment.
    pub(super) then: RwSignal<Option<Execution>>,
    /// The same for the output, which may be a moment behind: see [`super::travel`].
    pub(super) printed: RwSignal<Option<Execution>>,
    /// The link to what happens, which has the server's time; none in tests.
    pub(super) live: Option<Live>,
    id: ExecutionId,
}

impl Run {
    /// What a page opens with.
    pub fn new(opening: Opening) -> Self {
        let id = opening.execution.id;
        let (execution, then) = (RwSignal::new(opening.execution), RwSignal::new(None::<Execution>));
        let printed = RwSignal::new(None::<Execution>);
        // What comes in underneath does not move a page that shows the past: it is not even looked at.
        let at = |then: RwSignal<Option<Execution>>| {
            Memo::new_with_compare(move |_| then.get().unwrap_or_else(|| execution.get()), |_, _| true)
        };
        let shown = at(then);
        let moment = RwSignal::new(None::<Moment>);
        let closed = Memo::new(move |was: Option<&bool>| {
            let ended = execution.with(|execution| execution.status.is_final());
            was == Some(&true) || (ended && moment.with(Option::is_none))
        });
        Self {
            execution,
            shown: shown.into(),
            moment,
            closed,
            log: Log::new(execution, at(printed).into(), opening.lines, opening.marks),
            usual: StoredValue::new(opening.usual),
            gone: RwSignal::new(false),
            failure: RwSignal::new(opening.failure),
            reruns: RwSignal::new(opening.reruns),
            kept: RwSignal::new(opening.kept),
            travel: Travel::new(),
            then,
            printed,
            live: use_context(),
            id,
        }
    }

    /// The time that the page shows: now, or the moment's.
    pub fn time(self) -> ShownTime {
        let (now, moment) = (Live::expect().now, self.moment);
        ShownTime(Signal::derive(move || moment.get().map_or_else(|| now.get(), |moment| moment.at)))
    }

    /// Which execution it is.
    pub fn id(&self) -> ExecutionId {
        self.id
    }

    /// Whether it has ended, also while its past is shown.
    pub fn has_ended(&self) -> bool {
        self.execution.with(|execution| execution.status.is_final())
    }

    /// Whether it can change no more.
    pub fn is_final(&self) -> bool {
        self.execution.with_untracked(|execution| execution.status.is_final())
    }
}

impl Follower for Run {
    fn address(&self) -> String {
        format!("/api/executions/{}/events", self.id)
    }

    fn stands_at(&self) -> Seq {
        self.execution.with_untracked(|execution| execution.seq)
    }

    fn is_over(&self) -> bool {
        self.gone.get_untracked() || self.execution.with_untracked(|execution| execution.status.is_final())
    }

    fn fold(&self, facts: &[Recorded]) -> Folded {
        let step = self.log.step.get_untracked();
        let (printed, told) = (Cell::new(Vec::new()), Cell::new(Folded::In));
        self.execution.update(|execution| {
            for recorded in facts {
                let lines = lines_of(recorded, execution, step.as_ref());
                if execution.apply(recorded) {
                    let mut all = printed.take();
                    all.extend(lines);
                    printed.set(all);
                    match execution.in_sync(recorded) {
                        Some(true) if told.get() != Folded::OutOfSync => told.set(Folded::InSync(recorded.seq)),
                        Some(false) => told.set(Folded::OutOfSync),
                        _ => {}
                    }
                }
            }
        });
        self.travel.see(facts);
        self.log.extend(printed.take());
        if told.get() == Folded::OutOfSync {
            let (id, seq) = (self.id, self.stands_at());
            leptos::task::spawn_local(async move { browser::http::out_of_sync(id, seq).await });
        }
        told.get()
    }

    async fn refresh(&self) -> bool {
        match api::execution(self.id.to_string()).await {
            Ok(Some(opening)) => {
                self.execution.set(opening.execution);
                self.failure.set(opening.failure);
                self.reruns.set(opening.reruns);
                self.kept.set(opening.kept);
                self.travel.miss();
                self.log.open(opening.lines, opening.marks);
                true
            }
            Ok(None) => {
                self.gone.set(true);
                true
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
