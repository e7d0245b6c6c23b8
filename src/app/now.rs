//! The page of now as it is held: what needs a look, what is on course, what waits, what has just ended, and the last
//! hour, folded from the stream. A fact is folded into one row; the order of rows is looked at once in a while, and
//! never changed while somebody points at them.

use std::collections::{BTreeMap, VecDeque};

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower},
    rows::Row,
    strip::Strip,
};
use crate::domain::{
    activity::{RUNS_MAX, Ran, Tally},
    event::Recorded,
    execution::{Execution, Status},
    id::{ExecutionId, Seq},
    listing::{JUST_ENDED, Overview, QUEUED_MAX, RUNNING_MAX},
    time::Timestamp,
    urgency::{turn, urgency},
};

/// Most rows that are followed: those that the page opens with, and as many that come in later.
const FOLLOWED_MAX: usize = 2 * (RUNNING_MAX + QUEUED_MAX);
/// The ways to end that count as a failure.
pub const FAILED: [Status; 3] = [Status::Failed, Status::TimedOut, Status::Interrupted];

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// That run.
    pub running: u64,
    /// That run and need a look.
    pub look: u64,
    /// That wait.
    pub queued: u64,
    /// That succeeded in the last hour.
    pub succeeded: u64,
    /// That failed in the last hour, in any of the ways of [`FAILED`].
    pub failed: u64,
    /// That were cancelled in the last hour.
    pub cancelled: u64,
    /// Whether more run or wait than the page follows.
    pub more: bool,
}

impl Counts {
    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        let Counts { running, look: _, queued, succeeded, failed, cancelled, more: _ } = *self;
        running + queued + succeeded + failed + cancelled == 0
    }
}

/// The page. A copy is the same page.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What needs a look, the most urgent first.
    pub look: RwSignal<Vec<Row>>,
    /// What goes on as it should, next to end first; and what begins the next moment: it has nothing to wait for.
    pub course: RwSignal<Vec<Row>>,
    /// What waits, next in line first.
    pub queued: RwSignal<Vec<Row>>,
    /// What ended last, newest first.
    pub ended: RwSignal<Vec<Execution>>,
    /// The last hour.
    pub strip: RwSignal<Strip>,
    /// How many there are.
    pub counts: RwSignal<Counts>,
    /// Whether the rows would stand otherwise if nobody pointed at them.
    pub waiting: RwSignal<bool>,
    /// The last thing that happened, for those who listen.
    pub said: RwSignal<String>,
    state: StoredValue<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What runs and waits, and what has ended and still stands there; [`FOLLOWED_MAX`] at most.
    rows: BTreeMap<ExecutionId, Row>,
    /// The ends by which rows are in order; as many as there are rows at most.
    turns: BTreeMap<ExecutionId, Timestamp>,
    /// [`JUST_ENDED`] at most.
    ended: VecDeque<Execution>,
    /// [`RUNS_MAX`] at most.
    ran: VecDeque<Ran>,
    tally: Tally,
    more: bool,
    seq: Seq,
    /// What time it is, as of the last tick.
    at: Timestamp,
    /// Somebody points at the rows, or has the focus there.
    held: bool,
    /// Rows have come, begun or ended since the strip was drawn.
    changed: bool,
    /// The rows have been arranged since the last tick because of that.
    hasty: bool,
}

impl Now {
    /// What a page opens with.
    pub fn new(overview: Overview) -> Self {
        let now = Self {
            look: RwSignal::default(),
            course: RwSignal::default(),
            queued: RwSignal::default(),
            ended: RwSignal::default(),
            strip: RwSignal::default(),
            counts: RwSignal::default(),
            waiting: RwSignal::default(),
            said: RwSignal::default(),
            state: StoredValue::default(),
        };
        now.load(overview);
        now
    }

    /// Whether nothing has ever run.
    pub fn is_empty(&self) -> bool {
        self.counts.with(Counts::is_empty) && self.ended.with(Vec::is_empty)
    }

