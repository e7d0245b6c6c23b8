//! A reporter's line: from JSON to what it says, or to the field that is wrong with it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::{
    event::{ExecutionFailure, Source, StepFailure},
    id::StepId,
    log::{LINE_MAX, Level, Line, Stream},
    output::{MESSAGE_MAX, OUTPUTS_MAX},
    time::Timestamp,
};

/// Greatest `client_seq`: every language's numbers hold it exactly.
const CLIENT_SEQ_MAX: u64 = (1 << 53) - 1;
/// Most lines of output in one line of a report.
const OUTPUT_LINES_MAX: usize = 10_000;
/// Longest error and longest reason, in bytes; more is cut off.
const ERROR_MAX: usize = 16 * 1024;
/// How far a reporter's clock may be ahead of ours, and how old what it tells may be, in milliseconds: five minutes and
/// 30 days. Beyond that our own time counts.
const AHEAD_MS: i64 = 5 * 60 * 1000;
const OLD_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which field of it.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A line of a report. A step that is not named is the only one there is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// None only with a heartbeat.
    pub client_seq: Option<u64>,
    pub report: Report,
}

/// What a reporter tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Report {
    Heartbeat,
    ExecutionStarted,
    StepStarted(Option<StepId>),
    Progress(Progress),
    Output(Option<StepId>, Vec<Line>),
    StepCompleted(Option<StepId>, BTreeMap<String, String>),
    StepFailed(Option<StepId>, Failure),
    StepSkipped(Option<StepId>, String),
    ExecutionCompleted,
    ExecutionFailed(ExecutionFailure, Option<String>),
    ExecutionCancelled,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub step: Option<StepId>,
    pub percent: f64,
    pub message: Option<String>,
    /// Whether it was said, or read off a bar.
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub status: StepFailure,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub error: String,
}

impl Wrong {
    pub(super) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// Reads one line, heard `now`.
pub(super) fn read(line: &[u8], now: Timestamp) -> Result<Told, Wrong> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| Wrong::new("", format!("it is no JSON: {error}")))?;
    let Value::Object(object) = value else { return Err(Wrong::new("", "it is no JSON object")) };
    let mut fields = Fields(object);
    // What happened is written down with our own time.
    fields.0.remove("at");
    let kind = fields.required_text("kind")?;
    let client_seq = match (fields.client_seq()?, kind.as_str()) {
        (None, "heartbeat") => None,
        (None, _) => return Err(Wrong::new("client_seq", "is missing: number your lines from 1 on")),
        (seq, _) => seq,
    };
    let report = match kind.as_str() {
        "heartbeat" => Report::Heartbeat,
        "execution.started" => Report::ExecutionStarted,
        "step.started" => Report::StepStarted(fields.step()?),
        "step.progress" => Report::Progress(Progress {
            step: fields.step()?,
            percent: fields.percent()?,
            message: fields.text("message", MESSAGE_MAX)?.map(|text| text.replace(char::is_control, " ")),
            source: fields.source()?,
        }),
        "step.output" => Report::Output(fields.step()?, fields.lines(now)?),
        "step.completed" => Report::StepCompleted(fields.step()?, fields.outputs()?),
        "step.failed" => Report::StepFailed(fields.step()?, fields.failure()?),
        "step.skipped" => {
            let reason = fields.text("reason", ERROR_MAX)?;
            Report::StepSkipped(fields.step()?, reason.unwrap_or_else(|| "skipped by its reporter".to_owned()))
        }
        "execution.completed" => Report::ExecutionCompleted,
        "execution.failed" => Report::ExecutionFailed(fields.ending()?, fields.text("error", ERROR_MAX)?),
        "execution.cancelled" => Report::ExecutionCancelled,
        other => return Err(Wrong::new("kind", format!("{:?} is nothing that a reporter tells", cut(other, 80)))),
    };
    fields.nothing_else(&kind)?;
    Ok(Told { client_seq, report })
}

/// The fields of a line that have not been read yet.
struct Fields(Map<String, Value>);

