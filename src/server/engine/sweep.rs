//! What an execution may have left behind, found by its mark in `/proc` and ended: after a crash of the server, or of
//! a supervisor.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Signal, getpid};

use super::processes::{Process, all, descendants};
use crate::domain::id::ExecutionId;

/// Set in the environment of supervisors, and of nothing else: the folder of the executions that they are for.
pub(super) const SUPERVISOR: &str = "RUNCAST_SUPERVISOR";
/// Set in the environment of steps.
pub(super) const EXECUTION: &str = "RUNCAST_EXECUTION_ID";
/// Longest time for one sweep; what is left then hangs in the kernel.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a supervisor may go on by itself: it sees processes that have shed their mark, and ends when they have.
const SUPERVISORS_TURN: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Kills every process of these executions, again and again until none is left; and, with the folder of all executions,
/// every supervisor that an earlier life of the server had for them. Says how many it found at first. Blocks, for five
/// seconds at most.
pub(super) fn kill_strays(ids: &[ExecutionId], work: Option<&Path>) -> usize {
    let marks: HashSet<String> = ids.iter().map(ToString::to_string).collect();
    let begun = Instant::now();
    let mut first = None;
    while !marks.is_empty() && begun.elapsed() < LONGEST {
        let strays = strays(&marks, work);
        first.get_or_insert(strays.len());
        if strays.is_empty() {
            break;
        }
        for (process, supervises) in &strays {
            if !supervises || begun.elapsed() > SUPERVISORS_TURN {
                process.signal(Signal::KILL);
            }
        }
        std::thread::sleep(PAUSE);
    }
    first.unwrap_or(0)
}

/// The marked processes and all below them, each with whether it is a supervisor.
fn strays(marks: &HashSet<String>, work: Option<&Path>) -> Vec<(Process, bool)> {
    let own = getpid();
    let all = all();
    let is_left = |process: &Process| {
        process.variable(EXECUTION).is_some_and(|id| marks.contains(&id))
            || work.is_some_and(|work| process.variable(SUPERVISOR).is_some_and(|of| Path::new(&of) == work))
    };
    let mut found: Vec<Process> =
        all.iter().filter(|process| process.pid != own && is_left(process)).copied().collect();
    let roots: HashSet<i32> = found.iter().map(|process| process.pid.as_raw_nonzero().get()).collect();
    found.extend(
        descendants(&all, &roots).into_iter().filter(|process| !roots.contains(&process.pid.as_raw_nonzero().get())),
    );
    found.into_iter().map(|process| (process, process.variable(SUPERVISOR).is_some())).collect()
}

/// Removes a folder and all in it, also what its owner has locked for himself. Blocks.
pub(super) fn remove_folder(folder: &Path) {
    if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
        return;
    }
    unlock(folder);
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "a working folder could not be removed");
    }
}

/// Makes every folder below writable for its owner, as removing its entries demands.
fn unlock(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What can't be changed shows when it can't be removed.
        let _ = std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        folders.extend(
            entries
                .flatten()
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
}
