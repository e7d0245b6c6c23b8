//! Who has signed in, where.

use leptos::prelude::*;
use serde_json::json;

use super::Held;
use crate::{
    app::{components::moment::Moment, toasts::Toasts},
    browser::http,
    domain::administration::{Contents, OpenSession},
};

/// Everybody's sessions.
#[component]
pub(super) fn Sessions(held: Held) -> impl IntoView {
    view! {
        <SessionTable held everybody=true/>
        <p data-part="note">"Who signed in, whence and by which browser. A session lasts 30 days after its last use, which is noted to the hour."</p>
    }
}

/// A table of sessions, each with a button that ends it.
#[component]
pub(super) fn SessionTable(held: Held, everybody: bool) -> impl IntoView {
    let sessions = move || {
        held.contents.with(|contents| match contents {
            Contents::Sessions(sessions) | Contents::Profile { sessions, .. } => sessions.clone(),
            _ => Vec::new(),
        })
    };
    view! {
        <table class="ledger">
            <caption class="visually-hidden">"Sessions"</caption>
            <thead>
                <tr>
                    <th scope="col">{if everybody { "Who" } else { "Browser" }}</th>
                    {everybody.then(|| view! { <th scope="col" data-part="wide">"Browser"</th> })}
                    <th scope="col" data-part="extra">"Address"</th>
                    <th scope="col" data-part="extra">"Since"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col"><span class="visually-hidden">"End"</span></th>
                </tr>
            </thead>
            <tbody>
                <For each=sessions key=|session| format!("{} {}", session.id, session.last_seen_at) let:session>
                    <SessionRow held session everybody/>
                </For>
            </tbody>
        </table>
    }
}

#[component]
fn SessionRow(held: Held, session: OpenSession, everybody: bool) -> impl IntoView {
    let toasts = Toasts::expect();
    let id = session.id;
    let end = move |_| {
        leptos::task::spawn_local(async move {
            match http::send("DELETE", &format!("/api/sessions/{id}"), &json!({})).await {
                Ok(_) => toasts.done("The session has ended"),
                Err(problem) => toasts.wrong("The session could not be ended", problem.told()),
            }
            held.refresh();
        });
    };
    let agent = browser(&session.agent);
    let heading = if everybody { session.user.to_string() } else { agent.clone() };
    let label = format!("End the session of {} by {agent}", session.user);
    view! {
        <tr>
            <th scope="row">
                {heading}
                {session.current.then(|| view! { <small>"this one"</small> })}
            </th>
            {everybody.then(|| view! { <td data-part="wide" title=session.agent.clone()>{agent}</td> })}
            <td data-part="extra"><code>{session.address}</code></td>
            <td data-part="extra"><Moment at=session.created_at/></td>
            <td><Moment at=session.last_seen_at/></td>
            <td data-part="acts">
                <button class="button" type="button" data-kind="danger" aria-label=label on:click=end>"End"</button>
            </td>
        </tr>
    }
}

/// A browser in two words, of the many that it says of itself: `Firefox, Linux`.
fn browser(agent: &str) -> String {
    let first =
        |words: &[(&str, &'static str)]| words.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, word)| *word);
    let program = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program}, {system}"),
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) if agent.is_empty() => "unknown".to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn a_browser_is_told_in_two_words() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome, Linux");
        assert_eq!(browser("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"), "Safari, iPhone");
        assert_eq!([browser("curl/8.5.0"), browser(""), browser("lynx")], ["curl", "unknown", "lynx"]);
    }
}
