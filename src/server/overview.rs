//! The server at a glance: how its parts do, and what it was told. Nothing here is secret, and only admins are told.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{
    clock,
    http::App,
    journal::{Health as JournalHealth, JournalError},
    settings::Settings,
};
use crate::domain::{
    administration::{Health, Setting},
    time::Timestamp,
};

/// Most streams in a list of them, the newest.
pub const STREAMS_MAX: usize = 1000;
/// How long an answer about the disk is good for.
const DISK_FOR: Duration = Duration::from_secs(10);
/// Most files and folders that are looked at for the size of the data folder.
const FILES_MAX: usize = 100_000;

/// What is known of the server itself. Cheap to clone.
#[derive(Clone)]
pub struct Overview(Arc<Inner>);

struct Inner {
    started_at: Timestamp,
    data: PathBuf,
    settings: Vec<Setting>,
    disk: Mutex<Option<(Instant, Disk)>>,
}

#[derive(Clone, Copy, Default)]
struct Disk {
    held: u64,
    room: [u64; 2],
}

impl Overview {
    /// Of a server that begins now.
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            started_at: clock::now(),
            data: settings.data.clone(),
            settings: settings.in_force(),
            disk: Mutex::default(),
        }))
    }

    /// The settings in force.
    pub fn settings(&self) -> &[Setting] {
        &self.0.settings
    }

    /// How the server does now.
    ///
    /// # Errors
    /// If the journal can't be read.
    pub async fn health(&self, app: &App) -> Result<Health, JournalError> {
        let disk = self.disk().await;
        let (running, queued) = app.engine.load();
        Ok(Health {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.0.started_at,
            at: clock::now(),
            head: app.journal.head().await?,
            trouble: match app.journal.health() {
                JournalHealth::Good => None,
                JournalHealth::Stuck(why) => Some(why),
            },
            facts_per_second: app.metrics.journal.facts_per_second(),
            commit_ms: app.metrics.journal.commit_ms(),
            waiting_facts: app.journal.waiting(),
            lag_ms: app.metrics.feed.lag_ms(),
            streams: app.feed.seats(),
            running,
            queued,
            data_bytes: disk.held,
            disk_bytes: disk.room,
        })
    }

    /// Looked at by one at a time, and not more often than it can change much.
    async fn disk(&self) -> Disk {
        let mut kept = self.0.disk.lock().await;
        if let Some((at, disk)) = *kept
            && at.elapsed() < DISK_FOR
        {
            return disk;
        }
        let data = self.0.data.clone();
        let disk = tokio::task::spawn_blocking(move || look(&data)).await.unwrap_or_default();
        *kept = Some((Instant::now(), disk));
        disk
    }
}

fn look(data: &Path) -> Disk {
    let room = rustix::fs::statvfs(data).map_or([0, 0], |disk| {
        [disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)]
    });
    Disk { held: held(data), room }
}

/// What the files of a folder come to, in bytes; of more than [`FILES_MAX`], of the first. What vanishes meanwhile
/// counts for nothing.
fn held(folder: &Path) -> u64 {
    let (mut bytes, mut seen, mut folders) = (0_u64, 0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            if seen > FILES_MAX {
                return bytes;
            }
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => bytes = bytes.saturating_add(about.len()),
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_its_files_and_those_of_its_folders_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("in")).expect("made");
        std::fs::write(folder.path().join("one"), [0; 100]).expect("written");
        std::fs::write(folder.path().join("in/two"), [0; 20]).expect("written");
        assert_eq!(held(folder.path()), 120);
        assert_eq!(held(&folder.path().join("none")), 0);
    }
}
