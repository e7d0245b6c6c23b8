//! Which part of a log is in view. What holds it is a row and a distance, not a scroll position: so the text stays where
//! it is while lines come, folds open and heights become known, and no height is too great for a browser.

use std::ops::Range;

use crate::domain::folds::{Folds, Row};

/// Up to so many rows all of them are drawn.
pub const ALL: u64 = 200;
/// Rows that are drawn above and below those in view. The pane stays in view by itself, so none is ever waited for; of
/// rows of many heights those that come next are measured ahead.
pub const OVER: u64 = 8;
/// Tallest that what scrolls is made, in pixels; browsers give up somewhere above 16 million.
pub const TALLEST: f64 = 8_000_000.0;

/// What is at the top of the view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// The end is in view, and stays so.
    End,
    /// This row, of which so many pixels are above the view.
    At(Row, f64),
}

/// The sizes of what scrolls, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Of the view.
    pub view: f64,
    /// Of a row; of one of several lines, on average.
    pub row: f64,
    /// Of a row of one line.
    pub line: f64,
}

impl Sizes {
    /// How many rows are in view, in part or whole.
    pub fn rows(self) -> u64 {
        whole(self.view / self.line.max(1.0)) + 2
    }

    /// How tall all rows are.
    pub fn tall(self, rows: u64) -> f64 {
        rows as f64 * self.row
    }

    /// How tall what scrolls is made.
    pub fn scrolled(self, rows: u64) -> f64 {
        self.tall(rows).min(TALLEST)
    }

    /// How far down that is when `above` pixels are above the view.
    pub fn to_scroll(self, rows: u64, above: f64) -> f64 {
        above * self.ratio(rows)
    }

    /// How many pixels are above the view when it was scrolled there.
    pub fn from_scroll(self, rows: u64, top: f64) -> f64 {
        top / self.ratio(rows)
    }

    /// How many pixels are above the view at its lowest.
    pub fn lowest(self, rows: u64) -> f64 {
        (self.tall(rows) - self.view).max(0.0)
    }

    fn ratio(self, rows: u64) -> f64 {
        if self.tall(rows) <= TALLEST { 1.0 } else { (TALLEST - self.view) / self.lowest(rows).max(1.0) }
    }
}

/// The rows that are drawn.
pub fn drawn(place: Place, folds: &Folds, sizes: Sizes) -> Range<u64> {
    let rows = folds.rows();
    if rows <= ALL {
        return 0..rows;
    }
    let first = match place {
        Place::End => rows.saturating_sub(sizes.rows()),
        Place::At(row, _) => folds.find(row).unwrap_or(0),
    };
    first.saturating_sub(OVER)..(first + sizes.rows() + OVER).min(rows)
}

/// How many pixels are above the view, if each row is as tall as the average.
pub fn above(place: Place, folds: &Folds, sizes: Sizes) -> f64 {
    match place {
        Place::End => sizes.lowest(folds.rows()),
        Place::At(row, offset) => folds.find(row).unwrap_or(0) as f64 * sizes.row + offset,
    }
}

/// The place where so many pixels are above the view.
pub fn at(above: f64, folds: &Folds, sizes: Sizes) -> Place {
    let lowest = sizes.lowest(folds.rows());
    let above = above.clamp(0.0, lowest);
    let row = whole(above / sizes.row.max(1.0)).min(folds.rows().saturating_sub(1));
    folds.row(row).map_or(Place::End, |shown| Place::At(shown, above - row as f64 * sizes.row))
}

/// The place that is `down` pixels below the top of the first of the rows that are drawn, whose heights are known.
pub fn among(heights: &[f64], first: u64, mut down: f64, folds: &Folds, sizes: Sizes) -> Place {
    if down < 0.0 {
        return at(first as f64 * sizes.row + down, folds, sizes);
    }
    let mut row = first;
    for height in heights {
        if down < *height {
            break;
        }
        down -= height;
        row += 1;
    }
    if row - first == heights.len() as u64 {
        return at(row as f64 * sizes.row + down, folds, sizes);
    }
    folds.row(row).map_or(Place::End, |shown| Place::At(shown, down))
}

/// What is whole of a number that is not below 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest number that fits"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::folds::Parts;

    const SIZES: Sizes = Sizes { view: 400.0, row: 20.0, line: 20.0 };

    fn plain(lines: u64) -> Folds {
        Folds::new(lines, &Parts::default(), |_| false)
    }

    #[test]
    fn few_rows_are_all_drawn_and_of_many_those_in_view() {
        assert_eq!(drawn(Place::End, &plain(ALL), SIZES), 0..ALL);
        assert_eq!(drawn(Place::End, &plain(1_000_000), SIZES), 999_970..1_000_000);
        assert_eq!(drawn(Place::At(Row::Line(500), 3.0), &plain(1_000), SIZES), 492..530);
    }

    proptest! {
        #[test]
        fn a_place_is_where_it_was_scrolled_to(lines in 1u64..3_000_000, part in 0.0..1.0f64) {
            let folds = plain(lines);
            let top = part * (SIZES.scrolled(lines) - SIZES.view).max(0.0);
            let place = at(SIZES.from_scroll(lines, top), &folds, SIZES);
            let again = SIZES.to_scroll(lines, above(place, &folds, SIZES));
            prop_assert!((again - top).abs() < 0.01, "{} and {}", top, again);
            prop_assert!(SIZES.scrolled(lines) <= TALLEST);
        }

        #[test]
        fn the_first_and_the_last_line_can_be_scrolled_to(lines in 1_000u64..3_000_000) {
            let folds = plain(lines);
            prop_assert_eq!(at(SIZES.from_scroll(lines, 0.0), &folds, SIZES), Place::At(Row::Line(0), 0.0));
            let lowest = SIZES.from_scroll(lines, SIZES.scrolled(lines) - SIZES.view);
            prop_assert!((lowest - SIZES.lowest(lines)).abs() < 0.01);
        }

        #[test]
        fn a_move_among_rows_of_any_height_is_that_move(
            heights in prop::collection::vec(20.0..90.0f64, 30..60), from in 0.0..300.0f64, by in 0.0..300.0f64,
        ) {
            let folds = plain(10_000);
            let down = |place: Place| match place {
                Place::At(Row::Line(line), offset) => heights.iter().take((line - 100) as usize).sum::<f64>() + offset,
                _ => f64::NAN,
            };
            let begin = among(&heights, 100, from, &folds, SIZES);
            let end = among(&heights, 100, down(begin) + by, &folds, SIZES);
            prop_assert!((down(end) - down(begin) - by).abs() < 0.001);
        }
    }
}
