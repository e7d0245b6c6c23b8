//! Check before you run: a workflow file is written or pasted here, and what is wrong with it, or what it would do, is
//! told as it is written. The browser reads it as the server would; nothing of it is sent or stored.

use std::time::Duration;

use leptos::{either::EitherOf3, ev, html::Textarea, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use web_sys::{File, HtmlInputElement};

use super::{not_found::Missing, workflows::EXAMPLE};
use crate::{
    app::{
        api,
        components::{
            checked_plan::CheckedPlan,
            copy_button::CopyButton,
            icon::Icon,
            trouble::Trouble,
            yaml_editor::YamlEditor,
            yaml_view::{SHOWN_MAX, said},
        },
        editing, live,
    },
    browser::editor,
    domain::{
        listing::WorkflowSheet,
        workflow::{Workflow, WorkflowError},
    },
};

/// How long nothing must be typed until the text is looked at.
const PAUSE: Duration = Duration::from_millis(250);
/// What a file is called that has no name yet.
const UNNAMED: &str = "workflow.yaml";

/// What the text came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// It was not looked at yet, or there is none.
    Nothing,
    /// It is longer than [`SHOWN_MAX`].
    TooLong,
    /// These errors.
    Wrong(Vec<WorkflowError>),
    /// This plan.
    Good(Box<Workflow>),
}

