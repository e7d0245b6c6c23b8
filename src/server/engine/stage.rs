//! What an attempt needs before it can begin: folders, its files, the shell, the environment, the pipes or the
//! terminal.
//!
//! An execution has a folder `work/<id>` in the data folder, open to the server's user only. In it, `files` is where
//! its steps work and what they share; `steps` holds their `$RUNCAST_OUTPUT` files. The folder goes when the execution
//! has ended.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;
use serde_json::Value;

use super::{
    scripts::{Script, Scripts},
    terminal::{self, Terminal},
    wire::Launch,
};
use crate::domain::{
    execution::Execution,
    id::{Name, StepId},
    output,
    workflow::{StepPlan, Workflow},
};

/// What of the server's own environment reaches a step.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// Where programs are looked for if the server itself was not told.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most that is read of a `$RUNCAST_OUTPUT` file, in bytes: outputs, and as much again for how they are written.
const OUTPUT_FILE_MAX: u64 = 4 * output::OUTPUTS_MAX as u64;

/// An attempt about to begin.
pub(super) struct Stage {
    pub launch: Launch,
    /// Stdout, stderr: the ends that are read. A terminal has one for both.
    pub read: (OwnedFd, Option<OwnedFd>),
    /// Stdout, stderr: the ends that the step's process gets.
    pub write: (OwnedFd, OwnedFd),
    /// Its `$RUNCAST_OUTPUT`.
    pub output_file: PathBuf,
    /// What it runs, for as long as it runs.
    pub script: Arc<Script>,
}

/// What the stage is set from.
pub(super) struct Props {
    pub step: StepPlan,
    /// From 1.
    pub attempt: u32,
    /// The execution's folder.
    pub folder: PathBuf,
    pub scripts: Arc<Scripts>,
    /// How many processes it may have at once.
    pub processes_max: usize,
    /// The environment of this attempt, without the paths that only the stage knows.
    pub env: BTreeMap<String, String>,
}

/// Sets the stage. Blocks.
///
/// # Errors
/// What the step failed with, for people.
pub(super) fn set(props: &Props) -> Result<Stage, String> {
    let files = props.folder.join("files");
    let steps = props.folder.join("steps");
    for folder in [&files, &steps] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| format!("the folder {} could not be made: {error}", folder.display()))?;
    }
    let cwd = working_folder(&files, props.step.working_directory.as_deref())?;
    let script = props.scripts.file(&props.step.id, &props.step.run);
    let script = script.map_err(|error| format!("the script could not be written: {error}"))?;
    let output_file = output_file(&props.folder, &props.step.id, props.attempt);
    // An execution that repeats another one finds what was there.
    let _ = fs::remove_file(&output_file);
    make_new(&output_file).map_err(|error| format!("{} could not be made: {error}", output_file.display()))?;
    let mut env = props.env.clone();
    env.insert("RUNCAST_OUTPUT".to_owned(), text(&output_file)?);
    if props.step.tty {
        env.entry("TERM".to_owned()).or_insert_with(|| terminal::KIND.to_owned());
    }
    let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let (program, mut args) = shell(props.step.shell.as_deref(), path, &cwd)?;
    args.push(text(&script.path)?);
    let launch = Launch {
        step: props.step.id.to_string(),
        program: text(&program)?,
        args,
        env: env.into_iter().collect(),
        cwd: text(&cwd)?,
        processes_max: props.processes_max,
    };
    let (read, write) = if props.step.tty {
        terminal_ends().map_err(|error| format!("no terminal could be had: {error}"))?
    } else {
        pipe_ends().map_err(|error| format!("no pipe could be had: {error}"))?
    };
    Ok(Stage { launch, read, write, output_file, script })
}

/// What is read of stdout and stderr, and what they are.
type Ends = ((OwnedFd, Option<OwnedFd>), (OwnedFd, OwnedFd));

fn pipe_ends() -> io::Result<Ends> {
    let ((out, out_write), (err, err_write)) = (io::pipe()?, io::pipe()?);
    Ok(((out.into(), Some(err.into())), (out_write.into(), err_write.into())))
}

fn terminal_ends() -> io::Result<Ends> {
    let Terminal { read, write } = Terminal::open()?;
    Ok(((read, None), (write.try_clone()?, write)))
}

