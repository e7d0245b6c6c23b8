//! Short words about what was just done. The region is there from the start, or nobody would hear the first one.

use leptos::prelude::*;

use super::{
    icon::Icon,
    status_badge::{Sign, StatusIcon},
};
use crate::{
    app::toasts::{Toast, Toasts},
    domain::execution::Status,
};

/// Where they appear.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::expect();
    let hold = move |held| move |_| toasts.held.set(held);
    view! {
        <div
            class="toast-region"
            role="status"
            aria-label="What was done"
            on:pointerenter=hold(true)
            on:pointerleave=hold(false)
            on:focusin=move |_| toasts.held.set(true)
            on:focusout=move |_| toasts.held.set(false)
        >
            <For each=move || toasts.all.get() key=|toast| toast.id let:toast>
                <One toast/>
            </For>
        </div>
    }
}

#[component]
fn One(toast: Toast) -> impl IntoView {
    let toasts = Toasts::expect();
    let sign = Signal::stored(Sign::from(if toast.wrong { Status::Failed } else { Status::Succeeded }));
    let id = toast.id;
    view! {
        <div class="toast" role=toast.wrong.then_some("alert")>
            <StatusIcon sign mute=true/>
            <p>
                <strong>{toast.title}</strong>
                {toast.more}
            </p>
            <button
                class="button"
                type="button"
                data-shape="square"
                data-kind="quiet"
                aria-label="Close"
                title="Close (Escape)"
                on:click=move |_| {
                    toasts.held.set(false);
                    toasts.close(id);
                }
            >
                <Icon name="close"/>
            </button>
        </div>
    }
}
