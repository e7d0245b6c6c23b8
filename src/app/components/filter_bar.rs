//! Filters live in the address, so they work as links, by the back button, and before the page is hydrated.

use leptos::{ev, html::Form, prelude::*};
use leptos_router::hooks::use_navigate;
use web_sys::FormData;

use super::icon::Icon;
use crate::domain::{execution::Status, id::Name, listing::Query};

/// The filters of a list of executions.
#[component]
pub fn FilterBar(
    /// What is asked for now.
    query: Memo<Query>,
    /// The workflows to choose from.
    workflows: Vec<Name>,
    /// Whether there are others' executions to see.
    admin: bool,
) -> impl IntoView {
    let form = NodeRef::<Form>::new();
    let go = go(form);
    let submit = {
        let go = go.clone();
        move |event: ev::SubmitEvent| {
            event.prevent_default();
            go();
        }
    };
    let (change_status, change_workflow) = (go.clone(), go.clone());
    let text = move || query.with(|query| query.q.clone().unwrap_or_default());
    view! {
        <form class="filter-bar" role="search" aria-label="Filter executions" method="get" action="/" node_ref=form on:submit=submit>
            <label data-part="text">
                <Icon name="search"/>
                <span class="visually-hidden">"Text"</span>
                <input type="search" name="q" placeholder="Workflow, owner, error, id" value=untrack(text) prop:value=text/>
            </label>
            <StatusFilter query change=move || change_status()/>
            <WorkflowFilter query workflows change=move || change_workflow()/>
            {admin.then(|| view! { <OwnerFilter query change=move || go()/> })}
            <button class="button" type="submit">"Filter"</button>
        </form>
    }
}

#[component]
fn StatusFilter(query: Memo<Query>, change: impl Fn() + 'static) -> impl IntoView {
    let chosen = move || query.with(|query| query.status.clone());
    // Several at once come from an address only; they are then one choice more.
    let several = move || {
        let chosen = chosen();
        (chosen.len() > 1).then(|| {
            let words: Vec<&str> = chosen.iter().map(|status| status.word()).collect();
            let labels: Vec<&str> = chosen.iter().map(|status| status.label()).collect();
            view! { <option value=words.join(",") selected=true>{labels.join(", ")}</option> }
        })
    };
    let options = Status::ALL.map(|status| {
        let is = move || chosen() == [status];
        view! { <option value=status.word() selected=untrack(is) prop:selected=is>{status.label()}</option> }
    });
    view! {
        <select
            data-part="filter"
            data-set=move || (!chosen().is_empty()).then_some("")
            name="status"
            aria-label="Status"
            on:change=move |_| change()
        >
            <option value="">"Any status"</option>
            {several}
            {options.into_iter().collect_view()}
        </select>
    }
}

#[component]
fn WorkflowFilter(query: Memo<Query>, mut workflows: Vec<Name>, change: impl Fn() + 'static) -> impl IntoView {
    let chosen = move || query.with(|query| query.workflow.clone());
    if let Some(chosen) = untrack(chosen)
        && !workflows.contains(&chosen)
    {
        workflows.push(chosen);
    }
    let options = workflows.into_iter().map(|name| {
        let (value, label) = (name.to_string(), name.to_string());
        let is = move || query.with(|query| query.workflow.as_ref() == Some(&name));
        let selected = untrack(&is);
        view! { <option value=value selected=selected prop:selected=is>{label}</option> }
    });
    view! {
        <select
            data-part="filter"
            data-set=move || chosen().map(|_| "")
            name="workflow"
            aria-label="Workflow"
            on:change=move |_| change()
        >
            <option value="">"Any workflow"</option>
            {options.collect_view()}
        </select>
    }
}

#[component]
fn OwnerFilter(query: Memo<Query>, change: impl Fn() + 'static) -> impl IntoView {
    let owner = move || query.with(|query| query.owner.as_ref().map(Name::to_string).unwrap_or_default());
    view! {
        <label data-part="text">
            <span class="visually-hidden">"Owner"</span>
            <input name="owner" placeholder="Owner" autocomplete="off" value=untrack(owner) prop:value=owner on:change=move |_| change()/>
        </label>
    }
}

/// Goes to the address that the form as it stands asks for.
fn go(form: NodeRef<Form>) -> impl Fn() + Clone {
    let navigate = use_navigate();
    move || {
        let Some(data) = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        let pairs = ["q", "status", "workflow", "owner"].into_iter().filter_map(|key| {
            let value = data.get(key).as_string().filter(|value| !value.is_empty())?;
            Some(format!("{key}={}", js_sys::encode_uri_component(&value)))
        });
        let pairs: Vec<String> = pairs.collect();
        let joint = if pairs.is_empty() { "" } else { "?" };
        navigate(&format!("/{joint}{}", pairs.join("&")), Default::default());
    }
}