impl Fields {
    /// A field; one that is null is not there.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str, longest: usize) -> Result<Option<String>, Wrong> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(cut(&plain(text), longest).to_owned())),
            Some(_) => Err(Wrong::new(name, "is no text")),
        }
    }

    fn required_text(&mut self, name: &str) -> Result<String, Wrong> {
        self.text(name, ERROR_MAX)?.ok_or_else(|| Wrong::new(name, "is missing"))
    }

    fn client_seq(&mut self) -> Result<Option<u64>, Wrong> {
        match self.take("client_seq") {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(seq @ 1..=CLIENT_SEQ_MAX) => Ok(Some(seq)),
                _ => Err(Wrong::new("client_seq", format!("is no whole number of 1 to {CLIENT_SEQ_MAX}"))),
            },
        }
    }

    fn step(&mut self) -> Result<Option<StepId>, Wrong> {
        let Some(text) = self.text("step", ERROR_MAX)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: crate::domain::id::InvalidName| Wrong::new("step", error.to_string()))
    }

    fn percent(&mut self) -> Result<f64, Wrong> {
        let number = self.take("percent").ok_or_else(|| Wrong::new("percent", "is missing"))?;
        match number.as_f64() {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
            _ => Err(Wrong::new("percent", "is no number of 0 to 100")),
        }
    }

    fn source(&mut self) -> Result<Source, Wrong> {
        match self.text("source", ERROR_MAX)?.as_deref() {
            None | Some("reported") => Ok(Source::Reported),
            Some("parsed") => Ok(Source::Parsed),
            Some(_) => Err(Wrong::new("source", "is neither reported nor parsed")),
        }
    }

    fn lines(&mut self, now: Timestamp) -> Result<Vec<Line>, Wrong> {
        let Some(Value::Array(items)) = self.take("lines") else {
            return Err(Wrong::new("lines", "is no list of lines: [{\"text\": …}]"));
        };
        if items.len() > OUTPUT_LINES_MAX {
            return Err(Wrong::new("lines", format!("has {} lines, {OUTPUT_LINES_MAX} are the most", items.len())));
        }
        let mut lines = Vec::with_capacity(items.len());
        for (n, item) in items.into_iter().enumerate() {
            output_line(item, now, &mut lines)
                .map_err(|Wrong { field, message }| Wrong { field: format!("lines[{n}]{field}"), message })?;
        }
        if lines.len() > 2 * OUTPUT_LINES_MAX {
            return Err(Wrong::new("lines", format!("holds more than {} lines", 2 * OUTPUT_LINES_MAX)));
        }
        Ok(lines)
    }

    fn outputs(&mut self) -> Result<BTreeMap<String, String>, Wrong> {
        let object = match self.take("outputs") {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(object)) => object,
            Some(_) => return Err(Wrong::new("outputs", "is no object of texts")),
        };
        let mut outputs = BTreeMap::new();
        let mut size = 0;
        for (key, value) in object {
            let field = || format!("outputs.{}", cut(&key, 80));
            let Value::String(value) = value else { return Err(Wrong::new(&field(), "is no text")) };
            if !is_key(&key) {
                let message = "is no key: it has letters, digits, '_' and '-', and begins with a letter or '_'";
                return Err(Wrong::new(&field(), message));
            }
            size += key.len() + value.len();
            outputs.insert(key, value.replace('\0', "\u{fffd}"));
        }
        if size > OUTPUTS_MAX {
            return Err(Wrong::new("outputs", format!("holds {size} bytes, {OUTPUTS_MAX} are the most")));
        }
        Ok(outputs)
    }

    fn failure(&mut self) -> Result<Failure, Wrong> {
        let status = match self.text("status", ERROR_MAX)?.as_deref() {
            None | Some("failed") => StepFailure::Failed,
            Some("timed_out") => StepFailure::TimedOut,
            Some("cancelled") => StepFailure::Cancelled,
            Some(_) => return Err(Wrong::new("status", "is none of failed, timed_out, cancelled")),
        };
        let exit_code = match self.take("exit_code") {
            None => None,
            Some(code) => match code.as_i64().and_then(|code| i32::try_from(code).ok()) {
                None => return Err(Wrong::new("exit_code", "is no whole number of 32 bits")),
                code => code,
            },
        };
        let signal = self.text("signal", 32)?;
        if signal.as_ref().is_some_and(|name| !name.starts_with("SIG") || name.chars().any(char::is_whitespace)) {
            return Err(Wrong::new("signal", "is no name of a signal, as SIGTERM"));
        }
        let error = self.text("error", ERROR_MAX)?.unwrap_or_else(|| match (&signal, exit_code) {
            (Some(signal), _) => format!("ended by {signal}"),
            (None, Some(code)) => format!("exited with {code}"),
            (None, None) => "failed".to_owned(),
        });
        Ok(Failure { status, exit_code, signal, error })
    }

    fn ending(&mut self) -> Result<ExecutionFailure, Wrong> {
        match self.text("status", ERROR_MAX)?.as_deref() {
            None | Some("failed") => Ok(ExecutionFailure::Failed),
            Some("timed_out") => Ok(ExecutionFailure::TimedOut),
            Some(_) => Err(Wrong::new("status", "is neither failed nor timed_out")),
        }
    }

    fn nothing_else(self, kind: &str) -> Result<(), Wrong> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(Wrong::new(cut(&name, 80), format!("is no field of {kind}"))),
        }
    }
}

