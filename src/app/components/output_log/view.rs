//! What scrolls: it tells the log where the reader went, and goes where the log says. The rows lie in a pane that stays
//! in view, so the scroll position decides nothing but the bar's place; see [`crate::app::log::place`].

use std::time::Duration;

use leptos::{html, prelude::*};

use crate::{
    app::log::{
        Log,
        place::{self, ALL, Place},
    },
    browser::{sizes as drawn_sizes, time},
};

/// How long nobody scrolls before the bar is put where it belongs, milliseconds.
const PAUSE: u64 = 160;

/// The part of a log that is drawn. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Of which log.
    pub log: Log,
    /// What scrolls.
    pub scroller: NodeRef<html::Div>,
    /// What is as tall as all rows are.
    pub sheet: NodeRef<html::Div>,
    /// What holds the rows.
    pub block: NodeRef<html::Div>,
    /// The rows that are drawn.
    pub drawn: Memo<std::ops::Range<u64>>,
    /// How many pixels of them are above the view.
    pub lift: Signal<f64>,
    wrap: RwSignal<bool>,
    /// The same, measured, where rows are of many heights.
    measured: RwSignal<f64>,
    /// Where the bar was last.
    top: StoredValue<i32>,
    /// Counts what moved it.
    turn: StoredValue<u64>,
}

impl View {
    /// A view of a log.
    pub fn new(log: Log, wrap: RwSignal<bool>) -> Self {
        let drawn = Memo::new(move |_| log.folds.with(|folds| place::drawn(log.place.get(), folds, log.sizes.get())));
        let measured = RwSignal::new(0.0);
        let lift = Signal::derive(move || match log.place.get() {
            Place::End => 0.0,
            Place::At(..) if wrap.get() => measured.get(),
            Place::At(row, offset) => {
                let row = log.folds.with(|folds| folds.find(row)).unwrap_or(0);
                row.saturating_sub(drawn.get().start) as f64 * log.sizes.get().row + offset
            }
        });
        let view = Self {
            log,
            scroller: NodeRef::new(),
            sheet: NodeRef::new(),
            block: NodeRef::new(),
            drawn,
            lift,
            wrap,
            measured,
            top: StoredValue::new(0),
            turn: StoredValue::new(0),
        };
        view.keep();
        view
    }

    /// Keeps sizes, lines and the bar as they should be.
    fn keep(self) {
        let log = self.log;
        Effect::new(move || {
            self.wrap.track();
            untrack(|| self.measure(true));
            leptos::task::spawn_local(async move {
                // By then lines are as they were told to be.
                time::frame().await;
                self.measure(true);
                self.scrolled();
                self.sync();
            });
        });
        Effect::new(move || {
            if let (Some(scroller), Some(sheet)) = (self.scroller.get(), self.sheet.get()) {
                drawn_sizes::watch(&scroller, move || self.measure(true));
                drawn_sizes::watch(&sheet, move || self.grown());
            }
        });
        Effect::new(move || {
            log.end.track();
            let lines = self.drawn.get();
            let lines = log.folds.with(|folds| lines.filter_map(|row| folds.row(row)).collect::<Vec<_>>());
            untrack(|| log.want(lines.into_iter().map(|row| row.line())));
        });
        Effect::new(move || {
            log.folds.track();
            log.sizes.track();
            untrack(|| self.stretch());
        });
        Effect::new(move || {
            log.moved.track();
            untrack(|| self.sync());
        });
        Effect::new(move || {
            self.drawn.track();
            log.came.track();
            log.place.track();
            if self.wrap.get() {
                leptos::task::spawn_local(async move {
                    self.measure_lift();
                    time::frame().await;
                    self.measure_lift();
                });
            }
        });
    }

    /// Takes the sizes as they are now; of wrapped rows the height on average, if `rows` are to be measured as well.
    fn measure(self, rows: bool) {
        let Some(scroller) = self.scroller.try_get_untracked().flatten() else { return };
        let mut sizes = self.log.sizes.get_untracked();
        sizes.view = f64::from(scroller.client_height()).max(1.0);
        sizes.line = drawn_sizes::line_height(&scroller).unwrap_or(sizes.line);
        if !self.wrap.get_untracked() {
            sizes.row = sizes.line;
        } else if rows && let Some(block) = self.block.try_get_untracked().flatten() {
            let heights = drawn_sizes::heights(&block);
            if !heights.is_empty() {
                sizes.row = heights.iter().sum::<f64>() / heights.len() as f64;
            }
        }
        if sizes != self.log.sizes.get_untracked() {
            self.log.sizes.set(sizes);
        }
    }

    /// Where rows are of many heights, those above the view must be measured.
    fn measure_lift(self) {
        let (Some(Some(block)), Some(drawn)) = (self.block.try_get_untracked(), self.drawn.try_get_untracked()) else {
            return;
        };
        let log = self.log;
        if let Place::At(row, offset) = log.place.get_untracked() {
            let row = log.folds.with_untracked(|folds| folds.find(row)).unwrap_or(0);
            let above = usize::try_from(row.saturating_sub(drawn.start)).unwrap_or(0);
            let heights = drawn_sizes::heights(&block);
            let offset = heights.get(above).map_or(offset, |height| offset.min(*height));
            let lift = heights.iter().take(above).sum::<f64>() + offset;
            if lift.total_cmp(&self.measured.get_untracked()).is_ne() {
                self.measured.set(lift);
            }
        }
        // Where all rows are drawn, what is measured is exact.
        if log.folds.with_untracked(|folds| folds.rows()) <= ALL {
            self.measure(true);
        }
    }

