//! Running an execution again: all of it, or from what failed.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use serde_json::json;

use super::icon::Icon;
use crate::{
    browser::http,
    domain::{
        execution::{Execution, Status},
        id::ExecutionId,
    },
};

/// What the server answers, as far as this needs it.
#[derive(serde::Deserialize)]
struct Begun {
    id: ExecutionId,
}

/// Runs an execution that has ended again, and goes to the new one.
#[component]
pub fn RerunButtons(
    /// Which.
    #[prop(into)]
    execution: Signal<Execution>,
) -> impl IntoView {
    let id = execution.with_untracked(|execution| execution.id);
    let (sent, refused) = (RwSignal::new(false), RwSignal::new(None));
    let navigate = use_navigate();
    let send = StoredValue::new(move |from: &'static str| {
        sent.set(true);
        refused.set(None);
        let navigate = navigate.clone();
        leptos::task::spawn_local(async move {
            let answer =
                http::post_for::<Begun>(&format!("/api/executions/{id}/rerun"), &json!({ "from": from })).await;
            sent.try_set(false);
            match answer {
                Ok(begun) => navigate(&format!("/executions/{}", begun.id), Default::default()),
                Err(problem) => drop(refused.try_set(Some(problem.to_string()))),
            }
        });
    });
    let send = move |from| send.with_value(|send| send(from));
    // Of one that was passed over before it began there is nothing to go on from.
    let failed =
        move || execution.with(|execution| execution.status != Status::Succeeded && execution.started_at.is_some());
    view! {
        <span class="rerun-buttons">
            <span role="status">{move || refused.get()}</span>
            <Show when=failed>
                <button
                    class="button"
                    type="button"
                    data-kind="main"
                    disabled=move || sent.get()
                    on:click=move |_| send("failed")
                >
                    <Icon name="again"/>
                    "Run from what failed"
                </button>
            </Show>
            <button class="button" type="button" disabled=move || sent.get() on:click=move |_| send("all")>
                <Icon name="again"/>
                "Run again"
            </button>
        </span>
    }
}