/// One item of `lines`: a text, or an object with one. It is several lines if it holds line ends or is too long.
fn output_line(item: Value, now: Timestamp, lines: &mut Vec<Line>) -> Result<(), Wrong> {
    let mut fields = match item {
        Value::String(text) => Fields(Map::from_iter([("text".to_owned(), Value::String(text))])),
        Value::Object(object) => Fields(object),
        _ => return Err(Wrong::new("", "is neither a text nor an object with one")),
    };
    let text = match fields.0.remove("text") {
        Some(Value::String(text)) => plain(text),
        _ => return Err(Wrong::new(".text", "is no text")),
    };
    let stream = match fields.text("stream", 16)?.as_deref() {
        None | Some("out") => Stream::Out,
        Some("err") => Stream::Err,
        Some(_) => return Err(Wrong::new(".stream", "is neither out nor err")),
    };
    let level = match fields.text("level", 16)?.as_deref() {
        None => None,
        Some("notice") => Some(Level::Notice),
        Some("warning") => Some(Level::Warning),
        Some("error") => Some(Level::Error),
        Some("group") => Some(Level::Group),
        Some(_) => return Err(Wrong::new(".level", "is none of notice, warning, error, group")),
    };
    let at = match fields.text("at", 64)? {
        None => now,
        Some(text) => text.parse().map_err(|_| Wrong::new(".at", "is no time as 2026-11-22T10:00:00.123Z"))?,
    };
    let at = if (now.0 - OLD_MS..=now.0 + AHEAD_MS).contains(&at.0) { at } else { now };
    let mut after_group = match fields.take("after_group") {
        None => false,
        Some(Value::Bool(after_group)) => after_group,
        Some(_) => return Err(Wrong::new(".after_group", "is neither true nor false")),
    };
    let mut push = |text: &str| {
        let after_group = std::mem::take(&mut after_group);
        lines.push(Line { at, stream, text: text.to_owned(), level, after_group });
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    for line in text.split('\n') {
        let mut rest = line.strip_suffix('\r').unwrap_or(line);
        while rest.len() > LINE_MAX {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(LINE_MAX));
            push(piece);
            rest = more;
        }
        push(rest);
    }
    fields.nothing_else("a line").map_err(|Wrong { field, message }| Wrong { field: format!(".{field}"), message })
}

