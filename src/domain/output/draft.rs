//! The line that is being printed, or drawn again and again.

use super::{
    bar::{self, Bar},
    ear::{Cut, Ear},
};
use crate::domain::{event::Source, log::LINE_MAX};

/// A line that has not ended.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What there is of its state now; at most [`LINE_MAX`] bytes and the reach of the masks.
    bytes: Vec<u8>,
    /// What its first pieces were, if it was cut already.
    cut: Option<Cut>,
    /// How many bytes at its begin belong to a value that is masked in the piece before.
    hidden: usize,
    /// Whether the cursor is in the first column: what comes now ends the line or draws it again.
    returned: bool,
    /// How many characters to the left of the end the cursor is.
    back: usize,
    /// Whether anything went back to the first column, be it before a word was said.
    drawn: bool,
    /// Whether it was drawn again: it may hold a bar.
    redrawn: bool,
    /// Whether the bar was read in this state.
    read: bool,
    /// Whether something was taken out: if nothing else is left, it is no line.
    taken: bool,
    /// How far it says that it is.
    bar: Bar,
}

impl Draft {
    /// A line that ended before and is drawn again from above or below.
    pub(super) fn again(bar: Bar) -> Self {
        Self { redrawn: true, taken: true, bar, ..Self::default() }
    }

    /// Whether nothing was printed or drawn.
    pub(super) fn is_new(&self) -> bool {
        self.bytes.is_empty() && self.cut.is_none() && !(self.drawn || self.redrawn || self.taken)
    }

    /// Bytes in this state.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is a bar in it, as far as is known.
    pub(super) fn shows_bar(&self) -> bool {
        self.bar.shows() || (self.drawn && self.cut.is_none() && bar::percent(&self.bytes).is_some())
    }

    /// Whether it is drawn again, and its state was not read.
    pub(super) fn is_unread(&self) -> bool {
        self.redrawn && !self.read && !self.bytes.is_empty()
    }

    /// Whether it is being drawn, if for the first time, and its state was not read.
    pub(super) fn is_unsettled(&self) -> bool {
        (self.drawn || self.redrawn) && !self.read && !self.bytes.is_empty() && self.cut.is_none()
    }

    /// Puts more to it, and tells a piece each time that it is too long and more comes. `counts`, here as below: whether
    /// its bar is told.
    pub(super) fn print(&mut self, mut text: &[u8], counts: bool, ear: &mut Ear) {
        if text.is_empty() {
            return;
        }
        self.begin_state(counts, ear);
        self.read = false;
        let most = LINE_MAX + ear.masks.reach();
        while self.bytes.len() + text.len() > most {
            let (piece, rest) = text.split_at(most.saturating_sub(self.bytes.len()));
            self.bytes.extend_from_slice(piece);
            self.cut_off(ear);
            text = rest;
        }
        self.bytes.extend_from_slice(text);
    }

    /// The cursor goes to the first column.
    pub(super) fn go_to_begin(&mut self, counts: bool, ear: &mut Ear) {
        if self.redrawn {
            self.read_bar(counts, ear);
        }
        self.drawn = true;
        self.returned = true;
        self.back = 0;
    }

    /// The cursor goes to the left.
    pub(super) fn go_back(&mut self, columns: usize) {
        self.back = (self.back + columns).min(LINE_MAX);
    }

    /// What is right of the cursor goes.
    pub(super) fn erase_rest(&mut self, counts: bool, ear: &mut Ear) {
        if self.returned {
            self.erase(counts, ear);
        } else {
            self.begin_state(counts, ear);
        }
    }

    /// All of it goes.
    pub(super) fn erase(&mut self, counts: bool, ear: &mut Ear) {
        if !self.bytes.is_empty() {
            self.redrawn = true;
            self.read_bar(counts, ear);
            self.clear();
            self.taken = true;
        }
        self.back = 0;
    }

    /// Something that is no text was taken out of it.
    pub(super) fn take_out(&mut self) {
        self.taken = true;
    }

    /// Tells how far it is, if that is news. A state is read once.
    pub(super) fn read_bar(&mut self, counts: bool, ear: &mut Ear) {
        if self.read || self.cut.is_some() || self.bytes.is_empty() {
            return;
        }
        self.read = true;
        if let Some(percent) = self.bar.read(&self.bytes).filter(|_| counts) {
            ear.progress(percent, Source::Parsed);
        }
    }

    /// Tells the line in its last state.
    pub(super) fn end(&mut self, counts: bool, ear: &mut Ear) {
        if self.redrawn {
            self.read_bar(counts, ear);
        }
        while self.bytes.len() > LINE_MAX {
            self.cut_off(ear);
        }
        if !self.bytes.is_empty() || (!self.taken && self.cut.is_none()) {
            ear.line(&self.bytes, self.bytes.len(), self.cut, self.hidden);
        }
        // Its memory serves the next line as well.
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Self { bytes, ..Self::default() };
    }

    /// Tells it, if there is any: nothing more will be printed.
    pub(super) fn finish(&mut self, counts: bool, ear: &mut Ear) {
        // What was wiped out with spaces is no line.
        if !(self.bytes.is_empty() || (self.redrawn && self.bytes.trim_ascii().is_empty())) {
            self.end(counts, ear);
        }
    }

    /// The cursor comes back to it from another line: what comes now draws it again.
    pub(super) fn come_back(&mut self) {
        self.redrawn = true;
        self.returned = true;
        self.back = 0;
    }

    /// Hands over its text and its bar, as if it had never been there.
    pub(super) fn into_parts(self) -> (Vec<u8>, Bar) {
        (self.bytes, self.bar)
    }

    /// If the cursor is not at the end, what is there is drawn over.
    pub(super) fn begin_state(&mut self, counts: bool, ear: &mut Ear) {
        if self.returned {
            if !self.bytes.is_empty() {
                self.redrawn = true;
                self.read_bar(counts, ear);
            }
            self.clear();
            self.returned = false;
        }
        if self.back > 0 {
            // A single one is a bold letter of a manual, or a wheel that turns.
            if self.back > 1 && !self.bytes.is_empty() {
                self.redrawn = true;
                self.read_bar(counts, ear);
            }
            self.pop(self.back);
            self.back = 0;
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.cut = None;
        self.hidden = 0;
        self.read = false;
    }

    /// Takes characters off its end.
    fn pop(&mut self, characters: usize) {
        for _ in 0..characters {
            while self.bytes.pop_if(|byte| matches!(byte, 0x80..=0xbf)).is_some() {}
            self.bytes.pop();
        }
        self.hidden = self.hidden.min(self.bytes.len());
        self.read = false;
    }

    /// Tells the first piece of a line that is too long. More of it comes or is there.
    fn cut_off(&mut self, ear: &mut Ear) {
        let piece = self.bytes.get(..LINE_MAX).unwrap_or(&self.bytes);
        let place = piece.len() - begun_character(piece);
        let (cut, hidden) = ear.line(&self.bytes, place, self.cut, self.hidden);
        (self.cut, self.hidden) = (Some(cut), hidden);
        self.bytes.drain(..place);
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
