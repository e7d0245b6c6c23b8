//! What a step says: from the bytes it prints to log lines, progress and masks, and from `$RUNCAST_OUTPUT` to its
//! outputs. The dialects are those of CONTRACT §2; `docs/steps.md` has an example of each.
//!
//! Bytes become text and [`Control`]s (`escape`), which draw lines (`draft`, and `rows` where several are drawn at once).
//! A line that was drawn again may hold a bar (`bar`); one that has ended may be a command (`command`). What comes of
//! them is masked, bounded and told (`ear`). [`Meter`] makes one percent of all that an attempt says.

mod bar;
mod command;
mod draft;
mod ear;
mod escape;
mod masks;
mod meter;
mod rows;
mod values;

#[cfg(test)]
mod mask_tests;
#[cfg(test)]
mod progress_tests;
#[cfg(test)]
mod recording_tests;
#[cfg(test)]
mod tests;

pub use masks::{MASK_MIN, MASK_PIECE_MAX, MASK_PIECES_MAX, MASKS_MAX, Masks};
pub use meter::Meter;
pub use values::{OUTPUTS_MAX, outputs};

use self::{
    bar::Bar,
    draft::Draft,
    ear::Ear,
    escape::{Control, ESC, Escape, Recognised},
    rows::Rows,
};
use super::{
    event::Source,
    log::{LINE_MAX, Level},
    time::Timestamp,
};

/// Longest message of a progress, in bytes; more is cut off.
pub const MESSAGE_MAX: usize = 1024;

/// Longest text that is drawn away from its line, in bytes: if more comes, it belongs to the line after all.
const ASIDE_MAX: usize = 1024;

/// Something that a step said. Texts and messages are masked.
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
    /// That the group it opened last has ended. No log line.
    EndGroup,
    /// How far it is. No log line. For [`Meter`], which knows what else was said.
    Progress {
        /// 0.0..=100.0
        percent: f64,
        /// What it is doing, at most [`MESSAGE_MAX`] bytes, no control characters.
        message: Option<String>,
        /// `Reported` if it was said, `Parsed` if it was read off a bar.
        source: Source,
    },
}

/// Reads what one attempt at a step prints to one of its two streams. Fed with any chunks, it says the same.
///
/// Lines end with `\n` or `\r\n`. A line that is redrawn (with `\r`, by erasing it, with two backspaces or more, or after
/// the cursor went up to it) is one line, in its last state, and may hold a bar. A line longer than [`LINE_MAX`] is cut
/// into several; the later ones keep its level. What is no UTF-8, and NUL, becomes U+FFFD.
///
/// It holds less than [`LINE_MAX`] + [`MASK_PIECE_MAX`] bytes of a line, and as many lines as are drawn again at once, 33
/// at most.
#[derive(Debug, Default)]
pub struct Output {
    rows: Rows,
    escape: Escape,
    /// What is drawn away from the line, such as apt's bar at the bottom of the terminal: between saving the place of
    /// the cursor and restoring it. At most [`ASIDE_MAX`] bytes.
    aside: Option<Draft>,
    /// The bar that is drawn aside, again and again.
    aside_bar: Bar,
    /// When the last byte came.
    at: Timestamp,
}

impl Output {
    /// Takes in what was printed `at` that time, and hands over what it says. Values that it wants masked are added to
    /// `masks`.
    pub fn feed(&mut self, mut bytes: &[u8], at: Timestamp, masks: &mut Masks, emit: &mut dyn FnMut(Said)) {
        if !bytes.is_empty() {
            self.at = at;
        }
        let mut ear = Ear { at: self.at, masks, emit };
        while let Some((byte, rest)) = bytes.split_first() {
            if self.escape.begun() {
                bytes = if self.escaped(*byte, &mut ear) { rest } else { bytes };
                continue;
            }
            let end = memchr::memchr3(b'\n', b'\r', ESC, bytes).unwrap_or(bytes.len());
            let (text, rest) = bytes.split_at(end);
            let Some((byte, rest)) = rest.split_first() else {
                return self.print(text, &mut ear);
            };
            bytes = rest;
            if *byte == b'\n' && end <= LINE_MAX && self.is_new() && memchr::memchr(8, text).is_none() {
                // A whole line in one piece, as most are: nothing is copied.
                ear.line(text, end, None, 0);
                self.rows.passed();
                continue;
            }
            self.print(text, &mut ear);
            match byte {
                b'\n' => self.end_line(&mut ear),
                b'\r' => self.control(Control::Return, &mut ear),
                _ => self.escape.begin(),
            }
        }
    }

