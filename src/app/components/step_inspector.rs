//! What the chosen step is doing, in a line; it heads the output below. Without one it is about all of them.

use leptos::prelude::*;

use super::{
    status_badge::{Sign, StatusIcon},
    step_shape::Shape,
};
use crate::domain::{
    execution::{Execution, StepStatus},
    id::StepId,
    reading::{earlier_attempts, note, rough},
    time::{spoken, ticking},
};

/// Most steps that are named as needs or followers; more are counted.
const NAMED_MAX: usize = 12;

/// The line.
#[component]
pub fn StepInspector(
    /// Whose chosen step it is about.
    shape: Shape,
) -> impl IntoView {
    let place = Memo::new(move |_| shape.chosen_place());
    view! {
        <section class="step-inspector" aria-label="Chosen step">
            {move || match place.get() {
                Some(place) => view! { <Chosen shape place/> }.into_any(),
                None => view! { <All shape/> }.into_any(),
            }}
        </section>
    }
}

/// About all of them.
#[component]
fn All(shape: Shape) -> impl IntoView {
    let said = Memo::new(move |_| shape.execution.with(counted));
    view! {
        <h3>"All steps"</h3>
        <p>{said}</p>
    }
}

/// `3 of 8 done, 1 running, 1 failed, 2 skipped`.
fn counted(execution: &Execution) -> String {
    let count = |is: &dyn Fn(StepStatus) -> bool| execution.steps.iter().filter(|step| is(step.status)).count();
    let done = count(&|status| status == StepStatus::Succeeded);
    let others =
        [StepStatus::Running, StepStatus::Retrying, StepStatus::Failed, StepStatus::TimedOut, StepStatus::Skipped];
    let others = others.into_iter().filter_map(|one| match count(&|status| status == one) {
        0 => None,
        some => Some(format!(", {some} {}", one.label().to_lowercase())),
    });
    format!("{done} of {} done{}", execution.steps.len(), others.collect::<String>())
}

#[component]
fn Chosen(shape: Shape, place: usize) -> impl IntoView {
    let (name, id) = untrack(|| shape.step(place, |step| (step.name.clone(), step.id.clone()))).unzip();
    let status = Memo::new(move |_| shape.step(place, |step| step.status).unwrap_or(StepStatus::Pending));
    let percent = Memo::new(move |_| shape.step(place, |step| step.percent.floor()).unwrap_or_default());
    let facts = Memo::new(move |_| facts(shape, place));
    let said =
        Memo::new(move |_| shape.step(place, |step| note(step, shape.slot(place), Some(shape.now.get())).line()));
    let attempts = Memo::new(move |_| shape.step(place, earlier_attempts).unwrap_or_default());
    let (needs, then) = shape.links.with_value(|links| {
        let of = |all: &[Vec<usize>]| all.get(place).cloned().unwrap_or_default();
        (of(&links.needs), of(&links.then))
    });
    let each = move || {
        facts.get().into_iter().map(|(term, value)| view! { <div><dt>{term}</dt><dd>{value}</dd></div> }).collect_view()
    };
    let told = move || {
        let attempts = attempts.get();
        (!attempts.is_empty()).then(|| view! {
            <ul data-part="attempts">{attempts.into_iter().map(|told| view! { <li>{told}</li> }).collect_view()}</ul>
        })
    };
    view! {
        <h3 title=id.map(|id: StepId| id.to_string())>
            <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent/>
            {name}
        </h3>
        <dl>
            {each}
            <Others shape term="needs" places=needs/>
            <Others shape term="then" places=then/>
        </dl>
        <button class="button" type="button" data-kind="quiet" on:click=move |_| shape.choose.run(None)>
            "All steps"
        </button>
        <p data-part="said">{move || said.get().filter(|said| !said.is_empty())}</p>
        {told}
    }
}

/// Steps that can be gone to.
#[component]
fn Others(shape: Shape, term: &'static str, places: Vec<usize>) -> impl IntoView {
    let count = places.len();
    let each = places.into_iter().take(NAMED_MAX).map(|place| {
        let name = untrack(|| shape.step(place, |step| step.name.clone())).unwrap_or_default();
        view! { <button type="button" on:click=move |_| shape.toggle(place)>{name}</button> }
    });
    let more = (count > NAMED_MAX).then(|| format!("and {} more", count - NAMED_MAX));
    (count > 0).then(|| view! { <div><dt>{term}</dt><dd>{each.collect_view()}{more}</dd></div> })
}

/// What is known of a step, as terms and values.
fn facts(shape: Shape, place: usize) -> Vec<(&'static str, String)> {
    let usual = shape.slot(place);
    let ahead = shape.course.with(|course| course.ahead.get(place).copied().flatten());
    let facts = shape.step(place, |step| {
        let now = shape.now.get();
        let attempt = (step.attempt > 0 && !step.reused).then(|| ("attempt", step.attempt.to_string()));
        let running = step.status == StepStatus::Running;
        let begun = step.started_at.filter(|_| running);
        let running_for = begun.map(|begun| ("running for", ticking(now.since(begun))));
        let left = ahead.filter(|_| running).map(|[from, to]| ("left", format!("about {}", rough(to.since(from)))));
        let took = step.duration_ms.filter(|_| step.status.is_final()).map(|ms| ("took", spoken(ms)));
        let usually = usual.map(|usual| ("usually", spoken(usual.duration_ms)));
        let lines = (step.lines > 0).then(|| ("lines", step.lines.to_string()));
        [attempt, running_for, left, took, usually, lines].into_iter().flatten().collect()
    });
    facts.unwrap_or_default()
}
