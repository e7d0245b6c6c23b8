//! Cancelling, in two steps: the second one says what it does.

use leptos::{either::Either, html::Button, prelude::*};
use serde_json::json;

use super::icon::Icon;
use crate::{browser::http, domain::execution::Execution};

/// Where the two steps stand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Asking,
    Sent,
    Refused(String),
}

/// Cancels an execution.
#[component]
pub fn StopButton(
    /// Which.
    execution: RwSignal<Execution>,
) -> impl IntoView {
    let stage = RwSignal::new(Stage::Idle);
    let id = execution.with_untracked(|execution| execution.id);
    let send = move |_| {
        stage.set(Stage::Sent);
        leptos::task::spawn_local(async move {
            let answer = http::post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
            if let Err(problem) = answer {
                stage.try_set(Stage::Refused(problem.to_string()));
            }
        });
    };
    let said = move || match stage.get() {
        Stage::Sent => Some("Stopping its steps, which have 10 seconds to end".to_owned()),
        Stage::Refused(why) => Some(why),
        _ => None,
    };
    view! {
        <span class="stop-button">
            <span role="status">{said}</span>
            {move || {
                if stage.get() == Stage::Asking {
                    Either::Left(view! { <Question stage send/> })
                } else {
                    Either::Right(view! {
                        <button class="button" type="button" data-kind="danger" on:click=move |_| stage.set(Stage::Asking)>
                            <Icon name="stop"/>
                            "Cancel"
                        </button>
                    })
                }
            }}
        </span>
    }
}

#[component]
fn Question(stage: RwSignal<Stage>, send: impl Fn(leptos::ev::MouseEvent) + 'static) -> impl IntoView {
    let first = NodeRef::<Button>::new();
    Effect::new(move || {
        if let Some(button) = first.get() {
            let _ = button.focus();
        }
    });
    let escape = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" {
            stage.set(Stage::Idle);
        }
    };
    view! {
        <span data-part="question" role="group" aria-label="Cancel this execution?" on:keydown=escape>
            <span>"Cancel this execution?"</span>
            <button class="button" type="button" on:click=move |_| stage.set(Stage::Idle) node_ref=first>
                "Keep it running"
            </button>
            <button class="button" type="button" data-kind="danger" on:click=send>
                <Icon name="stop"/>
                "Yes, cancel it"
            </button>
        </span>
    }
}
