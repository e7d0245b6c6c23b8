//! What somebody follows: executions, and workflows by their newest execution. Kept by the browser as short texts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::id::{ExecutionId, Name};

/// Most things that one user follows; one more lets go of the oldest.
pub const FOLLOWED_MAX: usize = 20;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Followed {
    /// This execution.
    Execution(ExecutionId),
    /// The newest execution of this workflow.
    Workflow(Name),
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Followed::Execution(id) => write!(f, "execution {id}"),
            Followed::Workflow(name) => write!(f, "workflow {name}"),
        }
    }
}

/// A text that names nothing to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingToFollow;

impl FromStr for Followed {
    type Err = NothingToFollow;

    fn from_str(text: &str) -> Result<Self, NothingToFollow> {
        match text.split_once(' ') {
            Some(("execution", id)) => id.parse().map(Followed::Execution).map_err(|_| NothingToFollow),
            Some(("workflow", name)) => name.parse().map(Followed::Workflow).map_err(|_| NothingToFollow),
            _ => Err(NothingToFollow),
        }
    }
}

/// What is followed after one more, or one less if it was among them: the newest first, [`FOLLOWED_MAX`] at most.
pub fn toggled(mut all: Vec<Followed>, one: Followed) -> Vec<Followed> {
    let before = all.len();
    all.retain(|other| *other != one);
    if all.len() == before {
        all.insert(0, one);
        all.truncate(FOLLOWED_MAX);
    }
    all
}

/// As the browser keeps them: one in a line.
pub fn written(all: &[Followed]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What was kept; what can't be read is left out.
pub fn read(text: &str) -> Vec<Followed> {
    text.lines().filter_map(|line| line.parse().ok()).take(FOLLOWED_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(name: &str) -> Followed {
        Followed::Workflow(name.parse().expect("a name"))
    }

    #[test]
    fn what_is_followed_is_written_and_read_back_and_the_rest_left_out() {
        let id: ExecutionId = "01934f0e-7b1c-7000-8000-000000000001".parse().expect("an id");
        let all = vec![Followed::Execution(id), workflow("backup")];
        assert_eq!(read(&written(&all)), all);
        assert_eq!(read("execution x\n\nworkflow ..\nworkflow a b\nboat\nworkflow backup"), [workflow("backup")]);
    }

    #[test]
    fn following_again_is_to_follow_no_more_and_the_oldest_makes_room() {
        let one = toggled(Vec::new(), workflow("one"));
        assert_eq!(toggled(one.clone(), workflow("one")), []);
        let many = (0..30).fold(one, |all, n| toggled(all, workflow(&format!("w{n}"))));
        assert_eq!((many.len(), many.first()), (FOLLOWED_MAX, Some(&workflow("w29"))));
        assert!(!many.contains(&workflow("one")));
    }
}
