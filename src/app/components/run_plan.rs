//! What pressing Run would mean, in a sentence: the wait, the length, the end. Only what is known and may be seen.

use leptos::{either::Either, prelude::*};

use super::moment::hydrated;
use crate::{
    app::{
        live::Live,
        rows::{Row, Rows},
        sheet::Sheet,
        shell::Me,
    },
    browser,
    domain::{
        id::Name,
        time::{Timestamp, lasting},
        workflow::turn::{Turn, turn},
    },
};

/// What can be said.
#[derive(Clone, Debug, PartialEq)]
struct Plan {
    turn: Turn,
    /// Whose run is at work, if it is one.
    whose: Option<Name>,
    /// How long one usually takes, in milliseconds.
    usual_ms: Option<u64>,
}

/// The sentence.
#[component]
pub fn RunPlan(
    /// What would be started.
    sheet: Sheet,
    /// The executions of that.
    rows: Rows,
) -> impl IntoView {
    let plan = Memo::new(move |_| {
        let (bound, usual_ms) = sheet.workflow.with(|workflow| (workflow.concurrency, workflow.statistics.median_ms));
        let left = |row: &Row| row.execution.with(|execution| execution.eta_ms);
        let at_work: Vec<Option<u64>> = rows.running.with(|rows| rows.iter().map(left).collect());
        let owner = |row: &Row| row.execution.with_untracked(|execution| execution.owner.clone());
        let whose = rows.running.with(|rows| match rows.as_slice() {
            [only] => Some(owner(only)),
            _ => None,
        });
        Plan { turn: turn(bound, &at_work, rows.queued.with(Vec::len), usual_ms), whose, usual_ms }
    });
    let bounded = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.concurrency.is_some()));
    view! {
        <p data-part="plan" id="run-plan">
            {move || plan.with(sentence)}
            <Show when=move || bounded.get()><Unseen/></Show>
        </p>
    }
}

fn sentence(plan: &Plan) -> impl IntoView + use<> {
    let whose = match &plan.whose {
        Some(name) => format!("{name}’s run"),
        None => "the runs before it".to_owned(),
    };
    let wait = match plan.turn {
        Turn::Waits(Some(ms)) => ms,
        _ => 0,
    };
    let begins = match plan.turn {
        Turn::Refused => {
            return Either::Left(
                view! { "It would be cancelled at once: "{whose}" is at work, and the file says that no other waits." },
            );
        }
        Turn::AtOnce => view! { "It would " }.into_any(),
        Turn::Waits(Some(ms)) => {
            view! { "It would wait about "<strong>{lasting(ms)}</strong>" for "{whose}", " }.into_any()
        }
        Turn::Waits(None) => view! { "It would wait for "{whose}", " }.into_any(),
        Turn::Replaces => view! { "It would cancel "{whose}", " }.into_any(),
    };
    let known = !matches!(plan.turn, Turn::Waits(None));
    let takes = match plan.usual_ms {
        Some(ms) => view! {
            "take about "<strong>{lasting(ms)}</strong>
            {known.then(|| view! { <End after=wait.saturating_add(ms)/> })}
            "."
        }
        .into_any(),
        None => view! { "begin. How long it takes is not known: none has succeeded yet." }.into_any(),
    };
    Either::Right(view! { {begins}{takes} })
}

/// When it would end; once the reader's clock can be asked.
#[component]
fn End(after: u64) -> impl IntoView {
    let (now, hydrated) = (Live::expect().now, hydrated());
    // To the minute, so that it does not tick.
    let at = Memo::new(move |_| Timestamp((now.get().0 + after as i64) / 60_000 * 60_000));
    move || {
        let at = at.get();
        hydrated.get().then(|| view! { " and end near "<strong>{browser::time::minute(at)}</strong> })
    }
}

/// Who is no admin does not see others' runs, so what was said is not all there may be.
#[component]
fn Unseen() -> impl IntoView {
    let me = Me::expect();
    let word = move || {
        Suspend::new(async move {
            let sees_all = me.viewer().await.is_none_or(|viewer| viewer.is_admin());
            (!sees_all).then_some(" Runs of others, which you can’t see, may come first.")
        })
    };
    view! { <Transition>{word}</Transition> }
}
