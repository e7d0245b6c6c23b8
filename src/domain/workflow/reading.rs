//! From the tree of a file to a plan, collecting all that is wrong on the way.
//!
//! The functions here always give a value, a stand-in where the file has none that is right, and note the error: so
//! one reading finds every error. The plan leaves this room only if there was none.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    str::FromStr,
    time::Duration,
};

use serde_json::Value;

use super::{
    Condition, FILE_MAX, PARAMS_MAX, Parameter, ParameterKind, STEPS_MAX, StepPlan, Workflow, WorkflowError, graph,
    nearest::did_you_mean,
    values,
    yaml::{self, Key, Kind, Mark, Node},
};
use crate::domain::id::StepId;

/// Most errors that one reading tells of.
const ERRORS_MAX: usize = 50;
/// Longest key and longest message of an error, in characters: a file may hold words of any length.
const PATH_MAX: usize = 200;
const MESSAGE_MAX: usize = 500;
/// Longest name that people read, in bytes.
const TITLE_MAX: usize = 200;
/// Longest execution or attempt: ten years, and no clock overflows.
const DURATION_MAX: Duration = Duration::from_secs(3650 * 86_400);
/// Greatest weight; the sum of a thousand of them is still a number.
const WEIGHT_MAX: f64 = 1e9;

const WORKFLOW_KEYS: [&str; 14] = [
    "name",
    "description",
    "params",
    "env",
    "secrets",
    "timeout",
    "concurrency",
    "schedule",
    "timezone",
    "missed",
    "owner",
    "webhook",
    "allow",
    "steps",
];
const PARAMETER_KEYS: [&str; 5] = ["name", "type", "default", "choices", "description"];
const STEP_KEYS: [&str; 13] = [
    "id",
    "name",
    "run",
    "shell",
    "env",
    "working-directory",
    "timeout",
    "retry",
    "weight",
    "continue-on-error",
    "if",
    "needs",
    "tty",
];

/// Reads a file's text; see [`Workflow::parse`].
pub(super) fn read(
    file: &str,
    stem: &str,
    text: &str,
    is_zone: fn(&str) -> bool,
) -> Result<Workflow, Vec<WorkflowError>> {
    let mut reader = Reader { file, is_zone, errors: Vec::new() };
    if text.len() > FILE_MAX {
        reader.refuse("", Mark::START, format!("a workflow has 1 MiB at most, this file has {} bytes", text.len()));
        return Err(reader.errors);
    }
    let workflow = match yaml::read(text) {
        Ok(root) => reader.workflow(stem, &root),
        Err(flaw) => {
            reader.refuse("", flaw.mark, flaw.message);
            None
        }
    };
    match workflow {
        Some(workflow) if reader.errors.is_empty() => Ok(workflow),
        _ => {
            reader.errors.sort_by_key(|error| (error.line, error.column));
            Err(reader.errors)
        }
    }
}

pub(super) struct Reader<'f> {
    file: &'f str,
    /// Whether there is a time zone of this name.
    pub(super) is_zone: fn(&str) -> bool,
    errors: Vec<WorkflowError>,
}

/// A mapping whose keys are known.
pub(super) struct Entries<'n> {
    path: String,
    mark: Mark,
    /// Empty as well if the value is no mapping, which was noted then.
    entries: &'n [(Key, Node)],
    is_mapping: bool,
}

