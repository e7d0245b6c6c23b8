//! When an execution will be done.

use std::collections::HashMap;

use super::StepPasts;
use crate::domain::{
    estimate::{self, Ahead, Heard, Past, Span, Standing},
    event::{Event, Source},
    execution::{Execution, Step, StepStatus},
    time::Timestamp,
    workflow::{Condition, Workflow},
};

/// What is known about the time that each step of an execution takes.
pub(in crate::server::engine) struct Outlook {
    /// In the order of the file, as the execution has them.
    steps: Vec<Known>,
    /// The same steps as they stand.
    ahead: Vec<Ahead>,
}

struct Known {
    past: Past,
    /// How long it takes from its beginning, by its past.
    whole: Option<Span>,
    /// It is passed over unless something fails.
    after_failure: bool,
    /// What it last said of itself, and in which attempt.
    heard: Option<(u32, Heard)>,
    /// The highest percent that was estimated for it: what it says below that is not told as it was said.
    estimated: f64,
}

impl Outlook {
    pub(in crate::server::engine) fn new(plan: &Workflow, pasts: &StepPasts) -> Self {
        let places: HashMap<_, _> = plan.steps.iter().enumerate().map(|(place, step)| (&step.id, place)).collect();
        let known = plan.steps.iter().map(|step| {
            let past = pasts.get(&step.id).cloned().unwrap_or_default();
            let whole = past.remaining(0, None);
            let after_failure = step.condition == Condition::Failure;
            Known { past, whole, after_failure, heard: None, estimated: 0.0 }
        });
        let ahead = plan.steps.iter().map(|step| {
            let needs = step.needs.iter().filter_map(|need| places.get(need).copied()).collect();
            Ahead { needs, standing: Standing::Unknown }
        });
        Self { steps: known.collect(), ahead: ahead.collect() }
    }

    /// What the execution still needs after a fact of progress that is folded in already; none if too little is known.
    pub(in crate::server::engine) fn after(
        &mut self,
        event: &Event,
        execution: &Execution,
        now: Timestamp,
    ) -> Option<Span> {
        self.hear(event, execution, now);
        let failed = execution.steps.iter().any(|step| step.status == StepStatus::Failed);
        for ((step, known), ahead) in execution.steps.iter().zip(&self.steps).zip(&mut self.ahead) {
            ahead.standing = known.standing(step, failed, now);
        }
        estimate::execution(&self.ahead)
    }

    /// Takes in what a step says of itself.
    fn hear(&mut self, event: &Event, execution: &Execution, now: Timestamp) {
        let Event::StepProgress { step: id, attempt, percent, source, .. } = event else { return };
        let found = execution.steps.iter().zip(&mut self.steps).find(|(step, _)| step.id == *id);
        let Some((step, known)) = found else { return };
        let before = known.heard.filter(|(of, _)| of == attempt).map(|(_, heard)| heard.percent);
        if before.is_none() && known.heard.is_some() {
            (known.heard, known.estimated) = (None, 0.0);
        }
        if *source == Source::Estimated {
            known.estimated = known.estimated.max(*percent);
        } else if *percent > before.unwrap_or(known.estimated) {
            let after_ms = step.started_at.map_or(0, |at| now.since(at));
            known.heard = Some((*attempt, Heard { percent: *percent, after_ms }));
        }
    }
}

impl Known {
    fn standing(&self, step: &Step, failed: bool, now: Timestamp) -> Standing {
        let known = |span: Option<Span>| span.map_or(Standing::Unknown, Standing::Needs);
        match step.status {
            StepStatus::Pending if self.after_failure && !failed => Standing::Over,
            StepStatus::Pending => known(self.whole),
            StepStatus::Retrying => known(self.whole.map(|span| {
                let pause = step.next_attempt_at.map_or(0.0, |at| at.since(now) as f64);
                Span { low: span.low + pause, likely: span.likely + pause, high: span.high + pause }
            })),
            StepStatus::Running => {
                let elapsed = step.started_at.map_or(0, |at| now.since(at));
                let heard = self.heard.filter(|(attempt, _)| *attempt == step.attempt).map(|(_, heard)| heard);
                known(self.past.remaining(elapsed, heard))
            }
            StepStatus::Succeeded
            | StepStatus::Failed
            | StepStatus::Skipped
            | StepStatus::Cancelled
            | StepStatus::TimedOut
            | StepStatus::Interrupted => Standing::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            event::{Fact, Trigger},
            id::{ExecutionId, Seq, StepId},
        },
        server::journal::tests::name,
    };

