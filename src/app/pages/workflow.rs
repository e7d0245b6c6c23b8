//! One workflow: run it at the left, know it at the right.

use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::not_found::Missing;
use crate::{
    app::{
        api,
        components::{
            active_list::{Active, Ended},
            follow_button::FollowButton,
            history_bars::HistoryBars,
            moment::Moment,
            run_form::RunForm,
            trouble::Trouble,
        },
        rows::{Page, Rows},
    },
    domain::{
        event::PlannedStep,
        followed::Followed,
        listing::{Query, WorkflowView},
        time::{Timestamp, spoken},
    },
};

/// How many ended runs of it are shown.
const RECENT: usize = 10;

/// The page.
#[component]
pub fn WorkflowPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.read().get("name").unwrap_or_default());
    let data = Resource::new(move || name.get(), fetch);
    let content = move || {
        Suspend::new(async move {
            match data.await {
                Ok(Some((view, page))) => EitherOf3::A(view! { <Found workflow=view page/> }),
                Ok(None) => EitherOf3::B(view! { <Missing what="workflow"/> }),
                Err(_) => EitherOf3::C(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

async fn fetch(name: String) -> Result<Option<(WorkflowView, Page)>, ServerFnError> {
    let Some(view) = api::workflow(name).await? else { return Ok(None) };
    let page = Page::fetch(query(&view)).await?;
    Ok(Some((view, page)))
}

fn query(view: &WorkflowView) -> Query {
    Query { workflow: Some(view.name.clone()), limit: Some(RECENT), ..Query::default() }
}

#[component]
fn Found(workflow: WorkflowView, page: Page) -> impl IntoView {
    let rows = Rows::new(query(&workflow), page);
    rows.follow();
    let all = format!("/executions?workflow={}", workflow.name);
    let errors = workflow.errors.iter().cloned().map(|error| {
        view! { <div class="notice-bar" data-level="error" role="note"><strong>"The file is broken."</strong>{error}</div> }
    });
    let form = if workflow.runnable {
        leptos::either::Either::Left(view! { <RunForm workflow=workflow.clone()/> })
    } else {
        leptos::either::Either::Right(view! { <p>"It can be run once its file is mended."</p> })
    };
    view! {
        <Title text=workflow.name.to_string()/>
        <div class="page-header">
            <nav data-part="path" aria-label="Path">
                <a href="/workflows">"Workflows"</a>
                <span aria-hidden="true">"/"</span>
            </nav>
            <h1>{workflow.name.to_string()}</h1>
            <p>{workflow.description.clone()}</p>
            <div data-part="actions"><FollowButton what=Followed::Workflow(workflow.name.clone())/></div>
        </div>
        {errors.collect_view()}
        <div class="workflow-page">
            <section aria-label="Run it">{form}</section>
            <section aria-label="About it">
                <Numbers workflow=workflow.clone()/>
                {(!workflow.history.is_empty()).then(|| view! { <HistoryBars runs=workflow.history.clone()/> })}
                <Steps steps=workflow.steps.clone()/>
                <Active title="Running" rows=rows.running/>
                <Active title="Queued" rows=rows.queued/>
                <Ended rows/>
                <p class="pager"><a href=all>"All executions of it"</a></p>
                <p class="visually-hidden" role="status">{move || rows.said.get()}</p>
            </section>
        </div>
    }
}

#[component]
fn Numbers(workflow: WorkflowView) -> impl IntoView {
    let statistics = workflow.statistics;
    let of = format!("succeeded, of the last {}", statistics.runs);
    let numbers = (statistics.runs > 0).then(|| {
        view! {
            <div><dt>{of}</dt><dd>{statistics.succeeded}</dd></div>
            {statistics.median_ms.map(|ms| view! { <div><dt>"usually"</dt><dd>{spoken(ms)}</dd></div> })}
        }
    });
    view! {
        <dl class="stat-line">
            {numbers}
            {(!workflow.next_runs.is_empty()).then(|| view! {
                <div>
                    <dt>{format!("next, by {} {}", workflow.schedule.join(", "), workflow.timezone)}</dt>
                    <dd><NextRuns at=workflow.next_runs/></dd>
                </div>
            })}
            <div><dt>"file"</dt><dd><small>{workflow.file}</small></dd></div>
        </dl>
    }
}

/// The next time, and those after it beside it.
#[component]
fn NextRuns(at: Vec<Timestamp>) -> impl IntoView {
    let mut times = at.into_iter();
    let next = times.next().map(|at| view! { <Moment at/> });
    view! { {next} <small>{times.map(|at| view! { ", " <Moment at/> }).collect_view()}</small> }
}

#[component]
fn Steps(steps: Vec<PlannedStep>) -> impl IntoView {
    let rows = steps.into_iter().map(|step| {
        let needs: Vec<String> = step.needs.iter().map(ToString::to_string).collect();
        let after = (!needs.is_empty()).then(|| format!("after {}", needs.join(", ")));
        view! { <li><span>{step.name}</span><small>{after}</small></li> }
    });
    view! {
        <div class="section-heading"><h2>"Steps"</h2></div>
        <ol data-part="steps" aria-label="Steps">{rows.collect_view()}</ol>
    }
}
