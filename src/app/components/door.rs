//! A page with one thing to do and nothing around it: signing in, setting up.

use leptos::prelude::*;
use leptos_meta::Title;

use super::icon::Mark;

/// The page. Its form is a plain one: it works before any script does.
#[component]
pub fn Door(
    /// What it is for.
    title: &'static str,
    /// The same, in the tab.
    short: &'static str,
    /// What is to be known before.
    lead: &'static str,
    /// Where the form goes.
    action: &'static str,
    /// What its button says.
    button: &'static str,
    /// The fields.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=short/>
        <div class="door">
            <main id="main" tabindex="-1">
                <Mark/>
                <div>
                    <h1>{title}</h1>
                    <p>{lead}</p>
                </div>
                <form method="post" action=action>
                    {children()}
                    <button class="button" data-kind="main" data-size="large" type="submit">{button}</button>
                </form>
            </main>
        </div>
    }
}