    /// What time it is: the rows are put in their order, as far as nobody points at them.
    pub fn tick(&self, at: Timestamp) {
        self.state.update_value(|state| {
            state.at = at;
            state.hasty = false;
        });
        self.arrange();
    }

    /// Somebody begins to point at the rows, or ceases to.
    pub fn hold(&self, held: bool) {
        if self.state.try_update_value(|state| std::mem::replace(&mut state.held, held)) == Some(true) && !held {
            self.arrange();
        }
    }

    fn load(&self, overview: Overview) {
        let at = overview.at;
        let rows = overview.running.into_iter().chain(overview.queued);
        self.state.update_value(|state| {
            *state = State {
                turns: std::mem::take(&mut state.turns),
                rows: rows.map(|execution| (execution.id, Row::again(&state.rows, execution, Some(at)))).collect(),
                ended: overview.ended.into(),
                ran: overview.ran.into(),
                tally: overview.tally,
                more: overview.more,
                seq: overview.head,
                at,
                held: state.held,
                changed: true,
                hasty: false,
            };
        });
        self.arrange();
    }

    /// Puts everything where it belongs, but moves no row while they are held.
    fn arrange(&self) {
        let Some(view) = self.state.try_update_value(State::view) else { return };
        let lists = [(self.look, view.look), (self.course, view.course), (self.queued, view.queued)];
        if view.held {
            let differs = lists.iter().any(|(list, new)| list.with_untracked(|old| old != new));
            let ended = self.ended.with_untracked(|old| old.len() != view.ended.len() || !same(old, &view.ended));
            set(self.waiting, differs || ended);
        } else {
            for (list, new) in lists {
                set(list, new);
            }
            if self.ended.with_untracked(|old| !same(old, &view.ended)) {
                self.ended.set(view.ended);
            }
            set(self.waiting, false);
        }
        set(self.counts, view.counts);
        if let Some(strip) = view.strip {
            set(self.strip, strip);
        }
    }
}

/// What is to be seen.
struct View {
    look: Vec<Row>,
    course: Vec<Row>,
    queued: Vec<Row>,
    ended: Vec<Execution>,
    counts: Counts,
    strip: Option<Strip>,
    held: bool,
}

impl State {
    fn view(&mut self) -> View {
        if !self.held {
            self.rows.retain(|_, row| !row.status().is_final());
        }
        let before = std::mem::take(&mut self.turns);
        let (mut look, mut course, mut queued, mut begin) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for row in self.rows.values() {
            row.execution.with_untracked(|execution| match (execution.status, urgency(execution, self.at)) {
                (Status::Queued, _) => match execution.waiting {
                    Some(waiting) => queued.push((waiting.place, row.clone())),
                    None => {
                        begin += 1;
                        course.push((Timestamp(i64::MAX), row.clone()));
                    }
                },
                (Status::Running, Some(urgency)) => look.push((urgency, row.clone())),
                (Status::Running, None) => {
                    let turn = turn(row.due.get_untracked(), before.get(&row.id).copied(), self.at);
                    if let Some(turn) = turn {
                        self.turns.insert(row.id, turn);
                    }
                    course.push((turn.unwrap_or(Timestamp(i64::MAX)), row.clone()));
                }
                _ => {}
            });
        }
        let counts = self.counts(look.len(), course.len() - begin, queued.len() + begin);
        // The look may come to be, or pass, with nothing but time.
        let mut attention: Vec<ExecutionId> = look.iter().map(|(_, row)| row.id).collect();
        attention.sort_unstable();
        let strip = (std::mem::take(&mut self.changed) || self.at.0.rem_euclid(10_000) < 1000)
            .then(|| Strip::draw(self.rows.values(), self.ran.iter(), &attention, self.at));
        View {
            look: sorted(look),
            course: sorted(course),
            queued: sorted(queued),
            ended: self.ended.iter().cloned().collect(),
            counts,
            strip,
            held: self.held,
        }
    }

