//! On which terms a workflow runs: who may start it, what else does, what it is given.

use leptos::prelude::*;

use crate::domain::{
    listing::WorkflowView,
    time::spoken,
    workflow::{Concurrency, WhenFull},
};

/// The terms, as a list of words and what they mean here.
#[component]
pub fn WorkflowTerms(
    /// Whose.
    workflow: RwSignal<WorkflowView>,
) -> impl IntoView {
    let terms = Memo::new(move |_| workflow.with(terms));
    let list = move || {
        terms.get().into_iter().map(|(term, said)| view! { <div><dt>{term}</dt><dd>{said}</dd></div> }).collect_view()
    };
    view! {
        <div class="section-heading"><h2>"Terms"</h2></div>
        <dl class="workflow-terms">{list}</dl>
    }
}

fn terms(workflow: &WorkflowView) -> Vec<(&'static str, String)> {
    let mut terms = vec![("May start it", who(workflow))];
    if let Some(webhook) = &workflow.webhook {
        let body = webhook.body.as_ref().map(|name| format!("; its body becomes {name}")).unwrap_or_default();
        let address = format!("POST /api/hooks/{}", workflow.name);
        terms.push(("By a call", format!("{address}, signed with the secret {}{body}", webhook.secret)));
    }
    if let Some(Concurrency { limit, when_full }) = workflow.concurrency {
        let then = match when_full {
            WhenFull::Queue => "one more waits",
            WhenFull::Skip => "one more is cancelled",
            WhenFull::CancelRunning => "for one more the oldest is cancelled",
        };
        terms.push(("At once", format!("{limit} at most, {then}")));
    }
    if let Some(ms) = workflow.timeout_ms {
        terms.push(("At most", format!("{}, then it is stopped", spoken(ms))));
    }
    if !workflow.secrets.is_empty() {
        let names = workflow.secrets.join(", ");
        terms.push(("Secrets", format!("{names}: names only, what they are is told to its steps alone")));
    }
    terms
}

fn who(workflow: &WorkflowView) -> String {
    match workflow.allow.as_deref() {
        None => "everybody who can sign in".to_owned(),
        Some([]) => "admins".to_owned(),
        Some(names) => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            format!("{}, and admins", names.join(", "))
        }
    }
}
