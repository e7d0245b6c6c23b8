//! The steps of a plan: how long each usually takes, as far as that is known, and what it waits for, as a timeline of
//! the usual run or as a graph.

use std::collections::HashMap;

use leptos::prelude::*;

use super::{
    step_graph::StepGraph,
    step_shape::{Shape, Views, shows_graph},
    usual_run::UsualRun as UsualTimeline,
};
use crate::domain::{estimate::Past, event::PlannedStep, id::Name, time::lasting, usual::UsualRun};

/// The steps, with a heading and a switch between their drawings.
#[component]
pub fn PlanSteps(
    /// Whose steps they are.
    workflow: Name,
    /// In the order of the file.
    steps: Vec<PlannedStep>,
    /// How long they usually take.
    usual: Option<UsualRun>,
) -> impl IntoView {
    let graph = shows_graph();
    let word = usual.as_ref().map(|usual| length(usual, steps.len()));
    let drawing = move || {
        let shape = graph.get().then(|| Shape::planned(workflow.clone(), steps.clone(), usual.as_ref())).flatten();
        match (shape, usual.clone()) {
            (Some(shape), _) => view! { <StepGraph shape/> }.into_any(),
            (None, Some(usual)) => view! { <UsualTimeline steps=steps.clone() usual/> }.into_any(),
            (None, None) => list(&steps).into_any(),
        }
    };
    view! {
        <div class="section-heading"><h2>"Steps"</h2><span>{word}</span><Views graph/></div>
        {drawing}
    }
}

/// How long all of it usually takes.
fn length(usual: &UsualRun, steps: usize) -> String {
    match steps.saturating_sub(usual.steps.len()) {
        0 => format!("about {} in all", lasting(usual.duration_ms)),
        1 => format!("about {} and one step that is not known yet", lasting(usual.duration_ms)),
        unknown => format!("about {} and {unknown} steps that are not known yet", lasting(usual.duration_ms)),
    }
}

/// Where nothing is known of the past.
fn list(steps: &[PlannedStep]) -> impl IntoView + use<> {
    let rows = steps.iter().map(|step| {
        let needs: Vec<String> = step.needs.iter().map(ToString::to_string).collect();
        let after = (!needs.is_empty()).then(|| format!("after {}", needs.join(", ")));
        view! { <li><span>{step.name.clone()}</span><small>{after}</small></li> }
    });
    view! { <ol class="plan-steps" aria-label="Steps">{rows.collect_view()}</ol> }
}

/// The usual run of other steps, from what is known of those with the same ids.
pub fn expected(steps: &[PlannedStep], known: &UsualRun) -> Option<UsualRun> {
    let past = |ms| Past { durations: vec![ms], silences: Vec::new() };
    let pasts: HashMap<_, _> = known.steps.iter().map(|step| (step.id.clone(), past(step.duration_ms))).collect();
    UsualRun::of(steps.iter().map(|step| (&step.id, step.needs.as_slice())), &pasts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{usual::UsualStep, workflow::Workflow};

    #[test]
    fn a_changed_file_is_expected_to_take_what_its_known_steps_take_in_their_new_order() {
        let step = |id: &str, ms| UsualStep { id: id.parse().expect("an id"), from_ms: 0, duration_ms: ms };
        let known = UsualRun {
            steps: vec![step("a", 1000), step("b", 4000), step("gone", 9000)],
            duration_ms: 14_000,
            runs: 3,
        };
        let text = "steps:\n- {id: a, run: x}\n- {id: new, run: x}\n- {id: b, run: x}\n";
        let steps = Workflow::parse("w.yaml", "w", text).expect("a good file").planned();
        let usual = expected(&steps, &known).expect("two steps are known");
        assert_eq!((usual.duration_ms, usual.steps.len()), (5000, 2));
        let side_by_side = "steps:\n- {id: a, run: x}\n- {id: b, run: x, needs: []}\n";
        let steps = Workflow::parse("w.yaml", "w", side_by_side).expect("a good file").planned();
        assert_eq!(expected(&steps, &known).map(|usual| usual.duration_ms), Some(4000));
        let none = UsualRun { steps: vec![step("gone", 1)], duration_ms: 1, runs: 1 };
        assert_eq!(expected(&steps, &none), None);
    }
}
