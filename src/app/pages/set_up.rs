//! The first account of a new server. A plain form: it works before any script does.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::app::components::{door::Door, secret_field::SecretField};

const LEAD: &str = "The first account may do everything. The setup code proves that the server is yours; it stands in \
                    the terminal where you started it.";

/// The page.
#[component]
pub fn SetUp() -> impl IntoView {
    let asked = use_query_map();
    let error = Signal::derive(move || asked.read().get("error").map(|word| reason(&word)));
    view! {
        <Door title="Set up this server" short="Set up" lead=LEAD action="/api/setup" button="Create the account">
            <div class="field">
                <label for="code">"Setup code"</label>
                <input id="code" name="code" autocomplete="one-time-code" spellcheck="false" required autofocus/>
            </div>
            <div class="field">
                <label for="name">"Name"<small>"a-z, 0-9, and . _ -"</small></label>
                <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64"/>
            </div>
            <SecretField name="password" label="Password" autocomplete="new-password" error/>
        </Door>
    }
}

/// What a word in the address means. Never the word itself: anybody can write an address.
fn reason(word: &str) -> &'static str {
    match word {
        "code" => "That is not the setup code of this server, or it has been used.",
        "busy" => "Too many tries. Wait a minute, then try again.",
        "name" => "A name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit.",
        "password" => "A password has 10 to 256 characters.",
        _ => "That did not work. Check the code, the name and the password, and try again.",
    }
}