/// The environment of an attempt, but for the paths: later ones win. `outputs` are those of the steps it depends on;
/// the server's address and the token to report by come last.
pub(super) fn environment(
    plan: &Workflow,
    step: &StepPlan,
    attempt: u32,
    execution: &Execution,
    outputs: &BTreeMap<StepId, BTreeMap<String, String>>,
    (url, token): (Option<&str>, Option<&str>),
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
    env.extend(INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))));
    env.extend(plan.env.clone());
    for parameter in &plan.params {
        if let Some(value) = execution.params.get(&parameter.name) {
            env.insert(parameter.variable(), plain(value));
        }
    }
    env.extend(step.env.clone());
    for (id, outputs) in outputs {
        for (key, value) in outputs {
            env.insert(format!("RUNCAST_OUTPUT_{}_{}", variable(id.as_str()), variable(key)), value.clone());
        }
    }
    let own = [
        ("RUNCAST_EXECUTION_ID", execution.id.to_string()),
        ("RUNCAST_WORKFLOW", Name::to_string(&execution.workflow)),
        ("RUNCAST_STEP", step.id.to_string()),
        ("RUNCAST_ATTEMPT", attempt.to_string()),
        ("RUNCAST_USER", execution.owner.to_string()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env.extend(url.map(|url| ("RUNCAST_URL".to_owned(), url.to_owned())));
    env.extend(token.map(|token| ("RUNCAST_TOKEN".to_owned(), token.to_owned())));
    env
}

/// The file of an attempt's `$RUNCAST_OUTPUT`, in the execution's folder.
pub(super) fn output_file(folder: &Path, step: &StepId, attempt: u32) -> PathBuf {
    let name = if attempt == 1 { format!("{step}.output") } else { format!("{step}.{attempt}.output") };
    folder.join("steps").join(name)
}

/// Reads what a step put into `$RUNCAST_OUTPUT`. Blocks. What an error quotes is taken from the masked text, so that
/// no value is cut before it is known.
///
/// # Errors
/// What the step failed with, for people.
pub(super) fn read_outputs(file: &Path, mask: impl Fn(String) -> String) -> Result<BTreeMap<String, String>, String> {
    let unreadable = |error: io::Error| format!("$RUNCAST_OUTPUT could not be read: {error}");
    // Neither a link nor a pipe that the step put in its place.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("the kernel's open flags fit the type that open(2) takes");
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        opened => opened.map_err(unreadable)?,
    };
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err("$RUNCAST_OUTPUT is no file any more".to_owned());
    }
    if about.size() == 0 {
        return Ok(BTreeMap::new());
    }
    if about.size() > OUTPUT_FILE_MAX {
        return Err(format!("$RUNCAST_OUTPUT holds more than {} KiB", OUTPUT_FILE_MAX / 1024));
    }
    let mut bytes = Vec::new();
    file.take(OUTPUT_FILE_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    output::outputs(&text).map_err(|_| match output::outputs(&mask(text)) {
        Err(error) => format!("$RUNCAST_OUTPUT: {error}"),
        Ok(_) => "$RUNCAST_OUTPUT is not written as it must be".to_owned(),
    })
}

fn working_folder(files: &Path, asked: Option<&str>) -> Result<PathBuf, String> {
    let folder = asked.map_or_else(|| files.to_owned(), |asked| files.join(asked));
    match fs::metadata(&folder) {
        Ok(about) if about.is_dir() => Ok(folder),
        Ok(_) => Err(format!("the working-directory {} is no folder", folder.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("the working-directory {} does not exist", folder.display()))
        }
        Err(error) => Err(format!("the working-directory {} can't be used: {error}", folder.display())),
    }
}

/// An empty file for the server's user only, that was not there before.
fn make_new(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// What runs the script, with the arguments that come before its file.
fn shell(asked: Option<&str>, path: &str, cwd: &Path) -> Result<(PathBuf, Vec<String>), String> {
    let owned = |args: &[&str]| args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>();
    let Some(asked) = asked else {
        if let Some(bash) = find("bash", path, cwd) {
            return Ok((bash, owned(&["-euo", "pipefail"])));
        }
        let sh = find("sh", path, cwd).ok_or_else(|| format!("there is neither bash nor sh in PATH ({path})"))?;
        return Ok((sh, owned(&["-eu"])));
    };
    let mut words = asked.split_whitespace();
    let name = words.next().ok_or("the shell has no name")?;
    let program = find(name, path, cwd).ok_or_else(|| {
        if name.contains('/') {
            format!("the shell {name} is no program")
        } else {
            format!("the shell {name} was not found in PATH ({path})")
        }
    })?;
    Ok((program, words.map(str::to_owned).collect()))
}

/// A program by its name, as `execvp(3)` finds it; one with a `/` is relative to the working folder.
fn find(name: &str, path: &str, cwd: &Path) -> Option<PathBuf> {
    let runs = |file: &PathBuf| fs::metadata(file).is_ok_and(|about| about.is_file() && about.mode() & 0o111 != 0);
    if name.contains('/') {
        return Some(cwd.join(name)).filter(runs);
    }
    std::env::split_paths(path).map(|folder| cwd.join(folder).join(name)).find(runs)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is no UTF-8", path.display()))
}
