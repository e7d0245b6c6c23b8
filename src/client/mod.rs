//! The command line, as a client of a server.

pub mod arguments;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Cli, Command};

/// Does what the command line says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or_else(|| Cli::parse_from(["runcast", "serve"]).command.expect("it is said"));
    let runtime = tokio::runtime::Runtime::new().expect("threads can be made");
    runtime.block_on(async {
        match command {
            Command::Serve(args) => match crate::server::serve(args).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            },
            _ => ExitCode::FAILURE,
        }
    })
}
