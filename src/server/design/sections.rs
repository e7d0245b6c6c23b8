//! The sections of the page, one for each kind of part.

use leptos::prelude::*;
use serde_json::json;

use super::samples::{self, SEEN};
use crate::{
    app::{
        components::{
            ended_list::EndedList,
            error_panel::ErrorPanel,
            execution_header::ExecutionHeader,
            execution_row::ExecutionRow,
            field::Field,
            history_chart::HistoryChart,
            icon::Icon,
            output_log::OutputLog,
            progress_bar::ProgressBar,
            result_table::ResultTable,
            sparkline::Sparkline,
            status_badge::{Sign, StatusBadge, StatusIcon},
            step_graph::StepGraph,
            step_shape::{Shape, StepShape, axis_of},
            time_scrubber::TimeScrubber,
            toast::ToastRegion,
            trouble::Trouble,
            yaml_view::Sample,
        },
        live::{Live, LiveState},
        rows::Row,
        run::Run,
        toasts::{Toast, Toasts},
    },
    domain::{
        event::{ExecutionResult, Source},
        execution::{Execution, Status, StepStatus},
        listing::Outcome,
        workflow::{Parameter, ParameterKind},
    },
};

/// What they are called, in their order.
pub const HEADINGS: [&str; 20] = [
    "Colour",
    "Type",
    "Status",
    "Progress",
    "Buttons",
    "Live light",
    "Fields",
    "Execution rows",
    "Just ended",
    "Execution header",
    "Timeline",
    "Graph",
    "Error",
    "Output",
    "Result",
    "History",
    "File",
    "Notices",
    "Empty",
    "Toasts",
];
const COLOURS: [&str; 26] = [
    "canvas",
    "surface",
    "sunken",
    "raised",
    "line",
    "line-strong",
    "control-line",
    "ghost",
    "track",
    "ink",
    "ink-soft",
    "ink-faint",
    "accent",
    "accent-fill",
    "accent-soft",
    "ok",
    "ok-fill",
    "danger",
    "danger-fill",
    "warn",
    "warn-fill",
    "odd",
    "odd-fill",
    "idle",
    "idle-fill",
    "hit",
];
const SIZES: [&str; 7] = ["xs", "s", "m", "l", "xl", "2xl", "hero"];
const STEPS: [StepStatus; 2] = [StepStatus::Pending, StepStatus::Retrying];
const FILE: &str = "name: nightly-backup\nschedule: \"15 2 * * *\"\ntimezone: Europe/Berlin\nsteps:\n  - id: dump\n    run: |\n      pg_dump \"$DATABASE\" | zstd > dump.zst # about two minutes\n";

/// All of them.
#[component]
pub fn Sections() -> impl IntoView {
    let all = [
        colours().into_any(),
        sizes().into_any(),
        statuses().into_any(),
        bars().into_any(),
        buttons().into_any(),
        lights().into_any(),
        fields().into_any(),
        rows().into_any(),
        ended().into_any(),
        header().into_any(),
        steps().into_any(),
        graph().into_any(),
        error().into_any(),
        output().into_any(),
        result().into_any(),
        history().into_any(),
        view! { <Sample text=FILE name="nightly-backup.yaml"/> }.into_any(),
        notices().into_any(),
        empty().into_any(),
        toasts().into_any(),
    ];
    HEADINGS
        .into_iter()
        .zip(all)
        .map(|(heading, part)| view! { <section><h2>{heading}</h2>{part}</section> })
        .collect_view()
}

fn colours() -> impl IntoView {
    let swatch = |name: &'static str| view! { <li><i style=format!("--of:var(--{name})")></i>{name}</li> };
    view! { <ul data-part="swatches">{COLOURS.map(swatch).collect_view()}</ul> }
}

fn sizes() -> impl IntoView {
    let size = |name: &'static str| {
        let style = format!("font-size:var(--text-{name})");
        view! { <div data-part="pair"><span>{name}</span><span style=style>"12 of 48 213 rows"</span></div> }
    };
    view! { <div data-part="rows">{SIZES.map(size).collect_view()}</div> }
}

