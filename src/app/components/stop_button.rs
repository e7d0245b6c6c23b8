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
    #[prop(into)]
    execution: Signal<Execution>,
) -> impl IntoView {
    let stage = RwSignal::new(Stage::Idle);
    let kept = RwSignal::new(false);
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
                    Either::Left(view! { <Question stage kept send/> })
                } else {
                    Either::Right(view! { <Offer stage kept/> })
                }
            }}
        </span>
    }
}

/// The first step. Whoever comes back from the second one finds the focus where they left it.
#[component]
fn Offer(stage: RwSignal<Stage>, kept: RwSignal<bool>) -> impl IntoView {
    let button = NodeRef::<Button>::new();
    Effect::new(move || {
        if let Some(button) = button.get()
            && kept.get_untracked()
        {
            kept.set(false);
            let _ = button.focus();
        }
    });
    view! {
        <button class="button" type="button" data-kind="danger" on:click=move |_| stage.set(Stage::Asking) node_ref=button>
            <Icon name="stop"/>
            "Cancel"
        </button>
    }
}

#[component]
fn Question(
    stage: RwSignal<Stage>,
    kept: RwSignal<bool>,
    send: impl Fn(leptos::ev::MouseEvent) + 'static,
) -> impl IntoView {
    let first = NodeRef::<Button>::new();
    Effect::new(move || {
        if let Some(button) = first.get() {
            let _ = button.focus();
        }
    });
    let keep = move || {
        kept.set(true);
        stage.set(Stage::Idle);
    };
    let escape = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" {
            keep();
        }
    };
    view! {
        <span data-part="question" role="group" aria-label="Cancel this execution?" on:keydown=escape>
            <span>"Cancel this execution?"</span>
            <button class="button" type="button" data-kind="danger" on:click=send>
                <Icon name="stop"/>
                "Yes, cancel it"
            </button>
            // Where the first button was: who clicks twice has done nothing.
            <button class="button" type="button" on:click=move |_| keep() node_ref=first>
                "Keep it running"
            </button>
        </span>
    }
}
