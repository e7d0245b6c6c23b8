//! The head of an execution: what it is, how far, how long still, and how it keeps up. The number is the hero.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    moment::{Moment, clock, elapsed, hydrated, unusual},
    progress_bar::{ProgressBar, source_word, tenth},
    rerun_button::{Part, RerunButton, can_go_on},
    status_badge::{Sign, StatusBadge, StatusIcon},
    stop_button::StopButton,
};
use crate::{
    app::{live, rows::trigger_word, run::Run},
    domain::{
        axis::expected_end,
        course::Course,
        event::{Source, Trigger},
        execution::{Execution, Status},
        id::ExecutionId,
        links::Links,
        pace::{Pace, Word},
        reading,
        time::spoken,
    },
};

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
    // Of what failed the bar says how far it came; a large number would only say it louder.
    let reads = move || matches!(status.get(), Status::Queued | Status::Running | Status::Succeeded);
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
            <Show when=reads>
                <Reading run status percent/>
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
    let go_on = move || execution.with(|execution| execution.error.is_none() && can_go_on(execution));
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

/// That the page shows the past, in words.
#[component]
fn Then(run: Run) -> impl IntoView {
    let hydrated = hydrated();
    let at = move || {
        let moment = run.moment.get()?;
        let (clock, what) = (clock(moment.at, hydrated.get()), run.travel.what.get());
        Some(view! {
            <p data-part="then">
                <span>"As it was at " <strong>{clock}</strong> ": " {what}</span>
                <button class="button" type="button" on:click=move |_| run.go_live()>
                    {move || if run.has_ended() { "Back to the end" } else { "Back to live" }}
                </button>
            </p>
        })
    };
    let problem = move || match run.travel.past.get() {
        crate::app::travel::Past::Failed(problem) => {
            Some(view! { <p data-part="then" role="alert">{problem.to_string()}</p> })
        }
        _ => None,
    };
    view! { {at} {problem} }
}

#[component]
fn Facts(run: Run) -> impl IntoView {
    let execution = run.shown;
    let fixed = execution.get_untracked();
    let by = Memo::new(move |_| execution.with(|execution| execution.cancelled_by.clone()));
    let ended = Memo::new(move |_| execution.with(|one| (one.status, one.finished_at, one.duration_ms)));
    let after = move || {
        let (status, _, duration) = ended.get();
        duration.filter(|ms| *ms > 0 && !matches!(status, Status::Succeeded)).map(|ms| {
            view! { <div><dt>"after"</dt><dd>{spoken(ms)}</dd></div> }
        })
    };
    let at = move || ended.get().1.map(|at| view! { <div><dt>"ended"</dt><dd><Moment at/></dd></div> });
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
        {move || by.get().map(|by| view! { <div><dt>"cancelled by"</dt><dd>{by.to_string()}</dd></div> })}
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

#[component]
fn Reading(run: Run, status: Memo<Status>, percent: Memo<f64>) -> impl IntoView {
    let execution = run.shown;
    let source = Memo::new(move |_| {
        let running = |execution: &Execution| execution.running().find_map(|step| step.source);
        execution.with(running).filter(|_| status.get() == Status::Running)
    });
    let guessed = move || if source.get() == Some(Source::Estimated) { "~" } else { "" };
    let number = move || if percent.get() >= 100.0 { "100".to_owned() } else { format!("{:.1}", percent.get()) };
    view! {
        <div data-part="reading">
            <span data-part="percent" data-source=move || source.get().map(source_word)>
                <data value=number>{guessed}{number}</data>
                <small>"%"</small>
            </span>
            <Time execution status/>
            <Keeping run/>
        </div>
    }
}

/// How long still, and when it will end; or how long it took.
#[component]
fn Time(execution: Signal<Execution>, status: Memo<Status>) -> impl IntoView {
    let (now, hydrated) = (live::now(), hydrated());
    let elapsed = elapsed(execution);
    let left = Memo::new(move |_| execution.with(reading::left));
    let strong = move || match (status.get(), left.get()) {
        (Status::Running, Some(left)) => left,
        _ => elapsed.get().unwrap_or_else(|| "not begun".to_owned()),
    };
    // Which clock is the reader's is known to the browser only.
    let ends = Memo::new(move |_| {
        let now = now.get()?;
        let [low, high] = execution.with(|execution| expected_end(execution, now))?.map(|at| clock(at, hydrated.get()));
        Some(if low == high { format!("ends at {low}") } else { format!("ends between {low} and {high}") })
    });
    let soft = move || match status.get() {
        Status::Queued => execution.with(reading::waits).unwrap_or_else(|| "waits for its turn".to_owned()),
        Status::Running if left.get().is_some() => ends.get().unwrap_or_default(),
        Status::Running => "so far".to_owned(),
        _ => "from beginning to end".to_owned(),
    };
    view! {
        <div data-part="elapsed">
            <strong>{strong}</strong>
            <span>{soft}</span>
        </div>
    }
}

/// How it keeps up with its usual run, and where the time went; nothing if that is not known, or if it is as usual.
#[component]
fn Keeping(run: Run) -> impl IntoView {
    let (execution, now) = (run.shown, live::now());
    let usual = run.usual.get_value();
    let (links, slots) = execution.with_untracked(|execution| {
        let steps = execution.steps.iter();
        let slots = usual.as_ref().map(|usual| usual.slots(steps.clone().map(|step| &step.id))).unwrap_or_default();
        (Links::new(steps.map(|step| (&step.id, step.needs.as_slice()))), slots)
    });
    let known = StoredValue::new((links, slots));
    let pace = Memo::new(move |_| {
        let now = now.get();
        execution.with(|execution| {
            let now = execution.finished_at.or(now).filter(|_| execution.error.is_none())?;
            let taken = now.since(execution.started_at?);
            let pace = known.with_value(|(links, slots)| {
                if slots.is_empty() {
                    return None;
                }
                let course = Course::of(execution, links, slots, now);
                Pace::of(execution, &course, slots, now)
            });
            pace.filter(|pace| !pace.is_usual(taken))
        })
    });
    let words = |pace: &Pace| {
        let words = pace.sentence().into_iter().map(|word| match word {
            Word::Text(text) => text.into_any(),
            Word::Step(step) => view! { <b>{step}</b> }.into_any(),
        });
        words.collect_view()
    };
    move || {
        pace.get().map(|pace| {
            view! {
                <div data-part="pace">
                    <strong>{pace.headline()}</strong>
                    <span>{words(&pace)}</span>
                </div>
            }
        })
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
