//! The `runcast` binary: the server, and the command line that talks to one.

#[cfg(feature = "ssr")]
fn main() {}

#[cfg(not(feature = "ssr"))]
fn main() {}
