//! Starts workflows when their time has come: never twice for the same time, whatever happens to the server or to its
//! clock.
//!
//! How far the schedule was handled is committed together with the execution's first fact, so wherever the server dies,
//! either both are so or neither. A key that names the time is written as well: it is what still knows of the time when a
//! clock was put back by so much that the schedule begins anew.
//!
//! The clock of the system is looked at anew at least every 30 seconds: it may be put forward or back, and a machine
//! may sleep. What comes more than 30 seconds late was missed; what becomes of it the file says. A clock that was put
//! back repeats nothing: times that were handled stay handled.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::{
    clock,
    engine::{Engine, Order},
    journal::{Beside, Handled, Idempotent, Journal, JournalError},
    workflows::Workflows,
};
use crate::domain::{
    event::Trigger,
    id::Name,
    schedule::{Schedule, UTC},
    time::Timestamp,
    workflow::{Missed, NOBODY, Workflow},
};

/// Longest time between two looks at the clock.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait when the journal failed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// What comes later than this was missed, in milliseconds.
const LATE_MS: u64 = 30_000;
/// A schedule that is handled further than this into the future, in milliseconds, was so by a clock that was wrong. A
/// day: as long as the keys of started times are remembered, so that even then none is started twice.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1000;

/// Watches the clock and the folder of workflows.
pub struct Scheduler {
    engine: Engine,
    journal: Journal,
    workflows: Workflows,
    /// What is known of each schedule; as many as there are workflows, and what the last stop left
    /// ([`SCHEDULES_KEPT`](super::journal::SCHEDULES_KEPT) at most).
    handled: BTreeMap<Name, Handled>,
    /// The schedules as they are in the folder.
    timed: BTreeMap<Name, Timed>,
}

/// A workflow with its times.
struct Timed {
    workflow: Arc<Workflow>,
    schedule: Schedule,
    /// The first of its times that is not handled.
    next: Option<Timestamp>,
}

impl Scheduler {
    /// One that knows what an earlier life handled.
    ///
    /// # Errors
    /// If the journal can't be read.
    pub async fn open(engine: Engine, journal: Journal, workflows: Workflows) -> Result<Self, JournalError> {
        let handled = journal.handled_schedules().await?;
        Ok(Self { engine, journal, workflows, handled, timed: BTreeMap::new() })
    }

    /// Starts what comes due until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut changes = self.workflows.changes();
        let keep_time = async {
            loop {
                let wait = match self.tick(clock::now()).await {
                    Ok(next) => next.map_or(LOOK, |next| Duration::from_millis(next.since(clock::now())).min(LOOK)),
                    Err(error) => {
                        tracing::error!(%error, "a schedule could not be kept; trying again");
                        AGAIN_AFTER
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = changes.next() => {}
                }
            }
        };
        stop.run_until_cancelled(keep_time).await;
    }

    /// Handles every time up to `now`. Says when the next one comes.
    ///
    /// # Errors
    /// If the journal fails; then what is left is handled by the next call.
    pub async fn tick(&mut self, now: Timestamp) -> Result<Option<Timestamp>, JournalError> {
        self.follow(now).await?;
        let due: Vec<Name> = self.timed.iter().filter(|(_, timed)| timed.is_due(now)).map(|(n, _)| n.clone()).collect();
        for name in due {
            self.handle(&name, now).await?;
        }
        Ok(self.timed.values().filter_map(|timed| timed.next).min())
    }

    /// Takes in what has changed in the folder.
    async fn follow(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let all: BTreeMap<Name, Option<Arc<Workflow>>> = self.workflows.all().into_iter().collect();
        let over = |name: &Name| match all.get(name) {
            Some(Some(workflow)) => workflow.schedule.is_empty(),
            // It has had errors since before the start: that says nothing.
            Some(None) => false,
            // Nor does it if the folder was never there in this life: its disk may come later.
            None => self.timed.contains_key(name),
        };
        let gone: Vec<Name> = self.handled.keys().filter(|name| over(name)).cloned().collect();
        for name in gone {
            self.timed.remove(&name);
            self.handled.remove(&name);
            self.journal.keep_schedule(name, None).await?;
        }
        for (name, workflow) in all.into_iter().filter_map(|(name, workflow)| Some((name, workflow?))) {
            let known = self.timed.get(&name).is_some_and(|timed| Arc::ptr_eq(&timed.workflow, &workflow));
            if !known && !workflow.schedule.is_empty() {
                self.take(name, workflow, now).await?;
            }
        }
        self.mind_a_clock_put_back(now).await
    }

