//! Showing an execution as it was at any moment. The facts are fetched when the reader first asks for the past, and
//! folded here, by the same function as everything else; what comes in meanwhile goes on underneath.

use std::time::Duration;

use leptos::prelude::*;

use super::run::Run;
use crate::{
    browser::{address, http, time},
    domain::{
        event::Recorded,
        execution::Execution,
        history::{History, Mark, Moment, PrintedThen},
        id::Seq,
        problem::Problem,
        time::Timestamp,
    },
};

/// How fast the past can be played.
pub const SPEEDS: [u32; 4] = [1, 2, 10, 60];
/// The output of a moment that is dragged follows no faster than this.
const PRINT_EVERY: Duration = Duration::from_millis(100);
/// Facts that are read between two frames.
const BATCH: usize = 250;

/// What is known of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Past {
    /// Nobody has asked for it, or some of it was missed.
    #[default]
    Unread,
    /// It is being fetched.
    Reading,
    /// All of it is here, and what happens is added.
    Read,
    /// It could not be fetched.
    Failed(Problem),
}

/// Where somebody wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// To a time.
    Time(Timestamp),
    /// To the moment after this fact.
    Fact(Seq),
    /// So many moments on, or back.
    By(i64),
    /// To the first moment.
    Beginning,
}

/// How an execution's page goes through its past. A copy is the same one.
#[derive(Clone, Copy, Debug)]
pub struct Travel {
    /// What is known of the past.
    pub past: RwSignal<Past>,
    /// What is worth a mark on the axis, as far as the past is known.
    pub marks: RwSignal<Vec<Mark>>,
    /// What happened at the moment that is shown, and which of how many it is.
    pub what: RwSignal<String>,
    /// Where the reader wants to be, while that is not shown yet.
    pub pending: RwSignal<Option<Timestamp>>,
    /// Whether it plays.
    pub playing: RwSignal<bool>,
    /// How fast, one of [`SPEEDS`].
    pub speed: RwSignal<u32>,
    history: StoredValue<Option<History>>,
    goal: StoredValue<Option<Goal>>,
    /// Where the reader wanted to be when the past could not be fetched.
    unreached: StoredValue<Option<Goal>>,
    /// Whether the moment is to be written into the address once it is shown.
    to_settle: StoredValue<bool>,
    /// Whether the output follows soon.
    printing: StoredValue<bool>,
    /// Counts plays, so that one that was ended does not go on.
    turn: StoredValue<u64>,
}

impl Travel {
    /// Nowhere yet.
    pub fn new() -> Self {
        Self {
            past: RwSignal::default(),
            marks: RwSignal::default(),
            what: RwSignal::default(),
            pending: RwSignal::default(),
            playing: RwSignal::default(),
            speed: RwSignal::new(SPEEDS[0]),
            history: StoredValue::default(),
            goal: StoredValue::default(),
            unreached: StoredValue::default(),
            to_settle: StoredValue::default(),
            printing: StoredValue::default(),
            turn: StoredValue::default(),
        }
    }

    /// Adds what happened, if all before it is known.
    pub fn see(&self, facts: &[Recorded]) {
        if self.past.with_untracked(|past| *past == Past::Read) {
            let before = self.marks.with_untracked(Vec::len);
            let marks = self.history.try_update_value(|history| {
                let history = history.as_mut()?;
                facts.iter().for_each(|fact| history.take_in(fact));
                (history.marks().len() > before).then(|| history.marks().to_vec())
            });
            if let Some(Some(marks)) = marks {
                self.marks.set(marks);
            }
        }
    }

    /// Something may have been missed: it is fetched when it is asked for again.
    pub fn miss(&self) {
        if self.past.with_untracked(|past| *past == Past::Read) {
            self.past.set(Past::Unread);
        }
    }

    /// Whether so much happened that some of it is told together, or left out.
    pub fn note(&self) -> Option<&'static str> {
        self.past.track();
        self.history.with_value(|history| match history {
            Some(history) if history.full() => Some("Only the first part of this run's past can be shown."),
            Some(history) if history.thinned() => Some("So much happened that neighbouring events are shown as one."),
            _ => None,
        })
    }

    /// Takes in a page of the history. Says whether it held anything new; none if it can't be read.
    async fn take_in(&self, page: &str) -> Option<bool> {
        let before = self.through()?;
        let lines: Vec<&str> = page.lines().filter(|line| !line.is_empty()).collect();
        for some in lines.chunks(BATCH) {
            let taken = self.history.try_update_value(|history| some.iter().all(|line| take_line(history, line)));
            if taken != Some(true) {
                return None;
            }
            time::frame().await;
        }
        Some(self.through()? > before)
    }

    fn through(&self) -> Option<Seq> {
        self.history.try_with_value(|history| history.as_ref().map_or(Seq(0), History::through))
    }
}

