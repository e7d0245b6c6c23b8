//! Lines that are commands: `::progress 3/7 Uploading`, `::error::text`, and the JSON lines of xyOps' jobs.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::log::Level;

/// What a line is.
pub(super) enum Command<'l> {
    /// A line for the log: its text, and how it is marked.
    Line(&'l [u8], Option<Level>),
    /// How far the step is, in percent, and what it is doing. Leaves no line in the log, as those below.
    Progress(f64, Option<Cow<'l, [u8]>>),
    /// A value that must not be shown.
    Mask(String),
    /// The group that was opened last ends.
    EndGroup,
    /// A command that does nothing here.
    Nothing,
}

/// Reads a line. What is no command, or is one that makes no sense, is an ordinary line.
pub(super) fn read(line: &[u8]) -> Command<'_> {
    let command = match line.trim_ascii_start() {
        [b':', b':', command @ ..] => marked(command),
        json @ [b'{', ..] => xyops(json),
        _ => None,
    };
    command.unwrap_or(Command::Line(line, None))
}

fn marked(command: &[u8]) -> Option<Command<'_>> {
    if let Some(rest) = command.strip_prefix(b"progress") {
        return progress(rest);
    }
    let (head, value) = command.split_at(memchr::memmem::find(command, b"::")?);
    let value = &value[2..];
    // GitHub's commands may carry properties: `error file=x,line=1`.
    let name = head.split(|byte| *byte == b' ').next()?;
    match name {
        b"notice" => Some(Command::Line(value, Some(Level::Notice))),
        b"warning" => Some(Command::Line(value, Some(Level::Warning))),
        b"error" => Some(Command::Line(value, Some(Level::Error))),
        b"group" => Some(Command::Line(value, Some(Level::Group))),
        b"endgroup" => Some(Command::EndGroup),
        b"add-mask" if value.is_empty() => Some(Command::Nothing),
        b"add-mask" => Some(Command::Mask(text(value))),
        _ => None,
    }
}

/// What counts in a line such as `{"xy":1,"progress":0.425,"status":"Uploading"}`.
#[derive(Deserialize)]
struct XyOps {
    xy: Value,
    progress: f64,
    status: Option<Value>,
}

/// A JSON line of an xyOps job that tells progress, from 0 to 1. Its other lines are ordinary ones.
fn xyops(line: &[u8]) -> Option<Command<'_>> {
    // Most JSON lines are of something else, and are not parsed.
    memchr::memmem::find(line, b"\"xy\"")?;
    let said: XyOps = serde_json::from_slice(line).ok()?;
    let status = said.status.as_ref().and_then(Value::as_str).filter(|status| !status.trim().is_empty());
    let message = status.map(|status| Cow::Owned(status.trim().as_bytes().to_vec()));
    let percent = (said.progress * 100.0).clamp(0.0, 100.0);
    // 0.07 is 7 percent, not 7.000000000000001.
    let percent = (percent * 1e6).round() / 1e6;
    if said.xy.as_f64() == Some(1.0) { Some(Command::Progress(percent, message)) } else { None }
}

/// ` 42.5`, ` 42.5% Uploading`, ` 3/7 Uploading part 3`.
fn progress(rest: &[u8]) -> Option<Command<'_>> {
    if !rest.first()?.is_ascii_whitespace() {
        return None;
    }
    let rest = rest.trim_ascii();
    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let (figure, message) = rest.split_at(end);
    let figure = std::str::from_utf8(figure).ok()?;
    let percent = match figure.split_once('/') {
        Some((done, whole)) => number(done)? / number(whole).filter(|whole| *whole > 0.0)? * 100.0,
        None => number(figure.strip_suffix('%').unwrap_or(figure))?,
    };
    let message = message.trim_ascii();
    let message = if message.is_empty() { None } else { Some(Cow::Borrowed(message)) };
    Some(Command::Progress(percent.clamp(0.0, 100.0), message))
}

/// A finite number in plain decimals, so that no words (`inf`) and no exponents are numbers.
fn number(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// Bytes as text: what is no UTF-8, and NUL, becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if memchr::memchr(0, bytes).is_some() { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}
