//! The files of the steps' scripts, in `work/scripts` of the data folder. What is written the same is one file, for
//! whichever execution runs it and however often: on some file systems to make and remove one for each attempt costs much.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};

use crate::domain::id::StepId;

/// Most files that nobody uses.
const IDLE_MAX: usize = 64;

pub(super) struct Scripts {
    folder: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The last one used comes last. As many as attempts at work and [`IDLE_MAX`].
    scripts: Vec<Arc<Script>>,
    /// How many files were made.
    made: u64,
}

/// A script in its file, for as long as somebody has it.
pub(super) struct Script {
    pub path: PathBuf,
    step: StepId,
    digest: [u8; 32],
    written: Written,
}

/// What shows that a file is still the one that was written: its number, its size, and its last change of any kind.
type Written = (u64, u64, i64, i64);

impl Scripts {
    pub(super) fn new(work: &Path) -> Self {
        Self { folder: work.join("scripts"), known: Mutex::default() }
    }

    /// Removes what an earlier life of the server left. Blocks.
    pub(super) fn clear(&self) {
        super::sweep::remove_folder(&self.folder);
    }

    /// The file of a step's script, named after the step. Blocks.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn file(&self, step: &StepId, text: &str) -> io::Result<Arc<Script>> {
        let digest = Sha256::digest(text).into();
        let mut known = self.known();
        if let Some(place) = known.scripts.iter().position(|script| script.digest == digest && script.step == *step) {
            let script = known.scripts.remove(place);
            // A step may have changed it, which is nobody else's business.
            if script.is_as_written() {
                known.scripts.push(Arc::clone(&script));
                return Ok(script);
            }
        }
        let (path, written) = loop {
            known.made += 1;
            let path = self.folder.join(format!("{step}-{}", known.made));
            match self.write(&path, text) {
                // What could not be cleared away.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                written => break (path, written?),
            }
        };
        let script = Arc::new(Script { path, step: step.clone(), digest, written });
        let is_idle = |script: &Arc<Script>| Arc::strong_count(script) == 1;
        let mut too_many = (known.scripts.iter().filter(|script| is_idle(script)).count() + 1).saturating_sub(IDLE_MAX);
        known.scripts.retain(|script| {
            let goes = too_many > 0 && is_idle(script);
            too_many -= usize::from(goes);
            !goes
        });
        known.scripts.push(Arc::clone(&script));
        Ok(script)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<Written> {
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o500).open(path);
        let mut file = open().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
                open()
            }
            _ => Err(error),
        })?;
        file.write_all(text.as_bytes()).and_then(|()| Ok(written(&file.metadata()?))).inspect_err(|_| {
            // Half of it is of no use to anybody.
            let _ = fs::remove_file(path);
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that panics is done under the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn is_as_written(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|about| written(&about) == self.written)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may be gone already, with the folder.
        let _ = fs::remove_file(&self.path);
    }
}

fn written(about: &Metadata) -> Written {
    (about.ino(), about.size(), about.ctime(), about.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: &str) -> StepId {
        id.parse().expect("a step's id")
    }

    fn content(script: &Script) -> String {
        fs::read_to_string(&script.path).expect("it is there")
    }

    #[test]
    fn what_is_written_the_same_is_one_file_named_after_its_step() {
        let work = tempfile::tempdir().expect("a folder");
        let scripts = Scripts::new(work.path());
        let file = |id: &str, text: &str| scripts.file(&step(id), text).expect("it is written");
        let (one, again, other, longer) = (file("a", "x"), file("a", "x"), file("b", "x"), file("a", "xy"));
        assert_eq!(one.path, again.path);
        assert!(one.path.file_name().expect("a name").to_string_lossy().starts_with("a-"));
        assert!(one.path != other.path && one.path != longer.path);
        assert_eq!([&one, &other, &longer].map(|script| content(script)), ["x", "x", "xy"]);
    }

    #[test]
    fn one_that_a_step_has_changed_or_removed_is_written_anew() {
        let work = tempfile::tempdir().expect("a folder");
        let scripts = Scripts::new(work.path());
        let file = || scripts.file(&step("a"), "echo hi").expect("it is written");
        let changes: [fn(&Path); 4] = [
            |path| fs::remove_file(path).expect("removed"),
            |path| {
                fs::remove_file(path).expect("removed");
                fs::write(path, "echo HI").expect("replaced");
            },
            |path| OpenOptions::new().append(true).open(path).expect("open").write_all(b"!").expect("written"),
            |path| fs::remove_dir_all(path.parent().expect("a folder")).expect("removed"),
        ];
        for change in changes {
            // A file's times are as coarse as the kernel's clock ticks.
            let before = file();
            std::thread::sleep(std::time::Duration::from_millis(20));
            // Who runs the tests may write what may only be read, or not.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(&before.path, mode).expect("it is ours");
            change(&before.path);
            let after = file();
            assert!(after.path != before.path);
            assert_eq!(content(&after), "echo hi");
        }
    }

    #[test]
    fn files_that_nobody_uses_are_few_and_those_in_use_stay() {
        let work = tempfile::tempdir().expect("a folder");
        let scripts = Scripts::new(work.path());
        let used: Vec<_> = (0..10).map(|n| scripts.file(&step("used"), &n.to_string()).expect("written")).collect();
        for n in 0..2 * IDLE_MAX {
            scripts.file(&step("idle"), &n.to_string()).expect("written");
        }
        let files = || fs::read_dir(work.path().join("scripts")).expect("a folder").count();
        assert_eq!(files(), used.len() + IDLE_MAX);
        used.iter().enumerate().for_each(|(n, script)| assert_eq!(content(script), n.to_string()));
        drop((used, scripts));
        assert_eq!(files(), 0);
    }
}
