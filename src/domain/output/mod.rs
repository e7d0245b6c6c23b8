//! What a step says: from the bytes it prints to log lines, progress and masks, and from `$RUNCAST_OUTPUT` to its
//! outputs. The dialects are those of CONTRACT §2 that this version understands.

mod command;
mod masks;
mod values;

#[cfg(test)]
mod tests;

pub use masks::{MASK_MIN, MASKS_MAX, Masks};
pub use values::{OUTPUTS_MAX, outputs};

use self::command::{Command, text};
use super::{
    log::{LINE_MAX, Level},
    time::Timestamp,
};

/// Longest message of a `::progress`, in bytes; more is cut off.
pub const MESSAGE_MAX: usize = 1024;

/// Something that a step said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A line for the log.
    Line {
        /// When its last byte came.
        at: Timestamp,
        /// Without the line end, at most [`LINE_MAX`] bytes, no NUL.
        text: String,
        /// How the step marked it.
        level: Option<Level>,
    },
    /// How far it is. No log line.
    Progress {
        /// 0.0..=100.0
        percent: f64,
        /// What it is doing, at most [`MESSAGE_MAX`] bytes, no control characters.
        message: Option<String>,
    },
    /// A value that must not be shown from now on. No log line.
    Mask(String),
}

/// Reads what one attempt at a step prints to one of its two streams. Fed with any chunks, it says the same.
///
/// Lines end with `\n` or `\r\n`. A line that is redrawn (`\r` and new text) is one line, in its last state. A line
/// longer than [`LINE_MAX`] is cut into several; the later ones keep its level. What is no UTF-8, and NUL, becomes
/// U+FFFD.
#[derive(Debug, Default)]
pub struct Output {
    /// What is there of the line that has not ended; at most [`LINE_MAX`] bytes.
    line: Vec<u8>,
    /// When the last of it came.
    at: Timestamp,
    /// Whether the last byte was `\r`: what comes now ends the line or redraws it.
    returned: bool,
    /// What its first pieces were, if the line was cut already.
    cut: Option<Cut>,
}

/// What the rest of a line is, of which a piece has been said.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// More of a log line.
    Line(Option<Level>),
    /// More of a command that was consumed.
    Consumed,
}

impl Output {
    /// Takes in what was printed `at` that time, and hands over what it says.
    pub fn feed(&mut self, mut bytes: &[u8], at: Timestamp, emit: &mut impl FnMut(Said)) {
        if !bytes.is_empty() {
            self.at = at;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            let ended = bytes[end] == b'\n';
            if ended && self.line.is_empty() && end <= LINE_MAX {
                // A whole line in one piece, as most are: nothing is copied.
                self.say(&bytes[..end], emit);
                self.begin();
            } else {
                self.gather(&bytes[..end], emit);
                if ended {
                    self.end(emit);
                } else {
                    self.returned = true;
                }
            }
            bytes = &bytes[end + 1..];
        }
        self.gather(bytes, emit);
    }

    /// Takes in that nothing more will be printed: a line that did not end is one.
    pub fn finish(&mut self, emit: &mut impl FnMut(Said)) {
        if !self.line.is_empty() {
            self.end(emit);
        }
    }

    /// Puts more of a line to what is there, and hands over a piece each time that it is full and more comes.
    fn gather(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Said)) {
        if bytes.is_empty() {
            return;
        }
        if self.returned {
            self.begin();
        }
        while self.line.len() + bytes.len() > LINE_MAX {
            let (piece, rest) = bytes.split_at(LINE_MAX - self.line.len());
            self.line.extend_from_slice(piece);
            let kept = self.line.split_off(self.line.len() - begun_character(&self.line));
            let piece = std::mem::replace(&mut self.line, kept);
            self.say(&piece, emit);
            bytes = rest;
        }
        self.line.extend_from_slice(bytes);
    }

    fn end(&mut self, emit: &mut impl FnMut(Said)) {
        let mut line = std::mem::take(&mut self.line);
        self.say(&line, emit);
        // Its memory serves the next line as well.
        line.clear();
        self.line = line;
        self.begin();
    }

    /// A new line, or a new state of this one.
    fn begin(&mut self) {
        self.line.clear();
        self.returned = false;
        self.cut = None;
    }

    /// Hands over a line, or the next piece of one.
    fn say(&mut self, line: &[u8], emit: &mut impl FnMut(Said)) {
        let (line, level) = match self.cut {
            Some(Cut::Consumed) => return,
            Some(Cut::Line(level)) => (line, level),
            None => match command::read(line) {
                Command::Line(line, level) => (line, level),
                Command::Said(said) => {
                    self.cut = Some(Cut::Consumed);
                    return said.into_iter().for_each(emit);
                }
            },
        };
        self.cut = Some(Cut::Line(level));
        let text = text(line);
        let mut rest = text.as_str();
        // Text may be longer than its bytes were, by the U+FFFDs in it.
        while rest.len() > LINE_MAX {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(LINE_MAX));
            emit(Said::Line { at: self.at, text: piece.to_owned(), level });
            rest = more;
        }
        let text = if rest.len() == text.len() { text } else { rest.to_owned() };
        emit(Said::Line { at: self.at, text, level });
    }
}

/// How many bytes at the end are the beginning of a character whose rest may still come: 0 to 3.
fn begun_character(bytes: &[u8]) -> usize {
    let tail = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    match std::str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => tail.len(),
        _ => 0,
    }
}
