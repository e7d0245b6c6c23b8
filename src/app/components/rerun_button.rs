//! Running an execution again: all of it, or from what failed.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use serde_json::json;

use super::icon::Icon;
use crate::{
    app::toasts::Toasts,
    browser::http,
    domain::{
        event::Trigger,
        execution::{Execution, Status, StepStatus},
        id::ExecutionId,
    },
};

/// What the server answers, as far as this needs it.
#[derive(serde::Deserialize)]
struct Begun {
    id: ExecutionId,
}

/// From where an execution is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From its beginning.
    All,
    /// From what failed.
    Failed,
}

/// Runs an execution that has ended again, and goes to the new one.
#[component]
pub fn RerunButton(
    /// Which.
    #[prop(into)]
    execution: Signal<Execution>,
    /// From where.
    part: Part,
) -> impl IntoView {
    let id = execution.with_untracked(|execution| execution.id);
    let (sent, refused) = (RwSignal::new(false), RwSignal::new(None));
    let (navigate, toasts) = (use_navigate(), Toasts::expect());
    let word = if part == Part::All { "all" } else { "failed" };
    let send = move |_| {
        sent.set(true);
        refused.set(None);
        let navigate = navigate.clone();
        leptos::task::spawn_local(async move {
            let answer =
                http::post_for::<Begun>(&format!("/api/executions/{id}/rerun"), &json!({ "from": word })).await;
            sent.try_set(false);
            match answer {
                Ok(begun) => {
                    toasts.done("It runs again");
                    navigate(&format!("/executions/{}", begun.id), Default::default());
                }
                Err(problem) => drop(refused.try_set(Some(problem.to_string()))),
            }
        });
    };
    let label = move || match part {
        Part::All => "Rerun all".to_owned(),
        Part::Failed => execution.with(from_where),
    };
    view! {
        <span class="rerun-button">
            <button
                class="button"
                type="button"
                data-kind=(part == Part::Failed).then_some("main")
                disabled=move || sent.get()
                on:click=send
            >
                <Icon name="again"/>
                {label}
            </button>
            <span role="status">{move || refused.get()}</span>
        </span>
    }
}

/// Whether there is something to go on from: a step that succeeded, of what ended badly and not elsewhere.
pub fn can_go_on(execution: &Execution) -> bool {
    let ended_badly = execution.status.is_final() && execution.status != Status::Succeeded;
    let some_good = execution.steps.iter().any(|step| step.status == StepStatus::Succeeded);
    ended_badly && some_good && execution.trigger != Trigger::External
}

fn from_where(execution: &Execution) -> String {
    let bad = |status| !matches!(status, StepStatus::Succeeded | StepStatus::Skipped);
    let failed = execution.error.as_ref().and_then(|error| execution.step(error.step.as_ref()?));
    let first = failed.or_else(|| execution.steps.iter().find(|step| bad(step.status)));
    first.map_or_else(|| "Rerun from what failed".to_owned(), |step| format!("Rerun from {}", step.name))
}
