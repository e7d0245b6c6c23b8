//! Lines that are commands: `::progress 3/7 Uploading`, `::error::text`.

use super::{MESSAGE_MAX, Said};
use crate::domain::log::Level;

/// What a line is.
pub(super) enum Command<'l> {
    /// A line for the log: its text, and how it is marked.
    Line(&'l [u8], Option<Level>),
    /// A command that leaves no line in the log.
    Said(Option<Said>),
}

/// Reads a line. What is no command, or is one that makes no sense, is an ordinary line.
pub(super) fn read(line: &[u8]) -> Command<'_> {
    marked(line).unwrap_or(Command::Line(line, None))
}

fn marked(line: &[u8]) -> Option<Command<'_>> {
    let command = line.trim_ascii_start().strip_prefix(b"::")?;
    if let Some(rest) = command.strip_prefix(b"progress") {
        return progress(rest).map(|said| Command::Said(Some(said)));
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
        b"endgroup" => Some(Command::Said(None)),
        b"add-mask" => Some(Command::Said(Some(text(value)).filter(|value| !value.is_empty()).map(Said::Mask))),
        _ => None,
    }
}

/// ` 42.5`, ` 42.5% Uploading`, ` 3/7 Uploading part 3`.
fn progress(rest: &[u8]) -> Option<Said> {
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
    let message = if message.is_empty() { None } else { Some(on_one_line(message)) };
    Some(Said::Progress { percent: percent.clamp(0.0, 100.0), message })
}

/// A finite number in plain decimals, so that no words (`inf`) and no exponents are numbers.
fn number(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

fn on_one_line(message: &[u8]) -> String {
    let mut message = text(message).replace(char::is_control, " ");
    message.truncate(message.floor_char_boundary(MESSAGE_MAX));
    message
}

/// Bytes as text: what is no UTF-8, and NUL, becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if memchr::memchr(0, bytes).is_some() { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}
