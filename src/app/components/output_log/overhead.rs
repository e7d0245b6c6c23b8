//! The head of the lines at the top, where it has been scrolled away: whose lines these are must not be guessed.

use leptos::prelude::*;

use super::{row::head_name, view::View};
use crate::{
    app::log::{
        Log,
        place::{Place, above, at},
    },
    domain::{folds::Row, marks::Head},
};

#[component]
pub fn Overhead(view: View) -> impl IntoView {
    let log = view.log;
    let go = move |line| {
        log.show_head(line);
        view.focus();
    };
    let head = Memo::new(move |_| head_above(log));
    let words = move |head: &Head| log.shown.with_untracked(|execution| head_name(execution, head));
    move || {
        head.get().map(|head| {
            let title = "To where it begins";
            view! {
                <button
                    data-part="over"
                    type="button"
                    title=title
                    on:click=move |_| go(head.line)
                    on:wheel=move |event| view.scroll_by(event.delta_y())
                >
                    {words(&head)}
                </button>
            }
        })
    }
}

/// The head that the line at the top stands under; none if the head itself is there, or if it is not known which line is:
/// at the end of lines of many heights.
fn head_above(log: Log) -> Option<Head> {
    let sizes = log.sizes.get();
    let even = (sizes.row - sizes.line).abs() < 0.5;
    let place = match log.place.get() {
        Place::End if even => log.folds.with(|folds| at(above(Place::End, folds, sizes), folds, sizes)),
        place => place,
    };
    let Place::At(Row::Line(line), _) = place else { return None };
    if !log.has_heads() {
        return None;
    }
    log.marks.with(|marks| {
        let after = marks.heads.partition_point(|head| head.line <= line);
        marks.heads.get(after.checked_sub(1)?).cloned()
    })
}