    fn counts(&self, look: usize, course: usize, queued: usize) -> Counts {
        Counts {
            running: (look + course) as u64,
            look: look as u64,
            queued: queued as u64,
            succeeded: self.tally.count(&[Status::Succeeded], self.at),
            failed: self.tally.count(&FAILED, self.at),
            cancelled: self.tally.count(&[Status::Cancelled], self.at),
            more: self.more,
        }
    }

    /// Takes in one that is new.
    fn begin(&mut self, mut execution: Execution, at: Timestamp) {
        if self.rows.len() >= FOLLOWED_MAX {
            self.more = true;
            return;
        }
        execution.params.clear();
        self.rows.entry(execution.id).or_insert_with(|| Row::new(execution, Some(at)));
        self.changed = true;
    }

    /// Takes in that one has ended, known or not.
    fn end(&mut self, ran: Ran) {
        if self.ran.iter().take(JUST_ENDED).any(|known| known.id == ran.id) {
            return;
        }
        self.tally.add(ran.status, ran.finished_at);
        self.ran.push_front(ran);
        self.ran.truncate(RUNS_MAX);
        self.changed = true;
    }
}

/// The rows by what stands beside them; equals by their age, the oldest first.
fn sorted<T: Ord + Copy>(mut rows: Vec<(T, Row)>) -> Vec<Row> {
    rows.sort_by_key(|(first, row)| (*first, row.id));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn same(old: &[Execution], new: &[Execution]) -> bool {
    old.iter().map(|one| one.id).eq(new.iter().map(|one| one.id))
}

fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, new: T) {
    if signal.with_untracked(|old| *old != new) {
        signal.set(new);
    }
}

impl Follower for Now {
    fn address(&self) -> String {
        "/api/events".to_owned()
    }

    fn stands_at(&self) -> Seq {
        self.state.with_value(|state| state.seq)
    }

    fn fold(&self, facts: &[Recorded]) -> Folded {
        let mut touched = BTreeMap::new();
        let mut said = None;
        let turned = self.state.try_update_value(|state| {
            let (mut turned, seq) = (false, state.seq);
            for recorded in facts.iter().filter(|recorded| recorded.seq > seq) {
                let fact = &recorded.fact;
                if let Some(execution) = Execution::begin(recorded.seq, fact) {
                    state.begin(execution, fact.at);
                    turned = true;
                } else if let Some(row) = state.rows.get(&fact.execution_id) {
                    let (was, waited) = (row.status(), row.waits());
                    if row.apply(recorded) {
                        let status = row.status();
                        turned |= row.waits() && !waited;
                        if status != was {
                            (turned, state.changed) = (true, true);
                            said = Some(format!("{}: {}", fact.workflow, status.label().to_lowercase()));
                        }
                        if status.is_final() {
                            let execution = row.execution.get_untracked().listed();
                            state.ended.retain(|one| one.id != execution.id);
                            // As the server has it: of two that ended at one moment, or were told in another order than
                            // they ended in, both sides must put the same one first.
                            let end = |one: &Execution| (one.finished_at, one.seq);
                            let place = state.ended.partition_point(|one| end(one) > end(&execution));
                            state.ended.insert(place, execution);
                            state.ended.truncate(JUST_ENDED);
                        }
                        touched.insert(fact.execution_id, row.clone());
                    }
                }
                if let Some(ran) = Ran::of(fact) {
                    state.end(ran);
                }
            }
            if let Some(last) = facts.last() {
                state.seq = last.seq.max(state.seq);
            }
            // What comes and goes is shown at once, but no more often than twice between two ticks.
            let hasty = state.hasty;
            state.hasty |= turned;
            turned && !hasty
        });
        touched.values().for_each(Row::tell);
        if let Some(said) = said {
            self.said.set(said);
        }
        if turned == Some(true) {
            self.arrange();
        }
        // There is room again for those that were left out.
        let room = self.state.with_value(|state| state.more && state.rows.len() < RUNNING_MAX / 2);
        if room { Folded::Beyond } else { Folded::In }
    }

    async fn refresh(&self) -> bool {
        api::now().await.map(|overview| self.load(overview)).is_ok()
    }
}

#[cfg(test)]
#[path = "now_tests.rs"]
mod tests;
