//! The `runcast` binary: the server, and the command line that talks to one.

#[cfg(feature = "ssr")]
fn main() -> std::process::ExitCode {
    runcast::client::run()
}

/// The dashboard is a library; cargo-leptos builds no program for it.
#[cfg(not(feature = "ssr"))]
fn main() {}
