//! The server.

pub mod access;
pub mod http;