    /// Whether a bar is drawn whose last state was not read yet: if nothing comes for a while, [`Output::settle`] does.
    pub fn is_unsettled(&self) -> bool {
        !self.escape.begun() && self.rows.here.is_unsettled()
    }

    /// Takes in that nothing has come for a while: what is drawn now is read, though the line goes on. Lines come when
    /// they end, as ever.
    pub fn settle(&mut self, masks: &mut Masks, emit: &mut dyn FnMut(Said)) {
        if self.is_unsettled() {
            let counts = self.rows.counts();
            self.rows.here.read_bar(counts, &mut Ear { at: self.at, masks, emit });
        }
    }

    /// Takes in that nothing more will be printed: a line that did not end is one.
    pub fn finish(&mut self, masks: &mut Masks, emit: &mut dyn FnMut(Said)) {
        let mut ear = Ear { at: self.at, masks, emit };
        self.give_up_escape(&mut ear);
        self.end_aside(&mut ear);
        self.rows.finish(&mut ear);
    }

    /// Whether a whole line that comes now is all that there is of it.
    fn is_new(&self) -> bool {
        self.aside.is_none() && self.rows.is_new()
    }

    /// The next byte of an escape sequence. Says whether it was taken.
    fn escaped(&mut self, byte: u8, ear: &mut Ear) -> bool {
        match self.escape.push(byte) {
            Recognised::More => true,
            Recognised::Control(control) => {
                self.escape.end();
                self.control(control, ear);
                true
            }
            Recognised::Not => {
                self.give_up_escape(ear);
                false
            }
        }
    }

    /// What was held is text.
    fn give_up_escape(&mut self, ear: &mut Ear) {
        let escape = std::mem::take(&mut self.escape);
        self.print(escape.held(), ear);
    }

    /// Text with nothing in it that draws but backspaces.
    fn print(&mut self, mut text: &[u8], ear: &mut Ear) {
        while let Some(end) = memchr::memchr(8, text) {
            self.put(&text[..end], ear);
            self.control(Control::Back(1), ear);
            text = &text[end + 1..];
        }
        self.put(text, ear);
    }

    fn put(&mut self, mut text: &[u8], ear: &mut Ear) {
        if text.is_empty() {
            return;
        }
        if let Some(draft) = &mut self.aside {
            draft.begin_state(true, ear);
            let room = ASIDE_MAX.saturating_sub(draft.len()).min(text.len());
            let (fitting, rest) = text.split_at(room);
            draft.print(fitting, true, ear);
            text = rest;
            if text.is_empty() {
                return;
            }
            self.end_aside(ear);
        }
        let counts = self.rows.counts();
        self.rows.here.print(text, counts, ear);
    }

    fn end_line(&mut self, ear: &mut Ear) {
        self.end_aside(ear);
        self.rows.end_line(ear);
    }

    /// What is drawn aside comes to an end without going back: it belongs to the line.
    fn end_aside(&mut self, ear: &mut Ear) {
        if let Some(aside) = self.aside.take() {
            let (text, bar) = aside.into_parts();
            self.aside_bar = bar;
            let counts = self.rows.counts();
            self.rows.here.print(&text, counts, ear);
        }
    }

    fn control(&mut self, control: Control, ear: &mut Ear) {
        let counts = self.aside.is_some() || self.rows.counts();
        let draft = self.aside.as_mut().unwrap_or(&mut self.rows.here);
        match control {
            Control::Return => draft.go_to_begin(counts, ear),
            Control::Back(columns) => draft.go_back(columns),
            Control::EraseRest => draft.erase_rest(counts, ear),
            Control::EraseLine => draft.erase(counts, ear),
            Control::Progress(percent) => {
                draft.take_out();
                percent.into_iter().for_each(|percent| ear.progress(percent, Source::Reported));
            }
            Control::Up(lines) if self.aside.is_none() => self.rows.up(lines, ear),
            Control::Down(lines) if self.aside.is_none() => self.rows.down(lines, ear),
            Control::Save if self.aside.is_none() => {
                self.aside = Some(Draft::again(std::mem::take(&mut self.aside_bar)));
            }
            Control::Restore => self.restore(ear),
            Control::Up(_) | Control::Down(_) | Control::Save | Control::Nothing => {}
        }
    }

    /// The cursor goes back to the line, and what was drawn aside is read.
    fn restore(&mut self, ear: &mut Ear) {
        if let Some(mut aside) = self.aside.take() {
            aside.read_bar(true, ear);
            self.aside_bar = aside.into_parts().1;
        }
    }
}
