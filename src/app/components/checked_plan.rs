//! What a file that is good would do: its steps with the time they usually take, as far as that is known, what it asks
//! for, when it starts, and its plan as the stream would tell it.

use leptos::prelude::*;
use serde_json::json;
use web_sys::Element;

use crate::{
    app::{
        components::plan_steps::{PlanSteps, expected},
        pages::check::Checked,
    },
    domain::{
        event::PlannedStep,
        id::Name,
        listing::{WorkflowSheet, WorkflowView},
        schedule,
        time::{millis, spoken},
        workflow::{Parameter, Workflow},
    },
};

/// What of a workflow is shown. Most that is written changes none of it, and then nothing is drawn anew.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    workflow: Name,
    params: Vec<Parameter>,
    steps: Vec<PlannedStep>,
    facts: Vec<(&'static str, String)>,
}

impl Planned {
    fn of(workflow: &Workflow, known: Option<&WorkflowSheet>) -> Self {
        Self {
            workflow: workflow.name.clone(),
            params: workflow.params.clone(),
            steps: workflow.planned(),
            facts: facts(workflow, known.map(|known| &known.workflow)),
        }
    }

    /// As the stream would tell it.
    fn json(&self) -> String {
        let plan = json!({ "workflow": self.workflow, "params": self.params, "steps": self.steps });
        serde_json::to_string_pretty(&plan).unwrap_or_default()
    }
}

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
            Checked::Good(workflow) => Some(known.with_value(|known| Planned::of(workflow, known.as_ref()))),
            _ => None,
        })
    });
    move || plan.get().map(|plan| view! { <Plan known=known.get_value() plan/> })
}

#[component]
fn Plan(plan: Planned, known: Option<WorkflowSheet>) -> impl IntoView {
    let usual = known.and_then(|known| expected(&plan.steps, known.usual.as_ref()?));
    let facts = plan.facts.clone().into_iter().map(|(term, said)| view! { <div><dt>{term}</dt><dd>{said}</dd></div> });
    let (workflow, steps) = (plan.workflow.clone(), plan.steps.clone());
    let open = RwSignal::new(false);
    let json = StoredValue::new(plan);
    view! {
        <dl class="workflow-terms">{facts.collect_view()}</dl>
        <PlanSteps workflow steps usual/>
        <details data-part="json" on:toggle=move |event| open.set(event_target::<Element>(&event).has_attribute("open"))>
            <summary>"The plan as JSON"</summary>
            <pre tabindex="0" aria-label="The plan as JSON">
                {move || open.get().then(|| json.with_value(Planned::json))}
            </pre>
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
    if let Some(timeout) = workflow.timeout {
        facts.push(("At most", format!("{}, then it is stopped", spoken(millis(timeout)))));
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
