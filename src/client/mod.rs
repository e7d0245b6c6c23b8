//! The command line: `runcast serve`, and the commands that talk to a server or work on its data folder.

mod accounts;
mod api;
pub mod arguments;
mod board;
mod commands;
mod error;
pub mod exec;
mod follow;
mod groups;
mod overview;
mod paint;
mod printable;
mod sse;
mod stream;
mod validate;

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use clap::Parser as _;

use self::{
    arguments::{Cli, Command},
    error::ClientError,
};

/// Does what the command line says.
pub fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| {
        // Through the same parser, so that the variables count.
        Cli::parse_from(["runcast", "serve"]).command.expect("a command was given")
    });
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("runcast: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(carry_out(command)) {
        Ok(code) => code,
        Err(error) => {
            if !error.is_silent() {
                eprintln!("runcast: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

async fn carry_out(command: Command) -> Result<ExitCode, ClientError> {
    let code = match command {
        Command::Serve(args) => return Ok(crate::server::serve(args).await),
        Command::User(command) => accounts::user(command).await,
        Command::Group(command) => groups::group(command).await,
        Command::Token(command) => accounts::token(command).await,
        Command::Validate(args) => validate::validate(&args),
        Command::Start(args) => commands::start(args).await,
        Command::Watch(args) => commands::watch(args).await,
        Command::List(args) => commands::list(args).await,
        Command::Cancel(args) => commands::cancel(args).await,
        Command::Log(args) => commands::log(args).await,
        Command::Exec(args) => exec::exec(args).await,
    };
    code.map(ExitCode::from)
}

/// Prints a line. Unlike `println!` it does not panic when the reader has left.
fn say(line: impl AsRef<str>) -> Result<(), ClientError> {
    Ok(writeln!(stdout(), "{}", line.as_ref())?)
}