    /// The reader scrolled. What this page itself did is known by where it left the bar.
    pub fn scrolled(self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (top, before) = (scroller.scroll_top(), self.top.get_value());
        if top == before {
            return;
        }
        self.top.set_value(top);
        let log = self.log;
        let (folds, sizes) = (log.folds.get_untracked(), log.sizes.get_untracked());
        let by = f64::from(top - before);
        let place = if top + scroller.client_height() + 1 >= scroller.scroll_height() {
            Place::End
        } else if top <= 0 {
            place::at(0.0, &folds, sizes)
        } else if by.abs() <= 2.0 * sizes.view {
            self.moved_by(by)
        } else {
            place::at(sizes.from_scroll(folds.rows(), f64::from(top)), &folds, sizes)
        };
        log.place.set(place);
        self.settle();
    }

    fn moved_by(self, by: f64) -> Place {
        let log = self.log;
        let (folds, sizes, here) = (log.folds.get_untracked(), log.sizes.get_untracked(), log.place.get_untracked());
        let block = self.block.get_untracked().filter(|_| self.wrap.get_untracked());
        let Some(block) = block else { return place::at(place::above(here, &folds, sizes) + by, &folds, sizes) };
        let (heights, first) = (drawn_sizes::heights(&block), self.drawn.get_untracked().start);
        let above = match here {
            Place::End => heights.iter().sum::<f64>() - sizes.view,
            Place::At(..) => self.measured.get_untracked(),
        };
        place::among(&heights, first, above + by, &folds, sizes)
    }

    /// Puts the bar where it belongs once nobody has scrolled for a while.
    fn settle(self) {
        self.turn.update_value(|turn| *turn += 1);
        let turn = self.turn.get_value();
        leptos::task::spawn_local(async move {
            time::sleep(Duration::from_millis(PAUSE)).await;
            if self.turn.try_get_value() == Some(turn) {
                self.measure(true);
                self.scrolled();
                self.sync();
            }
        });
    }

    /// The rows have become more or fewer, or higher: the end stays in view if it was, and else what was there. Called
    /// after the layout, since each question for a place before it would cost one of its own.
    fn grown(self) {
        let Some(Some(scroller)) = self.scroller.try_get_untracked() else { return };
        // What is shorter than before takes the bar up by itself; anything else is the reader's doing.
        let lowest = scroller.scroll_height() - scroller.client_height();
        if scroller.scroll_top().abs_diff(self.top.get_value().min(lowest)) > 1 {
            self.scrolled();
        }
        if self.log.place.get_untracked() == Place::End {
            scroller.set_scroll_top(scroller.scroll_height());
            self.top.set_value(scroller.scroll_top());
        } else {
            self.top.set_value(scroller.scroll_top());
            self.settle();
        }
    }

    /// Puts the bar where it belongs. Where the reader may have scrolled meanwhile, see to that first: the bar does not
    /// tell it afterwards.
    fn sync(self) {
        self.stretch();
        let (Some(scroller), Some(place)) = (self.scroller.get_untracked(), self.log.place.try_get_untracked()) else {
            return;
        };
        let (folds, sizes) = (self.log.folds.get_untracked(), self.log.sizes.get_untracked());
        let top = match place {
            Place::End => scroller.scroll_height(),
            Place::At(..) => whole(sizes.to_scroll(folds.rows(), place::above(place, &folds, sizes))),
        };
        if (scroller.scroll_top() - top).abs() > 1 {
            scroller.set_scroll_top(top);
        }
        self.top.set_value(scroller.scroll_top());
    }

    /// Brings what scrolls into the window, once it is as large as it will be.
    pub fn bring(self) {
        leptos::task::spawn_local(async move {
            time::frame().await;
            time::frame().await;
            if let Some(Some(scroller)) = self.scroller.try_get_untracked() {
                drawn_sizes::bring_into_view(&scroller);
            }
        });
    }

    /// Gives the focus to what scrolls, once what had it is gone.
    pub fn focus(self) {
        leptos::task::spawn_local(async move {
            time::frame().await;
            if let Some(Some(scroller)) = self.scroller.try_get_untracked() {
                let _ = scroller.focus();
            }
        });
    }

    /// Scrolls by so many pixels.
    pub fn scroll_by(self, pixels: f64) {
        if let Some(scroller) = self.scroller.get_untracked() {
            scroller.set_scroll_top(scroller.scroll_top() + whole(pixels));
        }
    }

    fn stretch(self) {
        let Some(sheet) = self.sheet.try_get_untracked().flatten() else { return };
        let rows = self.log.folds.with_untracked(|folds| folds.rows());
        let tall = self.log.sizes.get_untracked().scrolled(rows);
        // A browser that knows no heights scrolls nothing either.
        let _ = sheet.style(("block-size", format!("{tall}px")));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no taller than TALLEST")]
fn whole(pixels: f64) -> i32 {
    pixels.round() as i32
}
