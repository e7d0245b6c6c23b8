//! The command line: what may be said, and what it means.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::{
    execution::Status,
    id::{ExecutionId, Name, StepId},
    size::bytes,
};

/// Runs multi-step jobs and shows everyone who may see them what is happening, live.
#[derive(Debug, Parser)]
#[command(name = "runcast", version, after_help = ABOUT)]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const ABOUT: &str = "\
Without a command it is the server, as `runcast serve`.

Example:
  runcast serve --data ./data --workflows ./workflows
  RUNCAST_TOKEN=rc_… runcast start greeting -p name=Ada --follow";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Add, list and remove users, whether the server runs or not
    #[command(subcommand)]
    User(UserCommand),
    /// Add, list and remove groups and who is in them, whether the server runs or not
    #[command(subcommand)]
    Group(GroupCommand),
    /// Create tokens, whether the server runs or not
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check workflow files
    Validate(ValidateArgs),
    /// Start an execution
    Start(StartArgs),
    /// Watch an execution, or everything you may see
    Watch(WatchArgs),
    /// List executions, newest first
    List(ListArgs),
    /// Stop an execution
    Cancel(CancelArgs),
    /// Print what an execution's steps printed
    Log(LogArgs),
    /// Run a command here and report it to a server
    Exec(ExecArgs),
}

/// Settings of the server, as far as flags and variables give them; the rest comes from `Leptos.toml`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
What is not given here is taken from the [runcast] table of Leptos.toml, else it is the default.

Example:
  runcast serve --data /var/lib/runcast --workflows /etc/runcast/workflows \\
      --listen 127.0.0.1:3000 --public-url https://runcast.example.org --trust-proxy")]
pub struct ServeArgs {
    /// The folder of everything that is kept [default: data]
    #[arg(long, env = "RUNCAST_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The folder of workflow files [default: workflows]
    #[arg(long, env = "RUNCAST_WORKFLOWS", value_name = "DIR")]
    pub workflows: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:3000]
    #[arg(long, env = "RUNCAST_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,
    /// The address people use, if another; with https:// the session cookie is for https only
    #[arg(long, env = "RUNCAST_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Believe X-Forwarded-For and X-Forwarded-Proto
    #[arg(long, env = "RUNCAST_TRUST_PROXY", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub trust_proxy: Option<bool>,
    /// How many executions run at once [default: twice the number of cores]
    #[arg(long, env = "RUNCAST_MAX_EXECUTIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_executions: Option<u32>,
    /// Keep the working folders of so many executions that did not succeed, to run them again from there [default: 20]
    #[arg(long, env = "RUNCAST_KEEP_FOLDERS", value_name = "N")]
    pub keep_folders: Option<u32>,
    /// How many processes a step may have at once; one with more is killed [default: 2000]
    #[arg(long, env = "RUNCAST_MAX_STEP_PROCESSES", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_step_processes: Option<u32>,
    /// How much output of an execution is kept; of more, the last lines of each step [default: 200MB]
    #[arg(long, env = "RUNCAST_MAX_OUTPUT", value_name = "SIZE", value_parser = size)]
    pub max_output: Option<u64>,
    /// The folder of secrets, a file for each; those in the server's environment come first
    #[arg(long, env = "RUNCAST_SECRETS", value_name = "DIR")]
    pub secrets: Option<PathBuf>,
    /// How many event streams one user may have open at once [default: 64]
    #[arg(long, env = "RUNCAST_MAX_USER_STREAMS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_user_streams: Option<u32>,
    /// How many event streams may be open at once in all [default: 20000]
    #[arg(long, env = "RUNCAST_MAX_STREAMS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: Option<u32>,
    /// Where history is kept [default: sqlite]
    #[arg(long, env = "RUNCAST_JOURNAL", value_name = "KEEPER")]
    pub journal: Option<Keeper>,
    /// Remove finished executions older than this [default: keep them]
    #[arg(long, env = "RUNCAST_RETENTION_DAYS", value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub retention_days: Option<u32>,
    /// Keep so many finished executions, the newest [default: all]
    #[arg(long, env = "RUNCAST_RETENTION_COUNT", value_name = "N")]
    pub retention_count: Option<u64>,
    /// At the end, wait so long for what runs instead of stopping it: 30s, 10m
    #[arg(long, env = "RUNCAST_DRAIN", value_name = "TIME", value_parser = duration)]
    pub drain: Option<Duration>,
    /// Also serve /design, the page of all parts in all states, for those who work on them
    #[arg(long, hide = true)]
    pub design: bool,
    /// Least time between two estimates of how far a step is, for tests
    #[arg(long, value_name = "TIME", value_parser = duration, hide = true)]
    pub estimate_every: Option<Duration>,
    /// The shortest silence that makes a step stalled, for tests
    #[arg(long, value_name = "TIME", value_parser = duration, hide = true)]
    pub stall_min: Option<Duration>,
    /// After how much silence work that runs elsewhere is out of touch [default: 30s]
    #[arg(long, hide = true, value_name = "TIME", value_parser = duration)]
    pub out_of_touch_after: Option<Duration>,
    /// The least silence after which it may be interrupted [default: 1m]
    #[arg(long, hide = true, value_name = "TIME", value_parser = duration)]
    pub interrupt_after_least: Option<Duration>,
    /// How long it has to end once it was told that it is cancelled [default: 10s]
    #[arg(long, hide = true, value_name = "TIME", value_parser = duration)]
    pub external_grace: Option<Duration>,
}

