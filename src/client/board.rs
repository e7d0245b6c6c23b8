//! Lines at the bottom of the terminal that are drawn again and again, with text running off above them.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Most lines a board has; what would be more is counted.
pub const LINES_MAX: usize = 30;

/// The lines.
#[derive(Debug, Default)]
pub struct Board {
    drawn: MultiProgress,
    /// One for each line, at most [`LINES_MAX`] + 1.
    slots: Vec<ProgressBar>,
}

impl Board {
    /// Draws these lines instead of those before. Each is cut at the terminal's edge.
    pub fn show(&mut self, lines: &[String]) {
        while self.slots.len() > lines.len() {
            if let Some(slot) = self.slots.pop() {
                slot.finish_and_clear();
                self.drawn.remove(&slot);
            }
        }
        while self.slots.len() < lines.len() {
            let style = ProgressStyle::with_template("{wide_msg}").expect("it is a template");
            self.slots.push(self.drawn.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (slot, line) in self.slots.iter().zip(lines) {
            if slot.message() != *line {
                slot.set_message(line.clone());
            }
        }
    }

    /// Prints a line above.
    pub fn say(&self, line: &str) {
        // A terminal that can't be written to has nobody before it.
        let _ = self.drawn.println(line);
    }

    /// Leaves what is drawn as it is.
    pub fn leave(self) {
        self.slots.iter().for_each(ProgressBar::abandon);
        // The cursor still stands behind the last line.
        eprintln!();
    }

    /// Takes away what is drawn.
    pub fn clear(mut self) {
        self.show(&[]);
    }
}
