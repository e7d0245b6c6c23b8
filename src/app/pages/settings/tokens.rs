//! Which programs act for whom.

use leptos::prelude::*;
use serde_json::{Map, Value, json};

use super::Held;
use crate::{
    app::{
        components::{dialog::Dialog, icon::Icon, moment::Moment, send_form::SendForm},
        toasts::Toasts,
    },
    browser::{http, page},
    domain::{
        administration::{Contents, IssuedToken},
        id::Name,
    },
};

/// Everybody's tokens, and a form for one more.
#[component]
pub(super) fn Tokens(held: Held) -> impl IntoView {
    view! { <TokenTable held everybody=true/> <NewToken held everybody=true/> }
}

/// A table of tokens, each with a button that revokes it.
#[component]
pub(super) fn TokenTable(held: Held, everybody: bool) -> impl IntoView {
    let tokens = move || {
        held.contents.with(|contents| match contents {
            Contents::Tokens(_, tokens) | Contents::Profile { tokens, .. } => tokens.clone(),
            _ => Vec::new(),
        })
    };
    let none = move || tokens().is_empty();
    view! {
        <Show when=move || !none() fallback=|| view! { <p data-part="note">"There is none yet. A program shows one to act for its user: the command line, a script, a CI job."</p> }>
            <table class="ledger">
                <caption class="visually-hidden">"Tokens"</caption>
                <thead>
                    <tr>
                        <th scope="col">"For what"</th>
                        {everybody.then(|| view! { <th scope="col">"Whose"</th> })}
                        <th scope="col" data-part="extra">"Since"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col"><span class="visually-hidden">"Revoke"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=tokens key=|token| (token.id.to_string(), token.last_used_at.map(|at| at.0)) let:token>
                        <TokenRow held token everybody/>
                    </For>
                </tbody>
            </table>
        </Show>
    }
}

#[component]
fn TokenRow(held: Held, token: IssuedToken, everybody: bool) -> impl IntoView {
    let toasts = Toasts::expect();
    let (id, name) = (token.id, token.name.clone());
    let label = format!("Revoke {} of {}", token.name, token.user);
    let revoke = move |_| {
        let name = name.clone();
        leptos::task::spawn_local(async move {
            match http::send("DELETE", &format!("/api/tokens/{id}"), &json!({})).await {
                Ok(_) => toasts.done(format!("The token {name} is revoked")),
                Err(problem) => toasts.wrong(format!("The token {name} could not be revoked"), problem.told()),
            }
            held.refresh();
        });
    };
    view! {
        <tr>
            <th scope="row">{token.name}</th>
            {everybody.then(|| view! { <td>{token.user.to_string()}</td> })}
            <td data-part="extra"><Moment at=token.created_at/></td>
            <td>{token.last_used_at.map_or_else(|| "never".into_any(), |at| view! { <Moment at/> }.into_any())}</td>
            <td data-part="acts">
                <button class="button" type="button" data-kind="danger" aria-label=label on:click=revoke>"Revoke"</button>
            </td>
        </tr>
    }
}

/// A form for one more, and its text, this once.
#[component]
pub(super) fn NewToken(held: Held, everybody: bool) -> impl IntoView {
    let (made, open) = (RwSignal::new(String::new()), RwSignal::new(false));
    let done = Callback::new(move |answer: Value| {
        made.set(answer["token"].as_str().unwrap_or_default().to_owned());
        open.set(true);
        held.refresh();
    });
    let address = |body: &mut Map<String, Value>| match body.remove("owner") {
        Some(Value::String(owner)) => format!("/api/tokens?owner={owner}"),
        _ => "/api/tokens".to_owned(),
    };
    // As they were when the page was opened: what is being chosen must not change under the hand.
    let users: Vec<Name> = held.contents.with_untracked(|contents| match contents {
        Contents::Tokens(accounts, _) => accounts.iter().map(|account| account.name.clone()).collect(),
        _ => Vec::new(),
    });
    let whose = everybody.then(|| {
        let options =
            users.into_iter().map(|name| view! { <option value=name.to_string()>{name.to_string()}</option> });
        view! {
            <div class="field">
                <label for="token-owner">"Whose"</label>
                <select id="token-owner" name="owner">
                    <option value="">"Yours"</option>
                    {options.collect_view()}
                </select>
            </div>
        }
    });
    view! {
        <section aria-labelledby="new-token">
            <div class="section-heading"><h2 id="new-token">"Make a token"</h2></div>
            <SendForm verb="POST" fields=&["name", "owner"] address=Box::new(address) done button="Make it">
                <div class="field">
                    <label for="token-name">"For what"<small>"so that you know it again"</small></label>
                    <input id="token-name" name="name" autocomplete="off" required maxlength="64" placeholder="laptop"/>
                </div>
                {whose}
            </SendForm>
        </section>
        <Dialog title="The new token" open>
            <ToldOnce token=made.get_untracked()/>
        </Dialog>
    }
}

#[component]
fn ToldOnce(token: String) -> impl IntoView {
    let toasts = Toasts::expect();
    let copied = token.clone();
    let copy = move |_| {
        let token = copied.clone();
        leptos::task::spawn_local(async move {
            if page::copy(&token).await {
                toasts.done("The token is copied");
            } else {
                toasts.wrong("The browser does not let this page copy", "Mark the token and copy it by hand.");
            }
        });
    };
    view! {
        <p>"It is shown this once. Whoever has it acts as its user, until it is revoked."</p>
        <div data-part="once">
            <input readonly aria-label="Token" value=token/>
            <button class="button" type="button" data-kind="main" on:click=copy><Icon name="copy"/>"Copy"</button>
        </div>
    }
}
