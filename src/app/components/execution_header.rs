//! The head of an execution: what it is, how far, and what is done about it.

use leptos::{either::Either, prelude::*};
use serde_json::Value;

use super::{
    execution_reading::ExecutionReading,
    moment::{Moment, clock, hydrated, unusual},
    progress_bar::{ProgressBar, tenth},
    rerun_button::{Part, RerunButton, can_go_on},
    status_badge::{Sign, StatusBadge, StatusIcon},
    stop_button::StopButton,
};
use crate::{
    app::{rows::trigger_word, run::Run, travel::Past},
    browser::page,
    domain::{
        event::{Source, Trigger},
        execution::{Execution, Status},
        id::ExecutionId,
        time::spoken,
    },
};

/// Where one goes through the past.
const SCRUBBER: &str = ".time-scrubber input";

/// The head of an execution's page.
#[component]
pub fn ExecutionHeader(
    /// Whose head it is.
    run: Run,
) -> impl IntoView {
    let execution = run.shown;
    let status = Memo::new(move |_| execution.with(|execution| execution.status));
    let percent = Memo::new(move |_| execution.with(|execution| tenth(execution.percent)));
    let sign = Signal::derive(move || Sign::from(status.get()));
    let name = execution.with_untracked(|execution| execution.workflow.to_string());
    // Of what failed the bar says how far it came; a large number would only say it louder. What it was before it failed
    // is told in the place of the error, so that nothing moves.
    let reads = Memo::new(move |_| !run.closed.get() || run.execution.with(|execution| execution.error.is_none()));
    let past = move || run.moment.with(Option::is_some).then_some("");
    view! {
        <header class="execution-header" data-past=past>
            <div data-part="title">
                <StatusIcon sign percent size="large" mute=true/>
                <h1>{name}</h1>
                <dl data-part="facts">
                    <div>
                        <dt class="visually-hidden">"Status"</dt>
                        <dd><StatusBadge sign/></dd>
                    </div>
                    <Facts run/>
                </dl>
                <Actions run/>
            </div>
            <Then run/>
            <Show when=move || reads.get()>
                <ExecutionReading run/>
            </Show>
            <ProgressBar execution size="hero"/>
            <Said execution/>
        </header>
    }
}

/// What can be done with it now, also while its past is shown.
#[component]
fn Actions(run: Run) -> impl IntoView {
    let execution = run.execution;
    let over = Memo::new(move |_| run.has_ended());
    let elsewhere = execution.with_untracked(|execution| execution.trigger == Trigger::External);
    // Where the error is told, so is the way on from it.
    let go_on = move || run.kept.get() && execution.with(|execution| execution.error.is_none() && can_go_on(execution));
    let again = move || {
        (!elsewhere).then(|| {
            view! {
                {move || go_on().then(|| view! { <RerunButton execution part=Part::Failed/> })}
                <RerunButton execution part=Part::All/>
            }
        })
    };
    view! {
        <div data-part="actions">
            <Show when=move || !over.get() fallback=again>
                <StopButton execution/>
            </Show>
        </div>
    }
}

/// That the page shows the past, or can't, in words.
#[component]
fn Then(run: Run) -> impl IntoView {
    let hydrated = hydrated();
    let back = move || {
        view! {
            <button class="button" type="button" on:click=move |_| run.go_live()>
                {move || if run.has_ended() { "Back to the end" } else { "Back to live" }}
            </button>
        }
    };
    let again = move |_| {
        run.try_again();
        page::focus_first(SCRUBBER);
    };
    move || match (run.travel.past.get(), run.moment.get()) {
        (Past::Failed(problem), moment) => Some(Either::Left(view! {
            <p data-part="then" role="alert">
                <span>{format!("The past can't be shown: {}", problem.title)}</span>
                <button class="button" type="button" on:click=again>"Try again"</button>
                {moment.map(|_| back())}
            </p>
        })),
        (_, Some(moment)) => Some(Either::Right(view! {
            <p data-part="then">
                <span>
                    "As it was at " <strong>{clock(moment.at, hydrated.get())}</strong> ": " {run.travel.what.get()}
                </span>
                {back()}
            </p>
        })),
        (_, None) => None,
    }
}

