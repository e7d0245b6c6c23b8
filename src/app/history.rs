//! A page of all executions as it is held: newest first, whatever their status, folded from the stream. What is new
//! comes on top, unless somebody reads: then it waits until they ask for it.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower, follow, rest},
    rows::{Row, concerns, has, keep, shows},
};
use crate::domain::{
    event::{Event, Recorded},
    execution::{Execution, Status},
    id::{ExecutionId, Seq},
    listing::{Listing, Query},
};

/// How many a page begins with.
pub const PAGE: usize = 50;
/// Most rows that a page holds as new ones come in; the oldest go.
const ROWS_MAX: usize = 200;
/// Most executions that are followed, those included that do not match the filters now; the oldest go.
const FOLLOWED_MAX: usize = 1000;

/// A page of the list. A copy is the same page.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Its rows, newest first.
    pub rows: RwSignal<Vec<Row>>,
    /// How many new ones wait to be seen.
    pub waiting: RwSignal<usize>,
    /// `before` of the next page, if there is one.
    pub next: RwSignal<Option<ExecutionId>>,
    /// The last thing that happened, for those who listen.
    pub said: RwSignal<String>,
    state: StoredValue<State>,
}

#[derive(Debug, Default)]
struct State {
    query: Query,
    /// What is followed: the rows, those that wait to be seen, and those that may come to match; [`FOLLOWED_MAX`] at most.
    followed: BTreeMap<ExecutionId, Row>,
    /// The rows; a part of `followed`.
    standing: BTreeSet<ExecutionId>,
    /// Those that wait to be seen; a part of `followed`.
    arrived: BTreeSet<ExecutionId>,
    /// Those that match no more, and still stand there; a part of `followed`.
    gone: BTreeSet<ExecutionId>,
    seq: Seq,
    held: bool,
}

impl History {
    /// The page that answers `query`.
    pub fn new(query: Query, listing: Listing) -> Self {
        let history = Self {
            rows: RwSignal::default(),
            waiting: RwSignal::default(),
            next: RwSignal::default(),
            said: RwSignal::default(),
            state: StoredValue::new(State { query, ..State::default() }),
        };
        history.load(listing);
        history
    }

    /// Follows the stream, unless it is an older page, where nothing comes in.
    pub fn follow(self) {
        if self.state.with_value(|state| state.query.before.is_some()) { rest() } else { follow(self) }
    }

    /// Somebody begins to read, or ceases to.
    pub fn hold(&self, held: bool) {
        if self.state.try_update_value(|state| std::mem::replace(&mut state.held, held)) == Some(true) && !held {
            self.arrange(false);
        }
    }

    /// Shows what waits.
    pub fn take_in(&self) {
        self.arrange(true);
    }

    fn load(&self, listing: Listing) {
        let rows: Vec<Row> = self
            .state
            .try_update_value(|state| {
                let rows = listing.items.into_iter().map(|execution| Row::again(&state.followed, execution, None));
                let rows: Vec<Row> = rows.collect();
                state.followed = rows.iter().map(|row| (row.id, row.clone())).collect();
                state.standing = rows.iter().map(|row| row.id).collect();
                state.arrived.clear();
                state.gone.clear();
                state.seq = listing.head;
                rows
            })
            .unwrap_or_default();
        self.rows.set(rows);
        self.next.set(listing.next);
        self.waiting.set(0);
    }

