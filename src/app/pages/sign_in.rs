//! Signing in. A plain form: it works before any script does.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::app::components::icon::Mark;

/// The page.
#[component]
pub fn SignIn() -> impl IntoView {
    let asked = use_query_map();
    let next = move || asked.read().get("next").unwrap_or_else(|| "/".to_owned());
    let error = move || asked.read().get("error").map(|word| reason(&word));
    view! {
        <Title text="Sign in"/>
        <div class="door">
            <main id="main" tabindex="-1">
                <Mark/>
                <div>
                    <h1>"Sign in"</h1>
                    <p>"to Runcast"</p>
                </div>
                <form method="post" action="/api/login">
                    <input type="hidden" name="next" value=next/>
                    <div class="field">
                        <label for="name">"Name"</label>
                        <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus/>
                    </div>
                    <div class="field">
                        <label for="password">"Password"</label>
                        <input
                            id="password"
                            name="password"
                            type="password"
                            autocomplete="current-password"
                            required
                            aria-invalid=move || error().map(|_| "true")
                            aria-describedby="wrong"
                        />
                        <p data-part="error" id="wrong" role="alert">{error}</p>
                    </div>
                    <button class="button" data-kind="main" data-size="large" type="submit">"Sign in"</button>
                </form>
            </main>
        </div>
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
