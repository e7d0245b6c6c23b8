//! What is kept of an execution that did not succeed, so that it can be run again from what failed: its folder, with
//! the plan it followed and the values it masked. Of so many executions, the newest; older ones lose theirs.

use std::{
    collections::HashSet,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::sweep;
use crate::domain::{
    execution::{Execution, StepStatus},
    id::{ExecutionId, StepId},
    workflow::Workflow,
};

/// The file in the folder; only whoever may read the folder's other secrets can read it.
const FILE: &str = "kept.json";

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The plan it followed.
    pub plan: Workflow,
    /// The values that it masked.
    pub masks: Vec<String>,
}

impl Kept {
    /// Writes it into the execution's folder; if that was never made, there is nothing to keep. Blocks.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        if !folder.is_dir() {
            return Ok(());
        }
        // All of it or what was there before.
        let new = folder.join("kept.new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(new, folder.join(FILE))
    }

    /// What was kept in a folder; none if it is gone. Blocks.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Whether something was kept in a folder. Blocks.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// The steps that need not run again: those that succeeded, whose definition is the same now, and all of whose
    /// needs are such steps.
    pub(super) fn good_steps(&self, of: &Execution, now: &Workflow) -> HashSet<StepId> {
        let mut good = HashSet::new();
        if self.plan.env != now.env || self.plan.params != now.params {
            return good;
        }
        loop {
            let before = good.len();
            for step in &now.steps {
                let succeeded = of.step(&step.id).is_some_and(|step| step.status == StepStatus::Succeeded);
                let same = self.plan.steps.iter().any(|old| old == step);
                if succeeded && same && step.needs.iter().all(|need| good.contains(need)) {
                    good.insert(step.id.clone());
                }
            }
            if good.len() == before {
                return good;
            }
        }
    }
}

/// Removes the kept folders of all but the newest so many executions; those that still use theirs are spared, and not
/// counted. Blocks.
pub(super) fn keep_newest(work: &Path, count: usize, spared: &HashSet<ExecutionId>) {
    let mut kept = folders(work);
    kept.retain(|(id, folder)| !spared.contains(id) && folder.join(FILE).exists());
    // Their ids begin with the time they were made.
    kept.sort_unstable_by(|one, other| other.cmp(one));
    for (_, folder) in kept.into_iter().skip(count) {
        sweep::remove_folder(&folder);
    }
}

/// Removes the folders in which nothing was kept, but for those of `spared`. Blocks.
pub(super) fn remove_others(work: &Path, spared: &HashSet<ExecutionId>) {
    for (id, folder) in folders(work) {
        if !spared.contains(&id) && !folder.join(FILE).exists() {
            sweep::remove_folder(&folder);
        }
    }
}

/// The folders of executions; whatever is no execution's is left alone.
fn folders(work: &Path) -> Vec<(ExecutionId, PathBuf)> {
    let Ok(entries) = fs::read_dir(work) else { return Vec::new() };
    let id = |entry: &fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    entries.flatten().filter_map(|entry| Some((id(&entry)?, entry.path()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use uuid::Uuid;

    #[test]
    fn of_those_kept_the_newest_stay_and_all_that_still_use_theirs() {
        let work = tempfile::tempdir().expect("a folder");
        let plan = Workflow::parse("w.yaml", "w", "steps:\n- { id: a, run: x }\n").expect("a good file");
        let ids: Vec<ExecutionId> = (1..=5).map(|second| ExecutionId(at(second))).collect();
        for id in &ids {
            fs::create_dir(work.path().join(id.to_string())).expect("made");
            let kept = Kept { plan: plan.clone(), masks: vec!["hidden".to_owned()] };
            kept.write(&work.path().join(id.to_string())).expect("written");
        }
        let file = fs::metadata(work.path().join(ids[0].to_string()).join(FILE)).expect("it was written");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        keep_newest(work.path(), 2, &HashSet::from([ids[0]]));
        let mut left: Vec<ExecutionId> = folders(work.path()).into_iter().map(|(id, _)| id).collect();
        left.sort_unstable();
        assert_eq!(left, [ids[0], ids[3], ids[4]]);
        let kept = Kept::read(&work.path().join(ids[0].to_string())).expect("it was kept");
        assert_eq!((kept.plan, kept.masks), (plan, vec!["hidden".to_owned()]));
    }

    fn at(second: u64) -> Uuid {
        Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, second, 0))
    }
}
