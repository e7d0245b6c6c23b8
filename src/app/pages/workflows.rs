//! All workflows: what each does, its steps, how it went last.

use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

use crate::{
    app::{
        components::{
            icon::Icon,
            moment::Moment,
            status_badge::{Sign, StatusBadge, StatusIcon},
            trouble::Trouble,
        },
        flows::Flows,
    },
    domain::listing::{PastRun, WorkflowView},
};

/// The page.
#[component]
pub fn Workflows() -> impl IntoView {
    let data = Resource::new(|| (), |()| Flows::fetch());
    let content = move || {
        Suspend::new(async move {
            match data.await {
                Ok((head, workflows)) => Either::Left(view! { <Found flows=Flows::new(head, workflows)/> }),
                Err(_) => Either::Right(view! { <Trouble/> }),
            }
        })
    };
    view! { <Title text="Workflows"/><Transition>{content}</Transition> }
}

#[component]
fn Found(flows: Flows) -> impl IntoView {
    crate::app::live::follow(flows);
    let empty = move || flows.views.with(Vec::is_empty);
    view! {
        <div class="page-header">
            <h1>"Workflows"</h1>
            <p>{move || flows.views.with(Vec::len)}</p>
        </div>
        <Show when=move || !empty() fallback=|| view! { <Nothing/> }>
            <table class="workflow-list">
                <caption class="visually-hidden">"Workflows that you may start"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Workflow"</th>
                        <th scope="col" data-part="steps">"Steps"</th>
                        <th scope="col" data-part="last">"Last run"</th>
                        <th scope="col"><span class="visually-hidden">"Run"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || flows.views.get() key=|view| view.name.clone() let:view>
                        <WorkflowRow flows view/>
                    </For>
                </tbody>
            </table>
        </Show>
    }
}

#[component]
fn WorkflowRow(flows: Flows, view: WorkflowView) -> impl IntoView {
    let href = format!("/workflows/{}", view.name);
    let broken = (!view.errors.is_empty()).then_some("broken");
    let names: Vec<String> = view.steps.iter().map(|step| step.name.clone()).collect();
    let errors =
        view.errors.iter().cloned().map(|error| view! { <span data-part="error">{error}</span> }).collect_view();
    let name = view.name.clone();
    let last = Memo::new(move |_| flows.last(&name));
    view! {
        <tr data-state=broken>
            <th scope="row" data-part="about">
                <a href=href.clone()>{view.name.to_string()}</a>
                <span>{view.description.clone()}</span>
                {view.next_runs.first().map(|at| view! { <span data-part="next">"next run " <Moment at=*at/></span> })}
                {errors}
            </th>
            <td data-part="steps" title=names.join(", ")>{view.runnable.then_some(names.len())}</td>
            <td data-part="last">{move || last.get().map(|run| view! { <Last run/> })}</td>
            <td data-part="act">
                {view.runnable.then(|| view! {
                    <a class="button" href=href aria-label=format!("Run {}", view.name)><Icon name="play"/>"Run"</a>
                })}
            </td>
        </tr>
    }
}

/// The newest run of a workflow.
#[component]
fn Last(run: PastRun) -> impl IntoView {
    let sign = Signal::stored(Sign::from(run.status));
    view! {
        <a href=format!("/executions/{}", run.id)>
            <StatusIcon sign mute=true/>
            <StatusBadge sign/>
        </a>
        " "
        <Moment at=run.finished_at.unwrap_or(run.queued_at)/>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="empty-state">
            <h2>"There is no workflow yet"</h2>
            <p>"Put a file into the workflows folder of the server; it appears here once it is read."</p>
            <pre>"steps:\n  - id: hello\n    run: echo Hello"</pre>
        </div>
    }
}
