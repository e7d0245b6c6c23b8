//! What the server was told: flags first, then `RUNCAST_*` variables, then the `[runcast]` table of `Leptos.toml`.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{engine, external::ExternalSettings, feed};
use crate::{
    client::arguments::{Keeper, ServeArgs},
    domain::{
        administration::{Origin, Setting},
        size::{bytes, spoken_bytes, spoken_number},
        time::{millis, spoken},
    },
};

/// The file that holds settings, in the folder where the server starts.
pub const FILE: &str = "Leptos.toml";
/// Of how many executions that did not succeed the folder is kept, unless told otherwise.
const KEEP_FOLDERS: usize = 20;
/// How many ended executions a journal in memory keeps, unless told otherwise.
const MEMORY_COUNT: u64 = 1_000;

/// Settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of workflow files.
    pub workflows: PathBuf,
    /// Where to listen, `host:port`.
    pub listen: String,
    /// The address that people use, if another.
    pub public_url: Option<String>,
    /// Whether `X-Forwarded-*` is believed.
    pub trust_proxy: bool,
    /// How many executions run at once.
    pub max_executions: usize,
    /// Of how many executions that did not succeed the working folder is kept.
    pub keep_folders: usize,
    /// How many processes a step may have at once.
    pub max_step_processes: usize,
    /// How much output of an execution is kept, in bytes.
    pub max_output: u64,
    /// The folder of secrets.
    pub secrets: Option<PathBuf>,
    /// How many event streams one user may have open.
    pub max_user_streams: usize,
    /// How many event streams may be open in all.
    pub max_streams: usize,
    /// Whether history is kept in memory only.
    pub memory: bool,
    /// How long ended executions are kept.
    pub keep_for: Option<Duration>,
    /// How many ended executions are kept.
    pub keep_count: Option<u64>,
    /// What holds for work that runs elsewhere.
    pub external: ExternalSettings,
    /// How long to wait at the end for what runs.
    pub drain: Duration,
    /// Whether the page of the design is served.
    pub design: bool,
    /// Least time between two estimates of how far a step is, if another than the engine's own.
    pub estimate_every: Option<Duration>,
    /// The shortest silence that makes a step stalled, if another than the engine's own.
    pub stall_min: Option<Duration>,
    /// Where those that were given came from, by their names.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// Settings that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("{FILE} can't be read: {0}")]
    Read(#[from] std::io::Error),
    /// The file is not what it should be.
    #[error("{FILE} is wrong: {0}")]
    Parse(#[from] toml::de::Error),
    /// The address is none.
    #[error("public-url {0:?} is no address: it begins with http:// or https:// and ends with the host's name or port")]
    PublicUrl(String),
    /// The amount is none.
    #[error("max-output {0:?} is no amount of bytes: write 200MB, 64MiB or 1GB")]
    MaxOutput(String),
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    runcast: Table,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    data: Option<PathBuf>,
    workflows: Option<PathBuf>,
    listen: Option<String>,
    public_url: Option<String>,
    trust_proxy: Option<bool>,
    max_executions: Option<NonZeroUsize>,
    keep_folders: Option<usize>,
    max_step_processes: Option<NonZeroUsize>,
    max_output: Option<String>,
    secrets: Option<PathBuf>,
    max_user_streams: Option<NonZeroUsize>,
    max_streams: Option<NonZeroUsize>,
    journal: Option<Journal>,
    retention_days: Option<u32>,
    retention_count: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Journal {
    Sqlite,
    Memory,
}

impl Settings {
    /// From the command line and `Leptos.toml` in this folder, if there is one.
    ///
    /// # Errors
    /// If the file can't be read or has errors, or an address is none.
    pub fn resolve(args: ServeArgs, folder: &Path) -> Result<Self, SettingsError> {
        let table = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => toml::from_str::<File>(&text)?.runcast,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Table::default(),
            Err(error) => return Err(error.into()),
        };
        let origins = origins(&args, &table);
        let memory = match args.journal {
            Some(keeper) => keeper == Keeper::Memory,
            None => table.journal == Some(Journal::Memory),
        };
        let max_output = table.max_output.map(|text| bytes(&text).ok_or(SettingsError::MaxOutput(text))).transpose()?;
        let days = args.retention_days.or(table.retention_days);
        let external = external(&args);
        let count = args.retention_count.or(table.retention_count);
        Ok(Self {
            data: args.data.or(table.data).unwrap_or_else(|| "data".into()),
            workflows: args.workflows.or(table.workflows).unwrap_or_else(|| "workflows".into()),
            secrets: args.secrets.or(table.secrets),
            listen: args.listen.or(table.listen).unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            public_url: args.public_url.or(table.public_url).map(address).transpose()?,
            trust_proxy: args.trust_proxy.or(table.trust_proxy).unwrap_or(false),
            max_executions: number(args.max_executions, table.max_executions).unwrap_or_else(default_executions),
            keep_folders: args.keep_folders.map(|count| count as usize).or(table.keep_folders).unwrap_or(KEEP_FOLDERS),
            max_step_processes: number(args.max_step_processes, table.max_step_processes)
                .unwrap_or(engine::PROCESSES_MAX),
            max_output: args.max_output.or(max_output).unwrap_or(engine::OUTPUT_MAX),
            max_user_streams: number(args.max_user_streams, table.max_user_streams).unwrap_or(feed::OF_ONE_USER),
            max_streams: number(args.max_streams, table.max_streams).unwrap_or(feed::IN_ALL),
            memory,
            keep_for: days.map(|days| Duration::from_secs(u64::from(days) * 86_400)),
            keep_count: count.or(memory.then_some(MEMORY_COUNT)),
            external,
            drain: args.drain.unwrap_or_default(),
            estimate_every: args.estimate_every,
            stall_min: args.stall_min,
            design: args.design,
            origins,
        })
    }

    /// Each setting that can be given, what holds, and where that comes from.
    pub fn in_force(&self) -> Vec<Setting> {
        let path = |path: &Path| path.display().to_string();
        let time = |time: Duration| spoken(millis(time));
        let none = |word: &str| word.to_owned();
        let yes = |yes| if yes { "yes" } else { "no" }.to_owned();
        let number = |number: usize| spoken_number(number as u64);
        let values = [
            ("data", path(&self.data)),
            ("workflows", path(&self.workflows)),
            ("secrets", self.secrets.as_deref().map_or_else(|| none("no folder"), path)),
            ("listen", self.listen.clone()),
            ("public-url", self.public_url.clone().unwrap_or_else(|| none("where it listens"))),
            ("trust-proxy", yes(self.trust_proxy)),
            ("max-executions", number(self.max_executions)),
            ("max-step-processes", number(self.max_step_processes)),
            ("max-output", spoken_bytes(self.max_output)),
            ("keep-folders", number(self.keep_folders)),
            ("max-user-streams", number(self.max_user_streams)),
            ("max-streams", number(self.max_streams)),
            ("journal", none(if self.memory { "memory" } else { "sqlite" })),
            ("retention-days", self.keep_for.map_or_else(|| none("for ever"), time)),
            ("retention-count", self.keep_count.map_or_else(|| none("all"), spoken_number)),
            ("drain", if self.drain.is_zero() { none("does not wait") } else { time(self.drain) }),
        ];
        let origin = |name| self.origins.get(name).copied().unwrap_or(Origin::Default);
        values.into_iter().map(|(name, value)| Setting { name: name.to_owned(), value, origin: origin(name) }).collect()
    }
}

/// Where what was given came from. What has been read of the command line does not tell its flags from variables, so
/// the words themselves are looked at.
fn origins(args: &ServeArgs, table: &Table) -> BTreeMap<&'static str, Origin> {
    let given = [
        ("data", args.data.is_some(), table.data.is_some()),
        ("workflows", args.workflows.is_some(), table.workflows.is_some()),
        ("secrets", args.secrets.is_some(), table.secrets.is_some()),
        ("listen", args.listen.is_some(), table.listen.is_some()),
        ("public-url", args.public_url.is_some(), table.public_url.is_some()),
        ("trust-proxy", args.trust_proxy.is_some(), table.trust_proxy.is_some()),
        ("max-executions", args.max_executions.is_some(), table.max_executions.is_some()),
        ("max-step-processes", args.max_step_processes.is_some(), table.max_step_processes.is_some()),
        ("max-output", args.max_output.is_some(), table.max_output.is_some()),
        ("keep-folders", args.keep_folders.is_some(), table.keep_folders.is_some()),
        ("max-user-streams", args.max_user_streams.is_some(), table.max_user_streams.is_some()),
        ("max-streams", args.max_streams.is_some(), table.max_streams.is_some()),
        ("journal", args.journal.is_some(), table.journal.is_some()),
        ("retention-days", args.retention_days.is_some(), table.retention_days.is_some()),
        ("retention-count", args.retention_count.is_some(), table.retention_count.is_some()),
        ("drain", args.drain.is_some(), false),
    ];
    let of = |(name, said, filed): (&'static str, bool, bool)| {
        let variable = format!("RUNCAST_{}", name.replace('-', "_").to_uppercase());
        let origin = match (said, filed) {
            (true, _) if !has_flag(name) && std::env::var_os(variable).is_some() => Origin::Environment,
            (true, _) => Origin::Flag,
            (false, true) => Origin::File,
            (false, false) => return None,
        };
        Some((name, origin))
    };
    given.into_iter().filter_map(of).collect()
}

