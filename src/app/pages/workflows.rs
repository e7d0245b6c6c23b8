//! All workflows: what each does, how it has been going, when it goes next.

use leptos::{either::Either, ev, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_navigate;

use crate::{
    app::{
        api,
        components::{
            icon::Icon,
            moment::{Moment, in_time},
            sparkline::Sparkline,
            status_badge::{Sign, StatusBadge, StatusIcon},
            trouble::Trouble,
            yaml_view::Sample,
        },
        flows::Flows,
        shell::Me,
    },
    domain::{
        listing::{PastRun, Statistics, WorkflowFolder, WorkflowView},
        schedule,
        time::spoken,
    },
};

/// From so many workflows on there is a box to look for one.
const MANY: usize = 8;

/// So many errors of a file are said in its row.
const ERRORS: usize = 2;

/// A file that works as it is, for a folder that is empty.
pub const EXAMPLE: &str = "\
description: Say hello, then count to ten
params:
  - name: who
    default: world
    description: Whom to greet
steps:
  - id: greet
    run: echo \"Hello, $WHO\"
  - id: count
    run: |
      for n in 1 2 3 4 5 6 7 8 9 10; do
        echo \"::progress $n/10\"
        sleep 1
      done
";

/// The page.
#[component]
pub fn Workflows() -> impl IntoView {
    let data = Resource::new(|| (), |()| api::folder());
    let content = move || {
        Suspend::new(async move {
            match data.await {
                Ok(folder) => Either::Left(view! { <Found folder/> }),
                Err(_) => Either::Right(view! { <Trouble/> }),
            }
        })
    };
    view! { <Title text="Workflows"/><Transition>{content}</Transition> }
}

#[component]
fn Found(folder: WorkflowFolder) -> impl IntoView {
    let flows = Flows::new(folder);
    flows.follow();
    let wanted = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = wanted.with(|text| text.trim().to_lowercase());
        flows.views.with(|views| views.iter().filter(|view| has(view, &wanted)).cloned().collect::<Vec<_>>())
    });
    let count = move || flows.views.with(|views| counted(views));
    view! {
        <div class="page-header">
            <h1>"Workflows"</h1>
            <p>{count}</p>
            <div data-part="actions">
                <a class="button" href="/check"><Icon name="file"/>"Check a file"</a>
            </div>
        </div>
        <Show when=move || { flows.views.with(Vec::len) > MANY }>
            <Search wanted found/>
        </Show>
        <Show when=move || !flows.views.with(Vec::is_empty) fallback=|| view! { <Nothing/> }>
            <table class="workflow-list" hidden=move || found.with(Vec::is_empty)>
                <caption class="visually-hidden">"Workflows that you may start"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Workflow"</th>
                        <th scope="col" data-part="runs">"Last runs"</th>
                        <th scope="col" data-part="rate" data-type="number">"Good"</th>
                        <th scope="col" data-part="usual" data-type="number">"Usually"</th>
                        <th scope="col" data-part="last">"Last run"</th>
                        <th scope="col" data-part="schedule">"Next"</th>
                        <th scope="col"><span class="visually-hidden">"Run"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || found.get() key=key let:view>
                        <WorkflowRow flows view/>
                    </For>
                </tbody>
            </table>
            <p hidden=move || !found.with(Vec::is_empty)>"No workflow has these words in its name or description."</p>
        </Show>
    }
}

/// What a row shows; the newest run has a signal of its own.
fn key(view: &WorkflowView) -> String {
    let recent: Vec<_> = view.recent.iter().map(|run| (run.status.word(), run.duration_ms)).collect();
    let next = view.next_runs.first().map(|at| at.0);
    format!(
        "{} {:?} {:?} {:?} {recent:?} {next:?} {} {}",
        view.name,
        view.description,
        view.errors,
        view.schedule,
        view.statistics.succeeded * 1000 + view.statistics.runs,
        view.steps.len()
    )
}

fn has(view: &WorkflowView, wanted: &str) -> bool {
    let described = view.description.as_deref().is_some_and(|text| text.to_lowercase().contains(wanted));
    view.name.as_str().contains(wanted) || described
}

/// `9, one with an error`.
fn counted(views: &[WorkflowView]) -> String {
    let all = views.len();
    match views.iter().filter(|view| !view.errors.is_empty()).count() {
        0 => all.to_string(),
        1 => format!("{all}, one with an error"),
        broken => format!("{all}, {broken} with an error"),
    }
}

