//! Who may come in.

use leptos::prelude::*;
use serde_json::json;

use super::Held;
use crate::{
    app::{
        components::{
            moment::Moment,
            question::{self, Question},
            secret_field::SecretField,
            send_form::SendForm,
        },
        toasts::Toasts,
    },
    browser::http,
    domain::{
        access::Role,
        administration::{Account, Contents},
        id::Name,
    },
};

/// What an admin is asked about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Password,
    Remove,
}

/// The question that is open.
type Asked = question::Asked<(Act, Name)>;

/// The users, and a form for one more.
#[component]
pub(super) fn Users(held: Held) -> impl IntoView {
    let asked = Asked::new(None);
    let accounts = move || {
        held.contents.with(|contents| match contents {
            Contents::Users(accounts) => accounts.clone(),
            _ => Vec::new(),
        })
    };
    let rows = move || {
        let accounts = accounts();
        let admins = accounts.iter().filter(|account| account.role == Role::Admin).count();
        let only = |account: &Account| admins == 1 && account.role == Role::Admin;
        let row = |account: Account| view! { <UserRow only=only(&account) account held asked/> };
        accounts.into_iter().map(row).collect_view()
    };
    let title = |(act, name): &(Act, Name)| match act {
        Act::Remove => format!("Remove {name}?"),
        Act::Password => format!("A new password for {name}"),
    };
    let inside = Callback::new(move |((act, name), open): ((Act, Name), _)| match act {
        Act::Remove => view! { <Removal held open name/> }.into_any(),
        Act::Password => view! { <Renewal held open name/> }.into_any(),
    });
    view! {
        <table class="ledger">
            <caption class="visually-hidden">"Users"</caption>
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Role"</th>
                    <th scope="col" data-part="extra">"Since"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <NewUser held/>
        <Question asked title inside/>
    }
}

#[component]
fn UserRow(account: Account, only: bool, held: Held, asked: Asked) -> impl IntoView {
    let toasts = Toasts::expect();
    let (word, other, offer) = match account.role {
        Role::Admin => ("Admin", Role::User, "Make a user"),
        Role::User => ("User", Role::Admin, "Make an admin"),
    };
    let name = account.name.clone();
    let change = move |_| {
        let name = name.clone();
        leptos::task::spawn_local(async move {
            match http::send("PATCH", &format!("/api/users/{name}"), &json!({ "role": other.word() })).await {
                Ok(_) => toasts.done(format!("{name} has another role now")),
                Err(problem) => toasts.wrong(format!("{name} keeps their role"), problem.told()),
            }
            held.refresh();
        });
    };
    let ask = |act| {
        let name = account.name.clone();
        move |_| asked.set(Some((act, name.clone())))
    };
    let (renew, remove) = (ask(Act::Password), ask(Act::Remove));
    let why = only.then_some("A server has at least one admin");
    let of = |what: &str| format!("{what}: {}", account.name);
    view! {
        <tr>
            <th scope="row">{account.name.to_string()}</th>
            <td>{word}</td>
            <td data-part="extra"><Moment at=account.created_at/></td>
            <td data-part="acts">
                <button class="button" type="button" disabled=only title=why aria-label=of(offer) on:click=change>{offer}</button>
                <button class="button" type="button" aria-label=of("New password") on:click=renew>"New password"</button>
                <button
                    class="button"
                    type="button"
                    data-kind="danger"
                    disabled=only
                    title=why
                    aria-label=of("Remove")
                    on:click=remove
                >
                    "Remove"
                </button>
            </td>
        </tr>
    }
}

#[component]
fn NewUser(held: Held) -> impl IntoView {
    let toasts = Toasts::expect();
    let done = Callback::new(move |answer: serde_json::Value| {
        toasts.done(format!("{} can sign in now", answer["name"].as_str().unwrap_or("The new user")));
        held.refresh();
    });
    view! {
        <section aria-labelledby="new-user">
            <div class="section-heading"><h2 id="new-user">"Add a user"</h2></div>
            <SendForm
                verb="POST"
                fields=&["name", "password", "role"]
                address=Box::new(|_| "/api/users".to_owned())
                done
                button="Add"
            >
                <div class="field">
                    <label for="new-name">"Name"<small>"a-z, 0-9, and . _ -"</small></label>
                    <input id="new-name" name="name" autocomplete="off" autocapitalize="none" spellcheck="false" required maxlength="64"/>
                </div>
                <SecretField name="password" label="Password" autocomplete="new-password"/>
                <fieldset class="field">
                    <legend>"Role"</legend>
                    <div data-part="choices">
                        <label><input type="radio" name="role" value="user" checked/>"User: sees their own"</label>
                        <label><input type="radio" name="role" value="admin"/>"Admin: sees and does everything"</label>
                    </div>
                </fieldset>
            </SendForm>
        </section>
    }
}

#[component]
fn Removal(held: Held, open: RwSignal<bool>, name: Name) -> impl IntoView {
    let toasts = Toasts::expect();
    let (path, gone) = (format!("/api/users/{name}"), name.clone());
    let done = Callback::new(move |_| {
        toasts.done(format!("{gone} has been removed"));
        open.set(false);
        held.refresh();
    });
    view! {
        <p>"Their sessions and tokens end now, and their streams with them. Their executions stay; whoever gets this name later owns these."</p>
        <SendForm
            verb="DELETE"
            fields=&[]
            address=Box::new(move |_| path.clone())
            done
            button="Remove for good"
            kind="danger"
        >
            <div class="field">
                <label for="confirm">{format!("Write {name} to remove them")}</label>
                <input
                    id="confirm"
                    name="confirm"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    autofocus
                    pattern=name.as_str().replace('.', "\\.").replace('-', "\\-")
                    title=format!("The name to write is {name}")
                />
            </div>
        </SendForm>
    }
}

#[component]
fn Renewal(held: Held, open: RwSignal<bool>, name: Name) -> impl IntoView {
    let toasts = Toasts::expect();
    let path = format!("/api/users/{name}");
    let done = Callback::new(move |_| {
        toasts.done(format!("{name} has a new password"));
        open.set(false);
        held.refresh();
    });
    view! {
        <p>"Their sessions end now; their tokens stay."</p>
        <SendForm verb="PATCH" fields=&["password"] address=Box::new(move |_| path.clone()) done button="Set it">
            <SecretField name="password" id="renewed-password" label="New password" autocomplete="new-password"/>
        </SendForm>
    }
}
