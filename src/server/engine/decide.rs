//! Which step may begin, and which is passed over: pure, from the plan and where its steps stand.

use std::collections::{HashMap, HashSet};

use crate::domain::{
    execution::{Execution, StepStatus},
    id::StepId,
    workflow::{Condition, StepPlan, Workflow},
};

/// What becomes of a pending step now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It begins.
    Run(StepId),
    /// It is passed over; why.
    Skip(StepId, String),
}

/// Why no more steps begin, but those that run in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// Somebody stopped the execution.
    Cancelled,
    /// It took longer than it may.
    TimedOut,
    /// The server stops: not even those begin.
    Interrupted,
}

impl Halt {
    /// As `step.skipped` says it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Halt::Cancelled => "cancelled",
            Halt::TimedOut => "timed out",
            Halt::Interrupted => "interrupted",
        }
    }
}

/// Decides over every pending step that can be decided over now. A decision may settle others: ask again once it has
/// been recorded. `last` says that even `if: always` has had its time.
pub(super) fn decide(plan: &Workflow, execution: &Execution, halt: Option<Halt>, last: bool) -> Vec<Decision> {
    let stand = Stand(execution.steps.iter().map(|step| (&step.id, step.status)).collect());
    let pending = |step: &&StepPlan| stand.of(&step.id) == Some(StepStatus::Pending);
    plan.steps.iter().filter(pending).filter_map(|step| decide_one(plan, &stand, step, halt, last)).collect()
}

/// Where the steps stand.
struct Stand<'e>(HashMap<&'e StepId, StepStatus>);

impl Stand<'_> {
    fn of(&self, id: &StepId) -> Option<StepStatus> {
        self.0.get(id).copied()
    }
}

fn decide_one(plan: &Workflow, stand: &Stand, step: &StepPlan, halt: Option<Halt>, last: bool) -> Option<Decision> {
    if let Some(halt) = halt
        && (last || halt == Halt::Interrupted || step.condition != Condition::Always)
    {
        return Some(Decision::Skip(step.id.clone(), halt.reason().to_owned()));
    }
    let settled = |id: &StepId| stand.of(id).is_none_or(StepStatus::is_final);
    if !step.needs.iter().all(settled) {
        return None;
    }
    let harm = harm(plan, stand, step);
    Some(match (step.condition, harm) {
        (Condition::Always, _) | (Condition::Success, None) | (Condition::Failure, Some(_)) => {
            Decision::Run(step.id.clone())
        }
        (Condition::Success, Some(harm)) => Decision::Skip(step.id.clone(), harm),
        (Condition::Failure, None) => Decision::Skip(step.id.clone(), "nothing failed".to_owned()),
    })
}

/// What went wrong among all that `step` depends on, directly or not. A skipped step is no harm: either what it was
/// skipped for is itself among them, or it was its own `if`.
fn harm(plan: &Workflow, stand: &Stand, step: &StepPlan) -> Option<String> {
    let above = ancestors(plan, step);
    plan.steps.iter().filter(|other| above.contains(&other.id) && !other.continue_on_error).find_map(|other| {
        let name = &other.name;
        match stand.of(&other.id)? {
            StepStatus::Failed => Some(format!("{name} failed")),
            StepStatus::TimedOut => Some(format!("{name} timed out")),
            StepStatus::Cancelled => Some(format!("{name} was cancelled")),
            StepStatus::Interrupted => Some(format!("{name} was interrupted")),
            StepStatus::Pending
            | StepStatus::Running
            | StepStatus::Retrying
            | StepStatus::Succeeded
            | StepStatus::Skipped => None,
        }
    })
}

/// All that `step` depends on, directly or not.
pub(super) fn ancestors<'p>(plan: &'p Workflow, step: &'p StepPlan) -> HashSet<&'p StepId> {
    let mut found = HashSet::new();
    let mut open: Vec<&StepId> = step.needs.iter().collect();
    let needs: HashMap<&StepId, &[StepId]> = plan.steps.iter().map(|step| (&step.id, &*step.needs)).collect();
    while let Some(id) = open.pop() {
        if found.insert(id)
            && let Some(&above) = needs.get(id)
        {
            open.extend(above);
        }
    }
    found
}
