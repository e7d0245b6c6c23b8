//! Signing in. A plain form: it works before any script does. What stands behind the `#` of a link, a line of the output
//! say, is known to the browser only, and comes along once scripts run.

use leptos::{html::Input, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    app::components::{door::Door, secret_field::SecretField},
    browser::{address, page, storage},
};

/// Where this tab keeps the name that was tried.
const TRIED: &str = "sign-in-name";

/// The page.
#[component]
pub fn SignIn() -> impl IntoView {
    let asked = use_query_map();
    let place = RwSignal::new(String::new());
    Effect::new(move || place.set(address::parts().1));
    let next = move || {
        let next = asked.read().get("next").unwrap_or_else(|| "/".to_owned());
        if next.contains('#') { next } else { next + &place.get() }
    };
    let name = NodeRef::<Input>::new();
    // Who mistyped the password need not type the name again.
    Effect::new(move || {
        let before =
            storage::take_for_tab(TRIED).filter(|_| asked.with_untracked(|asked| asked.get("error").is_some()));
        // Unless it is being typed already.
        let empty = name.get_untracked().filter(|name| name.value().is_empty());
        if let (Some(name), Some(before)) = (empty, before) {
            name.set_value(&before);
            page::focus_first("#password");
        }
    });
    let error = Signal::derive(move || asked.read().get("error").map(|word| reason(&word)));
    view! {
        <Door title="Sign in" short="Sign in" lead="to Runcast" action="/api/login" button="Sign in">
            <input type="hidden" name="next" value=next/>
            <div class="field">
                <label for="name">"Name"</label>
                <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus node_ref=name on:change=move |event| storage::keep_for_tab(TRIED, &event_target_value(&event))/>
            </div>
            <SecretField name="password" label="Password" autocomplete="current-password" error/>
        </Door>
    }
}

/// What a word in the address means. Never the word itself: anybody can write an address.
fn reason(word: &str) -> &'static str {
    match word {
        "wrong" => "Name or password is wrong.",
        "busy" => "Too many tries. Wait a minute, then try again.",
        _ => "That did not work. Check name and password, and try again.",
    }
}
