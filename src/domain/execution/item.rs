//! An execution in a list.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Execution;
use crate::domain::{event::Source, id::StepId, state_hash::StateHash};

/// An execution as the API lists it: its snapshot without `steps`, `result` and `params`, with the steps at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Everything else, which is written beside `running`.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
    /// The hash of all of it, what is left out here included.
    pub hash: StateHash,
    /// The steps at work now.
    pub running: Vec<RunningStep>,
}

/// A step at work, as the API lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningStep {
    /// Its id.
    pub id: StepId,
    /// What people read.
    pub name: String,
    /// How far it is.
    pub percent: f64,
    /// Where the percent comes from.
    pub source: Option<Source>,
    /// What it said it is doing.
    pub message: Option<String>,
}

impl From<Execution> for Item {
    fn from(execution: Execution) -> Self {
        let (hash, execution) = (execution.state_hash(), execution.listed());
        let mut fields = match serde_json::to_value(&execution) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        for left_out in ["steps", "result", "params"] {
            fields.remove(left_out);
        }
        let running = execution
            .running()
            .map(|step| RunningStep {
                id: step.id.clone(),
                name: step.name.clone(),
                percent: step.percent,
                source: step.source,
                message: step.message.clone(),
            })
            .collect();
        Self { fields, hash, running }
    }
}
