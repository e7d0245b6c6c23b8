//! Keys that do something anywhere, and the list of them.

use leptos::{ev, prelude::*};
use leptos_router::hooks::use_navigate;

use super::dialog::Dialog;
use crate::{
    app::{following::Following, looks::Looks, toasts::Toasts},
    browser::{page, time},
    domain::time::Timestamp,
};

/// How long the second key of two is waited for, in milliseconds.
const SECOND: u64 = 1_500;

/// Pages by the key after g.
const PAGES: [(&str, &str, &str); 4] = [
    ("n", "/", "Now"),
    ("e", "/executions", "Executions"),
    ("w", "/workflows", "Workflows"),
    ("s", "/profile", "Settings"),
];

/// Keys of parts of an execution's page, each for the part that has the focus, and what they do.
const RUN: [(&str, &str); 8] = [
    ("Ctrl F", "Output: search"),
    ("E", "Output: the next error, with Shift the one before"),
    ("W", "Output: the next warning, with Shift the one before"),
    ("Shift Click", "Output: choose lines up to this number"),
    ("↑ ↓", "Steps: the one above, the one below"),
    ("← →", "Graph: along the needs; on the time axis: the event before, the next"),
    ("+ - 0", "Graph: larger, smaller, all of it"),
    ("Space", "Time axis: play, pause"),
];

/// Listens to them, and lists them when asked to.
#[component]
pub fn Shortcuts(
    /// Whether the command palette is open.
    palette: RwSignal<bool>,
    /// Whether the list is.
    open: RwSignal<bool>,
) -> impl IntoView {
    let (looks, toasts, following) = (Looks::expect(), Toasts::expect(), Following::expect());
    let led = StoredValue::new(None::<Timestamp>);
    let navigate = use_navigate();
    Effect::new(move || {
        let navigate = navigate.clone();
        let keys = window_event_listener(ev::keydown, move |event| {
            following.seen();
            let key = event.key();
            let with = event.ctrl_key() || event.meta_key();
            if with && !event.alt_key() && !event.shift_key() && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                open.set(false);
                return palette.update(|open| *open = !*open);
            }
            if with || event.alt_key() || page::in_dialog() {
                return;
            }
            if key == "Escape" {
                toasts.close_newest();
            }
            if !looks.keys.get_untracked() || page::is_writing() || event.default_prevented() {
                return;
            }
            let second = led.get_value().is_some_and(|at| time::now().since(at) < SECOND);
            led.set_value(None);
            if let Some((_, path, _)) = PAGES.iter().find(|(second_key, ..)| second && *second_key == key) {
                event.prevent_default();
                return navigate(path, Default::default());
            }
            match &*key {
                "g" => led.set_value(Some(time::now())),
                "/" => {
                    event.prevent_default();
                    if !page::focus_first("main [role=search] input") {
                        palette.set(true);
                    }
                }
                "?" => {
                    event.prevent_default();
                    open.set(true);
                }
                _ => {}
            }
        });
        let clicks = window_event_listener(ev::pointerdown, move |_| following.seen());
        on_cleanup(move || {
            keys.remove();
            clicks.remove();
        });
    });
    view! {
        <Dialog title="Shortcuts" open>
            <List/>
        </Dialog>
    }
}

#[component]
fn List() -> impl IntoView {
    let looks = Looks::expect();
    let row = |keys: Vec<&'static str>, what: String| {
        let keys = keys.into_iter().map(|key| view! { <kbd class="key">{key}</kbd> });
        view! { <div><dt>{keys.collect_view()}</dt><dd>{what}</dd></div> }
    };
    let pages = PAGES.map(|(key, _, name)| row(vec!["g", key], format!("Go to {name}")));
    let run = RUN.map(|(keys, what)| row(keys.split(' ').collect(), what.to_owned())).collect_view();
    view! {
        <dl data-part="keys">
            {row(vec!["Ctrl", "K"], "Search and commands".to_owned())}
            {row(vec!["/"], "Search on this page".to_owned())}
            {pages.collect_view()}
            {row(vec!["?"], "This list".to_owned())}
            {row(vec!["Esc"], "Close what is open".to_owned())}
        </dl>
        <h3>"On the page of a run"</h3>
        <dl data-part="keys">{run}</dl>
        <div class="field" data-kind="switch">
            <label for="keys-here">"Shortcuts of single keys"</label>
            <input
                id="keys-here"
                type="checkbox"
                role="switch"
                prop:checked=move || looks.keys.get()
                on:change=move |_| looks.set_keys(!looks.keys.get_untracked())
            />
            <p>"Off: only those with Ctrl do something."</p>
        </div>
    }
}
