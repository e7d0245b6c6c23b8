//! `runcast validate`: what the server would say of workflow files.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{arguments::ValidateArgs, error::ClientError, printable::Keep, printable::printable, say};
use crate::domain::workflow::{Workflow, WorkflowError};

/// What a file is.
enum Verdict {
    Good(Box<Workflow>),
    Wrong(Vec<WorkflowError>),
    Unreadable(String),
}

/// Checks the files; 1 if one is wrong.
///
/// # Errors
/// If standard output is gone.
pub fn validate(args: &ValidateArgs) -> Result<u8, ClientError> {
    let verdicts: Vec<(String, Verdict)> =
        args.files.iter().map(|path| (path.display().to_string(), check(path))).collect();
    if args.json {
        let files: Vec<Value> = verdicts.iter().map(|(file, verdict)| document(file, verdict)).collect();
        say(json!({ "files": files }).to_string())?;
    } else {
        verdicts.iter().flat_map(|(file, verdict)| lines(file, verdict)).try_for_each(say)?;
    }
    Ok(u8::from(verdicts.iter().any(|(_, verdict)| !matches!(verdict, Verdict::Good(_)))))
}

fn check(path: &Path) -> Verdict {
    let file = path.display().to_string();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    match fs::read_to_string(path) {
        Err(error) => Verdict::Unreadable(error.to_string()),
        Ok(text) => match Workflow::parse(&file, &stem, &text) {
            Ok(workflow) => Verdict::Good(Box::new(workflow)),
            Err(errors) => Verdict::Wrong(errors),
        },
    }
}

fn lines(file: &str, verdict: &Verdict) -> Vec<String> {
    let lines = match verdict {
        Verdict::Good(workflow) => {
            let steps = workflow.steps.len();
            vec![format!("{file}: ok, {steps} {}", if steps == 1 { "step" } else { "steps" })]
        }
        Verdict::Wrong(errors) => errors.iter().map(line).collect(),
        Verdict::Unreadable(why) => vec![format!("{file}: {why}")],
    };
    lines.iter().map(|line| printable(line, Keep::Text)).collect()
}

fn line(error: &WorkflowError) -> String {
    let WorkflowError { file, line, column, path, message } = error;
    let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
    format!("{file}:{line}:{column}: {path}{message}")
}

fn document(file: &str, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Good(workflow) => {
            json!({ "file": file, "ok": true, "name": workflow.name, "steps": workflow.steps.len(), "errors": [] })
        }
        Verdict::Wrong(errors) => json!({ "file": file, "ok": false, "errors": errors }),
        Verdict::Unreadable(why) => json!({ "file": file, "ok": false, "errors": [{ "file": file, "message": why }] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_an_editor_can_jump_to() {
        let error = WorkflowError {
            file: "a.yaml".to_owned(),
            line: 14,
            column: 12,
            path: "steps[2].needs".to_owned(),
            message: "\"dmup\" is not a step\u{1b}[2J".to_owned(),
        };
        let lines = lines("a.yaml", &Verdict::Wrong(vec![error]));
        assert_eq!(lines, ["a.yaml:14:12: steps[2].needs: \"dmup\" is not a step"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_wrong() {
        let path = tempfile::tempdir().expect("a folder can be made").path().join("none.yaml");
        assert!(matches!(check(&path), Verdict::Unreadable(_)));
        assert_eq!(document("x", &check(&path))["ok"], false);
    }
}
