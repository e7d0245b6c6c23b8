//! The parameters of a run, and the button that starts it.

use leptos::{ev::SubmitEvent, html::Form, prelude::*};
use leptos_router::hooks::use_navigate;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web_sys::FormData;

use super::{field::Field, icon::Icon, moment::hydrated};
use crate::{
    browser::http,
    domain::{
        id::ExecutionId,
        listing::WorkflowView,
        problem::Problem,
        time::spoken,
        workflow::{Parameter, ParameterKind},
    },
};

/// What is needed of the answer to a start.
#[derive(Debug, Deserialize)]
struct Started {
    id: ExecutionId,
}

/// The form of a workflow.
#[component]
pub fn RunForm(
    /// What it starts.
    workflow: WorkflowView,
) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let problem = RwSignal::new(None::<Problem>);
    let sending = RwSignal::new(false);
    let hydrated = hydrated();
    let fields = workflow.params.iter().cloned().map(|parameter| {
        let name = parameter.name.clone();
        let error = Signal::derive(move || problem.with(|problem| wrong_with(problem.as_ref(), &name)));
        view! { <Field parameter error/> }
    });
    let fields = fields.collect_view();
    let usual = workflow.statistics.median_ms.map(|ms| format!("Usually takes {}.", spoken(ms)));
    let names: Vec<String> = workflow.params.iter().map(|parameter| parameter.name.clone()).collect();
    let elsewhere = move || problem.with(|problem| elsewhere(problem.as_ref(), &names));
    let submit = submit(workflow, form, problem, sending);
    view! {
        <form class="run-form" novalidate node_ref=form on:submit=submit>
            {fields}
            <div data-part="end">
                <p data-part="problem" role="alert">{elsewhere}</p>
                <div data-part="go">
                    <button
                        class="button"
                        data-kind="main"
                        data-size="large"
                        type="submit"
                        disabled=move || sending.get() || !hydrated.get()
                    >
                        <Icon name="play"/>
                        "Run"
                    </button>
                </div>
                <p data-part="plan">{usual}</p>
            </div>
        </form>
    }
}

fn submit(
    workflow: WorkflowView,
    form: NodeRef<Form>,
    problem: RwSignal<Option<Problem>>,
    sending: RwSignal<bool>,
) -> impl Fn(SubmitEvent) {
    let navigate = use_navigate();
    move |event| {
        event.prevent_default();
        let Some(form) = form.get_untracked() else { return };
        let Ok(data) = FormData::new_with_form(&form) else { return };
        let body = json!({ "workflow": workflow.name, "params": given(&workflow.params, &data) });
        let navigate = navigate.clone();
        sending.set(true);
        leptos::task::spawn_local(async move {
            let answer = http::post_for::<Started>("/api/executions", &body).await;
            match answer {
                Ok(Started { id }) => navigate(&format!("/executions/{id}"), Default::default()),
                Err(refused) => {
                    problem.try_set(Some(refused));
                    sending.try_set(false);
                }
            }
        });
    }
}

/// What stands in the form. A field left empty is not given, unless it is a text that has a default.
fn given(params: &[Parameter], data: &FormData) -> Map<String, Value> {
    let value = |parameter: &Parameter| {
        let text = data.get(&parameter.name).as_string();
        if parameter.kind == ParameterKind::Boolean && parameter.choices.is_empty() {
            return Some(Value::Bool(text.is_some()));
        }
        let emptied = parameter.kind == ParameterKind::String && parameter.default.is_some();
        text.filter(|text| emptied || !text.is_empty()).map(Value::String)
    };
    params.iter().filter_map(|parameter| Some((parameter.name.clone(), value(parameter)?))).collect()
}

fn wrong_with(problem: Option<&Problem>, name: &str) -> Option<String> {
    problem?.errors.iter().find(|error| error.field == name).map(|error| error.message.clone())
}

/// What is wrong, if no field of the form says it.
fn elsewhere(problem: Option<&Problem>, names: &[String]) -> Option<String> {
    let problem = problem?;
    if problem.errors.is_empty() {
        return Some(problem.to_string());
    }
    let others = problem.errors.iter().filter(|error| !names.contains(&error.field));
    let others: Vec<String> = others.map(|error| format!("{}: {}", error.field, error.message)).collect();
    (!others.is_empty()).then(|| others.join("; "))
}
