//! The integration tests.

mod engine;