/// Where history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keeper {
    /// In the data folder.
    Sqlite,
    /// Nowhere: it is gone at the next stop.
    Memory,
}

/// The data folder, for the commands that work on it.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// The server's data folder [default: the one in Leptos.toml, else data]
    #[arg(long, env = "RUNCAST_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `runcast user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; asks for the password twice
    #[command(after_help = "\
Example:
  runcast user add ada --admin
  printf '%s' \"$PASSWORD\" | runcast user add grace --password-stdin --data /var/lib/runcast")]
    Add {
        /// Their name: a-z, 0-9, '.', '_', '-'
        name: Name,
        /// They see and do everything
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
    /// List the users
    #[command(after_help = "Example:\n  runcast user list --data /var/lib/runcast")]
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
    /// Remove a user, with their sessions and tokens
    #[command(after_help = "Example:\n  runcast user remove grace")]
    Remove {
        /// Their name
        name: Name,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
}

/// `runcast group …`
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make a group, or take users into one that is there
    #[command(after_help = "\
A workflow's `allow` may hold groups. A change holds at once.

Example:
  runcast group add ops --member ada --member grace")]
    Add {
        /// Its name: a-z, 0-9, '.', '_', '-'; no user's
        name: Name,
        /// A user who is in it from now on; once for each
        #[arg(long = "member", value_name = "USER")]
        members: Vec<Name>,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
    /// List the groups with who is in them
    #[command(after_help = "Example:\n  runcast group list --data /var/lib/runcast")]
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
    /// Remove a group, or take users out of it
    #[command(after_help = "\
Without --member the group itself goes; the users stay.

Example:
  runcast group remove ops --member grace
  runcast group remove ops")]
    Remove {
        /// Its name
        name: Name,
        /// A user who is in it no more; once for each
        #[arg(long = "member", value_name = "USER")]
        members: Vec<Name>,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
}

/// `runcast token …`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and print it, this once
    #[command(after_help = "\
Example:
  export RUNCAST_TOKEN=$(runcast token create --user ada --name laptop)")]
    Create {
        /// Whose token it is
        #[arg(long)]
        user: Name,
        /// What to call it
        #[arg(long, value_name = "LABEL", default_value = "command line")]
        name: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        #[allow(missing_docs)]
        data: DataArgs,
    },
}

/// `runcast validate …`
#[derive(Debug, Args)]
#[command(after_help = "\
Each error is a line `file:line:column: key: message`; with one, the exit code is 1.

Example:
  runcast validate workflows/*.yaml")]
pub struct ValidateArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Which server to talk to, and how.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// The server's address
    #[arg(long, env = "RUNCAST_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// A token of yours; better in the variable, since others may see a command's arguments
    #[arg(long, env = "RUNCAST_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Print the API's JSON; when following, one event a line
    #[arg(long)]
    pub json: bool,
}

const EXIT_CODES: &str = "\
Exit codes of an execution that is watched to its end: 0 succeeded, 1 failed, 124 timed out, 130 cancelled;
2 wrong use, 3 the server was not reached or refused.";

/// `runcast start …`
#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_CODES}\n
Example:
  runcast start greeting -p name=Ada --follow"))]
pub struct StartArgs {
    /// The workflow's name
    pub workflow: Name,
    /// The value of a parameter; once for each
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub param: Vec<(String, String)>,
    /// Watch it to its end
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `runcast watch …`
#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_CODES}\n
Example:
  runcast watch
  runcast watch 01934f0e-7b1c-7000-8000-000000000001"))]
pub struct WatchArgs {
    /// The execution; without it, everything you may see
    pub id: Option<ExecutionId>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `runcast list …`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  runcast list --status running,queued
  runcast list --workflow nightly-backup --status failed -n 5")]
pub struct ListArgs {
    /// Only those in these statuses: queued, running, succeeded, failed, cancelled, timed_out, interrupted
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<Status>,
    /// Only those of this workflow
    #[arg(long, value_name = "NAME")]
    pub workflow: Option<Name>,
    /// Only those of this user
    #[arg(long, value_name = "NAME")]
    pub owner: Option<Name>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `runcast cancel …`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  runcast cancel 01934f0e-7b1c-7000-8000-000000000001")]
pub struct CancelArgs {
    /// The execution
    pub id: ExecutionId,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `runcast log …`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  runcast log 01934f0e-7b1c-7000-8000-000000000001 --step build
  runcast log 01934f0e-7b1c-7000-8000-000000000001 --follow | grep warning")]
pub struct LogArgs {
    /// The execution
    pub id: ExecutionId,
    /// Only what this step printed
    #[arg(long, value_name = "ID")]
    pub step: Option<StepId>,
    /// Go on until it has ended
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
}

/// `runcast exec …`
#[derive(Debug, Args)]
#[command(after_help = "\
The command runs as it would without: its output and its exit code (128 and the number for a signal) are its own, 127
if there is no such command, 126 if it can't be run, and 130 if the execution was cancelled on the server. If the server
is away, the report waits on disk.

Example:
  runcast exec --name nightly-backup -- ./backup.sh --all
  0 3 * * *  RUNCAST_TOKEN=rc_… runcast exec --name nightly-backup -- /usr/local/bin/backup")]
pub struct ExecArgs {
    /// What to call it; the command's own name if nothing is said
    #[arg(long, value_name = "NAME")]
    pub name: Option<Name>,
    /// After the command's end, wait so long at most until the server has the report
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub wait: Duration,
    /// Run nothing: send the reports that earlier runs left
    #[arg(long, conflicts_with_all = ["name", "command"])]
    pub deliver: bool,
    /// The server's address
    #[arg(long, env = "RUNCAST_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// A token of yours; better in the variable, since others may see a command's arguments
    #[arg(long, env = "RUNCAST_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The command, with its arguments
    #[arg(last = true, required_unless_present = "deliver", value_name = "CMD")]
    pub command: Vec<OsString>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is given as name=value".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    bytes(text).ok_or_else(|| format!("{text:?} is no amount of bytes: write 200MB, 64MiB or 1GB"))
}

/// A span of time as flags and files have it: `500ms`, `30s`, `10m`, `2h`, `1d`.
///
/// # Errors
/// What would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no span of time: write 500ms, 30s, 10m, 2h or 1d");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(ms).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_each_help_has_an_example() {
        fn check(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(check);
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example:\n"), "`{} --help` has no example", command.get_name());
            }
        }
        let command = Cli::command();
        command.clone().debug_assert();
        check(&command);
    }

    #[test]
    fn a_parameter_is_cut_at_its_first_equals_sign() {
        assert_eq!(parameter("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(parameter("a="), Ok(("a".into(), String::new())));
        assert!(parameter("=b").is_err() && parameter("a").is_err());
    }

    #[test]
    fn a_span_of_time_is_a_number_with_its_unit() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "10", "m", "1.5h", "-1s", "1 m", "99999999999999999999d", "18446744073709551615d"] {
            assert!(duration(bad).is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn a_flag_that_trusts_the_proxy_needs_no_value() {
        for (args, trusted) in
            [(vec!["runcast", "serve"], None), (vec!["runcast", "serve", "--trust-proxy"], Some(true))]
        {
            let Some(Command::Serve(serve)) = Cli::parse_from(args).command else { panic!("it is serve") };
            assert_eq!(serve.trust_proxy, trusted);
        }
    }
}
