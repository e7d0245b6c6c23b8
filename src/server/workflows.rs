//! The workflows folder: read at the start and looked at every second. A file that breaks keeps its last good version.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{clock, http::HttpError};
use crate::domain::{
    access::Viewer,
    id::Name,
    listing::{NEXT_RUNS, Statistics, WorkflowFile, WorkflowView},
    schedule::{Schedule, UTC},
    time::{Timestamp, millis},
    workflow::{FILE_MAX, Workflow, WorkflowError},
};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most files that are read; those that come later by name are left out, and the log says so.
const FILES_MAX: usize = 2_000;

/// A handle on what can be run; cheap to clone.
#[derive(Clone, Default)]
pub struct Workflows(Arc<watch::Sender<BTreeMap<String, File>>>);

/// A file of the folder.
#[derive(Clone)]
struct File {
    stamp: Stamp,
    name: Option<Name>,
    good: Option<Arc<Workflow>>,
    errors: Vec<WorkflowError>,
    /// As it stands on disk.
    text: Text,
    /// Of its last good version.
    good_text: Option<Text>,
}

/// What a file said, of [`FILE_MAX`] bytes at most; none if it could not be read as text.
#[derive(Clone)]
struct Text {
    text: Option<Arc<str>>,
    read_at: Timestamp,
}

/// What changes when a file does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Workflows {
    /// Reads the folder, and goes on looking at it until `stop`. A folder that is not there is an empty one.
    pub async fn open(folder: PathBuf, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let workflows = Self::default();
        let looking = workflows.clone();
        workflows.look(folder.clone()).await;
        tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                looking.look(folder.clone()).await;
            }
        });
        workflows
    }

    async fn look(&self, folder: PathBuf) {
        let before = self.files().clone();
        let looked = tokio::task::spawn_blocking(move || look(&folder, &before)).await;
        match looked {
            Ok(Ok(Some(files))) => _ = self.0.send_replace(files),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the workflows folder can't be read"),
            Err(error) => tracing::error!(%error, "looking at the workflows folder failed"),
        }
    }

    /// The workflow of this name, for somebody who may start it.
    ///
    /// # Errors
    /// If there is none that they may start, or its file never had a good version.
    pub fn startable(&self, viewer: &Viewer, name: &Name) -> Result<Arc<Workflow>, HttpError> {
        let files = self.files();
        let file = files.values().find(|file| file.name.as_ref() == Some(name)).ok_or(HttpError::NotFound)?;
        match &file.good {
            Some(workflow) if workflow.open_to(viewer) => Ok(workflow.clone()),
            None if viewer.is_admin() => Err(HttpError::Conflict(format!("the file of {name} has errors"))),
            _ => Err(HttpError::NotFound),
        }
    }

    /// What `viewer` may start, by name, and for an admin also what can't be started for its errors. Without past runs.
    pub fn views(&self, viewer: &Viewer) -> Vec<WorkflowView> {
        let files = self.files();
        let mut views: Vec<_> = files.iter().filter_map(|(name, file)| file.view(name, viewer)).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// The text of a workflow's file, for somebody who may start it. Only admins get one that is broken: it may be on its
    /// way to say that others may not start it. The others get its last good version. No text holds a secret: a file
    /// names secrets, and what they are stands elsewhere.
    pub fn file(&self, viewer: &Viewer, name: &Name) -> Option<WorkflowFile> {
        let files = self.files();
        let file =
            files.values().find(|file| file.name.as_ref() == Some(name)).filter(|file| file.is_open_to(viewer))?;
        let good = file.good_text.as_ref().filter(|_| !viewer.is_admin());
        let shown = good.unwrap_or(&file.text);
        Some(WorkflowFile {
            text: shown.text.as_deref().map(str::to_owned),
            read_at: shown.read_at,
            errors: if good.is_some() { Vec::new() } else { file.errors.clone() },
            good_at: file.good_text.as_ref().map(|text| text.read_at),
        })
    }

    /// Each workflow of the folder with its last good version, if there was one.
    pub fn all(&self) -> Vec<(Name, Option<Arc<Workflow>>)> {
        self.files().values().filter_map(|file| Some((file.name.clone()?, file.good.clone()))).collect()
    }

    /// The workflow of this name, whoever may start it.
    pub fn good(&self, name: &Name) -> Option<Arc<Workflow>> {
        self.files().values().find(|file| file.name.as_ref() == Some(name))?.good.clone()
    }

    /// Ends when the folder has changed since it ended last.
    pub fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    /// Held for clones and look-ups only: a change of the folder waits for it.
    fn files(&self) -> watch::Ref<'_, BTreeMap<String, File>> {
        self.0.borrow()
    }
}

/// Tells when the folder has changed.
pub struct Changes(watch::Receiver<BTreeMap<String, File>>);

impl Changes {
    /// Ends when it has, since this ended last. Cancel safe.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody looks at the folder any more.
            std::future::pending().await
        }
    }
}

impl File {
    /// One that never had a good version is for admins.
    fn is_open_to(&self, viewer: &Viewer) -> bool {
        self.good.as_ref().map_or(viewer.is_admin(), |workflow| workflow.open_to(viewer))
    }

