//! The rows in view, and some around them.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    looks::{Looks, Times},
    row::{HeadRow, LineRow, WaitingRow, choose},
    view::View,
};
use crate::{
    app::{components::moment::hydrated, log::place::Place},
    domain::{
        folds::{Row, group_of},
        listing::LogLine,
        search::Needle,
    },
};

/// A row as it is drawn: if any of it changes, it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Drawn {
    /// What it shows.
    pub row: Row,
    /// Whether its line is here.
    pub here: bool,
    /// Whether the reader chose it.
    pub chosen: bool,
    /// Whether the reader is at it, of all that hold what is looked for.
    pub current: bool,
    /// What is marked in it.
    pub hit: Option<Needle>,
    /// How far it is moved in: under a head, in a group.
    pub depth: u8,
    /// Whether it belongs to another step than its head.
    pub stray: bool,
    /// Its time, in the form it is shown in.
    pub times: (Times, bool),
}

#[component]
pub fn Lines(view: View, looks: Looks) -> impl IntoView {
    let log = view.log;
    let local = hydrated();
    let rows = move || {
        log.came.track();
        let times = (looks.times.get(), local.get());
        let (drawn, folds) = (view.drawn.get(), log.folds.get());
        drawn.filter_map(|row| folds.row(row)).map(|row| one(view, row, times)).collect::<Vec<_>>()
    };
    let at_end = move || (log.place.get() == Place::End).to_string();
    // As long as nothing is measured the style sheet says it; a scroll bar takes some of that.
    let tall = move || local.get().then(|| format!("max-block-size:{}px", log.sizes.get().view));
    let lift = move || format!("transform:translateY({}px)", -view.lift.get());
    view! {
        <div
            data-part="lines"
            role="log"
            aria-live="off"
            aria-label="Lines"
            tabindex="0"
            node_ref=view.scroller
            on:scroll=move |_| view.scrolled()
        >
            <div data-part="sheet" node_ref=view.sheet>
                <div data-part="pane" style=tall>
                    <div
                        data-part="rows"
                        data-end=at_end
                        style=lift
                        node_ref=view.block
                        on:click=move |event| choose(log, &event)
                    >
                        <For each=rows key=|(drawn, _)| drawn.clone() let((drawn, line))>
                            {match (drawn.row, line) {
                                (Row::Head(at), _) => view! { <HeadRow log at/> }.into_any(),
                                (_, Some(line)) => view! { <LineRow log drawn line/> }.into_any(),
                                (Row::Line(n), None) => view! { <WaitingRow n/> }.into_any(),
                            }}
                        </For>
                    </div>
                </div>
            </div>
        </div>
    }
}

fn one(view: View, row: Row, times: (Times, bool)) -> (Drawn, Option<Arc<LogLine>>) {
    let log = view.log;
    let plain = Drawn { row, here: false, chosen: false, current: false, hit: None, depth: 0, stray: false, times };
    let Row::Line(n) = row else { return (plain, None) };
    let line = log.line(n);
    let chosen = log.chosen.with(|chosen| chosen.is_some_and(|(first, last)| (first..=last).contains(&n)));
    let (hit, current) = log.find.hits.with(|hits| {
        let holds = |needle: &&Needle| {
            line.as_ref().is_some_and(|line| needle.is_in(&crate::domain::ansi::plain(&line.line.text)))
        };
        (hits.needle.as_ref().filter(holds).cloned(), hits.current() == Some(n))
    });
    let (depth, stray) = log.marks.with(|marks| {
        let head = marks.heads.partition_point(|head| head.line <= n).checked_sub(1).and_then(|at| marks.heads.get(at));
        let head = head.filter(|_| log.has_heads());
        let group = group_of(n, head.map(|head| head.line), &marks.groups.lines, &marks.group_ends.lines);
        let stray = head.zip(line.as_ref()).is_some_and(|(head, line)| head.step != line.step);
        (u8::from(head.is_some()) + u8::from(group.is_some_and(|title| title < n)), stray)
    });
    (Drawn { here: line.is_some(), chosen, current, hit, depth, stray, ..plain }, line)
}
