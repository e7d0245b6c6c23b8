//! Lines that are drawn again from below, as programs with several bars do: the cursor goes up, and each of the lines
//! stays one line, told when what comes below it can no longer be drawn again.

use super::{bar::Bar, draft::Draft, ear::Ear};

/// Most lines that are drawn again at once; the cursor goes no further up.
pub(super) const ROWS_MAX: usize = 32;

/// The line at the cursor, and those around it that may still be drawn again.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Where the cursor is.
    pub(super) here: Draft,
    /// Those above, from the top. With those below, at most [`ROWS_MAX`].
    above: Vec<Draft>,
    /// Those below, the next one last.
    below: Vec<Draft>,
    /// Which of the lines that were told last had a bar: a bit for each, the last one lowest.
    had_bars: u32,
}

impl Rows {
    /// Whether the line at the cursor is a new one with no others around it: then a whole line may be told as it is.
    pub(super) fn is_new(&self) -> bool {
        self.here.is_new() && self.above.is_empty() && self.below.is_empty()
    }

    /// A whole line was told as it is.
    pub(super) fn passed(&mut self) {
        self.had_bars <<= 1;
    }

    /// Whether the bar at the cursor is told: with several, the top one is that of the whole.
    pub(super) fn counts(&self) -> bool {
        !self.above.iter().any(Draft::shows_bar)
    }

    /// Bytes that are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.above.iter().chain(&self.below).chain([&self.here]).map(Draft::len).sum()
    }

    /// The cursor goes up.
    pub(super) fn up(&mut self, lines: usize, ear: &mut Ear) {
        for _ in 0..lines.min(ROWS_MAX) {
            if self.above.is_empty() && self.below.len() >= ROWS_MAX {
                break;
            }
            self.leave(ear);
            self.below.push(std::mem::take(&mut self.here));
            let had_bar = self.had_bars & 1 << (self.below.len() - 1) != 0;
            self.here = self.above.pop().unwrap_or_else(|| Draft::again(Bar::known(had_bar)));
            self.here.come_back();
        }
    }

    /// The cursor goes down, as far as there are lines.
    pub(super) fn down(&mut self, lines: usize, ear: &mut Ear) {
        for _ in 0..lines.min(self.below.len()) {
            self.step_down(ear);
        }
    }

    /// A line ends. If it is the last one, it and those above it are told.
    pub(super) fn end_line(&mut self, ear: &mut Ear) {
        if self.step_down(ear) {
            return;
        }
        let counts = self.counts();
        self.tell_above(ear);
        self.had_bars = self.had_bars << 1 | u32::from(self.here.shows_bar());
        self.here.end(counts, ear);
    }

    /// Nothing more comes: all of them are told.
    pub(super) fn finish(&mut self, ear: &mut Ear) {
        let counts = self.counts();
        self.tell_above(ear);
        self.here.finish(counts, ear);
        while let Some(mut row) = self.below.pop() {
            row.finish(false, ear);
        }
        *self = Self::default();
    }

    fn step_down(&mut self, ear: &mut Ear) -> bool {
        let Some(below) = self.below.pop() else { return false };
        self.leave(ear);
        self.above.push(std::mem::replace(&mut self.here, below));
        self.here.come_back();
        true
    }

    /// The cursor leaves the line at which it is.
    fn leave(&mut self, ear: &mut Ear) {
        if self.here.is_unread() {
            let counts = self.counts();
            self.here.read_bar(counts, ear);
        }
    }

    fn tell_above(&mut self, ear: &mut Ear) {
        for mut row in std::mem::take(&mut self.above) {
            self.had_bars = self.had_bars << 1 | u32::from(row.shows_bar());
            row.finish(false, ear);
        }
    }
}
