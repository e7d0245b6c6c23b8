//! Counts that are buttons: each opens the list that it counts.

use leptos::prelude::*;

use crate::app::now::{Counts, Now};

/// How many there are, now and in the last hour.
#[component]
pub fn CountBar(
    /// The page that it belongs to.
    now: Now,
) -> impl IntoView {
    let of = move |which: fn(&Counts) -> u64| Memo::new(move |_| now.counts.with(which));
    let more = Memo::new(move |_| now.counts.with(|counts| counts.more));
    let failed = "/executions?status=failed,timed_out,interrupted&ended_from=1h";
    view! {
        <nav class="count-bar" aria-label="Counts">
            <Count value=of(|counts| counts.running) word="running" href="/executions?status=running" more/>
            <Count value=of(|counts| counts.look) word="to look at" href="#attention" status="attention"/>
            <Count value=of(|counts| counts.queued) word="queued" href="/executions?status=queued" more/>
            <hr/>
            <Count value=of(|counts| counts.succeeded) word="succeeded" href="/executions?status=succeeded&ended_from=1h" past=true/>
            <Count value=of(|counts| counts.failed) word="failed" href=failed status="failed" past=true/>
            <Count value=of(|counts| counts.cancelled) word="cancelled" href="/executions?status=cancelled&ended_from=1h" past=true/>
        </nav>
    }
}

#[component]
fn Count(
    value: Memo<u64>,
    word: &'static str,
    href: &'static str,
    /// What it is an alarm of.
    #[prop(optional)]
    status: Option<&'static str>,
    /// Whether it counts the last hour.
    #[prop(optional)]
    past: bool,
    /// Whether there are more than are counted.
    #[prop(optional, into)]
    more: Option<Signal<bool>>,
) -> impl IntoView {
    let number = move || {
        let plus = if more.is_some_and(|more| more.get()) { "+" } else { "" };
        format!("{}{plus}", value.get())
    };
    // The router would take a place on this page for a page.
    let rel = href.starts_with('#').then_some("external");
    view! {
        <a href=href rel=rel data-status=status data-count=move || (value.get() == 0).then_some("none")>
            <data value=move || value.get().to_string()>{number}</data>
            " "
            {word}
            {past.then(|| view! { <span class="visually-hidden">" in the last hour"</span> })}
        </a>
    }
}