fn statuses() -> impl IntoView {
    let signs = Status::ALL.map(Sign::from).into_iter().chain(STEPS.map(Sign::from));
    let one = |sign: Sign| view! { <span><StatusIcon sign=Signal::stored(sign) percent=40.0 mute=true/>" "<StatusBadge sign=Signal::stored(sign)/></span> };
    view! { <div data-part="set">{signs.map(one).collect_view()}</div> }
}

/// The run that is at work, with its percent from here and there.
fn from(source: Option<Source>, status: Status) -> Execution {
    let mut execution = samples::with(status);
    for step in &mut execution.steps {
        step.source = step.source.and(source);
    }
    execution
}

fn bars() -> impl IntoView {
    let bar = |(word, execution): (&'static str, Execution)| {
        let figure = format!("{:.0} %", execution.percent);
        view! { <div data-part="pair"><span>{word}</span><ProgressBar execution=Signal::stored(execution)/><span>{figure}</span></div> }
    };
    let all = [
        ("Each as it is", samples::with(Status::Running)),
        ("Reported", from(Some(Source::Reported), Status::Running)),
        ("Parsed", from(Some(Source::Parsed), Status::Running)),
        ("Estimated", from(Some(Source::Estimated), Status::Running)),
        ("Queued", samples::with(Status::Queued)),
        ("Succeeded", samples::with(Status::Succeeded)),
        ("Failed", samples::failed().execution),
        ("Cancelled", samples::with(Status::Cancelled)),
    ];
    view! { <div data-part="rows">{all.map(bar).into_iter().collect_view()}</div> }
}

fn buttons() -> impl IntoView {
    view! {
        <div data-part="set">
            <button class="button" type="button" data-kind="main"><Icon name="play"/>"Run"</button>
            <button class="button" type="button"><Icon name="rerun"/>"Rerun"</button>
            <button class="button" type="button" data-kind="quiet">"Quiet"</button>
            <button class="button" type="button" data-kind="quiet" aria-pressed="true">"Pressed"</button>
            <button class="button" type="button" data-kind="danger">"Remove"</button>
            <button class="button" type="button" disabled>"Disabled"</button>
            <button class="button" type="button" data-shape="square" data-kind="quiet" aria-label="Download"><Icon name="download"/></button>
            <kbd class="key">"Ctrl"</kbd>
            <kbd class="key">"K"</kbd>
        </div>
    }
}

/// A light for each state. The word of each stands in the light itself, so the parts that open are left out.
fn lights() -> impl IntoView {
    let states = [
        (LiveState::Live, "live", "In sync"),
        (LiveState::Connecting, "catching-up", "Catching up"),
        (LiveState::Reconnecting, "reconnecting", "Reconnecting"),
        (LiveState::Offline, "offline", "Offline"),
        (LiveState::Asking, "asking", "Up to date"),
        (LiveState::Still, "still", "Not live"),
    ];
    let seq = Live::expect().seq.get_untracked();
    let light = |(_, word, label): (LiveState, &'static str, &'static str)| {
        view! { <button class="live-light" type="button" data-state=word><i></i><span>{label}</span><data>{seq.to_string()}</data></button> }
    };
    view! { <div data-part="set">{states.map(light).into_iter().collect_view()}</div> }
}

fn fields() -> impl IntoView {
    let parameter = |name: &str, kind, default, choices: Vec<serde_json::Value>, about: &str| Parameter {
        name: name.to_owned(),
        kind,
        default,
        choices,
        description: Some(about.to_owned()),
    };
    let all = [
        (parameter("target", ParameterKind::String, None, vec![], "Where it goes"), None),
        (
            parameter("keep", ParameterKind::Integer, Some(json!(14)), vec![], "How many days"),
            Some("must be a whole number"),
        ),
        (parameter("dry", ParameterKind::Boolean, Some(json!(true)), vec![], "Only look"), None),
        (
            parameter(
                "level",
                ParameterKind::String,
                Some(json!("fast")),
                vec![json!("fast"), json!("small")],
                "Which way",
            ),
            None,
        ),
        (
            parameter(
                "day",
                ParameterKind::Integer,
                Some(json!(1)),
                (1..=9).map(|day| json!(day)).collect(),
                "Which day",
            ),
            None,
        ),
    ];
    let field = |(parameter, error): (Parameter, Option<&str>)| {
        let error = Signal::stored(error.map(str::to_owned));
        view! { <Field parameter error/> }
    };
    view! { <form class="run-form">{all.map(field).into_iter().collect_view()}</form> }
}