impl<'n> Entries<'n> {
    pub(super) fn get(&self, key: &str) -> Option<(String, &'n Node)> {
        let (_, node) = self.entries.iter().find(|(known, _)| known.text == key)?;
        Some((self.path_of(key), node))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// The workflow and its steps.
impl Reader<'_> {
    fn workflow(&mut self, stem: &str, root: &Node) -> Option<Workflow> {
        if !matches!(root.kind, Kind::Map(_)) {
            self.refuse("", root.mark, "a workflow is a mapping of keys to values, and has `steps` at least");
            return None;
        }
        let root = self.entries("", root, &WORKFLOW_KEYS);
        let name = match root.get("name") {
            Some((path, node)) => self.parsed(&path, node),
            None => self.noted("name", root.mark, stem.parse()),
        };
        let description = self.optional(&root, "description", Self::text);
        let params = root.get("params").map(|(path, node)| self.params(&path, node)).unwrap_or_default();
        let env = root.get("env").map(|(path, node)| self.env(&path, node)).unwrap_or_default();
        let timeout = self.optional(&root, "timeout", Self::duration);
        let allow = root.get("allow").map(|(path, node)| {
            let names = self.list(&path, node);
            names.iter().filter_map(|name| self.parsed(&path, name)).collect()
        });
        let secrets = root.get("secrets").map(|(path, node)| self.secrets(&path, node)).unwrap_or_default();
        let concurrency = self.optional(&root, "concurrency", Self::concurrency);
        let schedule = root.get("schedule").map(|(path, node)| self.schedule(&path, node, &params)).unwrap_or_default();
        let timezone = self.optional(&root, "timezone", Self::timezone);
        let missed = self.optional(&root, "missed", Self::missed_times).unwrap_or_default();
        let owner = self.optional(&root, "owner", Self::parsed);
        let webhook = root.get("webhook").and_then(|(path, node)| self.webhook(&path, node, &params));
        let steps = self.steps(&root);
        Some(Workflow {
            name: name?,
            description,
            params,
            env,
            timeout,
            allow,
            secrets,
            concurrency,
            schedule,
            timezone,
            missed,
            owner,
            webhook,
            steps,
        })
    }

    fn steps(&mut self, root: &Entries<'_>) -> Vec<StepPlan> {
        let Some((path, node)) = root.get("steps") else {
            self.refuse("steps", root.mark, "is missing: a workflow has at least one step");
            return Vec::new();
        };
        let nodes = self.list(&path, node);
        match nodes.len() {
            0 if matches!(node.kind, Kind::List(_)) => {
                self.refuse(&path, node.mark, "is empty: a workflow has at least one step");
            }
            0..=STEPS_MAX => {}
            many => self.refuse(&path, node.mark, format!("a workflow has {STEPS_MAX} steps at most, this has {many}")),
        }
        let nodes = &nodes[..nodes.len().min(STEPS_MAX)];
        let drafts: Vec<Entries<'_>> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| self.entries(&format!("steps[{index}]"), node, &STEP_KEYS))
            .collect();
        let mut steps: Vec<StepPlan> = drafts.iter().map(|draft| self.step(draft)).collect();
        self.needs(&drafts, &mut steps);
        steps
    }

    fn step(&mut self, draft: &Entries<'_>) -> StepPlan {
        let id: StepId = match draft.get("id") {
            Some((path, node)) => self.parsed(&path, node),
            None => self.missing(draft, "id"),
        }
        .unwrap_or_else(|| "step".parse().expect("four letters are a step id"));
        let run = match draft.get("run") {
            Some((path, node)) => self.text(&path, node),
            None => self.missing(draft, "run"),
        };
        let name = self.optional(draft, "name", Self::title).unwrap_or_else(|| id.to_string());
        StepPlan {
            id,
            name,
            run: run.unwrap_or_default(),
            shell: self.optional(draft, "shell", Self::title),
            env: draft.get("env").map(|(path, node)| self.env(&path, node)).unwrap_or_default(),
            working_directory: self.optional(draft, "working-directory", Self::text),
            timeout: self.optional(draft, "timeout", Self::duration),
            retry: self.optional(draft, "retry", Self::retry),
            weight: self.optional(draft, "weight", Self::weight),
            tty: self.optional(draft, "tty", Self::boolean).unwrap_or_default(),
            continue_on_error: self.optional(draft, "continue-on-error", Self::boolean).unwrap_or_default(),
            condition: self.optional(draft, "if", Self::condition).unwrap_or_default(),
            needs: Vec::new(),
        }
    }

    /// Fills in what each step needs: what the file says, or the step above where no step says anything.
    fn needs(&mut self, drafts: &[Entries<'_>], steps: &mut [StepPlan]) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let Some((path, node)) = draft.get("id") else { continue };
            let Kind::Scalar { text, .. } = &node.kind else { continue };
            if let Some(first) = places.get(text.as_str()) {
                self.refuse(&path, node.mark, format!("{text:?} is the id of steps[{first}] already"));
            } else {
                places.insert(text, index);
            }
        }
        if drafts.iter().all(|draft| draft.get("needs").is_none()) {
            for index in 1..steps.len() {
                steps[index].needs = vec![steps[index - 1].id.clone()];
            }
            return;
        }
        let edges: Vec<Vec<usize>> = drafts.iter().map(|draft| self.edges(draft, &places)).collect();
        for (step, edges) in edges.iter().enumerate() {
            steps[step].needs = edges.iter().map(|needed| steps[*needed].id.clone()).collect();
        }
        if let Some(circle) = graph::circle(&edges)
            && let Some((path, node)) = drafts[circle[0]].get("needs")
        {
            let ids: Vec<&str> = circle.iter().chain(&circle[..1]).map(|step| steps[*step].id.as_str()).collect();
            let message = format!("these steps need each other in a circle: {}", ids.join(" needs "));
            self.refuse(&path, node.mark, message);
        }
    }

    /// The places of the steps that a step needs.
    fn edges(&mut self, draft: &Entries<'_>, places: &HashMap<&str, usize>) -> Vec<usize> {
        let Some((path, node)) = draft.get("needs") else { return Vec::new() };
        let needs = match node.kind {
            Kind::Scalar { .. } => std::slice::from_ref(node),
            _ => self.list(&path, node),
        };
        let mut edges = Vec::new();
        for need in needs {
            let Some(id) = self.text(&path, need) else { continue };
            match places.get(id.as_str()) {
                Some(place) if edges.contains(place) => self.refuse(&path, need.mark, format!("names {id:?} twice")),
                Some(place) => edges.push(*place),
                None if self.errors.len() >= ERRORS_MAX => return edges,
                None => {
                    let mut ids: Vec<(&str, usize)> = places.iter().map(|(id, place)| (*id, *place)).collect();
                    ids.sort_by_key(|(_, place)| *place);
                    let near = did_you_mean(&id, ids.into_iter().map(|(id, _)| id));
                    self.refuse(&path, need.mark, format!("{id:?} is not a step of this workflow{near}"));
                }
            }
        }
        edges
    }
}

/// Parameters and environment.
impl Reader<'_> {
    fn params(&mut self, path: &str, node: &Node) -> Vec<Parameter> {
        let nodes = self.list(path, node);
        if nodes.len() > PARAMS_MAX {
            let message = format!("a workflow has {PARAMS_MAX} parameters at most, this has {}", nodes.len());
            self.refuse(path, node.mark, message);
        }
        let mut params: Vec<Parameter> = Vec::new();
        for (index, node) in nodes.iter().enumerate().take(PARAMS_MAX) {
            let entries = self.entries(&format!("{path}[{index}]"), node, &PARAMETER_KEYS);
            let Some(parameter) = self.parameter(&entries) else { continue };
            let twin = params.iter().find(|earlier| earlier.variable() == parameter.variable());
            if let (Some(twin), Some((path, node))) = (twin, entries.get("name")) {
                let message = format!("gives steps ${}, as the parameter {:?} does", twin.variable(), twin.name);
                self.refuse(&path, node.mark, message);
            }
            params.push(parameter);
        }
        params
    }