#[component]
fn Search(wanted: RwSignal<String>, found: Memo<Vec<WorkflowView>>) -> impl IntoView {
    let navigate = use_navigate();
    let open = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let first = found.with_untracked(|found| found.first().map(|view| format!("/workflows/{}", view.name)));
        if let Some(address) = first {
            navigate(&address, Default::default());
        }
    };
    view! {
        <form class="filter-bar" role="search" aria-label="Find a workflow" on:submit=open>
            <label data-part="text">
                <Icon name="search"/>
                <span class="visually-hidden">"Name or description"</span>
                <input
                    type="search"
                    placeholder="Name or description"
                    autocomplete="off"
                    aria-describedby="found"
                    on:input=move |event| wanted.set(event_target_value(&event))
                />
            </label>
            <span id="found" class="visually-hidden" role="status">
                {move || format!("{} found; Enter opens the first", found.with(Vec::len))}
            </span>
        </form>
    }
}

#[component]
fn WorkflowRow(flows: Flows, view: WorkflowView) -> impl IntoView {
    let href = format!("/workflows/{}", view.name);
    let broken = (!view.errors.is_empty()).then_some("broken");
    let name = view.name.clone();
    let last = Memo::new(move |_| flows.last(&name));
    let Statistics { runs, succeeded, median_ms, .. } = view.statistics;
    let rate = (runs > 0).then(|| view! { {succeeded * 100 / runs.max(1)}<small>"%"</small> });
    let steps: Vec<String> = view.steps.iter().map(|step| step.name.clone()).collect();
    view! {
        <tr data-state=broken>
            <th scope="row" data-part="about" title=steps.join(", ")>
                <a href=href.clone()>{view.name.to_string()}</a>
                <About view=view.clone()/>
            </th>
            <td data-part="runs"><Sparkline runs=view.recent.clone()/></td>
            <td data-part="rate" data-type="number">{rate}</td>
            <td data-part="usual" data-type="number">{median_ms.map(spoken)}</td>
            <td data-part="last">{move || last.get().map(|run| view! { <Last run/> })}</td>
            <td data-part="schedule">
                {view.next_runs.first().map(|at| view! { <Moment at=*at/> })}
                <small>{schedule::words(&view.schedule, &view.timezone)}</small>
            </td>
            <td data-part="act">
                {view.runnable.then(|| view! {
                    <a class="button" href=href aria-label=format!("Run {}", view.name)><Icon name="play"/>"Run"</a>
                })}
            </td>
        </tr>
    }
}

/// What it does; of a broken file what is wrong with it, and what that means.
#[component]
fn About(view: WorkflowView) -> impl IntoView {
    if view.errors.is_empty() {
        let steps = match view.steps.len() {
            1 => "1 step".to_owned(),
            many => format!("{many} steps"),
        };
        let parts: Vec<String> = view.description.into_iter().chain([steps]).collect();
        return Either::Left(view! { <span data-part="does">{parts.join(" · ")}</span> });
    }
    let said = view.errors.iter().take(ERRORS).cloned().collect::<Vec<_>>().join("; ");
    let more = match view.errors.len() {
        ..=ERRORS => String::new(),
        many => format!("; and {} more", many - ERRORS),
    };
    let then = if view.runnable { "The last good version runs." } else { "It can't be run." };
    Either::Right(view! { <span data-part="error">{format!("{said}{more}. {then}")}</span> })
}

/// The newest run of a workflow.
#[component]
fn Last(run: PastRun) -> impl IntoView {
    let sign = Signal::stored(Sign::from(run.status));
    let at = run.finished_at.unwrap_or(run.queued_at);
    let ago = in_time(at);
    view! {
        <a href=format!("/executions/{}", run.id)>
            <StatusIcon sign mute=true/>
            <StatusBadge sign/>
        </a>
        <small>{ago}</small>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let me = Me::expect();
    let why = move || {
        Suspend::new(async move {
            if me.viewer().await.is_some_and(|viewer| viewer.is_admin()) {
                "Put a file into the workflows folder of the server; it appears here by itself. This one works as it is, as hello.yaml:"
            } else {
                "There is none that you may start. Whoever runs the server puts files into its workflows folder; they appear here by themselves. This one would work:"
            }
        })
    };
    view! {
        <div class="empty-state">
            <h2>"There is no workflow yet"</h2>
            <p><Transition>{why}</Transition></p>
            <Sample text=EXAMPLE name="hello.yaml"/>
            <div data-part="actions">
                <a class="button" href="/check"><Icon name="file"/>"Check a file of your own"</a>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::Workflow;

    #[test]
    fn the_example_works_as_it_is() {
        let workflow = Workflow::parse("hello.yaml", "hello", EXAMPLE).expect("a good file");
        assert_eq!(workflow.steps.len(), 2);
    }
}
