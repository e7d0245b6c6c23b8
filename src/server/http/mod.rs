//! HTTP.

pub mod fields;
pub mod guard;
pub mod problem;
pub mod session;
pub mod tokens;
pub mod users;
