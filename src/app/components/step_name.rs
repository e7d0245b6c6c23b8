//! The name of a step, of which neither end is lost where there is no room for all of it: names of one kind differ in
//! their last letters.

use leptos::{either::Either, prelude::*};

/// How many of a long name's last letters are always seen.
const ENDING: usize = 8;

/// The name of a step.
#[component]
pub fn StepName(
    /// All of it.
    name: String,
) -> impl IntoView {
    let long = name.char_indices().rev().nth(ENDING - 1).map(|(at, _)| name.split_at(at));
    let Some((head, tail)) = long.filter(|(head, _)| head.chars().count() > ENDING) else {
        return Either::Left(view! { <span class="step-name">{name}</span> });
    };
    let (head, tail) = (head.to_owned(), tail.to_owned());
    Either::Right(view! {
        <span class="step-name">
            <span class="visually-hidden">{name}</span>
            <span aria-hidden="true">{head}</span>
            <span aria-hidden="true">{tail}</span>
        </span>
    })
}