fn rows() -> impl IntoView {
    let mut calm = samples::with(Status::Running);
    calm.steps.retain(|step| !matches!(step.status, StepStatus::Retrying) && step.silent_since.is_none());
    let all = [samples::with(Status::Running), calm, samples::with(Status::Queued)];
    let row = |execution| view! { <ExecutionRow row=Row::new(execution, Some(SEEN))/> };
    view! { <ul>{all.map(row).into_iter().collect_view()}</ul> }
}

fn ended() -> impl IntoView {
    let all = [Status::Succeeded, Status::Cancelled, Status::TimedOut, Status::Interrupted].map(samples::with);
    let all: Vec<Execution> = all.into_iter().chain([samples::failed().execution]).collect();
    view! { <EndedList executions=Signal::stored(all)/> }
}

fn header() -> impl IntoView {
    view! { <ExecutionHeader run=Run::new(samples::running())/> }
}

fn steps() -> impl IntoView {
    let run = Run::new(samples::running());
    let (execution, usual) = (run.shown, run.usual.get_value());
    let now = Signal::stored(SEEN);
    let axis = axis_of(execution, usual.as_ref().map(|usual| usual.duration_ms), now);
    let (chosen, choose) = (Signal::stored(None), Callback::new(|_| ()));
    view! {
        <StepShape execution now axis usual chosen choose>
            <TimeScrubber run axis/>
        </StepShape>
    }
}

fn graph() -> impl IntoView {
    let run = Run::new(samples::running());
    let (execution, usual) = (run.shown, run.usual.get_value());
    let now = Signal::stored(SEEN);
    let axis = axis_of(execution, usual.as_ref().map(|usual| usual.duration_ms), now);
    let (chosen, choose) = (Signal::stored(None), Callback::new(|_| ()));
    view! { <StepGraph shape=Shape::new(execution, now, axis, usual.as_ref(), chosen, choose)/> }
}

fn error() -> impl IntoView {
    view! { <ErrorPanel run=Run::new(samples::failed())/> }
}

fn output() -> impl IntoView {
    view! { <OutputLog run=Run::new(samples::running())/> }
}

fn result() -> impl IntoView {
    let steps = samples::failed().execution.steps;
    let result: ExecutionResult = steps.into_iter().map(|step| (step.id, step.outputs)).collect();
    view! { <ResultTable result/> }
}

fn history() -> impl IntoView {
    let past = samples::past();
    let runs = past.iter().map(|run| Outcome { status: run.status, duration_ms: run.duration_ms }).collect();
    view! {
        <HistoryChart runs=Signal::stored(past) running=RwSignal::default() usual_ms=Signal::stored(Some(50_000))/>
        <Sparkline runs/>
    }
}

fn notices() -> impl IntoView {
    view! {
        <div data-part="rows">
            <div class="notice-bar"><strong>"The server does not answer."</strong>" This is how it was at 10:37:50."</div>
            <div class="notice-bar" data-level="error"><strong>"The file is broken."</strong>"Line 7: steps[1].needs names no step"</div>
        </div>
    }
}

fn empty() -> impl IntoView {
    view! {
        <div class="empty-state">
            <h3>"Nothing has run yet"</h3>
            <p>"Start a workflow from its page, or from a terminal. It appears here by itself."</p>
            <pre>"runcast start hello --follow"</pre>
        </div>
        <Trouble/>
    }
}

fn toasts() -> impl IntoView {
    let toast =
        |id, wrong, title: &str, more: &str| Toast { id, wrong, title: title.to_owned(), more: more.to_owned() };
    Toasts::expect().all.set(vec![
        toast(1, false, "grace can sign in now", ""),
        toast(2, true, "2 could not be cancelled", "They have ended already"),
    ]);
    view! { <ToastRegion/> }
}
