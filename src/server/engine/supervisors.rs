//! The supervisors that wait for something to do. An execution takes one, and gives it back when nothing of it is left:
//! to start a process for each would be a quarter of what short executions cost.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::task::TaskTracker;

use super::tether::{Begin, Tether};

/// Most that wait; each takes about 250 KiB.
const IDLE_MAX: usize = 8;

pub(super) struct Supervisors {
    begin: Begin,
    tasks: TaskTracker,
    idle: Mutex<Vec<Arc<Tether>>>,
}

impl Supervisors {
    pub(super) fn new(begin: Begin, tasks: TaskTracker) -> Self {
        Self { begin, tasks, idle: Mutex::default() }
    }

    /// One for an execution, that has nothing else to do.
    ///
    /// # Errors
    /// If none waits and the process can't be started.
    pub(super) fn take(&self) -> io::Result<Arc<Tether>> {
        while let Some(tether) = self.idle().pop() {
            // Somebody may have killed it meanwhile.
            if tether.is_up() {
                return Ok(tether);
            }
        }
        Tether::begin(&self.begin, &self.tasks).map(Arc::new)
    }

    /// Has every process of an execution ended that is left, and keeps its supervisor for the next one.
    pub(super) async fn give_back(&self, tether: Arc<Tether>, grace: Duration) {
        if tether.finish(grace).await {
            let mut idle = self.idle();
            if idle.len() < IDLE_MAX {
                idle.push(tether);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Tether>>> {
        // Nothing that panics is done under the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
