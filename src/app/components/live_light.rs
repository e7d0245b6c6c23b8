//! Whether what you see is true right now, in words.

use leptos::prelude::*;

use crate::{
    app::live::{Live, LiveState},
    domain::id::Seq,
};

/// The light.
#[component]
pub fn LiveLight() -> impl IntoView {
    let live @ Live { state, seq, .. } = Live::expect();
    let word = move || match state.get() {
        LiveState::Connecting => "catching-up",
        LiveState::Live => "live",
        LiveState::Reconnecting => "reconnecting",
        LiveState::Offline => "offline",
        LiveState::Still => "still",
    };
    let label = move || match state.get() {
        LiveState::Connecting => "Connecting",
        LiveState::Live => "Live",
        LiveState::Reconnecting => "Reconnecting",
        LiveState::Offline => "Offline",
        LiveState::Still => "Nothing live here",
    };
    let number = move || Some(seq.get().0).filter(|seq| *seq > 0 && state.get() != LiveState::Still);
    view! {
        <p class="live-light" data-state=word title=move || number().map(|seq| known(live, seq))>
            <i></i>
            <span role="status" aria-label="Connection">{label}</span>
            <data value=move || number().map(|seq| seq.to_string())>{move || number().map(grouped)}</data>
        </p>
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
        1 => format!("{compared}; once it was not, and was fetched anew"),
        times => format!("{compared}; {times} times it was not, and was fetched anew"),
    }
}

/// A number in groups of three, apart: 48 213.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
