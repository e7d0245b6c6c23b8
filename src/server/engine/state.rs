//! What runs and what waits, as the engine has it in memory.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use super::{
    NotRunning,
    progress::Desk,
    queue::{AtWork, Queue},
};
use crate::domain::id::{ExecutionId, Name, Seq};

/// All that runs and waits.
#[derive(Default)]
pub(super) struct State {
    /// Orders on their way into the journal, each with who cancelled it meanwhile. As many as requests at work.
    pub(super) beginning: HashMap<ExecutionId, Option<Name>>,
    pub(super) queue: Queue,
    /// At most `limit`.
    pub(super) running: HashMap<ExecutionId, Running>,
    /// Of those that run: where their steps' reports go.
    pub(super) desks: HashMap<ExecutionId, Desk>,
    /// Whether a task tells those that wait of their places.
    pub(super) telling: bool,
    /// Nothing begins any more.
    pub(super) stopping: bool,
}

/// An execution at work.
pub(super) struct Running {
    pub(super) control: Arc<watch::Sender<Control>>,
    pub(super) owner: Name,
    pub(super) workflow: Name,
    /// Its first fact: the smaller, the older.
    pub(super) seq: Seq,
}

/// What others want of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    /// How often it was cancelled, and by whom first.
    pub(super) cancels: u32,
    pub(super) by: Option<Name>,
    /// The server stops.
    pub(super) shutdown: bool,
    /// It is past the point where any of this counts.
    pub(super) closed: bool,
}

impl State {
    pub(super) fn at_work(&self) -> AtWork {
        let mut at_work = AtWork::default();
        self.running.values().for_each(|running| at_work.add(&running.owner, &running.workflow));
        at_work
    }

    /// Those at work of a workflow, each with its first fact.
    pub(super) fn of_workflow<'s>(&'s self, workflow: &'s Name) -> impl Iterator<Item = (Seq, ExecutionId)> + 's {
        let of = self.running.iter().filter(move |(_, running)| running.workflow == *workflow);
        of.map(|(id, running)| (running.seq, *id))
    }
}

impl Running {
    pub(super) fn cancel(&self, by: &Name) -> Result<(), NotRunning> {
        tell(&self.control, |control| {
            control.cancels = control.cancels.saturating_add(1);
            control.by.get_or_insert_with(|| by.clone());
        })
    }
}

/// Tells a run what is wanted of it, unless it is past listening.
pub(super) fn tell(control: &watch::Sender<Control>, what: impl FnOnce(&mut Control)) -> Result<(), NotRunning> {
    let told = control.send_if_modified(|control| {
        if !control.closed {
            what(control);
        }
        !control.closed
    });
    if told { Ok(()) } else { Err(NotRunning) }
}
