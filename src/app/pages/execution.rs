//! One execution: how far, how long, what it prints, why it failed, what it gave back.

use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::not_found::Missing;
use crate::{
    app::{
        api,
        components::{
            error_panel::ErrorPanel,
            execution_header::ExecutionHeader,
            follow_button::FollowButton,
            output_log::OutputLog,
            result_table::ResultTable,
            step_shape::{StepShape, axis_of},
            time_scrubber::TimeScrubber,
            trouble::Trouble,
        },
        live,
        run::Run,
        travel::Goal,
    },
    domain::{execution::Execution, execution::Status, followed::Followed, listing::Opening},
};

/// The page.
#[component]
pub fn ExecutionPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let opening = Resource::new(move || id.get(), api::execution);
    let content = move || {
        Suspend::new(async move {
            match opening.await {
                Ok(Some(opening)) => EitherOf3::A(view! { <Found opening/> }),
                Ok(None) => EitherOf3::B(view! { <Missing what="execution"/> }),
                Err(_) => EitherOf3::C(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

#[component]
fn Found(opening: Opening) -> impl IntoView {
    let run = Run::new(opening);
    live::follow(run);
    view! {
        <Show when=move || !run.gone.get() fallback=|| view! { <Missing what="execution"/> }>
            <Shown run/>
        </Show>
    }
}

#[component]
fn Shown(run: Run) -> impl IntoView {
    provide_context(run.time());
    open_at_moment(run);
    learn_why(run);
    let execution = run.shown;
    let status = Memo::new(move |_| run.execution.with(|execution| execution.status));
    let said =
        move || execution.with_untracked(|execution| format!("{}: {}", execution.workflow, status.get().label()));
    let failure = Memo::new(move |_| run.closed.get() && run.execution.with(|execution| execution.error.is_some()));
    let result = Memo::new(move |_| execution.with(|execution| execution.result.clone()));
    view! {
        <Title text=move || execution.with(title)/>
        <Path execution/>
        <ExecutionHeader run/>
        {move || failure.get().then(|| view! { <ErrorPanel run/> })}
        <Steps run/>
        {move || result.get().map(|result| view! { <ResultTable result/> })}
        <div class="section-heading"><h2>"Output"</h2></div>
        <OutputLog run/>
        <p class="visually-hidden" role="status">{said}</p>
    }
}

#[component]
fn Steps(run: Run) -> impl IntoView {
    let (execution, now) = (Signal::from(run.execution), Signal::from(live::Live::expect().now));
    let (shown, then) = (run.shown, live::now());
    let past = Signal::derive(move || run.moment.with(Option::is_some));
    let usual = run.usual.get_value();
    let axis = axis_of(execution, usual.as_ref().map(|usual| usual.duration_ms), now);
    view! {
        <StepShape execution=shown now=then axis past usual chosen=run.log.step choose=move |step| run.log.choose(step)>
            <TimeScrubber run axis/>
        </StepShape>
    }
}

/// Goes to the moment that the address tells, once.
fn open_at_moment(run: Run) {
    let query = use_query_map();
    Effect::new(move || {
        if let Some(Ok(seq)) = query.with_untracked(|query| query.get_str("at").map(str::parse)) {
            run.go(Goal::Fact(seq));
        }
    });
}

/// Asks why it failed when it fails while the page is open.
fn learn_why(run: Run) {
    let failed = Memo::new(move |_| run.execution.with(|execution| execution.error.is_some()));
    Effect::new(move || {
        if failed.get() && run.failure.with_untracked(Option::is_none) {
            leptos::task::spawn_local(async move {
                // Without an answer the page says what it knows by itself.
                if let Ok(failure) = api::failure_of(run.id()).await {
                    run.failure.try_set(failure);
                }
            });
        }
    });
}

#[component]
fn Path(execution: Signal<Execution>) -> impl IntoView {
    let (workflow, id) = execution.with_untracked(|execution| (execution.workflow.to_string(), execution.id));
    let href = format!("/workflows/{workflow}");
    view! {
        <div class="page-header">
            <nav data-part="path" aria-label="Path">
                <a href="/executions">"Executions"</a>
                <span aria-hidden="true">"/"</span>
                <a href=href>{workflow}</a>
                <span aria-hidden="true">"/"</span>
                <code title=id.to_string()>{id.short()}</code>
            </nav>
            <div data-part="actions"><FollowButton what=Followed::Execution(id)/></div>
        </div>
    }
}

fn title(execution: &Execution) -> String {
    match execution.status {
        Status::Running => format!("{:.0}% {}", execution.percent.floor(), execution.workflow),
        status => format!("{}: {}", status.label(), execution.workflow),
    }
}
