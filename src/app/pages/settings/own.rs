//! One's own account: the password, the looks, what one is told, where one is signed in, what acts for one.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    Held,
    access::SessionTable,
    tokens::{NewToken, TokenTable},
};
use crate::{
    app::{
        components::{secret_field::SecretField, send_form::SendForm},
        following::Following,
        looks::Looks,
        toasts::Toasts,
    },
    browser::{
        page,
        theme::{Contrast, Theme},
    },
    domain::administration::Contents,
};

/// The page of it.
#[component]
pub(super) fn OwnAccount(held: Held) -> impl IntoView {
    let (name, role) = held.contents.with_untracked(|contents| match contents {
        Contents::Profile { viewer, .. } => (viewer.name.to_string(), viewer.role.word()),
        _ => (String::new(), ""),
    });
    let path = format!("/api/users/{name}");
    view! {
        <dl class="stat-line">
            <div><dt>"name"</dt><dd>{name}</dd></div>
            <div><dt>"role"</dt><dd>{role}</dd></div>
        </dl>
        <LooksChoice/>
        <Told/>
        <NewPassword path held/>
        <section aria-labelledby="own-sessions">
            <div class="section-heading"><h2 id="own-sessions">"Where you are signed in"</h2></div>
            <SessionTable held everybody=false/>
        </section>
        <section aria-labelledby="own-tokens">
            <div class="section-heading"><h2 id="own-tokens">"Tokens"</h2></div>
            <TokenTable held everybody=false/>
        </section>
        <NewToken held everybody=false/>
    }
}

#[component]
fn LooksChoice() -> impl IntoView {
    let looks = Looks::expect();
    let theme = |theme: Theme| {
        let label = match theme {
            Theme::System => "As the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        };
        let chosen = move || looks.theme.get() == theme;
        view! {
            <label>
                <input type="radio" name="theme" value=theme.word() prop:checked=chosen on:change=move |_| looks.show(theme)/>
                {label}
            </label>
        }
    };
    let contrast = |contrast: Contrast| {
        let label = match contrast {
            Contrast::System => "As the system",
            Contrast::Normal => "Normal",
            Contrast::More => "More",
        };
        let chosen = move || looks.contrast.get() == contrast;
        view! {
            <label>
                <input
                    type="radio"
                    name="contrast"
                    value=contrast.word()
                    prop:checked=chosen
                    on:change=move |_| looks.set_contrast(contrast)
                />
                {label}
            </label>
        }
    };
    view! {
        <section aria-labelledby="looks">
            <div class="section-heading"><h2 id="looks">"Looks"</h2><span>"in this browser"</span></div>
            <div data-part="pairs">
                <fieldset class="field">
                    <legend>"Theme"</legend>
                    <div data-part="choices">{Theme::ALL.map(theme).collect_view()}</div>
                </fieldset>
                <fieldset class="field">
                    <legend>"Contrast"</legend>
                    <div data-part="choices">{Contrast::ALL.map(contrast).collect_view()}</div>
                </fieldset>
            </div>
        </section>
    }
}

/// What one is told of, and by which keys one goes.
#[component]
fn Told() -> impl IntoView {
    let (following, looks, toasts) = (Following::expect(), Looks::expect(), Toasts::expect());
    let notify = move |_| {
        let wanted = !following.notify.get_untracked();
        leptos::task::spawn_local(async move {
            if wanted && page::may_notify() != Some(true) && !page::ask_to_notify().await {
                toasts.wrong("The browser shows no notifications of this site", "Its settings for this site say why.");
            } else {
                following.set_notify(wanted);
            }
            // The switch shows what is so, whatever was pressed.
            following.notify.notify();
        });
    };
    view! {
        <section aria-labelledby="told">
            <div class="section-heading"><h2 id="told">"Notifications and keys"</h2><span>"in this browser"</span></div>
            <div class="field" data-kind="switch">
                <label for="notify">"Notify me"</label>
                <input id="notify" type="checkbox" role="switch" prop:checked=move || following.notify.get() on:change=notify/>
                <p>"When a run that you follow ends or needs a look, while this site is open in a tab."</p>
            </div>
            <div class="field" data-kind="switch">
                <label for="keys">"Shortcuts of single keys"</label>
                <input
                    id="keys"
                    type="checkbox"
                    role="switch"
                    prop:checked=move || looks.keys.get()
                    on:change=move |_| looks.set_keys(!looks.keys.get_untracked())
                />
                <p>"Such as g n. Press ? for all of them. Ctrl K always works."</p>
            </div>
        </section>
    }
}

#[component]
fn NewPassword(path: String, held: Held) -> impl IntoView {
    let toasts = Toasts::expect();
    let done = Callback::new(move |_: Value| {
        toasts.done("Your password is changed; your other sessions have ended");
        held.refresh();
    });
    view! {
        <section aria-labelledby="new-password">
            <div class="section-heading"><h2 id="new-password">"Change the password"</h2></div>
            <SendForm
                verb="PATCH"
                fields=&["current_password", "password"]
                address=Box::new(move |_| path.clone())
                done
                button="Change it"
            >
                <SecretField name="current_password" label="Password now" autocomplete="current-password"/>
                <SecretField name="password" label="New password" autocomplete="new-password"/>
            </SendForm>
            <p data-part="note">"Your other sessions end; your tokens stay."</p>
        </section>
    }
}