impl Default for Travel {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes in a line of a history. False if it is none.
fn take_line(history: &mut Option<History>, line: &str) -> bool {
    if let Ok(printed) = serde_json::from_str::<PrintedThen>(line) {
        return history.as_mut().map(|history| history.take_in_printed(&printed)).is_some();
    }
    let Ok(recorded) = serde_json::from_str::<Recorded>(line) else { return false };
    match history {
        Some(history) => history.take_in(&recorded),
        None => *history = History::begin(&recorded),
    }
    history.is_some()
}

impl Run {
    /// Goes to a moment, by the next frame: of several goals in one frame only the last one is looked for.
    pub fn go(self, goal: Goal) {
        let travel = self.travel;
        if let Goal::Time(at) = goal {
            travel.pending.set(Some(at));
        }
        let on_the_way = travel.goal.try_update_value(|waiting| {
            let had = waiting.is_some();
            *waiting = Some(match (*waiting, goal) {
                (Some(Goal::By(some)), Goal::By(more)) => Goal::By(some + more),
                (_, goal) => goal,
            });
            had
        });
        if on_the_way != Some(false) {
            return;
        }
        leptos::task::spawn_local(async move {
            let read = self.read_past().await;
            time::frame().await;
            let goal = travel.goal.try_update_value(Option::take).flatten();
            travel.unreached.try_set_value(goal.filter(|_| !read));
            if let Some(goal) = goal.filter(|_| read) {
                self.arrive(goal);
                // Of a time there are many in a drag: whoever drags says when it is done.
                let done = travel.to_settle.try_update_value(std::mem::take) == Some(true);
                if done || !matches!(goal, Goal::Time(_)) {
                    self.settle();
                }
            }
            travel.pending.try_set(None);
        });
    }

    /// Goes, or plays, once more after the past could not be fetched.
    pub fn try_again(self) {
        match self.travel.unreached.try_update_value(Option::take).flatten() {
            Some(goal) => self.go(goal),
            None => self.play_or_pause(),
        }
    }

    /// Goes back to now, or to the end of what has ended.
    pub fn go_live(self) {
        self.pause();
        self.show_now();
        address::set_query("at", None);
    }

