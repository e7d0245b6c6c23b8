//! The list of executions as a page holds it: what runs, what waits, what has ended, folded from the stream.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use super::{
    api,
    live::{Folded, Follower},
};
use crate::domain::{
    event::{Event, Fact, Recorded, Trigger},
    execution::{Execution, Status},
    id::{ExecutionId, Seq},
    listing::{PAGE_MAX, Query},
    time::Timestamp,
};

/// How many ended executions a page begins with.
pub const PAGE: usize = 50;
/// Most ended executions that a page holds as they come in; the oldest go.
const ENDED_MAX: usize = 200;
/// Most running and waiting executions that a page holds; the oldest go.
const ACTIVE_MAX: usize = 1000;

/// What a page of the list opens with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// What runs and waits, newest first; none on an older page.
    pub active: Vec<Execution>,
    /// Whether more than these run or wait.
    pub more: bool,
    /// What has ended, newest first.
    pub ended: Vec<Execution>,
    /// `before` of the next page, if there is one.
    pub next: Option<ExecutionId>,
    /// The last fact that is surely in it.
    pub head: Seq,
}

impl Page {
    /// Asks for it. What runs is never pushed off the page by what has ended, so these are two questions.
    ///
    /// # Errors
    /// The server's, or that there is none.
    pub async fn fetch(query: Query) -> Result<Self, ServerFnError> {
        let wanted = |status: &Status| query.status.is_empty() || query.status.contains(status);
        let (ended, active): (Vec<Status>, Vec<Status>) =
            Status::ALL.into_iter().filter(wanted).partition(|status| status.is_final());
        let mut page = Self { active: Vec::new(), more: false, ended: Vec::new(), next: None, head: Seq(u64::MAX) };
        if !active.is_empty() && query.before.is_none() {
            let query = Query { status: active, limit: Some(PAGE_MAX), ..query.clone() };
            let listing = api::executions(query).await?;
            page.more = listing.next.is_some();
            page.active = listing.items;
            page.head = listing.head;
        }
        if !ended.is_empty() {
            let limit = query.limit.or(Some(PAGE));
            let listing = api::executions(Query { status: ended, limit, ..query.clone() }).await?;
            page.active.retain(|execution| listing.items.iter().all(|ended| ended.id != execution.id));
            page.ended = listing.items;
            page.next = listing.next;
            page.head = page.head.min(listing.head);
        }
        Ok(page)
    }
}

/// An execution on the page, kept true by the stream.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub id: ExecutionId,
    /// All that is known of it.
    pub execution: ArcRwSignal<Execution>,
    /// When it is expected to end, as of what was told last.
    pub due: ArcRwSignal<Option<Timestamp>>,
}

impl Row {
    /// A row of an execution as it was told at `at`, if that is known.
    pub fn new(execution: Execution, at: Option<Timestamp>) -> Self {
        let due = at.and_then(|at| Some(at.later(execution.eta_ms?)));
        Self { id: execution.id, execution: ArcRwSignal::new(execution), due: ArcRwSignal::new(due) }
    }

    /// The row that `held` has of this execution, brought to what is known now; a new one if it has none. What is on the
    /// page stays the same row, so that it is not drawn anew.
    pub fn again(held: &BTreeMap<ExecutionId, Row>, execution: Execution, at: Option<Timestamp>) -> Self {
        let new = Self::new(execution, at);
        let Some(row) = held.get(&new.id) else { return new };
        row.execution.set(new.execution.get_untracked());
        row.due.set(new.due.get_untracked());
        row.clone()
    }

    /// Takes in what happened next. Whoever looks at the execution is told later, once for many: by [`Row::tell`].
    /// Says whether it changed something.
    pub fn apply(&self, recorded: &Recorded) -> bool {
        if self.execution.try_update_untracked(|execution| execution.apply(recorded)) != Some(true) {
            return false;
        }
        let due = self.execution.with_untracked(|execution| execution.eta_ms.map(|ms| recorded.fact.at.later(ms)));
        let told = matches!(recorded.fact.event, Event::StepProgress { .. }) || due.is_none();
        if told && self.due.get_untracked() != due {
            self.due.set(due);
        }
        true
    }

    /// Tells those who look at the execution that it has changed.
    pub fn tell(&self) {
        self.execution.notify();
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.execution.with_untracked(|execution| execution.status)
    }

    /// Whether it is known to wait for something.
    pub fn waits(&self) -> bool {
        self.execution.with_untracked(|execution| execution.waiting.is_some())
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.execution == other.execution
    }
}

/// The rows of a page. A copy is the same rows.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// What runs, newest first.
    pub running: RwSignal<Vec<Row>>,
    /// What waits, newest first.
    pub queued: RwSignal<Vec<Row>>,
    /// Whether older ones run or wait as well.
    pub more: RwSignal<bool>,
    /// What has ended, newest first.
    pub ended: RwSignal<Vec<Execution>>,
    /// `before` of the next page, if there is one.
    pub next: RwSignal<Option<ExecutionId>>,
    /// The last thing that happened, for those who listen.
    pub said: RwSignal<String>,
    query: StoredValue<Query>,
    /// The rows of what runs and waits, twice [`ACTIVE_MAX`] at most.
    held: StoredValue<BTreeMap<ExecutionId, Row>>,
    /// Executions that are followed but do not match the filter by status yet, [`ACTIVE_MAX`] at most.
    unseen: StoredValue<Vec<Execution>>,
    seq: StoredValue<Seq>,
}

