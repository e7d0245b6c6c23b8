//! The workflows as a page holds them: their newest runs are kept true by the stream.

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower},
};
use crate::domain::{
    event::{Event, ExecutionFailure, Recorded},
    execution::Status,
    id::{Name, Seq},
    listing::{PastRun, WorkflowView},
};

/// The workflows of a page. A copy is the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Flows {
    /// All of them.
    pub views: RwSignal<Vec<WorkflowView>>,
    seq: StoredValue<Seq>,
}

impl Flows {
    /// Asks for them. The place in the order is asked first, so that nothing falls between.
    ///
    /// # Errors
    /// The server's, or that there is none.
    pub async fn fetch() -> Result<(Seq, Vec<WorkflowView>), ServerFnError> {
        Ok((api::head().await?, api::workflows().await?))
    }

    /// What a page opens with.
    pub fn new(head: Seq, views: Vec<WorkflowView>) -> Self {
        Self { views: RwSignal::new(views), seq: StoredValue::new(head) }
    }

    /// The newest run of one of them.
    pub fn last(&self, name: &Name) -> Option<PastRun> {
        self.views.with(|views| views.iter().find(|view| view.name == *name)?.last.clone())
    }
}

impl Follower for Flows {
    fn address(&self) -> String {
        "/api/events".to_owned()
    }

    fn stands_at(&self) -> Seq {
        self.seq.get_value()
    }

    fn fold(&self, facts: &[Recorded]) -> Folded {
        let turns: Vec<(&Recorded, Status)> =
            facts.iter().filter_map(|fact| turn(&fact.fact.event).map(|status| (fact, status))).collect();
        if !turns.is_empty() {
            self.views.update(|views| {
                for (recorded, status) in turns {
                    if let Some(view) = views.iter_mut().find(|view| view.name == recorded.fact.workflow) {
                        advance(&mut view.last, recorded, status);
                    }
                }
            });
        }
        if let Some(last) = facts.last() {
            self.seq.update_value(|seq| *seq = last.seq.max(*seq));
        }
        Folded::In
    }

    async fn refresh(&self) -> bool {
        let fresh = Self::fetch().await;
        fresh
            .map(|(head, views)| {
                self.seq.set_value(head);
                self.views.set(views);
            })
            .is_ok()
    }
}

/// The status that a fact brings its execution to.
fn turn(event: &Event) -> Option<Status> {
    match event {
        Event::ExecutionQueued { .. } => Some(Status::Queued),
        Event::ExecutionStarted {} => Some(Status::Running),
        Event::ExecutionCompleted { .. } => Some(Status::Succeeded),
        Event::ExecutionCancelled { .. } => Some(Status::Cancelled),
        Event::ExecutionFailed { status, .. } => Some(match status {
            ExecutionFailure::Failed => Status::Failed,
            ExecutionFailure::TimedOut => Status::TimedOut,
            ExecutionFailure::Interrupted => Status::Interrupted,
        }),
        _ => None,
    }
}

/// Brings the newest run on; ids sort by age, so a fact about an older run changes nothing.
fn advance(last: &mut Option<PastRun>, recorded: &Recorded, status: Status) {
    let (id, at) = (recorded.fact.execution_id, recorded.fact.at);
    match last {
        Some(run) if run.id > id || (run.id == id && run.status.is_final()) => {}
        Some(run) if run.id == id => {
            run.status = status;
            run.finished_at = status.is_final().then_some(at);
        }
        _ => {
            let finished_at = status.is_final().then_some(at);
            *last = Some(PastRun { id, status, queued_at: at, finished_at, duration_ms: None });
        }
    }
}