#[component]
fn Facts(run: Run) -> impl IntoView {
    let execution = run.shown;
    let fixed = execution.get_untracked();
    // How it ended keeps its place at a moment before that.
    let of_end = move || if run.closed.get() { run.execution.into() } else { execution };
    let by = Memo::new(move |_| of_end().with(|execution| execution.cancelled_by.clone()));
    let ended = Memo::new(move |_| of_end().with(|one| (one.status, one.finished_at, one.duration_ms)));
    let ahead = Memo::new(move |_| execution.with(|then| then.finished_at.is_none()));
    let ahead = move || ahead.get().then_some("");
    let after = move || {
        let (status, _, duration) = ended.get();
        duration.filter(|ms| *ms > 0 && !matches!(status, Status::Succeeded)).map(|ms| {
            view! { <div data-ahead=ahead><dt>"after"</dt><dd>{spoken(ms)}</dd></div> }
        })
    };
    let at =
        move || ended.get().1.map(|at| view! { <div data-ahead=ahead><dt>"ended"</dt><dd><Moment at/></dd></div> });
    let params = fixed.params.into_iter().map(|(name, given)| {
        let given = plain(given);
        view! { <div><dt>{name}</dt><dd><code title=given.clone()>{given.clone()}</code></dd></div> }
    });
    let reruns = move || {
        let reruns = run.reruns.get();
        (!reruns.is_empty()).then(|| {
            let links = reruns.into_iter().map(|id| view! { <Link id/> " " });
            view! { <div><dt>"repeated by"</dt><dd>{links.collect_view()}</dd></div> }
        })
    };
    view! {
        {after}
        <div><dt>"owner"</dt><dd>{fixed.owner.to_string()}</dd></div>
        <div><dt>"trigger"</dt><dd>{trigger_word(fixed.trigger)}</dd></div>
        {fixed.rerun_of.map(|id| view! { <div><dt>"repeats"</dt><dd><Link id/></dd></div> })}
        <div><dt>"queued"</dt><dd><Moment at=fixed.queued_at/></dd></div>
        {at}
        {move || by.get().map(|by| view! { <div data-ahead=ahead><dt>"cancelled by"</dt><dd>{by.to_string()}</dd></div> })}
        {reruns}
        {params.collect_view()}
    }
}

#[component]
fn Link(id: ExecutionId) -> impl IntoView {
    view! { <a href=format!("/executions/{id}")><code>{id.short()}</code></a> }
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What the steps at work say, and how the percent is known.
#[component]
fn Said(execution: Signal<Execution>) -> impl IntoView {
    let said = Memo::new(move |_| {
        execution.with(|execution| {
            let step = execution.running().next()?;
            let at = execution.steps.iter().position(|one| one.id == step.id)? + 1;
            let source = match step.source {
                Some(Source::Reported) => ", reported by the step",
                Some(Source::Parsed) => ", read off its output",
                Some(Source::Estimated) => ", estimated from its past runs",
                None => "",
            };
            let names: Vec<&str> = execution.running().map(|step| step.name.as_str()).collect();
            let of = execution.steps.len();
            let place = match names.len() {
                1 => format!("step {at} of {of}{source}"),
                several => format!("{several} of {of} steps at work"),
            };
            Some((names.join(", "), step.message.clone().unwrap_or_default(), place))
        })
    });
    let unusual = unusual(execution);
    view! {
        <p data-part="said">
            <span>
                {move || unusual.get().map(|unusual| view! { <em data-part="unusual">{unusual}</em> " " })}
                <strong>{move || said.get().map(|said| said.0)}</strong>
                " "
                {move || said.get().map(|said| said.1)}
            </span>
            <span>{move || said.get().map(|said| said.2)}</span>
        </p>
    }
}
