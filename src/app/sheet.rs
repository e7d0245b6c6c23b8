//! One workflow as its page holds it: the stream tells when a run has ended or the folder has changed, and then it is
//! asked for again, so that what is counted over many runs is always the server's own count.

use leptos::prelude::*;

use super::{api, flows::again_when, live::Live, rows::Rows};
use crate::domain::{
    listing::{WorkflowFile, WorkflowSheet, WorkflowView},
    usual::UsualRun,
};

/// A workflow and its file. A copy is the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// The workflow.
    pub workflow: RwSignal<WorkflowView>,
    /// Its file.
    pub file: RwSignal<WorkflowFile>,
    /// Its usual run.
    pub usual: RwSignal<Option<UsualRun>>,
    /// Whether its file was removed since, or is no longer the viewer's to see.
    pub gone: RwSignal<bool>,
    version: StoredValue<u64>,
    /// The state of the folder that the stream told of.
    told: RwSignal<Option<u64>>,
}

impl Sheet {
    /// What a page opens with.
    pub fn new(sheet: WorkflowSheet) -> Self {
        Self {
            workflow: RwSignal::new(sheet.workflow),
            file: RwSignal::new(sheet.file),
            usual: RwSignal::new(sheet.usual),
            gone: RwSignal::new(false),
            version: StoredValue::new(sheet.version),
            told: Live::expect().workflows,
        }
    }

    /// Keeps it true while the component that calls this is on the page; `rows` are its executions.
    pub fn follow(self, rows: Rows) {
        let newest = Memo::new(move |_| rows.ended.with(|ended| ended.iter().map(|execution| execution.seq).max()));
        let counted = StoredValue::new(newest.get_untracked());
        again_when(
            move || newest.get() != counted.get_value(),
            move || async move {
                counted.try_set_value(newest.try_get_untracked().flatten());
                self.ask_again().await;
            },
        );
        again_when(
            move || self.told.get().is_some_and(|version| version != self.version.get_value()),
            move || self.ask_again(),
        );
    }

    async fn ask_again(self) {
        let Some(name) = self.workflow.try_with_untracked(|workflow| workflow.name.to_string()) else { return };
        match api::workflow(name).await {
            Ok(Some(sheet)) => {
                self.version.try_set_value(sheet.version);
                self.gone.try_set(false);
                self.workflow.try_set(sheet.workflow);
                self.file.try_set(sheet.file);
                if self.usual.try_with_untracked(|usual| *usual != sheet.usual) == Some(true) {
                    self.usual.try_set(sheet.usual);
                }
            }
            Ok(None) => {
                self.version.try_set_value(self.told.try_get_untracked().flatten().unwrap_or_default());
                self.gone.try_set(true);
            }
            // The stream says that the server is away; it is asked again with the next change.
            Err(_) => {}
        }
    }
}
