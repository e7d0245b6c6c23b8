//! What a file that is good would do: its steps with the time they usually take, as far as that is known, what it asks
//! for, when it starts, and its plan as the stream would tell it.

use leptos::prelude::*;
use serde_json::json;

use crate::{
    app::{
        components::plan_steps::{PlanSteps, expected},
        pages::check::Checked,
    },
    domain::{
        listing::{WorkflowSheet, WorkflowView},
        schedule,
        workflow::{Parameter, Workflow},
    },
};

/// The plan; nothing while the file is not good.
#[component]
pub fn CheckedPlan(
    /// What the file came to.
    checked: RwSignal<Checked>,
    /// The workflow that it is a copy of.
    known: Option<WorkflowSheet>,
) -> impl IntoView {
    let known = StoredValue::new(known);
    let plan = Memo::new(move |_| {
        checked.with(|checked| match checked {
            Checked::Good(workflow) => Some((**workflow).clone()),
            _ => None,
        })
    });
    move || plan.get().map(|workflow| view! { <Plan known=known.get_value() workflow/> })
}

#[component]
fn Plan(workflow: Workflow, known: Option<WorkflowSheet>) -> impl IntoView {
    let steps = workflow.planned();
    let usual = known.as_ref().and_then(|known| expected(&steps, known.usual.as_ref()?));
    let facts = facts(&workflow, known.as_ref().map(|known| &known.workflow));
    let facts = facts.into_iter().map(|(term, said)| view! { <div><dt>{term}</dt><dd>{said}</dd></div> });
    let plan = json!({ "workflow": workflow.name, "params": workflow.params, "steps": steps });
    let plan = serde_json::to_string_pretty(&plan).unwrap_or_default();
    view! {
        <dl class="workflow-terms">{facts.collect_view()}</dl>
        <PlanSteps workflow=workflow.name.clone() steps usual/>
        <details data-part="json">
            <summary>"The plan as JSON"</summary>
            <pre tabindex="0" aria-label="The plan as JSON">{plan}</pre>
        </details>
    }
}

fn facts(workflow: &Workflow, known: Option<&WorkflowView>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Name", workflow.name.to_string())];
    if known.is_some_and(|known| known.name != workflow.name) {
        facts.push(("", "Under this name it is another workflow, beside the one that it is a copy of.".to_owned()));
    }
    if !workflow.params.is_empty() {
        let names: Vec<String> = workflow.params.iter().map(asked).collect();
        facts.push(("Asks for", names.join(", ")));
    }
    let zone = workflow.timezone.as_deref().unwrap_or(schedule::UTC);
    if !workflow.schedule.is_empty() {
        facts.push(("Starts", schedule::words(&workflow.schedule, zone)));
    }
    if !workflow.secrets.is_empty() {
        facts.push((
            "Secrets",
            format!("{}: whether the server has them is not looked at here", workflow.secrets.join(", ")),
        ));
    }
    facts
}

fn asked(parameter: &Parameter) -> String {
    let need = if parameter.default.is_none() { " (required)" } else { "" };
    format!("{}{need}", parameter.name)
}
