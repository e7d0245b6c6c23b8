//! Where what a step says goes: masked, bounded, and told to whoever listens.

use super::{
    MASK_MIN, MASK_PIECES_MAX, MASKS_MAX, MESSAGE_MAX, Masks, Said,
    command::{self, Command},
    masks::is_long_enough,
};
use crate::domain::{
    event::Source,
    log::{LINE_MAX, Level},
    time::Timestamp,
};

/// Who listens, and what must not be heard.
pub(super) struct Ear<'e> {
    /// When what is told was printed.
    pub(super) at: Timestamp,
    /// Applied to all that is told.
    pub(super) masks: &'e mut Masks,
    /// Who is told.
    pub(super) emit: &'e mut dyn FnMut(Said),
}

/// What the rest of a line is, of which a piece has been said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// More of a log line.
    Line(Option<Level>),
    /// More of a command that was consumed.
    Consumed,
}

impl Ear<'_> {
    /// Tells the first `end` bytes of what there is of a line: all of it, or a piece, after which it goes on. `cut` is
    /// what it is if a piece of it was told before, and `hidden` how many bytes belong to a value that began there. Says
    /// both for the piece that comes next.
    pub(super) fn line(&mut self, line: &[u8], end: usize, cut: Option<Cut>, hidden: usize) -> (Cut, usize) {
        let shown = line.get(..end).unwrap_or(line);
        let (text_from, level) = match cut {
            Some(Cut::Consumed) => return (Cut::Consumed, 0),
            Some(Cut::Line(level)) => (0, level),
            None => match command::read(shown) {
                // A command's text is the end of its line.
                Command::Line(text, level) => (shown.len() - text.len(), level),
                command => {
                    self.command(command);
                    return (Cut::Consumed, 0);
                }
            },
        };
        let rest = line.get(text_from..).unwrap_or_default();
        let (text, hidden_after) = self.masks.show(rest, shown.len() - text_from, hidden);
        // A piece that lies within a value has its stars in the one before.
        if !(text.is_empty() && hidden > 0) {
            self.text(text, level);
        }
        (Cut::Line(level), hidden_after)
    }

    /// Tells how far a bar is.
    pub(super) fn progress(&mut self, percent: f64, source: Source) {
        (self.emit)(Said::Progress { percent, message: None, source });
    }

    fn command(&mut self, command: Command<'_>) {
        match command {
            Command::Progress(percent, message) => {
                let message = message.map(|message| self.message(&message));
                (self.emit)(Said::Progress { percent, message, source: Source::Reported });
            }
            Command::Mask(value) => {
                let plain = without_escapes(&value);
                let taken = self.masks.add(&value);
                if !(plain != value && self.masks.add(&plain) || taken) {
                    self.text(not_masked(&value), Some(Level::Warning));
                }
            }
            Command::EndGroup => (self.emit)(Said::EndGroup),
            Command::Line(..) | Command::Nothing => {}
        }
    }

    fn text(&mut self, text: String, level: Option<Level>) {
        let mut rest = text.as_str();
        // Text may be longer than its bytes were, by the U+FFFDs in it.
        while rest.len() > LINE_MAX {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(LINE_MAX));
            (self.emit)(Said::Line { at: self.at, text: piece.to_owned(), level });
            rest = more;
        }
        let text = if rest.len() == text.len() { text } else { rest.to_owned() };
        (self.emit)(Said::Line { at: self.at, text, level });
    }

    /// On one line, and masked before it is cut.
    fn message(&self, message: &[u8]) -> String {
        let mut message = self.masks.apply(command::text(message)).replace(char::is_control, " ");
        message.truncate(message.floor_char_boundary(MESSAGE_MAX));
        message
    }
}

/// What the log says in the place of a value that can't be masked.
fn not_masked(value: &str) -> String {
    let why = if is_long_enough(value) {
        format!("{MASKS_MAX} values, or {MASK_PIECES_MAX} lines of such, are the most")
    } else {
        format!("it has less than {MASK_MIN} characters")
    };
    format!("::add-mask:: did not mask its value: {why}")
}

/// A value as it was before it was written on one line: GitHub's commands have `%0A`, `%0D` and `%25` for what can't
/// stand in them.
fn without_escapes(value: &str) -> String {
    value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}
