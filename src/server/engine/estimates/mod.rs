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

/// The pasts of workflows, read once after each of their executions.
pub(super) struct Pasts {
    journal: Journal,
    at_hand: Mutex<AtHand>,
}

#[derive(Default)]
struct AtHand {
    /// Of [`AT_HAND_MAX`] steps at most, in all; a workflow without a past counts as one.
    pasts: HashMap<Name, Arc<StepPasts>>,
    /// How often something was forgotten: what was read before that may be old.
    forgotten: u64,
}

impl Pasts {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, at_hand: Mutex::default() }
    }

    /// The pasts of a workflow's steps. If they can't be read there are none: work goes on without estimates.
    pub(super) async fn of(&self, workflow: &Name) -> Arc<StepPasts> {
        let forgotten = {
            let at_hand = self.at_hand();
            if let Some(pasts) = at_hand.pasts.get(workflow) {
                return Arc::clone(pasts);
            }
            at_hand.forgotten
        };
        let pasts = match self.journal.step_pasts(workflow).await {
            Ok(pasts) => Arc::new(pasts),
            Err(error) => {
                tracing::warn!(%workflow, %error, "how long its steps take can't be read");
                return Arc::default();
            }
        };
        let mut at_hand = self.at_hand();
        if at_hand.forgotten == forgotten {
            let steps = |pasts: &Arc<StepPasts>| pasts.len().max(1);
            if at_hand.pasts.values().map(steps).sum::<usize>() + steps(&pasts) > AT_HAND_MAX {
                at_hand.pasts.clear();
            }
            at_hand.pasts.insert(workflow.clone(), Arc::clone(&pasts));
        }
        pasts
    }

    /// An execution of the workflow has ended, its last fact is handed over: its past has become longer. Whoever saw that
    /// fact finds it in the journal; one that begins at the same moment may have to do without the very last run.
    pub(super) fn forget(&self, workflow: &Name) {
        let mut at_hand = self.at_hand();
        at_hand.pasts.remove(workflow);
        at_hand.forgotten += 1;
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
    use crate::server::{
        feed::Feed,
        journal::tests::{Story, in_memory, name},
    };

    #[tokio::test]
    async fn what_is_at_hand_is_read_again_after_an_execution_has_ended() {
        let journal = in_memory(&Feed::default()).await;
        let pasts = Pasts::new(journal.clone());
        let workflow = name("a");
        assert!(pasts.of(&workflow).await.is_empty());
        let story = Story::new("alice", "a");
        story.begin(&journal).await;
        journal.append(story.step_completed(70, None, false)).await;
        journal.append(story.completed()).await;
        journal.flush().await.expect("committed");
        assert!(pasts.of(&workflow).await.is_empty(), "it is at hand until it is forgotten");
        pasts.forget(&workflow);
        let step: StepId = "one".parse().expect("a step id");
        assert_eq!(pasts.of(&workflow).await.get(&step).map(|past| past.durations.clone()), Some(vec![70]));
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
