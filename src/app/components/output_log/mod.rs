//! The output: numbered lines in their colours, of all steps or of one, however many. It follows the end until the
//! reader scrolls up.

mod lines;
mod listed;
mod looks;
mod map;
mod overhead;
mod row;
mod tools;
mod view;

use leptos::{html, prelude::*};

use self::{lines::Lines, looks::Looks, map::Map, overhead::Overhead, tools::Tools, view::View};
use super::icon::Icon;
use crate::{
    app::{
        log::{Log, link},
        run::Run,
    },
    browser::address,
    domain::execution::Execution,
};

/// The output of an execution.
#[component]
pub fn OutputLog(
    /// Whose output it is.
    run: Run,
) -> impl IntoView {
    let log = run.log;
    let looks = Looks::new();
    let search = NodeRef::<html::Input>::new();
    let view = View::new(log, looks.wrap);
    obey_address(log, view);
    let over = move || log.shown.with(|execution| execution.status.is_final());
    view! {
        <section
            class="output-log"
            data-times=move || looks.times.get().word()
            data-wrap=move || looks.wrap.get().to_string()
            aria-label="Output"
            on:keydown=move |event| keys(log, search, &event)
        >
            <Tools run looks search view/>
            <div data-part="frame">
                <Lines view looks/>
                <Overhead view/>
                <Empty log/>
                <Trouble log/>
                <Map view/>
                <button
                    data-part="live"
                    type="button"
                    hidden=over
                    aria-pressed=move || log.is_following().to_string()
                    on:click=move |_| log.follow(!log.is_following())
                >
                    <Icon name="down"/>
                    "Following"
                </button>
            </div>
        </section>
    }
}

/// Shows the lines that the address names, now and whenever it changes: in the log, and the log in the window.
fn obey_address(log: Log, view: View) {
    let obeyed = StoredValue::new(String::new());
    let obey = move || {
        let (search, hash) = address::parts();
        if obeyed.with_value(|before| *before == hash) || hash == own(log) {
            return;
        }
        obeyed.set_value(hash.clone());
        let Some(link) = link::read(&search, &hash) else { return };
        let known = |execution: &Execution| link.step.as_ref().is_none_or(|step| execution.step(step).is_some());
        if log.shown.with_untracked(known) {
            log.choose(link.step);
            // One that is not there yet is marked when it comes.
            log.go_to(link.first - 1, link.last - 1);
            view.bring();
        }
    };
    let hash = leptos_router::hooks::use_location().hash;
    Effect::new(move || {
        hash.track();
        untrack(obey);
    });
    Effect::new(move || {
        let listening = window_event_listener(leptos::ev::hashchange, move |_| obey());
        on_cleanup(move || listening.remove());
    });
}

/// The hash of the lines that are chosen.
fn own(log: Log) -> String {
    log.chosen.get_untracked().map(|(first, last)| link::hash(first + 1, last + 1)).unwrap_or_default()
}

/// `/` and Ctrl-F look for something; E and W go to the next error and warning, with Shift to the one before.
fn keys(log: Log, search: NodeRef<html::Input>, event: &leptos::ev::KeyboardEvent) {
    let key = event.key();
    let held = event.ctrl_key() || event.meta_key();
    let typing = event_target_tag(event) == "INPUT";
    if (key == "/" && !typing && !held) || (held && key == "f") {
        event.prevent_default();
        event.stop_propagation();
        if let Some(search) = search.get_untracked() {
            let _ = search.focus();
            search.select();
        }
    } else if !typing && !held && !event.alt_key() {
        let end = log.end.get_untracked();
        let go = |errors: bool, forward: bool| {
            let marks = log.marks.get_untracked();
            let places = if errors { &marks.errors } else { &marks.warnings };
            log.next_of(places.before(end).0, forward);
        };
        match key.as_str() {
            "e" | "E" => go(true, key == "e"),
            "w" | "W" => go(false, key == "w"),
            _ => {}
        }
    }
}

fn event_target_tag(event: &leptos::ev::KeyboardEvent) -> String {
    event.target().map(|target| event_target_element(&target)).unwrap_or_default()
}

fn event_target_element(target: &web_sys::EventTarget) -> String {
    use wasm_bindgen::JsCast;
    target.dyn_ref::<web_sys::Element>().map(web_sys::Element::tag_name).unwrap_or_default()
}

#[component]
fn Empty(log: Log) -> impl IntoView {
    let words = move || {
        let begun = log.shown.with(|execution| {
            let step =
                log.step.with(|step| step.as_ref().and_then(|step| execution.step(step)).map(|step| step.status));
            (
                execution.status.is_final() || step.is_some_and(|status| status.is_final()),
                execution.started_at.is_some(),
            )
        });
        match begun {
            (true, _) => "It printed nothing.",
            (false, true) => "No output yet.",
            (false, false) => "It has not begun: no output yet.",
        }
    };
    view! { <Show when=move || log.end.get() == 0><p data-part="empty">{words}</p></Show> }
}

#[component]
fn Trouble(log: Log) -> impl IntoView {
    move || {
        log.problem.get().map(|problem| {
            view! {
                <p data-part="problem" role="alert">
                    {format!("Some lines can't be read: {problem}")}
                    <button class="button" type="button" on:click=move |_| log.try_again()>"Try again"</button>
                </p>
            }
        })
    }
}
