//! A status: a colour, a silhouette and a word. Any two of the three may be lost.

use leptos::{either::Either, prelude::*};

use crate::domain::execution::{Status, StepStatus};

/// What an icon needs to know of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The word of it, as the API has it.
    pub word: &'static str,
    /// The word of it, as people read it.
    pub label: &'static str,
}

impl From<Status> for Sign {
    fn from(status: Status) -> Self {
        Self { word: status.word(), label: status.label() }
    }
}

impl From<StepStatus> for Sign {
    fn from(status: StepStatus) -> Self {
        Self { word: status.word(), label: status.label() }
    }
}

/// The silhouette; while it runs, a pie that fills.
#[component]
pub fn StatusIcon(
    /// What it shows.
    #[prop(into)]
    sign: Signal<Sign>,
    /// How far the pie is filled, 0.0..=100.0.
    #[prop(into, default = Signal::stored(0.0))]
    percent: Signal<f64>,
    /// Whether words beside it say it already.
    #[prop(optional)]
    mute: bool,
    /// `large`, or as large as text.
    #[prop(optional)]
    size: Option<&'static str>,
) -> impl IntoView {
    let shape = move || {
        if sign.get().word == "running" {
            Either::Left(view! {
                <circle cx="8" cy="8" r="6.75"></circle>
                <circle
                    data-part="pie"
                    cx="8"
                    cy="8"
                    r="2.25"
                    pathLength="100"
                    stroke-dasharray=move || format!("{:.0} 100", percent.get())
                    transform="rotate(-90 8 8)"
                ></circle>
            })
        } else {
            Either::Right(view! { <use_ href=format!("#s-{}", sign.get().word)></use_> })
        }
    };
    view! {
        <svg
            class="status-icon"
            data-status=move || sign.get().word
            data-size=size
            viewBox="0 0 16 16"
            role=(!mute).then_some("img")
            aria-hidden=mute.then_some("true")
            aria-label=move || (!mute).then(|| sign.get().label)
        >
            {shape}
        </svg>
    }
}

/// The word, in its colour.
#[component]
pub fn StatusBadge(
    /// What it shows.
    #[prop(into)]
    sign: Signal<Sign>,
) -> impl IntoView {
    view! {
        <span class="status-badge" data-status=move || sign.get().word>
            {move || sign.get().label}
        </span>
    }
}