    /// Plays from the moment that is shown, from the first one if it is live; or stops playing.
    pub fn play_or_pause(self) {
        let travel = self.travel;
        travel.unreached.set_value(None);
        if travel.playing.get_untracked() {
            self.pause();
            self.settle();
            return;
        }
        let turn = travel.turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        });
        travel.playing.set(true);
        leptos::task::spawn_local(async move {
            if !self.read_past().await {
                travel.playing.try_set(false);
                return;
            }
            if self.moment.try_with_untracked(Option::is_none) == Some(true) {
                self.arrive(Goal::Beginning);
            }
            let mut before = time::now();
            loop {
                time::frame().await;
                let now = time::now();
                if travel.turn.try_get_value() != turn || !self.play_on(now.since(before)) {
                    break;
                }
                before = now;
            }
        });
    }

    /// Stops playing, if it plays.
    pub fn pause(self) {
        let travel = self.travel;
        travel.turn.try_update_value(|turn| *turn += 1);
        if travel.playing.get_untracked() {
            travel.playing.set(false);
        }
    }

    /// Writes the moment that is shown into the address, so that it can be sent to somebody; the moment that is on the way,
    /// if one is.
    pub fn settle(self) {
        if self.travel.goal.with_value(Option::is_some) {
            self.travel.to_settle.set_value(true);
            return;
        }
        let seq = self.moment.get_untracked().map(|moment| moment.seq.to_string());
        address::set_query("at", seq.as_deref());
    }

    /// Plays what happened in so many milliseconds of the reader's time. Says whether there is more.
    fn play_on(self, passed: u64) -> bool {
        let Some(Some(moment)) = self.moment.try_get_untracked() else { return false };
        let passed = passed.saturating_mul(self.travel.speed.get_untracked().into());
        let at = Timestamp(moment.at.0.saturating_add_unsigned(passed));
        if at >= self.latest() {
            self.go_live();
            return false;
        }
        self.arrive(Goal::Time(at));
        true
    }

    /// The time of the right end: now, or when it ended.
    fn latest(self) -> Timestamp {
        let ended = self.execution.with_untracked(|execution| execution.finished_at);
        ended.or_else(|| Some(self.live?.now.get_untracked())).unwrap_or_else(time::now)
    }

    /// Shows a moment; what lies at the right end is now.
    fn arrive(self, goal: Goal) {
        let shown = self.moment.get_untracked();
        let ended = self.execution.with_untracked(|execution| execution.finished_at);
        let found = self.travel.history.try_update_value(|history| {
            let history = history.as_mut()?;
            let last = history.moments() - 1;
            let from = shown.map_or(last, |moment| history.number_of(moment.seq));
            let number = match goal {
                Goal::Time(at) => history.number_at(at),
                Goal::Fact(seq) => history.number_of(seq),
                Goal::By(steps) => from.saturating_add_signed(isize::try_from(steps).unwrap_or_default()).min(last),
                Goal::Beginning => 0,
            };
            let mut moment = history.moment(number);
            if let Goal::Time(at) = goal {
                moment.at = moment.at.max(at);
            }
            let at_end = number == last && (ended.is_some() || matches!(goal, Goal::By(_)));
            let what = format!("{}, event {} of {}", history.what(number), number + 1, last + 1);
            (!at_end).then(|| (moment, history.at(number).clone(), what))
        });
        match found {
            Some(Some((moment, then, what))) => {
                self.travel.what.set(what);
                self.show(moment, then);
            }
            Some(None) => self.go_live(),
            None => {}
        }
    }

    fn show(self, moment: Moment, then: Execution) {
        if self.moment.with_untracked(|shown| shown.map(|shown| shown.seq)) != Some(moment.seq) {
            self.then.set(Some(then));
            self.print();
        }
        self.moment.set(Some(moment));
    }

    /// Brings the output to the moment that is shown: at once after a rest, then not again for a tenth of a second. Its rows
    /// are most of what a moment costs, and nobody reads them while they fly past.
    fn print(self) {
        let on_the_way = self.travel.printing.try_update_value(|printing| std::mem::replace(printing, true));
        if on_the_way != Some(false) {
            return;
        }
        self.printed.set(self.then.get_untracked());
        leptos::task::spawn_local(async move {
            time::sleep(PRINT_EVERY).await;
            self.travel.printing.try_set_value(false);
            let seq = |then: &Option<Execution>| then.as_ref().map(|then| then.seq);
            if self.then.try_with_untracked(seq) != self.printed.try_with_untracked(seq) {
                self.print();
            }
        });
    }

    fn show_now(self) {
        if self.moment.try_with_untracked(Option::is_some) == Some(true) {
            self.moment.set(None);
            self.then.set(None);
            self.printed.set(None);
        }
    }

    /// Fetches the past as far as it is not here yet. Says whether it is.
    async fn read_past(self) -> bool {
        let travel = self.travel;
        loop {
            let Some(past) = travel.past.try_get_untracked() else { return false };
            if past == Past::Read {
                return true;
            }
            let Some(through) = travel.through() else { return false };
            let known = self.execution.with_untracked(|execution| execution.seq);
            if through >= known {
                self.is_read();
                return true;
            }
            travel.past.set(Past::Reading);
            let page = http::history(self.id(), through).await;
            let taken = match &page {
                Ok(page) => travel.take_in(page).await,
                Err(problem) => {
                    travel.past.try_set(Past::Failed(problem.clone()));
                    return false;
                }
            };
            match taken {
                Some(true) => {}
                // There is no more to be had: it can't be kept, or the server has no more.
                Some(false) if through > Seq(0) => {
                    self.is_read();
                    return true;
                }
                _ => {
                    travel.past.try_set(Past::Failed(http::unreadable()));
                    return false;
                }
            }
        }
    }

    fn is_read(self) {
        let marks = self.travel.history.try_with_value(|history| history.as_ref().map(|one| one.marks().to_vec()));
        if let Some(Some(marks)) = marks {
            self.travel.marks.set(marks);
        }
        self.travel.past.set(Past::Read);
    }
}
