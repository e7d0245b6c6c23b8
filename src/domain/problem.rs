//! Errors as the API tells them: RFC 9457 problem documents.

use serde::{Deserialize, Serialize};

/// A problem document, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.detail.as_deref().unwrap_or(&self.title))]
pub struct Problem {
    /// What kind of problem it is; `about:blank` says no more than the status does.
    #[serde(rename = "type")]
    pub kind: String,
    /// In a few words, the same for each problem of the kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with each field of the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// All that it says, in a sentence or a few.
    pub fn told(&self) -> String {
        self.told_of(|field| field.to_owned())
    }

    /// The same, with fields called as their reader knows them.
    pub fn told_of(&self, called: impl Fn(&str) -> String) -> String {
        if self.errors.is_empty() {
            return self.to_string();
        }
        let told: Vec<String> =
            self.errors.iter().map(|one| format!("{}: {}", called(&one.field), one.message)).collect();
        told.join("; ")
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Its name, a parameter's name for a parameter.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}
