//! Users with one name together, which a workflow's `allow` may hold.

use std::collections::BTreeSet;

use leptos::{ev::SubmitEvent, prelude::*};
use serde_json::json;

use super::Held;
use crate::{
    app::{
        components::{
            moment::Moment,
            question::{self, Question},
            send_form::SendForm,
        },
        toasts::Toasts,
    },
    browser::http,
    domain::{
        administration::{Contents, UserGroup},
        id::Name,
    },
};

/// What an admin is asked about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Members,
    Remove,
}

/// The question that is open.
type Asked = question::Asked<(Act, UserGroup)>;

/// The groups, and a form for one more.
#[component]
pub(super) fn Groups(held: Held) -> impl IntoView {
    let asked = Asked::new(None);
    let groups = move || {
        held.contents.with(|contents| match contents {
            Contents::Groups(groups, _) => groups.clone(),
            _ => Vec::new(),
        })
    };
    let rows = move || groups().into_iter().map(|group| view! { <GroupRow group asked/> }).collect_view();
    let title = |(act, group): &(Act, UserGroup)| match act {
        Act::Remove => format!("Remove {}?", group.name),
        Act::Members => format!("Members of {}", group.name),
    };
    let inside = Callback::new(move |((act, group), open): ((Act, UserGroup), _)| match act {
        Act::Remove => view! { <Removal held open name=group.name/> }.into_any(),
        Act::Members => view! { <Membership held open group/> }.into_any(),
    });
    view! {
        <p>"A workflow is started by those whom its file allows: "<code>"allow: [night-shift, ada]"</code>" names a group and a user."</p>
        <table class="ledger" hidden=move || groups().is_empty()>
            <caption class="visually-hidden">"Groups"</caption>
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Members"</th>
                    <th scope="col" data-part="extra">"Since"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <p hidden=move || !groups().is_empty()>"There is no group yet."</p>
        <NewGroup held/>
        <Question asked title inside/>
    }
}

#[component]
fn GroupRow(group: UserGroup, asked: Asked) -> impl IntoView {
    let ask = |act| {
        let group = group.clone();
        move |_| asked.set(Some((act, group.clone())))
    };
    let (change, remove) = (ask(Act::Members), ask(Act::Remove));
    let names: Vec<String> = group.members.iter().map(ToString::to_string).collect();
    let members = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let of = |what: &str| format!("{what}: {}", group.name);
    view! {
        <tr>
            <th scope="row">{group.name.to_string()}</th>
            <td>{members}</td>
            <td data-part="extra"><Moment at=group.created_at/></td>
            <td data-part="acts">
                <button class="button" type="button" aria-label=of("Members") on:click=change>"Members"</button>
                <button class="button" type="button" data-kind="danger" aria-label=of("Remove") on:click=remove>"Remove"</button>
            </td>
        </tr>
    }
}

#[component]
fn NewGroup(held: Held) -> impl IntoView {
    let toasts = Toasts::expect();
    let done = Callback::new(move |answer: serde_json::Value| {
        toasts.done(format!("{} is a group now", answer["name"].as_str().unwrap_or("It")));
        held.refresh();
    });
    view! {
        <section aria-labelledby="new-group">
            <div class="section-heading"><h2 id="new-group">"Add a group"</h2></div>
            <SendForm verb="POST" fields=&["name"] address=Box::new(|_| "/api/groups".to_owned()) done button="Add">
                <div class="field">
                    <label for="group-name">"Name"<small>"a-z, 0-9, and . _ -"</small></label>
                    <input id="group-name" name="name" autocomplete="off" autocapitalize="none" spellcheck="false" required maxlength="64"/>
                </div>
            </SendForm>
        </section>
    }
}

/// All users, each in it or not.
#[component]
fn Membership(held: Held, open: RwSignal<bool>, group: UserGroup) -> impl IntoView {
    let toasts = Toasts::expect();
    let name = group.name;
    let members = RwSignal::new(group.members.into_iter().collect::<BTreeSet<Name>>());
    let (wrong, sending) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let users = held.contents.with_untracked(|contents| match contents {
        Contents::Groups(_, users) => users.iter().map(|user| user.name.clone()).collect(),
        _ => Vec::new(),
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (path, name) = (format!("/api/groups/{name}"), name.clone());
        let body = json!({ "members": members.get_untracked() });
        sending.set(true);
        wrong.set(None);
        leptos::task::spawn_local(async move {
            let answer = http::send("PATCH", &path, &body).await;
            sending.try_set(false);
            match answer {
                Ok(_) => {
                    toasts.done(format!("{name} has other members now"));
                    open.try_set(false);
                }
                Err(problem) => drop(wrong.try_set(Some(problem.told()))),
            }
            held.refresh();
        });
    };
    let choice = move |user: Name| {
        let (one, label) = (user.clone(), user.to_string());
        let is_in = members.with_untracked(|members| members.contains(&user));
        let turn = move |event| {
            let checked = event_target_checked(&event);
            members.update(|members| _ = if checked { members.insert(one.clone()) } else { members.remove(&one) });
        };
        view! { <label><input type="checkbox" checked=is_in on:change=turn/>{label}</label> }
    };
    view! {
        <p>"What they may start changes with their next request."</p>
        <form class="send-form" on:submit=submit>
            <fieldset class="field">
                <legend>"Users"</legend>
                <div data-part="choices">{users.into_iter().map(choice).collect_view()}</div>
            </fieldset>
            <p data-part="error" role="alert">{move || wrong.get()}</p>
            <button class="button" type="submit" data-kind="main" disabled=move || sending.get()>"Set members"</button>
        </form>
    }
}

#[component]
fn Removal(held: Held, open: RwSignal<bool>, name: Name) -> impl IntoView {
    let toasts = Toasts::expect();
    let path = format!("/api/groups/{name}");
    let done = Callback::new(move |_| {
        toasts.done(format!("{name} is no group any more"));
        open.set(false);
        held.refresh();
    });
    view! {
        <p>"Its members stay users. Workflows whose files allow it can no longer be started by them, unless something else allows it."</p>
        <SendForm
            verb="DELETE"
            fields=&[]
            address=Box::new(move |_| path.clone())
            done
            button="Remove the group"
            kind="danger"
        >
            ""
        </SendForm>
    }
}
