//! The server.

pub mod doorbell;
pub mod missing;
