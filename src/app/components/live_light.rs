//! Whether what you see is true right now, in words, and what is behind it for whoever asks.

use leptos::prelude::*;

use super::moment::clock;
use crate::{
    app::live::{Live, LiveState},
    domain::{id::Seq, size::spoken_number},
};

/// What the light opens.
const MORE: &str = "live-more";

/// The light.
#[component]
pub fn LiveLight() -> impl IntoView {
    let live @ Live { state, seq, .. } = Live::expect();
    let word = move || match state.get() {
        LiveState::Connecting => "catching-up",
        LiveState::Live => "live",
        LiveState::Reconnecting => "reconnecting",
        LiveState::Offline => "offline",
        LiveState::Asking => "asking",
        LiveState::Still => "still",
    };
    let number = move || Some(seq.get().0).filter(|seq| *seq > 0 && !state.get().is_without_events());
    let open = RwSignal::new(false);
    // What is read out is the state, when it changes; the number would never be silent.
    view! {
        <button
            class="live-light"
            type="button"
            data-state=word
            data-leads=move || live.leads.get().map(|leads| leads.to_string())
            popovertarget=MORE
            title=move || number().map(|seq| known(live, seq))
        >
            <i></i>
            <span>{move || label(state.get())}</span>
            <data value=move || number().map(|seq| seq.to_string())>{move || number().map(spoken_number)}</data>
        </button>
        <span class="visually-hidden" role="status" aria-label="Connection">{move || label(state.get())}</span>
        <div id=MORE class="live-more" popover="auto" role="group" aria-label="Connection" on:toggle=move |_| open.update(|open| *open = !*open)>
            {move || open.get().then(|| view! { <More live/> })}
        </div>
    }
}

fn label(state: LiveState) -> &'static str {
    match state {
        LiveState::Connecting => "Catching up",
        LiveState::Live => "In sync",
        LiveState::Reconnecting => "Reconnecting",
        LiveState::Offline => "Offline",
        LiveState::Asking => "Up to date",
        LiveState::Still => "Not live",
    }
}

#[component]
fn More(live: Live) -> impl IntoView {
    let since = move || {
        let state = live.state.get();
        let begun = live.since.get().filter(|_| !state.is_without_events());
        let since = begun.map(|at| format!(" since {}", clock(at, true))).unwrap_or_default();
        format!("{}{since}", label(state))
    };
    let meaning = move || match live.state.get() {
        LiveState::Connecting => "What has happened meanwhile is on its way.",
        LiveState::Live if live.in_sync.get().is_some() => "What you see is what the server has.",
        LiveState::Live => "All that happens is shown as it comes.",
        LiveState::Reconnecting => "The server answers, the stream of events does not. The page tries again by itself.",
        LiveState::Offline => "No server answers. What you see is how it was. The page tries again by itself.",
        LiveState::Asking => "This page asks the server again every few seconds.",
        LiveState::Still => "This page shows nothing that changes.",
    };
    let feeds = move || match live.leads.get() {
        Some(true) => "Reads the events for all tabs",
        Some(false) => "Is fed by another tab",
        None => "Not known yet",
    };
    let compared = move || match live.in_sync.get() {
        Some(Seq(at)) => format!("Equal at event {}", spoken_number(at)),
        None => "Not compared yet".to_owned(),
    };
    let mended =
        move || Some(live.mended.get()).filter(|times| *times > 0).map(|times| format!(", {}", fetched(times)));
    view! {
        <p><strong>{since}</strong><br/>{meaning}</p>
        <dl>
            <div><dt>"Event"</dt><dd>{move || spoken_number(live.seq.get().0)}</dd></div>
            <div><dt>"Lately"</dt><dd>{move || format!("{:.1} events a second", live.pace.get())}</dd></div>
            <div><dt>"With the server"</dt><dd>{compared}{mended}</dd></div>
            <div><dt>"This tab"</dt><dd>{feeds}</dd></div>
        </dl>
    }
}

/// How well the page knows that it is true.
fn known(live: Live, seq: u64) -> String {
    let compared = match live.in_sync.get() {
        Some(Seq(at)) if at == seq => format!("In sync with the server at event {seq}"),
        Some(at) => format!("At event {seq}, in sync with the server at event {at}"),
        None => format!("At event {seq}"),
    };
    match live.mended.get() {
        0 => compared,
        times => format!("{compared}; {}", fetched(times)),
    }
}

fn fetched(times: u32) -> String {
    match times {
        1 => "once it was not, and was fetched anew".to_owned(),
        times => format!("{times} times it was not, and was fetched anew"),
    }
}
