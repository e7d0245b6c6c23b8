//! What stands out in the output as a list: the first errors and warnings in their own words, each a way to its line.

use futures::future::join_all;
use leptos::prelude::*;

use super::{row::mark, tools::Go, view::View};
use crate::{
    app::{components::dialog::Dialog, log::Log},
    domain::{problem::Problem, size::spoken_number},
};

/// Most lines that are listed, the first ones.
const LISTED: usize = 100;
/// Lines whose words are asked for at the same time.
const AT_ONCE: usize = 4;

/// The button that opens the list.
#[component]
pub fn Listed(view: View) -> impl IntoView {
    let log = view.log;
    let open = RwSignal::new(false);
    let total = Memo::new(move |_| {
        log.marks.with(|marks| [&marks.errors, &marks.warnings].map(|places| places.before(log.end.get()).1))
    });
    let title = Signal::derive(move || {
        let [errors, warnings] = total.get();
        let of = |count, word: &str| match count {
            0 => None,
            1 => Some(format!("1 {word}")),
            count => Some(format!("{} {word}s", spoken_number(count))),
        };
        [of(errors, "error"), of(warnings, "warning")].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    view! {
        <Show when=move || total.get() != [0, 0]>
            <Go label="List errors and warnings" icon="list" go=move || open.set(true)/>
        </Show>
        <Dialog title open>
            <List view open total/>
        </Dialog>
    }
}

/// A line of the list: its number, whether it is an error, and what it says.
type Said = (u64, bool, String);

#[component]
fn List(view: View, open: RwSignal<bool>, total: Memo<[u64; 2]>) -> impl IntoView {
    let log = view.log;
    let said = RwSignal::new(Vec::<Said>::new());
    let problem = RwSignal::new(None::<Problem>);
    Effect::new(move || {
        let places = untrack(|| places(log));
        leptos::task::spawn_local(async move {
            for some in places.chunks(AT_ONCE) {
                let texts = join_all(some.iter().map(|(line, _)| log.text(*line..line + 1))).await;
                let new: Result<Vec<Said>, _> =
                    some.iter().zip(texts).map(|((line, error), text)| Ok((*line, *error, text?))).collect();
                match new {
                    // Nobody looks any more.
                    Ok(new) => {
                        if said.try_update(|said| said.extend(new)).is_none() {
                            return;
                        }
                    }
                    Err(wrong) => return drop(problem.try_set(Some(wrong))),
                }
            }
        });
    });
    let more = move || {
        let all = total.get().iter().sum::<u64>();
        (all > LISTED as u64).then(|| view! { <p>{format!("The first {LISTED} of {}.", spoken_number(all))}</p> })
    };
    let go = move |line| {
        open.set(false);
        log.go_to(line, line);
        mark(log, line, line);
        view.bring();
        view.focus();
    };
    view! {
        <ol data-part="listed" aria-busy=move || (said.with(Vec::is_empty) && problem.with(Option::is_none)).to_string()>
            <For each=move || said.get() key=|(line, ..)| *line let((line, error, text))>
                <li>
                    <button type="button" data-level=if error { "error" } else { "warning" } on:click=move |_| go(line)>
                        <span>{line + 1}</span>
                        <span class="visually-hidden">{if error { "Error: " } else { "Warning: " }}</span>
                        <code>{text.trim_end().to_owned()}</code>
                    </button>
                </li>
            </For>
        </ol>
        {more}
        {move || problem.get().map(|problem| view! { <p role="alert">{format!("Some can't be read: {problem}")}</p> })}
    }
}

/// The first lines that stand out, and whether each is an error.
fn places(log: Log) -> Vec<(u64, bool)> {
    let end = log.end.get();
    log.marks.with(|marks| {
        let of = |places: &[u64], error| places.iter().map(move |line| (*line, error)).collect::<Vec<_>>();
        let mut all = of(marks.errors.before(end).0, true);
        all.extend(of(marks.warnings.before(end).0, false));
        all.sort_unstable();
        all.truncate(LISTED);
        all
    })
}