    const FILE: &str = "steps:
  - {id: get, run: x}
  - {id: build, run: x, needs: [get]}
  - {id: test, run: x, needs: [get]}
  - {id: tell, run: x, needs: [build], if: failure}
";

    /// An execution of the file and its outlook, `get` at work from time 0 on.
    struct Case(Execution, Outlook);

    fn id(text: &str) -> StepId {
        text.parse().expect("a step id")
    }

    impl Case {
        fn new(seconds: &[(&str, u64)]) -> Self {
            let plan = Workflow::parse("w.yaml", "w", FILE).expect("a good file");
            let past = |seconds: u64| Past { durations: vec![seconds * 1000; 10], silences: Vec::new() };
            let pasts = seconds.iter().map(|(step, seconds)| (id(step), past(*seconds))).collect();
            let steps = plan.planned();
            let params = Default::default();
            let queued = Event::ExecutionQueued { trigger: Trigger::Api, params, steps, rerun_of: None };
            let execution = Execution::begin(Seq(1), &fact(0, queued)).expect("it begins");
            let mut case = Self(execution, Outlook::new(&plan, &pasts));
            case.take(0, Event::ExecutionStarted {});
            case.take(0, started("get", 1));
            case
        }

        fn take(&mut self, seconds: i64, event: Event) -> Option<u64> {
            self.0.take(&fact(seconds, event.clone()));
            self.1.after(&event, &self.0, Timestamp(seconds * 1000)).map(Span::likely_ms)
        }
    }

    fn fact(seconds: i64, event: Event) -> Fact {
        let execution_id = ExecutionId(uuid::Uuid::nil());
        Fact { at: Timestamp(seconds * 1000), execution_id, owner: name("alice"), workflow: name("w"), event }
    }

    fn started(step: &str, attempt: u32) -> Event {
        Event::StepStarted { step: id(step), attempt, estimate_ms: None, usual_ms: None }
    }

    fn progress(step: &str, attempt: u32, percent: f64, source: Source) -> Event {
        let (step, execution_percent) = (id(step), 0.0);
        let (message, eta_ms, eta_range_ms) = (None, None, None);
        Event::StepProgress { step, attempt, percent, message, source, execution_percent, eta_ms, eta_range_ms }
    }

    const KNOWN: [(&str, u64); 4] = [("get", 10), ("build", 30), ("test", 20), ("tell", 500)];

    #[test]
    fn it_is_the_longest_way_without_what_runs_only_after_a_failure() {
        let mut case = Case::new(&KNOWN);
        assert_eq!(case.take(4, progress("get", 1, 40.0, Source::Estimated)), Some(36_000));
        let failed = Event::StepFailed {
            step: id("build"),
            attempt: 1,
            status: crate::domain::event::StepFailure::Failed,
            exit_code: Some(1),
            signal: None,
            error: "no".to_owned(),
            tail: Vec::new(),
            duration_ms: 1,
            lines: 0,
        };
        assert_eq!(case.take(5, failed), Some(505_000), "now it does run");
    }

    #[test]
    fn a_step_that_tells_its_percent_is_heard_and_not_what_was_estimated_for_it() {
        let mut case = Case::new(&KNOWN[1..]);
        let unheard = case.take(4, progress("get", 1, 20.0, Source::Estimated));
        assert_eq!(
            unheard,
            case.take(4, progress("get", 1, 20.0, Source::Reported)),
            "it is no more than was estimated"
        );
        assert_eq!(case.take(10, progress("get", 1, 50.0, Source::Parsed)), Some(40_000));
    }

    #[test]
    fn the_next_attempt_at_a_step_is_a_new_beginning() {
        let mut case = Case::new(&KNOWN);
        case.take(9, progress("get", 1, 95.0, Source::Reported));
        case.take(20, started("get", 2));
        assert_eq!(case.take(20, progress("get", 2, 0.0, Source::Estimated)), Some(40_000));
    }

    #[test]
    fn nothing_is_told_while_most_is_unknown() {
        let mut case = Case::new(&[("get", 10)]);
        assert_eq!(case.take(1, progress("get", 1, 10.0, Source::Estimated)), None);
    }
}
