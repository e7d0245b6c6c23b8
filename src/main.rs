//! The `runcast` binary: the server, and the command line that talks to one.

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    // Before all else: a supervisor is to be there in a millisecond or two.
    if std::env::args_os().nth(1).is_some_and(|word| word == "supervise") {
        return runcast::server::engine::supervise();
    }
    if std::env::args_os().nth(1).is_some_and(|word| word == runcast::client::exec::LEAD) {
        return runcast::client::exec::lead();
    }
    runcast::client::run()
}

/// The dashboard is a library; cargo-leptos builds no program for it.
#[cfg(not(feature = "ssr"))]
fn main() {}
