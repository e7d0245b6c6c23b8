//! How many files may be open. Each stream is one, and the usual bound of 1,024 is for programs that know no better: the
//! server takes what it may have, and gives the jobs it starts the bound that it was started with.

use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tokio::process::Child;

/// The bound that the server was started with, once it has raised its own.
static GIVEN: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process's bound as far as it may.
pub fn take_all() {
    let given = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: given.maximum, maximum: given.maximum };
    if given.current != given.maximum && setrlimit(Resource::Nofile, raised).is_ok() {
        let _ = GIVEN.set(given);
    }
}

/// Gives a child, and whatever it starts, the bound that the server was started with.
pub fn give_back(child: &Child) {
    let (Some(given), Some(pid)) = (GIVEN.get(), child.id()) else { return };
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if let Err(error) = prlimit(Some(pid), Resource::Nofile, *given) {
        tracing::warn!(%error, "a job has the server's bound on open files");
    }
}