    fn parameter(&mut self, entries: &Entries<'_>) -> Option<Parameter> {
        let name = match entries.get("name") {
            Some((path, node)) => self.parameter_name(&path, node),
            None => self.missing(entries, "name"),
        };
        let kind = self.optional(entries, "type", Self::kind);
        let description = self.optional(entries, "description", Self::text);
        let mut parameter = Parameter {
            name: name.unwrap_or_default(),
            kind: kind.unwrap_or_default(),
            default: None,
            choices: Vec::new(),
            description,
        };
        if entries.get("type").is_none() || kind.is_some() {
            if let Some((path, node)) = entries.get("choices") {
                let choices = self.list(&path, node);
                if choices.is_empty() && matches!(node.kind, Kind::List(_)) {
                    self.refuse(&path, node.mark, "is empty: name what may be chosen, or remove it");
                }
                parameter.choices = choices
                    .iter()
                    .filter_map(|choice| self.value(&path, choice, |value| parameter.accept(value)))
                    .collect();
            }
            let default = entries.get("default");
            parameter.default =
                default.and_then(|(path, node)| self.value(&path, node, |value| parameter.accept(value)));
        }
        if parameter.name.is_empty() { None } else { Some(parameter) }
    }

    fn parameter_name(&mut self, path: &str, node: &Node) -> Option<String> {
        let name = self.text(path, node)?;
        let first = name.bytes().next();
        let good = name.len() <= 64
            && first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if !good {
            let message = format!(
                "{name:?} is no name of a parameter: it has 1 to 64 of a-z, A-Z, 0-9, '_' and '-', and begins with a letter or '_'"
            );
            self.refuse(path, node.mark, message);
            return None;
        }
        let variable = name.to_ascii_uppercase().replace('-', "_");
        if reserved(&variable) {
            let message =
                format!("{name:?} would give steps ${variable}, which must not come from outside; take another name");
            self.refuse(path, node.mark, message);
            return None;
        }
        Some(name)
    }

