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
    let error = move |field: &'static str| {
        Signal::derive(move || {
            asked.read().get("error").filter(|word| concerns(word) == field).map(|word| reason(&word))
        })
    };
    let (code, name) = (error("code"), error("name"));
    view! {
        <Door title="Set up this server" short="Set up" lead=LEAD action="/api/setup" button="Create the account">
            <div class="field">
                <label for="code">"Setup code"</label>
                <input id="code" name="code" autocomplete="one-time-code" spellcheck="false" required autofocus aria-invalid=move || code.get().map(|_| "true") aria-describedby="code-says"/>
                <p id="code-says" data-part="error" role="alert">{move || code.get()}</p>
            </div>
            <div class="field">
                <label for="name">"Name"<small>"a-z, 0-9, and . _ -"</small></label>
                <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" aria-invalid=move || name.get().map(|_| "true") aria-describedby="name-says"/>
                <p id="name-says" data-part="error" role="alert">{move || name.get()}</p>
            </div>
            <SecretField name="password" label="Password" autocomplete="new-password" error=error("password")/>
        </Door>
    }
}

/// The field that it is about.
fn concerns(word: &str) -> &'static str {
    match word {
        "code" => "code",
        "name" => "name",
        _ => "password",
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
