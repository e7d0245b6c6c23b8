//! What is true: ids, facts, the fold over them, workflows, and who may see what.
//!
//! Pure and shared by both sides. Nothing here does I/O, reads a clock, or panics.

pub mod access;
pub mod activity;
pub mod administration;
pub mod ansi;
pub mod axis;
pub mod course;
pub mod differences;
pub mod estimate;
pub mod event;
pub mod execution;
pub mod finder;
pub mod folds;
pub mod followed;
pub mod history;
pub mod id;
pub mod layout;
pub mod links;
pub mod listing;
pub mod log;
pub mod marks;
pub mod output;
pub mod pace;
pub mod problem;
pub mod reading;
pub mod schedule;
pub mod search;
pub mod size;
pub mod state_hash;
pub mod time;
pub mod urgency;
pub mod usual;
pub mod workflow;
