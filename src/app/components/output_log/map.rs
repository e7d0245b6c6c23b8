//! The whole log at the right edge: errors, warnings, what was found, and where the reader is.

use leptos::{ev::MouseEvent, prelude::*};

use super::view::View;
use crate::{
    app::log::place::{self, Place},
    domain::{folds::Folds, marks::slots},
};

/// Parts of the map; marks in the same part are one.
const SLOTS: u64 = 120;

#[component]
pub fn Map(view: View) -> impl IntoView {
    let log = view.log;
    let marks = Memo::new(move |_| {
        log.folds.with(|folds| {
            let end = log.end.get();
            let of = |lines: &[u64], kind: &'static str| {
                let rows: Vec<u64> =
                    lines.iter().filter(|line| **line < end).filter_map(|line| folds.row_of(*line)).collect();
                slots(&rows, folds.rows(), SLOTS).into_iter().map(move |slot| (kind, slot)).collect::<Vec<_>>()
            };
            let mut all = log.find.hits.with(|hits| of(&hits.lines, "hit"));
            log.marks.with(|marks| {
                all.extend(of(&marks.warnings.lines, "warning"));
                all.extend(of(&marks.errors.lines, "error"));
            });
            all
        })
    });
    let each = move || {
        marks
            .get()
            .into_iter()
            .map(|(kind, slot)| {
                let at = slot as f64 / SLOTS as f64 * 100.0;
                view! { <i data-level=kind style=format!("--at:{at:.2}")></i> }
            })
            .collect_view()
    };
    let go = move |event: MouseEvent| {
        let (folds, sizes) = (log.folds.get_untracked(), log.sizes.get_untracked());
        let part = f64::from(event.offset_y()) / sizes.view.max(1.0);
        let above = part * sizes.tall(folds.rows()) - sizes.view / 2.0;
        let far = above >= sizes.lowest(folds.rows());
        log.place.set(if far { Place::End } else { place::at(above, &folds, sizes) });
        log.moved.notify();
    };
    view! {
        <div data-part="marks" aria-hidden="true" on:click=go>
            <span style=move || log.folds.with(|folds| here(view, folds))></span>
            {each}
        </div>
    }
}

/// Which part of all rows is in view, in percent.
fn here(view: View, folds: &Folds) -> String {
    let (sizes, place) = (view.log.sizes.get(), view.log.place.get());
    let tall = sizes.tall(folds.rows()).max(sizes.view);
    let from = (place::above(place, folds, sizes) / tall * 100.0).min(98.0);
    let to = (from + sizes.view / tall * 100.0).clamp(from + 1.0, 100.0);
    format!("--from:{from:.2};--to:{to:.2}")
}