fn has_flag(name: &str) -> bool {
    std::env::args_os().any(|word| {
        let word = word.to_string_lossy();
        word.strip_prefix("--")
            .and_then(|flag| flag.strip_prefix(name))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

fn external(args: &ServeArgs) -> ExternalSettings {
    let default = ExternalSettings::default();
    ExternalSettings {
        out_of_touch_after: args.out_of_touch_after.unwrap_or(default.out_of_touch_after),
        interrupt_after_least: args.interrupt_after_least.unwrap_or(default.interrupt_after_least),
        grace: args.external_grace.unwrap_or(default.grace),
    }
}

fn number(flag: Option<u32>, table: Option<NonZeroUsize>) -> Option<usize> {
    flag.map(|count| count as usize).or(table.map(NonZeroUsize::get))
}

fn address(text: String) -> Result<String, SettingsError> {
    let host =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).map(|rest| rest.trim_end_matches('/'));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' '])) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(SettingsError::PublicUrl(text))
    }
}

fn default_executions() -> usize {
    2 * std::thread::available_parallelism().map_or(2, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), "[runcast]\nlisten = \"[::1]:4000\"\nmax-executions = 9\n")
            .expect("written");
        let args = ServeArgs { listen: Some("127.0.0.1:0".to_owned()), ..ServeArgs::default() };
        let settings = Settings::resolve(args, folder.path()).expect("good settings");
        assert_eq!((settings.listen.as_str(), settings.max_executions), ("127.0.0.1:0", 9));
        assert_eq!(settings.data, PathBuf::from("data"));
        let in_force = settings.in_force();
        let of = |name: &str| in_force.iter().find(|setting| setting.name == name).map(|one| (&*one.value, one.origin));
        assert_eq!(of("listen"), Some(("127.0.0.1:0", Origin::Flag)));
        assert_eq!(of("max-executions"), Some(("9", Origin::File)));
        assert_eq!(of("data"), Some(("data", Origin::Default)));
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), "[runcast]\nlisen = \"x\"\n").expect("written");
        let error = Settings::resolve(ServeArgs::default(), folder.path()).expect_err("a wrong key");
        assert!(error.to_string().contains("lisen"), "{error}");
    }
}
