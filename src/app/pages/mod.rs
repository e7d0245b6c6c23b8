//! The pages, one file each.

pub mod check;
pub mod execution;
pub mod executions;
pub mod not_found;
pub mod now;
pub mod set_up;
pub mod settings;
pub mod sign_in;
pub mod workflow;
pub mod workflows;
