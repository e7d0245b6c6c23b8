//! stub
#![allow(missing_docs)]
use super::journal::*;
use crate::domain::{event::Trigger, execution::Execution, id::*, workflow::Workflow};
use std::sync::Arc;
#[derive(Clone)]
pub struct Engine;
pub struct Order {
    pub workflow: Arc<Workflow>,
    pub params: serde_json::Map<String, serde_json::Value>,
    pub owner: Name,
    pub trigger: Trigger,
    pub idempotent: Option<Idempotent>,
}
#[derive(Default)]
pub struct EngineSettings {
    pub data: std::path::PathBuf,
    pub url: Option<String>,
    pub limit: usize,
    pub z: u8,
}
pub struct NotRunning;
impl From<NotRunning> for super::http::HttpError {
    fn from(_: NotRunning) -> Self {
        super::http::HttpError::Conflict(String::new())
    }
}
impl Engine {
    pub fn new(_: Journal, _: EngineSettings) -> Self {
        Engine
    }
    pub async fn recover(&self) -> Result<(), JournalError> {
        Ok(())
    }
    pub async fn start(&self, _: Order) -> Result<Execution, JournalError> {
        Err(JournalError::Closed)
    }
    pub async fn cancel(&self, _: ExecutionId, _: &Name) -> Result<(), NotRunning> {
        Ok(())
    }
    pub async fn shutdown(&self, _: std::time::Duration) {}
}
