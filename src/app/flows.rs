//! The workflows as a page holds them: their newest runs are kept true by the stream, and what is counted over many runs
//! is asked for again when one has ended.

use std::{collections::BTreeSet, time::Duration};

use leptos::prelude::*;

use super::{
    api,
    live::{Folded, Follower, Live},
};
use crate::{
    browser::time,
    domain::{
        event::{Event, ExecutionFailure, Recorded},
        execution::Status,
        id::{Name, Seq},
        listing::{PastRun, WorkflowFolder, WorkflowView},
    },
};

/// Between two times at which something is asked for again: what ends meanwhile is asked for together.
const PAUSE: Duration = Duration::from_secs(1);
/// So many workflows are asked for one by one; of more, all are.
const ONE_BY_ONE: usize = 8;

/// The workflows of a page. A copy is the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Flows {
    /// All of them.
    pub views: RwSignal<Vec<WorkflowView>>,
    seq: StoredValue<Seq>,
    version: StoredValue<u64>,
    /// Those of which a run has ended since they were asked for.
    stale: RwSignal<BTreeSet<Name>>,
}

impl Flows {
    /// What a page opens with.
    pub fn new(folder: WorkflowFolder) -> Self {
        Self {
            views: RwSignal::new(folder.workflows),
            seq: StoredValue::new(folder.head),
            version: StoredValue::new(folder.version),
            stale: RwSignal::default(),
        }
    }

    /// The newest run of one of them.
    pub fn last(&self, name: &Name) -> Option<PastRun> {
        self.views.with(|views| views.iter().find(|view| view.name == *name)?.last.clone())
    }

    /// Follows the stream and the folder while the component that calls this is on the page.
    pub fn follow(self) {
        super::live::follow(self);
        again_when(move || self.stale.with(|stale| !stale.is_empty()), move || self.ask_again());
        let workflows = Live::expect().workflows;
        again_when(
            move || workflows.get().is_some_and(|version| version != self.version.get_value()),
            move || async move { _ = self.refresh().await },
        );
    }

    /// Asks for those again of which a run has ended.
    async fn ask_again(self) {
        let stale = self.stale.try_update(std::mem::take).unwrap_or_default();
        if stale.len() > ONE_BY_ONE {
            self.refresh().await;
            return;
        }
        for name in stale {
            let Ok(Some(sheet)) = api::workflow(name.to_string()).await else { continue };
            self.views.try_update(|views| {
                if let Some(view) = views.iter_mut().find(|view| view.name == name) {
                    *view = sheet.workflow;
                }
            });
        }
    }
}

/// Does something again when there is a reason, at most once in each [`PAUSE`], while the component that calls this is on
/// the page.
pub fn again_when<F: Future<Output = ()> + 'static>(
    reason: impl Fn() -> bool + 'static,
    act: impl Fn() -> F + Clone + 'static,
) {
    let busy = RwSignal::new(false);
    Effect::new(move || {
        if !reason() || busy.get() {
            return;
        }
        busy.set(true);
        let act = act.clone();
        leptos::task::spawn_local(async move {
            act().await;
            time::sleep(PAUSE).await;
            busy.try_set(false);
        });
    });
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
            let mut ended = BTreeSet::new();
            self.views.update(|views| {
                for (recorded, status) in turns {
                    if let Some(view) = views.iter_mut().find(|view| view.name == recorded.fact.workflow) {
                        advance(&mut view.last, recorded, status);
                        if status.is_final() {
                            ended.insert(view.name.clone());
                        }
                    }
                }
            });
            if !ended.is_empty() {
                self.stale.update(|stale| stale.append(&mut ended));
            }
        }
        if let Some(last) = facts.last() {
            self.seq.update_value(|seq| *seq = last.seq.max(*seq));
        }
        Folded::In
    }

    async fn refresh(&self) -> bool {
        let Ok(folder) = api::folder().await else { return false };
        self.seq.try_update_value(|seq| *seq = folder.head);
        self.version.try_update_value(|version| *version = folder.version);
        self.views.try_set(folder.workflows);
        true
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
            let owner = recorded.fact.owner.clone();
            *last = Some(PastRun { id, owner, status, queued_at: at, finished_at, duration_ms: None });
        }
    }
}
