//! A text area in which a workflow file is written, with its colours behind it.
//!
//! The letters of the text area are clear; those that are seen are the same text behind it, in colours. So it is the
//! browser's own editing, with its undo, its selection and its keys, and a reader of the screen finds a plain field.

use leptos::{ev, html::Textarea, prelude::*};

use super::yaml_view::markup;
use crate::{app::editing, browser::editor, domain::workflow::WorkflowError};

/// Longest text that is coloured while it is written, in bytes; a longer one is plain.
const COLOURED_MAX: usize = 64 * 1024;

/// The field.
#[component]
pub fn YamlEditor(
    /// The text.
    text: RwSignal<String>,
    /// What is wrong with it: these lines are marked.
    #[prop(into)]
    errors: Signal<Vec<WorkflowError>>,
    /// The field itself, for whoever sends the caret somewhere.
    area: NodeRef<Textarea>,
) -> impl IntoView {
    let plain = Memo::new(move |_| text.with(|text| text.len() > COLOURED_MAX));
    let lines = move || match plain.get() {
        true => String::new(),
        false => text.with(|text| errors.with(|errors| markup(text, errors, false))),
    };
    // Whether Tab writes. Not until something was written, so that nobody is caught who only passes through.
    let writing = StoredValue::new(false);
    let press = move |event: ev::KeyboardEvent| {
        let bare = !event.ctrl_key() && !event.alt_key() && !event.meta_key() && !event.shift_key();
        match event.key().as_str() {
            "Escape" => writing.set_value(false),
            "Tab" if bare && writing.get_value() => {
                event.prevent_default();
                editor::write("  ");
            }
            "Enter" if bare && !event.is_composing() => {
                let Some(area) = area.get_untracked() else { return };
                let at = area.selection_start().ok().flatten().unwrap_or_default();
                event.prevent_default();
                editor::write(&format!("\n{}", text.with_untracked(|text| editing::indent(text, at))));
            }
            _ => {}
        }
    };
    let input = move |event: ev::Event| {
        writing.set_value(true);
        text.set(event_target_value(&event));
    };
    view! {
        <div class="yaml-editor" data-plain=move || plain.get().then_some("")>
            <div data-part="sheet">
                <ol aria-hidden="true" inner_html=lines></ol>
                <textarea
                    node_ref=area
                    aria-label="Workflow file"
                    aria-describedby="editor-keys"
                    wrap="off"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="off"
                    prop:value=text
                    on:input=input
                    on:keydown=press
                    on:blur=move |_| writing.set_value(false)
                ></textarea>
            </div>
        </div>
        <p id="editor-keys" data-part="keys">"While you write, Tab indents; Esc, then Tab, goes on."</p>
    }
}
