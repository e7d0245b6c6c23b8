//! The parameters of a run, the button that starts it, and what pressing it would mean.

use leptos::{ev, html::Form, prelude::*};
use leptos_router::hooks::use_navigate;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wasm_bindgen::JsCast;
use web_sys::{Element, FormData, HtmlElement};

use super::{field::Field, icon::Icon, moment::hydrated, run_plan::RunPlan};
use crate::{
    app::{rows::Rows, sheet::Sheet},
    browser::http,
    domain::{
        id::ExecutionId,
        problem::{FieldError, Problem},
        workflow::{Parameter, ParameterKind, bind},
    },
};

/// What is needed of the answer to a start.
#[derive(Debug, Deserialize)]
struct Started {
    id: ExecutionId,
}

/// What is wrong with what was given, as the browser or the server found.
#[derive(Clone, Copy)]
struct Wrong {
    /// With which field.
    fields: RwSignal<Vec<FieldError>>,
    /// What no field can say.
    elsewhere: RwSignal<Option<String>>,
}

/// The form of a workflow. It stays as it was filled in while the workflow's page changes, unless what it asks for does.
#[component]
pub fn RunForm(
    /// What it starts.
    sheet: Sheet,
    /// The executions of that.
    rows: Rows,
) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let wrong = Wrong { fields: RwSignal::default(), elsewhere: RwSignal::default() };
    let sending = RwSignal::new(false);
    let hydrated = hydrated();
    let params = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.params.clone()));
    let fields = move || params.get().into_iter().map(|parameter| one(parameter, wrong)).collect_view();
    let check = format!("/check?of={}", sheet.workflow.with_untracked(|workflow| workflow.name.to_string()));
    view! {
        <form
            class="run-form"
            novalidate
            node_ref=form
            on:input=move |event| clear(&event, wrong)
            on:change=move |event| look(&event, &params.get_untracked(), form, wrong)
            on:submit=submit(sheet, params, form, wrong, sending)
        >
            {fields}
            <div data-part="end">
                <p data-part="problem" role="alert">{move || wrong.elsewhere.get()}</p>
                <div data-part="go">
                    <button
                        class="button"
                        data-kind="main"
                        data-size="large"
                        type="submit"
                        aria-describedby="run-plan"
                        disabled=move || sending.get() || !hydrated.get()
                    >
                        <Icon name="play"/>
                        "Run"
                    </button>
                    <a class="button" data-kind="quiet" data-size="large" href=check><Icon name="file"/>"Check first"</a>
                </div>
                <RunPlan sheet rows/>
            </div>
        </form>
    }
}

fn one(parameter: Parameter, wrong: Wrong) -> impl IntoView {
    let name = parameter.name.clone();
    let error = Signal::derive(move || {
        wrong.fields.with(|errors| errors.iter().find(|error| error.field == name).map(|error| error.message.clone()))
    });
    view! { <Field parameter error/> }
}

fn submit(
    sheet: Sheet,
    params: Memo<Vec<Parameter>>,
    form: NodeRef<Form>,
    wrong: Wrong,
    sending: RwSignal<bool>,
) -> impl Fn(ev::SubmitEvent) {
    let navigate = use_navigate();
    move |event| {
        event.prevent_default();
        let params = params.get_untracked();
        let Some(given) = filled_in(form).map(|data| given(&params, &data)) else { return };
        wrong.elsewhere.set(None);
        if let Err(errors) = bind(&params, &given) {
            return wrong.tell(errors, &params);
        }
        let name = sheet.workflow.with_untracked(|workflow| workflow.name.clone());
        let body = json!({ "workflow": name, "params": given });
        let navigate = navigate.clone();
        sending.set(true);
        leptos::task::spawn_local(async move {
            match http::post_for::<Started>("/api/executions", &body).await {
                Ok(Started { id }) => navigate(&format!("/executions/{id}"), Default::default()),
                Err(refused) => {
                    sending.try_set(false);
                    wrong.refused(refused, &params);
                }
            }
        });
    }
}

impl Wrong {
    fn refused(self, problem: Problem, params: &[Parameter]) {
        if problem.errors.is_empty() {
            self.elsewhere.try_set(Some(problem.to_string()));
        } else {
            self.tell(problem.errors, params);
        }
    }

    /// Says each error at its field, and goes to the first one. What no field of the form can say stands at its end.
    fn tell(self, errors: Vec<FieldError>, params: &[Parameter]) {
        let has_field = |error: &FieldError| params.iter().any(|parameter| parameter.name == error.field);
        let (here, elsewhere): (Vec<_>, Vec<_>) = errors.into_iter().partition(has_field);
        let elsewhere: Vec<String> =
            elsewhere.into_iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
        let first = here.first().map(|error| format!("param-{}", error.field));
        self.fields.try_set(here);
        self.elsewhere.try_set((!elsewhere.is_empty()).then(|| elsewhere.join("; ")));
        let field = first.and_then(|id| document().get_element_by_id(&id)?.dyn_into::<HtmlElement>().ok());
        if let Some(field) = field {
            let _ = field.focus();
        }
    }
}

fn filled_in(form: NodeRef<Form>) -> Option<FormData> {
    FormData::new_with_form(&form.get_untracked()?).ok()
}

/// The name of the field that an event is about.
fn field_of(event: &ev::Event) -> Option<String> {
    event.target()?.dyn_into::<Element>().ok()?.get_attribute("name")
}

/// Whoever types again is not told any longer what was wrong.
fn clear(event: &ev::Event, wrong: Wrong) {
    let Some(name) = field_of(event) else { return };
    if wrong.fields.with_untracked(|errors| errors.iter().any(|error| error.field == name)) {
        wrong.fields.update(|errors| errors.retain(|error| error.field != name));
    }
}

/// Looks at a field that was left.
fn look(event: &ev::Event, params: &[Parameter], form: NodeRef<Form>, wrong: Wrong) {
    let (Some(name), Some(data)) = (field_of(event), filled_in(form)) else { return };
    let Some(parameter) = params.iter().find(|parameter| parameter.name == name) else { return };
    if let Err(message) = parameter.bind(value(parameter, &data).as_ref()) {
        wrong.fields.update(|errors| {
            errors.retain(|error| error.field != name);
            errors.push(FieldError { field: name, message });
        });
    }
}

/// What stands in the form.
fn given(params: &[Parameter], data: &FormData) -> Map<String, Value> {
    params.iter().filter_map(|parameter| Some((parameter.name.clone(), value(parameter, data)?))).collect()
}

/// What stands in a field. One left empty is not given, unless it is a text that has a default.
fn value(parameter: &Parameter, data: &FormData) -> Option<Value> {
    let text = data.get(&parameter.name).as_string();
    if parameter.kind == ParameterKind::Boolean && parameter.choices.is_empty() {
        return Some(Value::Bool(text.is_some()));
    }
    let emptied = parameter.kind == ParameterKind::String && parameter.default.is_some();
    text.filter(|text| emptied || !text.is_empty()).map(Value::String)
}
