//! Following an execution, or a workflow: it then stands in the rail of every page.

use leptos::prelude::*;

use super::icon::Icon;
use crate::{app::following::Following, domain::followed::Followed};

/// Follows, or no more.
#[component]
pub fn FollowButton(
    /// What.
    what: Followed,
    /// Only the star, as in a row of a list.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let following = Following::expect();
    let asked = what.clone();
    let on = Memo::new(move |_| following.has(&asked));
    let thing = match &what {
        Followed::Execution(_) => "this execution",
        Followed::Workflow(_) => "this workflow",
    };
    let label = format!("Follow {thing}");
    view! {
        <button
            class="button follow-button"
            type="button"
            data-kind="quiet"
            data-shape=small.then_some("square")
            aria-pressed=move || on.get().to_string()
            aria-label=label.clone()
            title=label
            on:click=move |_| following.toggle(what.clone())
        >
            <Icon name="follow"/>
            {(!small).then_some(move || if on.get() { "Following" } else { "Follow" })}
        </button>
    }
}