    fn view(&self, file: &str, viewer: &Viewer) -> Option<WorkflowView> {
        let name = self.name.clone().filter(|_| self.is_open_to(viewer))?;
        let good = self.good.as_deref();
        Some(WorkflowView {
            name,
            description: good.and_then(|workflow| workflow.description.clone()),
            file: file.to_owned(),
            params: good.map(|workflow| workflow.params.clone()).unwrap_or_default(),
            steps: good.map(Workflow::planned).unwrap_or_default(),
            allow: good.and_then(|workflow| workflow.allow.clone()),
            schedule: good.map(|workflow| workflow.schedule.clone()).unwrap_or_default(),
            timezone: good.and_then(|workflow| workflow.timezone.clone()).unwrap_or_else(|| UTC.to_owned()),
            next_runs: good.map(next_runs).unwrap_or_default(),
            concurrency: good.and_then(|workflow| workflow.concurrency),
            timeout_ms: good.and_then(|workflow| workflow.timeout).map(millis),
            secrets: good.map(|workflow| workflow.secrets.clone()).unwrap_or_default(),
            webhook: good.and_then(|workflow| workflow.webhook.clone()),
            errors: self.errors.iter().map(ToString::to_string).collect(),
            runnable: good.is_some(),
            last: None,
            statistics: Statistics::default(),
            recent: Vec::new(),
            history: Vec::new(),
        })
    }
}

fn next_runs(workflow: &Workflow) -> Vec<Timestamp> {
    let schedule = Schedule::of(workflow).ok().flatten();
    schedule.map(|schedule| schedule.upcoming(clock::now(), NEXT_RUNS)).unwrap_or_default()
}

/// The folder as it is now; none if it is as before.
fn look(folder: &Path, before: &BTreeMap<String, File>) -> std::io::Result<Option<BTreeMap<String, File>>> {
    let found = files_in(folder)?;
    let same = found.len() == before.len()
        && found.iter().all(|(name, (_, stamp))| before.get(name).is_some_and(|file| file.stamp == *stamp));
    if same {
        return Ok(None);
    }
    let mut files = BTreeMap::new();
    for (name, (path, stamp)) in found {
        let file = match before.get(&name) {
            Some(file) if file.stamp == stamp => file.clone(),
            last => read(&name, &path, stamp, last),
        };
        files.insert(name, file);
    }
    refuse_doubles(&mut files);
    Ok(Some(files))
}

fn files_in(folder: &Path) -> std::io::Result<BTreeMap<String, (PathBuf, Stamp)>> {
    let mut found = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let (true, Some(name), Ok(meta)) = (yaml, path.file_name().and_then(|name| name.to_str()), path.metadata())
        else {
            continue;
        };
        if meta.is_file() && !name.starts_with('.') {
            found.insert(name.to_owned(), (path.clone(), Stamp { modified: meta.modified().ok(), bytes: meta.len() }));
        }
    }
    while found.len() > FILES_MAX {
        if let Some((name, _)) = found.pop_last() {
            tracing::warn!(name, "more than {FILES_MAX} workflow files; this one is left out");
        }
    }
    Ok(found)
}

fn read(name: &str, path: &Path, stamp: Stamp, last: Option<&File>) -> File {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
    let found = text_of(path);
    let text = Text { text: found.as_deref().ok().map(Arc::from), read_at: clock::now() };
    let read = found.map_err(|message| vec![in_whole(name, message)]);
    match read.and_then(|text| Workflow::parse(name, stem, &text)) {
        Ok(workflow) => {
            tracing::info!(file = name, workflow = %workflow.name, "read a workflow");
            let name = Some(workflow.name.clone());
            let good_text = Some(text.clone());
            File { stamp, name, good: Some(Arc::new(workflow)), errors: Vec::new(), text, good_text }
        }
        Err(errors) => {
            for error in &errors {
                tracing::warn!("{error}");
            }
            let name = last.and_then(|file| file.name.clone()).or_else(|| stem.parse().ok());
            let (good, good_text) = last.map(|file| (file.good.clone(), file.good_text.clone())).unwrap_or_default();
            File { stamp, name, good, errors, text, good_text }
        }
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| format!("can't be opened: {error}"))?;
    file.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| format!("can't be read: {error}"))?;
    if bytes.len() > FILE_MAX {
        return Err(format!("is larger than {} KiB", FILE_MAX / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

fn in_whole(file: &str, message: String) -> WorkflowError {
    WorkflowError { file: file.to_owned(), line: 1, column: 1, path: "file".to_owned(), message }
}

/// Of two files that name the same workflow the first by file name has it.
fn refuse_doubles(files: &mut BTreeMap<String, File>) {
    let mut taken: BTreeMap<Name, String> = BTreeMap::new();
    for (file_name, file) in files {
        let Some(name) = file.name.clone() else { continue };
        if let Some(first) = taken.get(&name) {
            file.errors =
                vec![in_whole(file_name, format!("names the workflow {name}, as {first} does; give it another name"))];
            file.good = None;
            file.good_text = None;
            file.name = None;
            tracing::warn!("{}", file.errors[0]);
        } else {
            taken.insert(name, file_name.clone());
        }
    }
}