/// The page.
#[component]
pub fn Check() -> impl IntoView {
    let query = use_query_map();
    let of = Memo::new(move |_| query.read().get("of").filter(|name| !name.is_empty()));
    let data = Resource::new(
        move || of.get(),
        // Whether it was found is said by itself: an absent copy of an absent workflow would be read back as the latter.
        |of| async move {
            let Some(name) = of else { return Ok((true, None)) };
            api::workflow(name).await.map(|sheet| (sheet.is_some(), sheet))
        },
    );
    let content = move || {
        Suspend::new(async move {
            match data.await {
                Ok((true, sheet)) => EitherOf3::A(view! { <Desk sheet/> }),
                Ok((false, _)) => EitherOf3::B(view! { <Missing what="workflow"/> }),
                Err(_) => EitherOf3::C(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

#[component]
fn Desk(sheet: Option<WorkflowSheet>) -> impl IntoView {
    live::rest();
    let text = RwSignal::new(sheet.as_ref().and_then(|sheet| sheet.file.text.clone()).unwrap_or_default());
    let file = RwSignal::new(sheet.as_ref().map_or(UNNAMED.to_owned(), |sheet| sheet.workflow.file.clone()));
    let checked = RwSignal::new(Checked::Nothing);
    watch(text, file, checked);
    let errors = Memo::new(move |_| {
        checked.with(|checked| match checked {
            Checked::Wrong(errors) => errors.clone(),
            _ => Vec::new(),
        })
    });
    let area = NodeRef::<Textarea>::new();
    let name = sheet.as_ref().map(|sheet| sheet.workflow.name.to_string());
    let title = name.as_ref().map_or("Check a file".to_owned(), |name| format!("A copy of {name}"));
    view! {
        <Title text=title.clone()/>
        <div class="page-header">
            <nav data-part="path" aria-label="Path">
                <a href="/workflows">"Workflows"</a>
                <span aria-hidden="true">"/"</span>
                {name.map(|name| view! { <a href=format!("/workflows/{name}")>{name.clone()}</a><span aria-hidden="true">"/"</span> })}
            </nav>
            <h1>{title}</h1>
            <p>"Nothing is stored on the server"</p>
            <Actions text file/>
        </div>
        <div class="check-page" on:dragover=move |event| event.prevent_default() on:drop=drop_into(text, file)>
            <section aria-label="The file">
                <YamlEditor text errors area/>
                <PutInPlace file/>
            </section>
            <section aria-label="What it comes to">
                <Verdict checked text area/>
                <CheckedPlan checked known=sheet/>
            </section>
        </div>
    }
}

/// Looks at the text when nothing was typed for a moment.
fn watch(text: RwSignal<String>, file: RwSignal<String>, checked: RwSignal<Checked>) {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let look = move || {
        let found = text.try_with_untracked(|text| file.try_with_untracked(|file| check(file, text))).flatten();
        if let Some(found) = found {
            checked.try_set(found);
        }
    };
    Effect::new(move |before: Option<()>| {
        text.track();
        file.track();
        if before.is_none() {
            return look();
        }
        let next = set_timeout_with_handle(look, PAUSE).ok();
        if let Some(handle) = waiting.try_update_value(|waiting| std::mem::replace(waiting, next)).flatten() {
            handle.clear();
        }
    });
}

fn check(file: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        return Checked::Nothing;
    }
    if text.len() > SHOWN_MAX {
        return Checked::TooLong;
    }
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    match Workflow::parse_with(file, stem, text, editor::is_zone) {
        Ok(workflow) => Checked::Good(Box::new(workflow)),
        Err(errors) => Checked::Wrong(errors),
    }
}

#[component]
fn Actions(text: RwSignal<String>, file: RwSignal<String>) -> impl IntoView {
    let download = move |_| file.with_untracked(|file| text.with_untracked(|text| editor::download(file, text)));
    let open = move |event: ev::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(chosen) = input.files().and_then(|files| files.get(0)) {
            take_in(chosen, text, file);
        }
        input.set_value("");
    };
    view! {
        <div data-part="actions">
            <label class="button" data-kind="quiet">
                <Icon name="file"/>"Open a file"
                <input class="visually-hidden" type="file" accept=".yaml,.yml" on:change=open/>
            </label>
            <CopyButton what="file" text=move || text.get_untracked()/>
            <button class="button" type="button" data-kind="quiet" on:click=download><Icon name="download"/>"Download"</button>
        </div>
    }
}

fn drop_into(text: RwSignal<String>, file: RwSignal<String>) -> impl Fn(ev::DragEvent) {
    move |event| {
        let dropped = event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0));
        if let Some(dropped) = dropped {
            event.prevent_default();
            take_in(dropped, text, file);
        }
    }
}

/// Puts a file of the reader's into the editor.
fn take_in(chosen: File, text: RwSignal<String>, file: RwSignal<String>) {
    leptos::task::spawn_local(async move {
        let read = editor::text_of(&chosen, SHOWN_MAX).await;
        let read = read.unwrap_or_else(|| format!("# {} is longer than 256 KiB, or can't be read.\n", chosen.name()));
        file.try_set(chosen.name());
        text.try_set(read);
    });
}

/// Whether it is good, and if not, what is wrong and where.
#[component]
fn Verdict(checked: RwSignal<Checked>, text: RwSignal<String>, area: NodeRef<Textarea>) -> impl IntoView {
    let word = move || {
        checked.with(|checked| match checked {
            Checked::Nothing => "Write or paste a workflow file, open one, or drop one here.".to_owned(),
            Checked::TooLong => "The text is longer than 256 KiB: too long to be checked here.".to_owned(),
            Checked::Wrong(errors) if errors.len() == 1 => "One error".to_owned(),
            Checked::Wrong(errors) => format!("{} errors", errors.len()),
            Checked::Good(_) => "The file is good.".to_owned(),
        })
    };
    let state = move || {
        checked.with(|checked| match checked {
            Checked::Wrong(_) | Checked::TooLong => "wrong",
            Checked::Good(_) => "good",
            Checked::Nothing => "nothing",
        })
    };
    let begin = move |_| text.set(EXAMPLE.to_owned());
    let go = move |line, column| {
        if let Some(area) = area.get_untracked() {
            let offset = text.with_untracked(|text| editing::offset(text, line, column));
            editor::go_to(&area, line, offset);
        }
    };
    let each = move || match checked.get() {
        Checked::Wrong(errors) => errors,
        _ => Vec::new(),
    };
    let row = move |error: WorkflowError| {
        let (line, column) = (error.line, error.column);
        view! {
            <li>
                <button type="button" on:click=move |_| go(line, column)>
                    <code>{line}":"{column}</code>
                    <span>{said(&error)}</span>
                </button>
            </li>
        }
    };
    view! {
        <div data-part="verdict" data-state=state>
            <p role="status">{word}</p>
            <Show when=move || text.with(String::is_empty)>
                <button class="button" type="button" on:click=begin>"Begin with an example"</button>
            </Show>
            <ol aria-label="Errors" hidden=move || each().is_empty()>{move || each().into_iter().map(row).collect_view()}</ol>
        </div>
    }
}

/// How the file comes to where it is run.
#[component]
fn PutInPlace(file: RwSignal<String>) -> impl IntoView {
    view! {
        <details data-part="place">
            <summary>"How to put it in place"</summary>
            <p>
                "Download it, and put it into the server’s workflows folder as "<code>{file}</code>
                ". It is picked up within two seconds, without a restart; if something is wrong with it, the version before it goes on running. On a machine with Runcast, "
                <code>"runcast validate "{file}</code>" says the same as this page."
            </p>
        </details>
    }
}