    /// A default or a choice; empty text is one.
    fn value(
        &mut self,
        path: &str,
        node: &Node,
        accept: impl FnOnce(&Value) -> Result<Value, String>,
    ) -> Option<Value> {
        let text = self.text_or_empty(path, node)?;
        let accepted = accept(&Value::String(text));
        self.noted(path, node.mark, accepted)
    }

    fn env(&mut self, path: &str, node: &Node) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        for (key, node) in self.mapping(path, node) {
            let path = format!("{path}.{}", key.text);
            let first = key.text.bytes().next();
            let good = first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
                && key.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !good {
                let message =
                    "is no name of an environment variable: it has letters, digits and '_', and begins with no digit";
                self.refuse(&path, key.mark, message);
            } else if key.text.starts_with("RUNCAST_") {
                self.refuse(&path, key.mark, "is Runcast's own: names that begin with RUNCAST_ are set by the server");
            } else if let Kind::Nothing = node.kind {
                self.refuse(&path, node.mark, "has no value; write \"\" for an empty one");
            } else if let Some(text) = self.text_or_empty(&path, node)
                && let Some(text) = self.noted(&path, node.mark, values::bounded(&text))
            {
                env.insert(key.text.clone(), text);
            }
        }
        env
    }
}

/// Single values.
impl Reader<'_> {
    pub(super) fn optional<T>(
        &mut self,
        entries: &Entries<'_>,
        key: &str,
        read: fn(&mut Self, &str, &Node) -> Option<T>,
    ) -> Option<T> {
        entries.get(key).and_then(|(path, node)| read(self, &path, node))
    }

    /// Text of any length but none; a number or a truth value is the text it was written as.
    pub(super) fn text(&mut self, path: &str, node: &Node) -> Option<String> {
        let text = self.text_or_empty(path, node)?;
        if text.trim().is_empty() {
            self.refuse(path, node.mark, "is empty");
            return None;
        }
        Some(text)
    }

    fn text_or_empty(&mut self, path: &str, node: &Node) -> Option<String> {
        let Kind::Scalar { text, .. } = &node.kind else {
            self.refuse(path, node.mark, format!("must be text, but is {}", node.described()));
            return None;
        };
        if text.contains('\0') {
            self.refuse(path, node.mark, "must not hold a NUL character");
            return None;
        }
        Some(text.clone())
    }

    /// A line that people read.
    pub(super) fn title(&mut self, path: &str, node: &Node) -> Option<String> {
        let text = self.text(path, node)?;
        if text.len() > TITLE_MAX || text.contains(char::is_control) {
            self.refuse(path, node.mark, format!("must be one line of {TITLE_MAX} bytes at most"));
            return None;
        }
        Some(text)
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, path: &str, node: &Node) -> Option<T> {
        let text = self.text(path, node)?;
        self.noted(path, node.mark, text.parse())
    }

    pub(super) fn boolean(&mut self, path: &str, node: &Node) -> Option<bool> {
        match &node.kind {
            Kind::Scalar { text, plain: true } if matches!(text.as_str(), "true" | "True" | "TRUE") => Some(true),
            Kind::Scalar { text, plain: true } if matches!(text.as_str(), "false" | "False" | "FALSE") => Some(false),
            _ => {
                self.refuse(path, node.mark, format!("must be true or false, but is {}", node.described()));
                None
            }
        }
    }

    pub(super) fn duration(&mut self, path: &str, node: &Node) -> Option<Duration> {
        let text = self.text(path, node)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let milliseconds = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let message = match (number.parse::<u64>(), milliseconds) {
            (Ok(0), Some(_)) => "must be longer than nothing".to_owned(),
            (Ok(number), Some(unit)) => {
                let duration = Duration::from_millis(number.saturating_mul(unit));
                if duration <= DURATION_MAX {
                    return Some(duration);
                }
                "must be 3650d at most".to_owned()
            }
            (Err(_), Some(_)) if digits > 0 => "must be 3650d at most".to_owned(),
            (Ok(number), None) if unit.is_empty() => format!("{text:?} has no unit; is it {number}s, or {number}m?"),
            _ => format!(
                "{:?} is no duration; it is one number and one unit, as 500ms, 30s, 10m, 2h, 1d",
                text.chars().take(80).collect::<String>()
            ),
        };
        self.refuse(path, node.mark, message);
        None
    }

    fn weight(&mut self, path: &str, node: &Node) -> Option<f64> {
        let text = self.text(path, node)?;
        let weight = text.parse().ok().filter(|weight| *weight > 0.0 && *weight <= WEIGHT_MAX);
        if weight.is_none() {
            self.refuse(path, node.mark, format!("must be a number above 0, but is {}", node.described()));
        }
        weight
    }

    fn condition(&mut self, path: &str, node: &Node) -> Option<Condition> {
        let words = [("success", Condition::Success), ("failure", Condition::Failure), ("always", Condition::Always)];
        self.one_of(path, node, &words)
    }

    fn kind(&mut self, path: &str, node: &Node) -> Option<ParameterKind> {
        let words = [
            ("string", ParameterKind::String),
            ("integer", ParameterKind::Integer),
            ("number", ParameterKind::Number),
            ("boolean", ParameterKind::Boolean),
        ];
        self.one_of(path, node, &words)
    }

    pub(super) fn one_of<T: Copy>(&mut self, path: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(path, node)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let near = did_you_mean(&text, all.iter().copied());
            self.refuse(
                path,
                node.mark,
                format!("must be one of {}, but is {}{near}", all.join(", "), node.described()),
            );
        }
        found
    }
}