    /// A schedule that is new begins now; one that is as it was goes on.
    async fn take(&mut self, name: Name, workflow: Arc<Workflow>, now: Timestamp) -> Result<(), JournalError> {
        // The reading of the file has refused one that is wrong.
        let Ok(Some(schedule)) = Schedule::of(&workflow) else { return Ok(()) };
        let words = words(&workflow);
        let through = match self.handled.get(&name) {
            Some(handled) if handled.words == words => handled.through,
            _ => {
                self.keep(&name, Handled { words, through: now }).await?;
                now
            }
        };
        let next = schedule.next(through);
        self.timed.insert(name, Timed { workflow, schedule, next });
        Ok(())
    }

    async fn mind_a_clock_put_back(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let ahead: Vec<Name> = self
            .timed
            .keys()
            .filter(|name| self.handled.get(*name).is_some_and(|handled| handled.through.since(now) > AHEAD_MS))
            .cloned()
            .collect();
        for name in ahead {
            tracing::warn!(workflow = %name, "the clock was put back by more than a day; its schedule begins anew");
            self.handled_through(&name, now).await?;
        }
        Ok(())
    }

    /// Starts a workflow for the last of the times that have come, if it is to be.
    async fn handle(&mut self, name: &Name, now: Timestamp) -> Result<(), JournalError> {
        let Some(timed) = self.timed.get(name) else { return Ok(()) };
        let (Some(first), Some(last)) = (timed.next, timed.schedule.previous(now)) else { return Ok(()) };
        let in_time = now.since(last) <= LATE_MS;
        if in_time || timed.workflow.missed == Missed::Run {
            if self.start(&timed.workflow, last, now).await? {
                self.know(name, last);
                return Ok(());
            }
        } else {
            tracing::warn!(workflow = %name, %first, %last, "its time passed while the server was away; not started");
        }
        self.handled_through(name, last).await
    }

    /// The execution of a time, unless it was started before; with it the time is handled. Says whether it was started.
    async fn start(&self, workflow: &Arc<Workflow>, time: Timestamp, now: Timestamp) -> Result<bool, JournalError> {
        let name = &workflow.name;
        let owner = in_whose_name(workflow);
        // No request can have such a key: there is no line end in a header.
        let key = format!("schedule\n{name}\n{time}");
        if self.journal.keyed(&owner, &key, now).await?.is_some() {
            return Ok(false);
        }
        let Ok(params) = workflow.bind(&Map::new()) else {
            // The reading of the file has refused a schedule with an open parameter.
            tracing::error!(workflow = %name, "a parameter has no default; not started");
            return Ok(false);
        };
        let idempotent = Some(Idempotent { key, request: Vec::new() });
        let handled = Some(Handled { words: words(workflow), through: time });
        let beside = Beside { idempotent, handled, ..Beside::default() };
        let order = Order { workflow: workflow.clone(), params, owner, trigger: Trigger::Schedule, beside };
        let execution = self.engine.start(order).await?;
        tracing::info!(workflow = %name, %time, execution = %execution.id, "started by its schedule");
        Ok(true)
    }

    async fn handled_through(&mut self, name: &Name, through: Timestamp) -> Result<(), JournalError> {
        match self.know(name, through) {
            Some(handled) => self.keep(name, handled).await,
            None => Ok(()),
        }
    }

    /// Takes in that a schedule was handled so far.
    fn know(&mut self, name: &Name, through: Timestamp) -> Option<Handled> {
        let timed = self.timed.get_mut(name)?;
        timed.next = timed.schedule.next(through);
        let handled = Handled { words: words(&timed.workflow), through };
        self.handled.insert(name.clone(), handled.clone());
        Some(handled)
    }

    async fn keep(&mut self, name: &Name, handled: Handled) -> Result<(), JournalError> {
        // Known here even if it can't be written: this life at least repeats nothing.
        self.handled.insert(name.clone(), handled.clone());
        self.journal.keep_schedule(name.clone(), Some(handled)).await
    }
}

impl Timed {
    fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_some_and(|next| next <= now)
    }
}

/// In whose name a workflow runs when no user starts it.
pub fn in_whose_name(workflow: &Workflow) -> Name {
    workflow.owner.clone().unwrap_or_else(|| NOBODY.parse().expect("it is made of seven letters"))
}

/// What a schedule is known again by.
fn words(workflow: &Workflow) -> String {
    let zone = workflow.timezone.as_deref().unwrap_or(UTC);
    format!("{}\n{zone}", workflow.schedule.join("\n"))
}