impl Rows {
    /// The rows of a page that answers `query`.
    pub fn new(query: Query, page: Page) -> Self {
        let rows = Self {
            running: RwSignal::default(),
            queued: RwSignal::default(),
            more: RwSignal::default(),
            ended: RwSignal::default(),
            next: RwSignal::default(),
            said: RwSignal::default(),
            query: StoredValue::new(query),
            held: StoredValue::default(),
            unseen: StoredValue::default(),
            seq: StoredValue::default(),
        };
        rows.load(page);
        rows
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.running.with(Vec::is_empty) && self.queued.with(Vec::is_empty) && self.ended.with(Vec::is_empty)
    }

    /// Follows the stream, unless it is an older page, where nothing comes in.
    pub fn follow(self) {
        if self.query.with_value(|query| query.before.is_some()) {
            super::live::rest();
        } else {
            super::live::follow(self);
        }
    }

    fn load(&self, page: Page) {
        let again = |execution| self.held.with_value(|held| Row::again(held, execution, None));
        let active: Vec<Row> = page.active.into_iter().map(again).collect();
        self.held.set_value(active.iter().map(|row| (row.id, row.clone())).collect());
        let (running, queued) = active.into_iter().partition(|row| row.status() == Status::Running);
        self.running.set(running);
        self.queued.set(queued);
        self.more.set(page.more);
        self.ended.set(page.ended);
        self.next.set(page.next);
        self.unseen.set_value(Vec::new());
        self.seq.set_value(page.head);
    }

    fn row(&self, id: ExecutionId) -> Option<Row> {
        self.held.with_value(|held| held.get(&id).cloned())
    }

    /// Folds a fact about an execution that is not in view. Says whether the page must be fetched anew.
    fn take_unseen(&self, recorded: &Recorded, arrived: &mut Vec<Execution>) -> Folded {
        let fact = &recorded.fact;
        if let Some(mut execution) = Execution::begin(recorded.seq, fact) {
            if self.query.with_value(|query| has(query, &execution)) {
                execution.params.clear();
                arrived.push(execution);
            }
            return Folded::In;
        }
        let known = self.unseen.try_update_value(|unseen| {
            let at = unseen.iter().position(|execution| execution.id == fact.execution_id)?;
            unseen.get_mut(at)?.apply(recorded);
            let wanted = self.query.with_value(|query| shows(query, unseen.get(at)?.status).then_some(()));
            Some(wanted.map(|()| unseen.remove(at)))
        });
        match known.flatten() {
            Some(Some(execution)) => arrived.push(execution),
            Some(None) => {}
            None => return self.unknown(recorded),
        }
        Folded::In
    }

    /// An execution that was there before the page, and that the filter by status left out, may belong here now.
    fn unknown(&self, recorded: &Recorded) -> Folded {
        let turns = matches!(recorded.fact.event, Event::ExecutionStarted {}) || recorded.fact.event.is_final();
        let had = self.ended.with_untracked(|ended| ended.iter().any(|one| one.id == recorded.fact.execution_id));
        let filtered = self.query.with_value(|query| !query.status.is_empty());
        if turns && filtered && !had { Folded::Beyond } else { Folded::In }
    }

    /// Puts the rows whose status has turned, and those that are new, where their status belongs.
    fn arrange(&self, turned: Vec<(Row, Status)>, arrived: Vec<Execution>) {
        let query = self.query.get_value();
        for (row, was) in turned {
            let list = if was == Status::Running { self.running } else { self.queued };
            list.update(|rows| rows.retain(|other| other.id != row.id));
            self.place(row, &query);
        }
        for execution in arrived {
            self.place(Row::new(execution, None), &query);
        }
    }

    fn place(&self, row: Row, query: &Query) {
        let execution = row.execution.get_untracked();
        self.say(&execution);
        self.held.update_value(|held| _ = held.remove(&row.id));
        if !shows(query, execution.status) {
            if !execution.status.is_final() {
                self.unseen.update_value(|unseen| keep(unseen, execution, ACTIVE_MAX, |one| one.id));
            }
        } else if execution.status.is_final() {
            self.end(execution.listed());
        } else {
            let list = if execution.status == Status::Running { self.running } else { self.queued };
            self.held.update_value(|held| _ = held.insert(row.id, row.clone()));
            let dropped = list.try_update(|rows| {
                keep(rows, row, ACTIVE_MAX + 1, |row| row.id);
                if rows.len() > ACTIVE_MAX { rows.pop() } else { None }
            });
            if let Some(row) = dropped.flatten() {
                self.held.update_value(|held| _ = held.remove(&row.id));
            }
        }
    }