    /// Puts what has come on top, and takes away what matches no more; while somebody reads, only if they ask for it.
    fn arrange(&self, asked: bool) {
        let moves = self.state.try_update_value(|state| {
            if state.held && !asked {
                return Err(state.arrived.len());
            }
            let arrived = std::mem::take(&mut state.arrived);
            let arrived: Vec<Row> = arrived.iter().filter_map(|id| state.followed.get(id).cloned()).collect();
            Ok((arrived, std::mem::take(&mut state.gone)))
        });
        match moves {
            Some(Ok((arrived, gone))) if !arrived.is_empty() || !gone.is_empty() => {
                self.rows.update(|rows| {
                    rows.retain(|row| !gone.contains(&row.id));
                    for row in arrived {
                        keep(rows, row, ROWS_MAX, |row| row.id);
                    }
                });
                let standing = self.rows.with_untracked(|rows| rows.iter().map(|row| row.id).collect());
                self.state.update_value(|state| state.standing = standing);
                if let Some(last) = self.rows.with_untracked(|rows| rows.get(ROWS_MAX - 1).map(|last| last.id)) {
                    self.next.set(Some(last));
                }
                self.waiting.set(0);
            }
            Some(Err(waiting)) if self.waiting.get_untracked() != waiting => self.waiting.set(waiting),
            _ => {}
        }
    }
}

impl State {
    /// Takes in one that is new.
    fn begin(&mut self, mut execution: Execution) {
        if !has(&self.query, &execution) || self.followed.contains_key(&execution.id) {
            return;
        }
        execution.params.clear();
        let row = Row::new(execution, None);
        self.place(&row);
        self.followed.insert(row.id, row);
        if self.followed.len() > FOLLOWED_MAX
            && let Some((oldest, _)) = self.followed.pop_first()
        {
            self.arrived.remove(&oldest);
            self.gone.remove(&oldest);
        }
    }

    /// Its status has turned, or it is new: it may match now, or no more.
    fn place(&mut self, row: &Row) {
        let (shows, stands) = (shows(&self.query, row.status()), self.standing.contains(&row.id));
        if shows && !stands {
            self.arrived.insert(row.id);
        } else if !shows {
            self.arrived.remove(&row.id);
            if stands {
                self.gone.insert(row.id);
            }
        }
    }

    /// Whether an execution that is not followed may have come to match, since its status does only now.
    fn misses(&self, event: &Event) -> bool {
        let filtered = !self.query.status.is_empty() || self.query.ended_from.is_some();
        filtered && (event.is_final() || matches!(event, Event::ExecutionStarted {}))
    }
}

impl Follower for History {
    fn address(&self) -> String {
        // Without the filters: all lists of a browser are fed from one stream.
        "/api/events".to_owned()
    }

    fn stands_at(&self) -> Seq {
        self.state.with_value(|state| state.seq)
    }

    fn fold(&self, facts: &[Recorded]) -> Folded {
        let mut touched: BTreeMap<ExecutionId, (Row, Status)> = BTreeMap::new();
        let folded = self.state.try_update_value(|state| {
            let (mut folded, seq) = (Folded::In, state.seq);
            for recorded in facts.iter().filter(|recorded| recorded.seq > seq) {
                let fact = &recorded.fact;
                if !concerns(&state.query, fact) {
                    continue;
                }
                if let Some(execution) = Execution::begin(recorded.seq, fact) {
                    state.begin(execution);
                } else if let Some(row) = state.followed.get(&fact.execution_id) {
                    let was = row.status();
                    if row.apply(recorded) {
                        touched.entry(fact.execution_id).or_insert_with(|| (row.clone(), was));
                    }
                } else if state.misses(&fact.event) {
                    folded = Folded::Beyond;
                }
            }
            for (row, _) in touched.values().filter(|(row, was)| row.status() != *was) {
                state.place(row);
            }
            state.seq = facts.last().map_or(state.seq, |last| last.seq.max(state.seq));
            folded
        });
        for (row, was) in touched.values() {
            row.tell();
            if row.status() != *was {
                let workflow = row.execution.with_untracked(|execution| execution.workflow.clone());
                self.said.set(format!("{workflow}: {}", row.status().label().to_lowercase()));
            }
        }
        self.arrange(false);
        folded.unwrap_or(Folded::In)
    }

    async fn refresh(&self) -> bool {
        let query = self.state.with_value(|state| state.query.clone());
        api::executions(query).await.map(|listing| self.load(listing)).is_ok()
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
