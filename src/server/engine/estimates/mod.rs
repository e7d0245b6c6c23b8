//! What the past says about work that runs: [`Pasts`] keeps what the journal remembers at hand, [`Outlook`] is about one
//! execution, [`Pulse`] about one attempt at a step. The formulas are `domain::estimate`'s.

mod outlook;
mod pulse;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::{
        estimate::{Past, weights},
        event::PlannedStep,
        id::{Name, StepId},
        workflow::Workflow,
    },
    server::journal::Journal,
};

pub(super) use self::{
    outlook::Outlook,
    pulse::{Pace, Pulse, Word},
};

/// Most steps whose past is kept at hand, 320 bytes of times for each; one workflow more, and all are read again when they
/// are needed.
const AT_HAND_MAX: usize = 20_000;

/// The pasts of the steps of a workflow; those of steps that have never succeeded are not there.
pub(super) type StepPasts = HashMap<StepId, Past>;

/// How long a step took that succeeded.
pub(super) struct Success {
    pub step: StepId,
    pub duration_ms: u64,
    /// The longest time in which it printed nothing.
    pub silence_ms: u64,
}

/// The pasts of workflows: read once, and lengthened by each of their executions.
pub(super) struct Pasts {
    journal: Journal,
    at_hand: Mutex<AtHand>,
}

#[derive(Default)]
struct AtHand {
    /// Of [`AT_HAND_MAX`] steps at most, in all; a workflow without a past counts as one.
    pasts: HashMap<Name, Arc<StepPasts>>,
    /// How many executions have ended: what was read before the last one did may be old.
    ended: u64,
}

impl AtHand {
    /// Forgets all if there are too many for so many more.
    fn make_room(&mut self, steps: usize) {
        if self.pasts.values().map(|pasts| pasts.len().max(1)).sum::<usize>() + steps > AT_HAND_MAX {
            self.pasts.clear();
        }
    }
}

impl Pasts {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, at_hand: Mutex::default() }
    }

    /// The pasts of a workflow's steps. If they can't be read there are none: work goes on without estimates.
    pub(super) async fn of(&self, workflow: &Name) -> Arc<StepPasts> {
        let ended = {
            let at_hand = self.at_hand();
            if let Some(pasts) = at_hand.pasts.get(workflow) {
                return Arc::clone(pasts);
            }
            at_hand.ended
        };
        let read = async {
            // What has ended by now may still be on its way into the journal. One that can't be written is not waited for.
            tokio::select! {
                flushed = self.journal.flush() => flushed?,
                _ = self.journal.stuck() => {}
            }
            self.journal.step_pasts(workflow).await
        };
        let pasts = match read.await {
            Ok(pasts) => Arc::new(pasts),
            Err(error) => {
                tracing::warn!(%workflow, %error, "how long its steps take can't be read");
                return Arc::default();
            }
        };
        let mut at_hand = self.at_hand();
        if at_hand.ended == ended {
            at_hand.make_room(pasts.len().max(1));
            at_hand.pasts.insert(workflow.clone(), Arc::clone(&pasts));
        }
        pasts
    }

    /// An execution of the workflow has ended, all its facts are handed to the journal: the past has become longer by what
    /// succeeded, in the order of its ends.
    pub(super) fn learn(&self, workflow: &Name, successes: Vec<Success>) {
        let mut at_hand = self.at_hand();
        at_hand.ended += 1;
        let Some(pasts) = at_hand.pasts.get_mut(workflow) else { return };
        let before = pasts.len();
        let pasts = Arc::make_mut(pasts);
        for Success { step, duration_ms, silence_ms } in successes {
            pasts.entry(step).or_default().add(duration_ms, silence_ms);
        }
        if pasts.len() > before {
            at_hand.make_room(0);
        }
    }

    /// An execution of the workflow has ended, and nobody knows what of it succeeded: it is read again.
    pub(super) fn forget(&self, workflow: &Name) {
        let mut at_hand = self.at_hand();
        at_hand.ended += 1;
        at_hand.pasts.remove(workflow);
    }

    fn at_hand(&self) -> MutexGuard<'_, AtHand> {
        // Nothing that panics is done under the lock.
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A workflow's steps as `execution.queued` tells them, with the weights that their past teaches.
pub(super) fn planned(workflow: &Workflow, pasts: &StepPasts) -> Vec<PlannedStep> {
    let median = |id| Some(pasts.get(id)?.usual()?.median);
    let known: Vec<_> = workflow.steps.iter().map(|step| (step.weight, median(&step.id))).collect();
    let steps = workflow.planned().into_iter().zip(weights(&known));
    steps.map(|(step, weight)| PlannedStep { weight, ..step }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::estimate::PAST_MAX;
    use crate::server::{
        feed::Feed,
        journal::tests::{Story, in_memory, name},
    };

    #[tokio::test]
    async fn what_an_execution_adds_is_what_is_read_again_after_it() {
        let journal = in_memory(&Feed::default()).await;
        let pasts = Pasts::new(journal.clone());
        let workflow = name("a");
        let step: StepId = "one".parse().expect("a step id");
        for round in 0..PAST_MAX as u64 + 5 {
            let before = pasts.of(&workflow).await;
            assert_eq!(before.get(&step).map_or(0, |past| past.durations.len() as u64), round.min(PAST_MAX as u64));
            let story = Story::new("alice", "a");
            story.begin(&journal).await;
            journal.append(story.step_completed(70 + round, Some(round), false)).await;
            journal.append(story.completed()).await;
            pasts.learn(&workflow, vec![Success { step: step.clone(), duration_ms: 70 + round, silence_ms: round }]);
            let learned = pasts.of(&workflow).await;
            assert_eq!(learned[&step].durations[0], 70 + round);
            if round % 2 == 0 {
                pasts.forget(&workflow);
                assert_eq!(pasts.of(&workflow).await, learned, "read without a wait for the journal");
            }
        }
    }

    #[test]
    fn a_planned_step_weighs_what_it_takes_unless_the_file_says_otherwise() {
        let text = "steps:\n  - id: a\n    run: x\n  - id: b\n    run: x\n  - id: c\n    run: x\n    weight: 7\n";
        let workflow = Workflow::parse("w.yaml", "w", text).expect("a good file");
        let past = |ms| Past { durations: vec![ms], silences: Vec::new() };
        let ids = ["a", "b", "c"].map(|id| id.parse::<StepId>().expect("a step id"));
        let pasts = StepPasts::from_iter(ids.into_iter().zip([1000, 3000, 9000].map(past)));
        let weights: Vec<f64> = planned(&workflow, &pasts).iter().map(|step| step.weight).collect();
        assert_eq!(weights, [0.5, 1.5, 7.0]);
    }
}