    fn end(&self, execution: Execution) {
        self.ended.update(|ended| keep(ended, execution, ENDED_MAX, |one| one.id));
        let last = self.ended.with_untracked(|ended| ended.get(ENDED_MAX - 1).map(|last| last.id));
        if last.is_some() {
            self.next.set(last);
        }
    }

    fn say(&self, execution: &Execution) {
        self.said.set(format!("{}: {}", execution.workflow, execution.status.label().to_lowercase()));
    }
}

impl Follower for Rows {
    fn address(&self) -> String {
        // Without the filters: all lists of a browser are fed from one stream.
        "/api/events".to_owned()
    }

    fn stands_at(&self) -> Seq {
        self.seq.get_value()
    }

    fn fold(&self, facts: &[Recorded]) -> Folded {
        let mut touched = BTreeMap::new();
        let mut arrived = Vec::new();
        let mut folded = Folded::In;
        for recorded in facts.iter().filter(|recorded| self.query.with_value(|query| concerns(query, &recorded.fact))) {
            let id = recorded.fact.execution_id;
            if let Some(row) = self.row(id) {
                let was = row.status();
                if row.apply(recorded) {
                    touched.entry(id).or_insert((row, was));
                }
            } else if let Some(execution) = arrived.iter_mut().find(|execution: &&mut Execution| execution.id == id) {
                execution.apply(recorded);
            } else if self.take_unseen(recorded, &mut arrived) == Folded::Beyond {
                folded = Folded::Beyond;
            }
        }
        if let Some(last) = facts.last() {
            self.seq.update_value(|seq| *seq = last.seq.max(*seq));
        }
        touched.values().for_each(|(row, _)| row.tell());
        let turned = touched.into_values().filter(|(row, was)| row.status() != *was).collect();
        self.arrange(turned, arrived);
        folded
    }

    async fn refresh(&self) -> bool {
        let fresh = Page::fetch(self.query.get_value()).await;
        fresh.map(|page| self.load(page)).is_ok()
    }
}

/// Puts `new` into a list that is sorted by id, newest first, in the place of the one with its id if there is one.
pub fn keep<T>(list: &mut Vec<T>, new: T, most: usize, id: impl Fn(&T) -> ExecutionId) {
    let at = list.partition_point(|one| id(one) > id(&new));
    match list.get_mut(at) {
        Some(same) if id(same) == id(&new) => *same = new,
        _ => list.insert(at, new),
    }
    list.truncate(most);
}

/// Whether one of this status that can be in the answer to `query` is in it now.
pub fn shows(query: &Query, status: Status) -> bool {
    (query.status.is_empty() || query.status.contains(&status)) && (query.ended_from.is_none() || status.is_final())
}

/// Whether an execution can be in the answer to `query`, whatever its status comes to be.
pub fn has(query: &Query, execution: &Execution) -> bool {
    let made = execution.id.made_at();
    let q = query.q.as_deref().unwrap_or_default().to_lowercase();
    let message = execution.error.as_ref().map(|error| error.message.to_lowercase()).unwrap_or_default();
    query.workflow.as_ref().is_none_or(|workflow| execution.workflow == *workflow)
        && query.owner.as_ref().is_none_or(|owner| execution.owner == *owner)
        && query.trigger.is_none_or(|trigger| execution.trigger == trigger)
        // It has just come to be, so that is what "ago" counts from.
        && query.from.is_none_or(|from| made >= from.at(made))
        && query.to.is_none_or(|to| made < to.at(made))
        && (q.is_empty()
            || execution.workflow.as_str().contains(&q)
            || execution.owner.as_str().contains(&q)
            || execution.id.to_string().contains(&q)
            || message.contains(&q))
}

/// Whether a fact is about an execution of the workflow and the owner that `query` names, if it names any.
pub fn concerns(query: &Query, fact: &Fact) -> bool {
    query.workflow.as_ref().is_none_or(|workflow| fact.workflow == *workflow)
        && query.owner.as_ref().is_none_or(|owner| fact.owner == *owner)
}

/// Reads the filters out of an address. What makes no sense there is no filter.
pub fn query_of(address: &ParamsMap) -> Query {
    let word = |key: &str| address.get(key).filter(|word| !word.is_empty());
    let statuses = word("status").unwrap_or_default();
    Query {
        status: statuses.split(',').filter_map(|word| word.parse().ok()).collect(),
        workflow: word("workflow").and_then(|word| word.parse().ok()),
        owner: word("owner").and_then(|word| word.parse().ok()),
        trigger: word("trigger").and_then(|word| word.parse().ok()),
        from: word("from").and_then(|word| word.parse().ok()),
        to: word("to").and_then(|word| word.parse().ok()),
        ended_from: word("ended_from").and_then(|word| word.parse().ok()),
        q: word("q"),
        limit: None,
        before: word("before").and_then(|word| word.parse().ok()),
    }
}

/// What started an execution, in a word.
pub fn trigger_word(trigger: Trigger) -> &'static str {
    trigger.word()
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
