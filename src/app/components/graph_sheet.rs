//! The nodes of the graph, and the lines between them: few paths, each of many lines that look alike, so that a graph of
//! hundreds of steps costs little.

use leptos::prelude::*;

use super::{
    progress_bar::{source_word, tenth},
    status_badge::{Sign, StatusIcon},
    step_graph::Paper,
    step_name::StepName,
    step_shape::{Relation, Shape},
};
use crate::{
    browser::focus,
    domain::{
        event::Source,
        execution::{Step, StepStatus},
        layout::sheet::NODE_HEIGHT,
        reading::{figure, note},
    },
};

/// What lines look alike: how far what they lead to is, and whether they are on the critical path.
const LOOKS: [(&str, bool); 6] =
    [("ahead", false), ("done", false), ("live", false), ("ahead", true), ("done", true), ("live", true)];

/// All that is zoomed and moved.
#[component]
pub fn GraphSheet(
    /// The graph.
    paper: Paper,
) -> impl IntoView {
    let shape = paper.shape;
    let count = shape.links.with_value(|links| links.len());
    view! {
        <div data-part="space">
            <div
                data-part="sheet"
                style=move || format!("--node-wide:{};--node-high:{NODE_HEIGHT}", paper.sheet.with(|sheet| sheet.node))
                data-lit=move || shape.lit().map(|_| "")
                on:click=move |event| {
                    if let Some(place) = focus::place_of(&event) {
                        shape.toggle(place);
                    }
                }
                on:pointerover=move |event| shape.lit.set(focus::place_of(&event))
                on:pointerleave=move |_| shape.lit.set(None)
                on:focusin=move |event| {
                    if let Some(place) = focus::place_of(&event) {
                        paper.at.set(place);
                        shape.lit.set(Some(place));
                    }
                }
                on:focusout=move |_| shape.lit.set(None)
            >
                <Lines paper/>
                {(0..count).map(|place| view! { <Node paper place/> }).collect_view()}
            </div>
        </div>
    }
}

#[component]
fn Lines(paper: Paper) -> impl IntoView {
    let shape = paper.shape;
    let statuses = statuses(shape);
    let critical = Memo::new(move |_| shape.course.with(|course| course.critical.clone()));
    let looks = Memo::new(move |_| {
        let mut paths: [String; LOOKS.len()] = Default::default();
        let pairs: Vec<[usize; 2]> =
            critical.with(|chain| chain.windows(2).filter_map(|two| two.try_into().ok()).collect());
        statuses.with(|statuses| {
            paper.sheet.with(|sheet| {
                for line in &sheet.lines {
                    let state = state(statuses, line.from, line.to);
                    let look = (state, pairs.contains(&[line.from, line.to]));
                    if let Some(index) = LOOKS.iter().position(|one| *one == look) {
                        paths[index].push_str(&line.path);
                    }
                }
            });
        });
        paths
    });
    let lit = move || {
        let lit = shape.lit()?;
        let of = |from: usize, to: usize| from == lit || to == lit;
        Some(paper.sheet.with(|sheet| {
            sheet.lines.iter().filter(|line| of(line.from, line.to)).map(|line| line.path.as_str()).collect::<String>()
        }))
    };
    let paths = LOOKS.iter().enumerate().map(|(index, (state, critical))| {
        let path = move || looks.with(|looks| looks.get(index).cloned());
        view! { <path data-state=*state data-critical=critical.then_some("") d=path></path> }
    });
    let size = move || paper.sheet.with(|sheet| format!("0 0 {} {}", sheet.width, sheet.height));
    view! {
        <svg data-part="edges" viewBox=size aria-hidden="true">
            {paths.collect_view()}
            <path data-state="lit" d=lit></path>
        </svg>
    }
}

/// The statuses of all steps: they change rarely, and much is drawn by them.
pub fn statuses(shape: Shape) -> Memo<Vec<StepStatus>> {
    Memo::new(move |_| shape.execution.with(|execution| execution.steps.iter().map(|step| step.status).collect()))
}

/// How far what a line leads to is.
fn state(statuses: &[StepStatus], from: usize, to: usize) -> &'static str {
    let of = |place: usize| statuses.get(place).copied().unwrap_or(StepStatus::Pending);
    match of(to) {
        StepStatus::Running | StepStatus::Retrying => "live",
        StepStatus::Pending => "ahead",
        _ if of(from).is_final() => "done",
        _ => "ahead",
    }
}

/// All that a node shows of its step.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    status: StepStatus,
    percent: f64,
    source: Option<Source>,
    said: String,
}

impl Shown {
    fn of(step: &Step, shape: Shape, place: usize) -> Self {
        let working = matches!(step.status, StepStatus::Running | StepStatus::Retrying);
        let now = working.then(|| shape.now.get());
        let slot = shape.slot(place);
        let (figure, note) = (figure(step, slot, now), note(step, slot, now));
        let said = match step.status {
            StepStatus::Running => {
                [Some(figure), note.mark.or(note.text)].into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            StepStatus::Pending => figure,
            StepStatus::Succeeded if !step.reused => figure,
            _ => note.line(),
        };
        let source = step.source.filter(|_| step.status == StepStatus::Running);
        Self { status: step.status, percent: tenth(step.percent), source, said }
    }
}

#[component]
fn Node(paper: Paper, place: usize) -> impl IntoView {
    let shape = paper.shape;
    let shown = Memo::new(move |_| shape.step(place, |step| Shown::of(step, shape, place)));
    let status =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map_or(StepStatus::Pending, |shown| shown.status)));
    let percent = Memo::new(move |_| shown.with(|shown| shown.as_ref().map_or(0.0, |shown| shown.percent)));
    let source = Memo::new(move |_| shown.with(|shown| shown.as_ref()?.source));
    let name = untrack(|| shape.step(place, |step| step.name.clone())).unwrap_or_default();
    let title = name.clone();
    let spot = move || {
        let [x, y] = paper.sheet.with(|sheet| sheet.nodes.get(place).copied()).unwrap_or_default();
        format!("--x:{x};--y:{y}")
    };
    let bar =
        move || {
            let working = matches!(status.get(), StepStatus::Running | StepStatus::Retrying);
            working.then(|| view! {
            <span class="progress-bar" data-status=move || status.get().word() data-size="thin" aria-hidden="true">
                <span
                    data-status=move || status.get().word()
                    data-source=move || source.get().map(source_word)
                    style=move || format!("--value:{}", percent.get())
                ></span>
            </span>
        })
        };
    // A node that has nothing to say has two lines for its name.
    let said =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.said.clone())).unwrap_or_default());
    let is_quiet = Memo::new(move |_| said.with(String::is_empty));
    let words = move || (!is_quiet.get()).then(|| view! { <small>{move || said.get()}</small> });
    view! {
        <button
            type="button"
            data-part="node"
            data-place=place.to_string()
            data-status=move || status.get().word()
            data-relation=move || shape.relation(place).map(Relation::word)
            aria-pressed=move || shape.is_chosen(place).to_string()
            tabindex=move || if paper.at.get() == place { "0" } else { "-1" }
            title=title
            style=spot
        >
            <StatusIcon sign=Signal::derive(move || Sign::from(status.get())) percent/>
            <StepName name/>
            {words}
            {bar}
        </button>
    }
}
