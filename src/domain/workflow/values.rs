//! From what was given to typed values, and from these to environment variables.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{PARAMS_MAX, Parameter, ParameterKind, nearest::did_you_mean};
use crate::domain::problem::FieldError;

/// Longest value of a parameter or an environment variable, in bytes: Linux takes no more than 128 KiB for one.
pub const VALUE_MAX: usize = 64 * 1024;

/// Largest whole number up to which every whole number has a floating point twin: 2 to the 53rd.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParameterKind::String => "text",
            ParameterKind::Integer => "a whole number of 64 bits",
            ParameterKind::Number => "a number",
            ParameterKind::Boolean => "true or false",
        })
    }
}

impl ParameterKind {
    /// A value of this type. Text is converted; of the rest only what is of the type already passes.
    fn convert(self, given: &Value) -> Result<Value, String> {
        let converted = match (self, given) {
            (ParameterKind::String, Value::String(text)) => return bounded(text).map(Value::String),
            (ParameterKind::Integer, Value::String(text)) => text.trim().parse().ok().map(|n: i64| Value::from(n)),
            (ParameterKind::Integer, Value::Number(number)) => whole(number).map(Value::from),
            (ParameterKind::Number, Value::String(text)) => number(text.trim()),
            (ParameterKind::Number, Value::Number(given)) => number(&given.to_string()),
            (ParameterKind::Boolean, Value::Bool(_)) => Some(given.clone()),
            (ParameterKind::Boolean, Value::String(text)) => match text.trim() {
                "true" | "True" | "TRUE" => Some(Value::Bool(true)),
                "false" | "False" | "FALSE" => Some(Value::Bool(false)),
                _ => None,
            },
            _ => None,
        };
        converted.ok_or_else(|| format!("must be {self}, but is {}", shown(given)))
    }
}

impl Parameter {
    /// What it is if this is given, or nothing.
    ///
    /// # Errors
    /// Those of [`Parameter::accept`], and that it is required.
    pub fn bind(&self, given: Option<&Value>) -> Result<Value, String> {
        match (given, &self.default) {
            (Some(given), _) => self.accept(given),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) if self.choices.is_empty() => Err(format!("is required: {}", self.kind)),
            (None, None) => Err(format!("is required: one of {}", listed(&self.choices))),
        }
    }

    /// A value that this parameter may hold.
    ///
    /// # Errors
    /// What is wrong with it: its type, its length, a NUL in it, or that it is none of the choices.
    pub fn accept(&self, given: &Value) -> Result<Value, String> {
        let value = self.kind.convert(given)?;
        if self.choices.is_empty() || self.choices.contains(&value) {
            return Ok(value);
        }
        let choices: Vec<String> = self.choices.iter().map(text).collect();
        let near = did_you_mean(&text(&value), choices.iter().map(String::as_str));
        Err(format!("must be one of {}, but is {}{near}", listed(&self.choices), shown(&value)))
    }
}

fn listed(choices: &[Value]) -> String {
    choices.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The values of all parameters, in their order; see [`Workflow::bind`](super::Workflow::bind).
///
/// # Errors
/// One for each parameter that is missing, undeclared, of the wrong type or none of its choices.
pub fn bind(params: &[Parameter], given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<FieldError>> {
    let mut values = Map::new();
    let mut errors = Vec::new();
    for parameter in params {
        match parameter.bind(given.get(&parameter.name)) {
            Ok(value) => drop(values.insert(parameter.name.clone(), value)),
            Err(message) => errors.push(FieldError { field: parameter.name.clone(), message }),
        }
    }
    let declared = |name: &str| params.iter().any(|parameter| parameter.name == name);
    for undeclared in given.keys().filter(|name| !declared(name)).take(PARAMS_MAX) {
        let near = did_you_mean(undeclared, params.iter().map(|parameter| parameter.name.as_str()));
        let message = format!("is no parameter of this workflow{near}");
        errors.push(FieldError { field: undeclared.chars().take(80).collect(), message });
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// A bound value as an environment variable holds it: text as it is, the rest as JSON writes it.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text that fits an environment variable.
pub(super) fn bounded(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("must not hold a NUL character".to_owned());
    }
    if text.len() > VALUE_MAX {
        return Err(format!("must not be longer than 64 KiB, but has {} bytes", text.len()));
    }
    Ok(text.to_owned())
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT_MAX).map(|n| n as i64))
}

/// A finite number; a whole one without a fraction, so that 5, 5.0 and "5" are the same value.
fn number(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => Some((number as i64).into()),
        Err(_) => Number::from_f64(number).map(Value::Number),
    }
}

/// A value in a sentence: as JSON writes it, cut where it is long.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            format!("{}…", Value::from(text.chars().take(60).collect::<String>()))
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}
