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
    query: Query,
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
    let (change_status, change_workflow, change_owner) = (go.clone(), go.clone(), go);
    let set = query.owner.as_ref().map(|_| "");
    let owner = query.owner.as_ref().map(Name::to_string);
    view! {
        <form class="filter-bar" role="search" aria-label="Filter executions" method="get" action="/" node_ref=form on:submit=submit>
            <label data-part="text">
                <Icon name="search"/>
                <span class="visually-hidden">"Text"</span>
                <input type="search" name="q" placeholder="Workflow, owner, error, id" value=query.q.clone()/>
            </label>
            <StatusFilter chosen=query.status.clone() change=move || change_status()/>
            <WorkflowFilter chosen=query.workflow.clone() workflows change=move || change_workflow()/>
            {admin.then(|| view! {
                <label data-part="text" data-set=set>
                    <span class="visually-hidden">"Owner"</span>
                    <input name="owner" placeholder="Owner" autocomplete="off" value=owner on:change=move |_| change_owner()/>
                </label>
            })}
            <button class="button" type="submit">"Filter"</button>
        </form>
    }
}

#[component]
fn StatusFilter(chosen: Vec<Status>, change: impl Fn() + 'static) -> impl IntoView {
    let several = (chosen.len() > 1).then(|| {
        let words: Vec<&str> = chosen.iter().map(|status| status.word()).collect();
        let labels: Vec<&str> = chosen.iter().map(|status| status.label()).collect();
        view! { <option value=words.join(",") selected=true>{labels.join(", ")}</option> }
    });
    let set = (!chosen.is_empty()).then_some("");
    let options = Status::ALL.map(|status| {
        let selected = chosen.as_slice() == [status];
        view! { <option value=status.word() selected=selected>{status.label()}</option> }
    });
    view! {
        <select data-part="filter" data-set=set name="status" aria-label="Status" on:change=move |_| change()>
            <option value="">"Any status"</option>
            {several}
            {options.into_iter().collect_view()}
        </select>
    }
}

#[component]
fn WorkflowFilter(chosen: Option<Name>, mut workflows: Vec<Name>, change: impl Fn() + 'static) -> impl IntoView {
    if let Some(chosen) = chosen.clone()
        && !workflows.contains(&chosen)
    {
        workflows.push(chosen);
    }
    let set = chosen.is_some().then_some("");
    let options = workflows.into_iter().map(|name| {
        let selected = chosen.as_ref() == Some(&name);
        view! { <option value=name.to_string() selected=selected>{name.to_string()}</option> }
    });
    view! {
        <select data-part="filter" data-set=set name="workflow" aria-label="Workflow" on:change=move |_| change()>
            <option value="">"Any workflow"</option>
            {options.collect_view()}
        </select>
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