/// Without NUL, which no text of ours holds.
fn plain(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

fn is_key(key: &str) -> bool {
    key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_341_600_000);

    fn wrong(line: &str) -> String {
        let Wrong { field, .. } = read(line.as_bytes(), NOW).expect_err(line);
        field
    }

    fn lines(line: &str) -> Vec<Line> {
        match read(line.as_bytes(), NOW).expect("it is good").report {
            Report::Output(_, lines) => lines,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        for (line, field) in [
            ("nonsense", ""),
            ("[]", ""),
            (r#"{"client_seq":1}"#, "kind"),
            (r#"{"client_seq":1,"kind":"execution.queued"}"#, "kind"),
            (r#"{"kind":"step.started"}"#, "client_seq"),
            (r#"{"client_seq":0,"kind":"step.started"}"#, "client_seq"),
            (r#"{"client_seq":1.5,"kind":"step.started"}"#, "client_seq"),
            (r#"{"client_seq":9007199254740992,"kind":"step.started"}"#, "client_seq"),
            (r#"{"client_seq":1,"kind":"step.started","step":"A b"}"#, "step"),
            (r#"{"client_seq":1,"kind":"step.progress"}"#, "percent"),
            (r#"{"client_seq":1,"kind":"step.progress","percent":"50"}"#, "percent"),
            (r#"{"client_seq":1,"kind":"step.progress","percent":100.1}"#, "percent"),
            (r#"{"client_seq":1,"kind":"step.progress","percent":1,"precent":2}"#, "precent"),
            (r#"{"client_seq":1,"kind":"step.output"}"#, "lines"),
            (r#"{"client_seq":1,"kind":"step.output","lines":["a",7]}"#, "lines[1]"),
            (r#"{"client_seq":1,"kind":"step.output","lines":[{"text":"a","stream":"x"}]}"#, "lines[0].stream"),
            (r#"{"client_seq":1,"kind":"step.output","lines":[{"text":"a","at":"noon"}]}"#, "lines[0].at"),
            (r#"{"client_seq":1,"kind":"step.completed","outputs":{"a":1}}"#, "outputs.a"),
            (r#"{"client_seq":1,"kind":"step.completed","outputs":{"a b":"1"}}"#, "outputs.a b"),
            (r#"{"client_seq":1,"kind":"step.failed","status":"interrupted"}"#, "status"),
            (r#"{"client_seq":1,"kind":"step.failed","exit_code":"1"}"#, "exit_code"),
            (r#"{"client_seq":1,"kind":"step.failed","signal":"9"}"#, "signal"),
            (r#"{"client_seq":1,"kind":"execution.failed","status":"cancelled"}"#, "status"),
        ] {
            assert_eq!(wrong(line), field, "{line}");
        }
        let many = format!(r#"{{"client_seq":1,"kind":"step.completed","outputs":{{"a":"{}"}}}}"#, "x".repeat(65_536));
        assert_eq!(wrong(&many), "outputs");
    }

    #[test]
    fn a_line_is_a_text_or_an_object_and_is_cut_as_the_log_cuts_it() {
        let got = lines(r#"{"client_seq":1,"kind":"step.output","lines":["a\nb\r\n",{"text":"","stream":"err"}]}"#);
        let got: Vec<_> = got.iter().map(|line| (line.text.as_str(), line.stream)).collect();
        assert_eq!(got, [("a", Stream::Out), ("b", Stream::Out), ("", Stream::Err)]);
        let long = format!(r#"{{"client_seq":1,"kind":"step.output","lines":["{}"]}}"#, "ä".repeat(10_000));
        let sizes: Vec<usize> = lines(&long).iter().map(|line| line.text.len()).collect();
        assert_eq!(sizes, [16_384, 3_616]);
    }

    #[test]
    fn a_time_is_kept_unless_it_makes_no_sense() {
        let at = |text: &str| {
            let line = format!(r#"{{"client_seq":1,"kind":"step.output","lines":[{{"text":"a","at":"{text}"}}]}}"#);
            lines(&line)[0].at
        };
        assert_eq!(at("2026-11-22T09:00:00.000Z").0, NOW.0 - 3_600_000);
        assert_eq!(at("2036-11-22T09:00:00.000Z"), NOW);
        assert_eq!(at("1970-01-01T00:00:00.000Z"), NOW);
    }

    #[test]
    fn only_a_heartbeat_needs_no_number() {
        let told = read(br#"{"kind":"heartbeat","at":"2026-11-22T10:00:00Z"}"#, NOW).expect("it is good");
        assert_eq!(told, Told { client_seq: None, report: Report::Heartbeat });
    }
}
