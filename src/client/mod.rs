//! The command line, as a client of a server.
pub mod arguments;
