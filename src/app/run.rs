//! One execution as its page holds it: the execution itself and a window of its output, folded from the stream.

use std::cell::Cell;

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower},
    log::{Log, lines_of},
};
use crate::{
    browser,
    domain::{
        event::Recorded,
        execution::Execution,
        id::{ExecutionId, Seq},
        listing::Opening,
    },
};

/// An execution and its output. A copy is the same one.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What is known of it.
    pub execution: RwSignal<Execution>,
    /// What it printed.
    pub log: Log,
    /// Whether it is no more, or no more to be seen.
    pub gone: RwSignal<bool>,
    id: ExecutionId,
}

impl Run {
    /// What a page opens with.
    pub fn new(opening: Opening) -> Self {
        let id = opening.execution.id;
        let execution = RwSignal::new(opening.execution);
        Self { execution, log: Log::new(id, execution, opening.lines), gone: RwSignal::new(false), id }
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
                self.log.open(opening.lines);
                self.execution.set(opening.execution);
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
