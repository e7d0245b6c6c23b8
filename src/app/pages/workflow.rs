//! One workflow: run it at the left, know it at the right.

use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::not_found::Missing;
use crate::{
    app::{
        api,
        components::{
            active_list::Active,
            follow_button::FollowButton,
            history_chart::HistoryChart,
            moment::{Moment, in_time},
            plan_steps::PlanSteps,
            run_form::RunForm,
            trouble::Trouble,
            workflow_terms::WorkflowTerms,
            yaml_view::{YamlView, said},
        },
        rows::{Page, Rows},
        sheet::Sheet,
    },
    domain::{
        followed::Followed,
        listing::{Query, Statistics, WorkflowSheet, WorkflowView},
        schedule,
        time::{Timestamp, spoken},
    },
};

/// How many runs the chart shows at most.
const SHOWN: usize = 50;
/// How many ended runs of it are kept at hand.
const ENDED: usize = 10;

/// The page.
#[component]
pub fn WorkflowPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.read().get("name").unwrap_or_default());
    let data = Resource::new(move || name.get(), fetch);
    let content = move || {
        Suspend::new(async move {
            match data.await {
                Ok(Some((sheet, page))) => EitherOf3::A(view! { <Found sheet page/> }),
                Ok(None) => EitherOf3::B(view! { <Missing what="workflow"/> }),
                Err(_) => EitherOf3::C(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

async fn fetch(name: String) -> Result<Option<(WorkflowSheet, Page)>, ServerFnError> {
    let Some(sheet) = api::workflow(name).await? else { return Ok(None) };
    let page = Page::fetch(query(&sheet.workflow)).await?;
    Ok(Some((sheet, page)))
}

fn query(view: &WorkflowView) -> Query {
    Query { workflow: Some(view.name.clone()), limit: Some(ENDED), ..Query::default() }
}

#[component]
fn Found(sheet: WorkflowSheet, page: Page) -> impl IntoView {
    let rows = Rows::new(query(&sheet.workflow), page);
    rows.follow();
    let (followed, planned) = (sheet.workflow.name.clone(), sheet.workflow.name.clone());
    let name = sheet.workflow.name.to_string();
    let path = sheet.workflow.file.clone();
    let sheet = Sheet::new(sheet);
    sheet.follow(rows);
    let workflow = sheet.workflow;
    let description = move || workflow.with(|workflow| workflow.description.clone());
    let runnable = Memo::new(move |_| workflow.with(|workflow| workflow.runnable) && !sheet.gone.get());
    let steps = Memo::new(move |_| workflow.with(|workflow| workflow.steps.clone()));
    view! {
        <Title text=name.clone()/>
        <div class="page-header">
            <nav data-part="path" aria-label="Path">
                <a href="/workflows">"Workflows"</a>
                <span aria-hidden="true">"/"</span>
            </nav>
            <h1>{name.clone()}</h1>
            <p>{description}</p>
            <div data-part="actions"><FollowButton what=Followed::Workflow(followed)/></div>
        </div>
        <Broken sheet/>
        <div class="workflow-page">
            <section aria-label="Run it">
                <Show when=move || runnable.get() fallback=|| view! { <p>"It can be run once its file is mended."</p> }>
                    <RunForm sheet rows/>
                </Show>
            </section>
            <section aria-label="About it">
                <Numbers sheet/>
                <History sheet rows/>
                <Active title="Running" rows=rows.running more=rows.more/>
                <Active title="Queued" rows=rows.queued more=rows.more/>
                // Of a file that never could be read nothing is known.
                {move || (!steps.with(Vec::is_empty)).then(|| view! {
                    <PlanSteps workflow=planned.clone() steps=steps.get() usual=sheet.usual.get()/>
                    <Next sheet/>
                    <WorkflowTerms workflow/>
                })}
                <div class="section-heading"><h2>"File"</h2></div>
                <YamlView path name file=sheet.file/>
                <p class="visually-hidden" role="status">{move || rows.said.get()}</p>
            </section>
        </div>
    }
}

/// Says that the file is broken, what is wrong, and which version runs; or that it is gone.
#[component]
fn Broken(sheet: Sheet) -> impl IntoView {
    let errors = move || {
        let own =
            sheet.file.with(|file| file.errors.iter().map(|error| (Some(error.line), said(error))).collect::<Vec<_>>());
        if own.is_empty() {
            return sheet
                .workflow
                .with(|workflow| workflow.errors.iter().cloned().map(|error| (None, error)).collect());
        }
        own
    };
    let good = move || match sheet.file.with(|file| file.good_at) {
        Some(at) => view! { "The last good version runs, read "<Moment at/>"." }.into_any(),
        None => view! { "There is no good version since the server was started." }.into_any(),
    };
    let list = move || {
        errors()
            .into_iter()
            .map(|(line, error)| {
                let line = line.map(|line| view! { <a href=format!("#L{line}") rel="external">"Line "{line}</a>": " });
                view! { <span data-part="error">{line}{error}</span> }
            })
            .collect_view()
    };
    view! {
        <Show when=move || sheet.workflow.with(|workflow| !workflow.errors.is_empty())>
            <div class="notice-bar" data-level="error" role="note"><strong>"The file is broken."</strong>{list}<span>{good}</span></div>
        </Show>
        <Show when=move || sheet.gone.get()>
            <div class="notice-bar" role="note"><strong>"The file is gone."</strong>"It was removed, or it is no longer yours to start."</div>
        </Show>
    }
}

#[component]
fn Numbers(sheet: Sheet) -> impl IntoView {
    let statistics = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.statistics.clone()));
    let next = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.next_runs.first().copied()));
    let words = move || sheet.workflow.with(|workflow| schedule::words(&workflow.schedule, &workflow.timezone));
    let numbers = move || {
        let Statistics { runs, succeeded, median_ms, high_ms } = statistics.get();
        (runs > 0).then(|| {
            view! {
                <div><dt>"good, of the last "{runs}</dt><dd>{succeeded * 100 / runs}<small>"%"</small></dd></div>
                {median_ms.map(|ms| view! { <div><dt>"usually"</dt><dd>{spoken(ms)}</dd></div> })}
                {high_ms.map(|ms| view! { <div><dt>"9 in 10 under"</dt><dd>{spoken(ms)}</dd></div> })}
            }
        })
    };
    view! {
        <dl class="stat-line">
            {numbers}
            {move || next.get().map(|at| view! { <div><dt>"next, "{words}</dt><dd>{in_time(at)}</dd></div> })}
        </dl>
    }
}

#[component]
fn History(sheet: Sheet, rows: Rows) -> impl IntoView {
    let runs = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.history.clone()));
    let usual = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.statistics.median_ms));
    let shown = move || runs.with(|runs| runs.len().min(SHOWN));
    let all = format!("/executions?workflow={}", sheet.workflow.with_untracked(|workflow| workflow.name.to_string()));
    let any = move || !runs.with(Vec::is_empty) || !rows.running.with(Vec::is_empty);
    view! {
        <div class="section-heading">
            <h2>"History"</h2>
            <span>{move || match shown() { 0 => "no run has ended yet".to_owned(), 1 => "the last run".to_owned(), many => format!("the last {many} runs") }}</span>
            <a href=all>"All executions of it"</a>
        </div>
        <Show when=any>
            <HistoryChart runs=runs running=rows.running usual_ms=usual/>
        </Show>
    }
}

/// The next times at which it starts by itself.
#[component]
fn Next(sheet: Sheet) -> impl IntoView {
    let times = Memo::new(move |_| sheet.workflow.with(|workflow| workflow.next_runs.clone()));
    let each = |at: Timestamp| view! { <li><Moment at/><span>{in_time(at)}</span></li> };
    view! {
        <Show when=move || !times.with(Vec::is_empty)>
            <div class="section-heading"><h2>"Next"</h2></div>
            <ol data-part="next" aria-label="Next runs">{move || times.get().into_iter().map(each).collect_view()}</ol>
        </Show>
    }
}
