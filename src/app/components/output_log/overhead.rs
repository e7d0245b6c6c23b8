//! The head of the lines at the top, where it has been scrolled away: whose lines these are must not be guessed.

use leptos::prelude::*;

use super::row::head_name;
use crate::{
    app::log::{
        Log,
        place::{Place, above, at},
    },
    domain::{folds::Row, marks::Head},
};

#[component]
pub fn Overhead(log: Log) -> impl IntoView {
    let head = Memo::new(move |_| head_above(log));
    let words = move |head: &Head| log.shown.with_untracked(|execution| head_name(execution, head));
    move || {
        head.get().map(|head| {
            let title = "To where it begins";
            view! {
                <button data-part="over" type="button" title=title on:click=move |_| log.show_head(head.line)>
                    {words(&head)}
                </button>
            }
        })
    }
}

/// The head that the line at the top stands under; none if the head itself is there.
fn head_above(log: Log) -> Option<Head> {
    let top = log.folds.with(|folds| {
        let sizes = log.sizes.get();
        at(above(log.place.get(), folds, sizes), folds, sizes)
    });
    let Place::At(Row::Line(line), _) = top else { return None };
    if !log.has_heads() {
        return None;
    }
    log.marks.with(|marks| {
        let after = marks.heads.partition_point(|head| head.line <= line);
        marks.heads.get(after.checked_sub(1)?).cloned()
    })
}
