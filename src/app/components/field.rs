//! One parameter: its name, its value, what is wrong with it.

use leptos::{either::EitherOf4, prelude::*};
use serde_json::Value;

use super::status_badge::{Sign, StatusIcon};
use crate::domain::{
    execution::Status,
    workflow::{Parameter, ParameterKind},
};

/// Most choices that are shown side by side; more become a list.
const SIDE_BY_SIDE: usize = 4;

/// The field of a workflow's parameter.
#[component]
pub fn Field(
    /// What it asks for.
    parameter: Parameter,
    /// What is wrong with what was given.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let many = parameter.choices.len();
    match parameter.kind {
        ParameterKind::Boolean if many == 0 => EitherOf4::A(view! { <Switch parameter error/> }),
        _ if (1..=SIDE_BY_SIDE).contains(&many) => EitherOf4::B(view! { <Choices parameter error/> }),
        _ if many > 0 => EitherOf4::C(view! { <List parameter error/> }),
        _ => EitherOf4::D(view! { <Text parameter error/> }),
    }
}

/// A value as a person reads it and types it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn note(parameter: &Parameter) -> String {
    let need = match &parameter.default {
        _ if parameter.kind == ParameterKind::Boolean && parameter.choices.is_empty() => "",
        None => "required",
        Some(Value::String(text)) if text.is_empty() => "optional",
        Some(_) => "",
    };
    let parts = [parameter.description.as_deref().unwrap_or_default(), need];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn ids(parameter: &Parameter) -> (String, String) {
    (format!("param-{}", parameter.name), format!("param-{}-error", parameter.name))
}

fn start(parameter: &Parameter) -> String {
    parameter.default.as_ref().map(plain).unwrap_or_default()
}

#[component]
fn Wrong(id: String, error: Signal<Option<String>>) -> impl IntoView {
    let sign = Signal::stored(Sign::from(Status::Failed));
    view! {
        <p data-part="error" id=id hidden=move || error.with(Option::is_none)>
            <StatusIcon sign mute=true/>
            <span>{move || error.get()}</span>
        </p>
    }
}

#[component]
fn Text(parameter: Parameter, error: Signal<Option<String>>) -> impl IntoView {
    let (id, error_id) = ids(&parameter);
    let inputmode = match parameter.kind {
        ParameterKind::Integer => Some("numeric"),
        ParameterKind::Number => Some("decimal"),
        _ => None,
    };
    view! {
        <div class="field">
            <label for=id.clone()>{parameter.name.clone()}<small>{note(&parameter)}</small></label>
            <input
                id=id
                name=parameter.name.clone()
                inputmode=inputmode
                autocomplete="off"
                required=parameter.default.is_none()
                value=start(&parameter)
                aria-invalid=move || error.with(Option::is_some).to_string()
                aria-describedby=error_id.clone()
            />
            <Wrong id=error_id error/>
        </div>
    }
}

#[component]
fn List(parameter: Parameter, error: Signal<Option<String>>) -> impl IntoView {
    let (id, error_id) = ids(&parameter);
    let chosen = start(&parameter);
    let options = parameter.choices.iter().map(|choice| {
        let choice = plain(choice);
        let selected = choice == chosen;
        view! { <option value=choice.clone() selected=selected>{choice.clone()}</option> }
    });
    view! {
        <div class="field">
            <label for=id.clone()>{parameter.name.clone()}<small>{note(&parameter)}</small></label>
            <select id=id name=parameter.name.clone() aria-describedby=error_id.clone()>
                {parameter.default.is_none().then(|| view! { <option value="">"Choose one"</option> })}
                {options.collect_view()}
            </select>
            <Wrong id=error_id error/>
        </div>
    }
}

#[component]
fn Choices(parameter: Parameter, error: Signal<Option<String>>) -> impl IntoView {
    let (first, error_id) = ids(&parameter);
    let described = error_id.clone();
    let chosen = start(&parameter);
    let name = parameter.name.clone();
    let options = parameter.choices.iter().enumerate().map(|(place, choice)| {
        let choice = plain(choice);
        let checked = choice == chosen;
        let id = (place == 0).then(|| first.clone());
        view! {
            <label>
                <input id=id type="radio" name=name.clone() value=choice.clone() checked=checked/>
                <code>{choice.clone()}</code>
            </label>
        }
    });
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{parameter.name.clone()}" "<small>{note(&parameter)}</small></legend>
            <div data-part="choices">{options.collect_view()}</div>
            <Wrong id=error_id error/>
        </fieldset>
    }
}

#[component]
fn Switch(parameter: Parameter, error: Signal<Option<String>>) -> impl IntoView {
    let (id, error_id) = ids(&parameter);
    let on = parameter.default == Some(Value::Bool(true));
    view! {
        <div class="field" data-kind="switch">
            <label for=id.clone()>{parameter.name.clone()}</label>
            <input id=id type="checkbox" role="switch" name=parameter.name.clone() checked=on aria-describedby=error_id.clone()/>
            <p>{note(&parameter)}</p>
            <Wrong id=error_id error/>
        </div>
    }
}