/// Lists, mappings, and what is wrong with them.
impl Reader<'_> {
    pub(super) fn list<'n>(&mut self, path: &str, node: &'n Node) -> &'n [Node] {
        if let Kind::List(items) = &node.kind {
            return items;
        }
        self.refuse(path, node.mark, format!("must be a list, but is {}", node.described()));
        &[]
    }

    /// The entries of a mapping; says which keys it has twice.
    fn mapping<'n>(&mut self, path: &str, node: &'n Node) -> &'n [(Key, Node)] {
        let Kind::Map(entries) = &node.kind else {
            self.refuse(path, node.mark, format!("must be a mapping of keys to values, but is {}", node.described()));
            return &[];
        };
        let mut first: HashMap<&str, Mark> = HashMap::new();
        for (key, _) in entries {
            if let Some(earlier) = first.get(key.text.as_str()) {
                let path = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
                self.refuse(&path, key.mark, format!("is here twice; it was set on line {}", earlier.line));
            } else {
                first.insert(&key.text, key.mark);
            }
        }
        entries
    }

    /// A mapping that has no keys but `keys`.
    pub(super) fn entries<'n>(&mut self, path: &str, node: &'n Node, keys: &[&str]) -> Entries<'n> {
        let is_mapping = matches!(node.kind, Kind::Map(_));
        let found = Entries { path: path.to_owned(), mark: node.mark, entries: self.mapping(path, node), is_mapping };
        for (key, _) in found.entries {
            let path = found.path_of(&key.text);
            if !keys.contains(&key.text.as_str()) {
                let near = did_you_mean(&key.text, keys.iter().copied());
                let message = if near.is_empty() { format!("; the keys here are {}", keys.join(", ")) } else { near };
                self.refuse(&path, key.mark, format!("is no key of the format{message}"));
            }
        }
        found
    }

    pub(super) fn missing<T>(&mut self, entries: &Entries<'_>, key: &str) -> Option<T> {
        if entries.is_mapping {
            self.refuse(&entries.path_of(key), entries.mark, "is missing");
        }
        None
    }

    pub(super) fn noted<T, E: Display>(&mut self, path: &str, mark: Mark, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.refuse(path, mark, error.to_string())).ok()
    }

    pub(super) fn refuse(&mut self, path: &str, mark: Mark, message: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(WorkflowError {
                file: self.file.to_owned(),
                line: mark.line,
                column: mark.column,
                path: shortened(path, PATH_MAX),
                message: shortened(&message.into(), MESSAGE_MAX),
            });
        }
    }
}

/// Whether a variable of this name would change how programs run, or is the server's own.
pub(super) fn reserved(variable: &str) -> bool {
    matches!(variable, "PATH" | "HOME" | "SHELL" | "USER" | "IFS" | "BASH_ENV" | "ENV")
        || variable.starts_with("LD_")
        || variable.starts_with("RUNCAST_")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
