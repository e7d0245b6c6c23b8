//! Which executions of a list are selected, and what is done with them: one after the other, each with an outcome.

use std::collections::BTreeSet;

use leptos::prelude::*;
use serde_json::json;

use super::{history::History, rows::Row};
use crate::{
    browser::http,
    domain::{
        event::Trigger,
        execution::{Execution, Status},
        id::ExecutionId,
    },
};

/// What can be done with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Stop them.
    Cancel,
    /// Run them again, from what failed.
    RerunFailed,
    /// Run them again.
    Rerun,
}

impl Deed {
    /// Whether it makes sense for this one.
    pub fn suits(self, execution: &Execution) -> bool {
        let ended = execution.status.is_final();
        let here = execution.trigger != Trigger::External;
        match self {
            Deed::Cancel => !ended,
            Deed::Rerun => ended && here,
            Deed::RerunFailed => {
                ended && here && execution.status != Status::Succeeded && execution.started_at.is_some()
            }
        }
    }

    /// What was done, in a word.
    pub fn done(self) -> &'static str {
        match self {
            Deed::Cancel => "told to stop",
            Deed::RerunFailed | Deed::Rerun => "started again",
        }
    }

    fn request(self, id: ExecutionId) -> (String, serde_json::Value) {
        match self {
            Deed::Cancel => (format!("/api/executions/{id}/cancel"), json!({})),
            Deed::RerunFailed => (format!("/api/executions/{id}/rerun"), json!({ "from": "failed" })),
            Deed::Rerun => (format!("/api/executions/{id}/rerun"), json!({ "from": "all" })),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was done with how many.
    pub done: String,
    /// Where what it began can be seen.
    pub seen_at: Option<String>,
    /// Those that it was refused for, and why; as many as were selected at most.
    pub refused: Vec<String>,
}

/// The selection. A copy is the same one.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Those selected; of what the list shows, so its bound is theirs.
    pub chosen: RwSignal<BTreeSet<ExecutionId>>,
    /// Whether something is being done.
    pub busy: RwSignal<bool>,
    /// What came of the last deed.
    pub outcome: RwSignal<Option<Outcome>>,
    /// Where a range begins.
    anchor: StoredValue<Option<ExecutionId>>,
    history: History,
}

impl Selection {
    /// Nothing selected of a list.
    pub fn new(history: History) -> Self {
        Self {
            chosen: RwSignal::default(),
            busy: RwSignal::default(),
            outcome: RwSignal::default(),
            anchor: StoredValue::default(),
            history,
        }
    }

    /// Selects one, or ceases to; with `range`, all from the one before to it.
    pub fn toggle(&self, id: ExecutionId, range: bool) {
        let ids: Vec<ExecutionId> = self.history.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
        let place = |id| ids.iter().position(|one| *one == id);
        let from = self.anchor.get_value().filter(|_| range).and_then(place);
        let span = match (from, place(id)) {
            (Some(from), Some(to)) => ids.get(from.min(to)..=from.max(to)).unwrap_or_default(),
            _ => &[id],
        };
        self.chosen.update(|chosen| {
            if chosen.contains(&id) && span.len() == 1 {
                chosen.remove(&id);
            } else {
                chosen.extend(span);
            }
        });
        self.anchor.set_value(Some(id));
        self.outcome.set(None);
    }

    /// Selects all that are shown, or none if they are.
    pub fn all(&self) {
        let ids: BTreeSet<ExecutionId> =
            self.history.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
        self.chosen.update(|chosen| *chosen = if ids.is_subset(chosen) { BTreeSet::new() } else { ids });
    }

    /// Selects none.
    pub fn clear(&self) {
        self.chosen.set(BTreeSet::new());
        self.outcome.set(None);
    }

    /// How many of those selected a deed makes sense for.
    pub fn suiting(&self, deed: Deed) -> usize {
        self.rows().iter().filter(|row| row.execution.with(|execution| deed.suits(execution))).count()
    }

    /// How many are selected and still there.
    pub fn count(&self) -> usize {
        self.rows().len()
    }

    fn rows(&self) -> Vec<Row> {
        let chosen = self.chosen.read();
        self.history.rows.with(|rows| rows.iter().filter(|row| chosen.contains(&row.id)).cloned().collect())
    }

    /// Does it for all that it makes sense for, and keeps what came of it. Those that it was refused for stay selected.
    pub fn act(&self, deed: Deed) {
        let selection = *self;
        let rows: Vec<Execution> = untrack(|| self.rows()).iter().map(|row| row.execution.get_untracked()).collect();
        let rows: Vec<Execution> = rows.into_iter().filter(|execution| deed.suits(execution)).collect();
        self.busy.set(true);
        self.outcome.set(None);
        leptos::task::spawn_local(async move {
            let (mut done, mut begun, mut refused, mut left) = (0, Vec::new(), Vec::new(), BTreeSet::new());
            for execution in rows {
                let (path, body) = deed.request(execution.id);
                match http::send("POST", &path, &body).await {
                    Ok(answer) => {
                        done += 1;
                        begun.extend(
                            answer["id"].as_str().filter(|id| *id != execution.id.to_string()).map(str::to_owned),
                        );
                    }
                    Err(problem) => {
                        refused.push(format!("{} {}: {problem}", execution.workflow, execution.id.short()));
                        left.insert(execution.id);
                    }
                }
            }
            let done = format!("{done} {}", deed.done());
            // Whatever the list is filtered by, what is new may not be in it.
            let seen_at = match begun.as_slice() {
                [] => None,
                [one] => Some(format!("/executions/{one}")),
                _ => Some("/executions".to_owned()),
            };
            selection.outcome.try_set(Some(Outcome { done, seen_at, refused }));
            selection.chosen.try_set(left);
            selection.busy.try_set(false);
        });
    }
}
