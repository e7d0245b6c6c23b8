//! A workflow's file: numbered lines that can be linked to, colours for keys, and errors at their lines.

use std::fmt::Write as _;

use leptos::prelude::*;

use super::{copy_button::CopyButton, icon::Icon, moment::Moment};
use crate::domain::{
    listing::WorkflowFile,
    workflow::{
        WorkflowError,
        highlight::{self, Kind},
    },
};

/// Longest text that is shown in colours, in bytes; a longer one can be had as it is.
pub const SHOWN_MAX: usize = 256 * 1024;

/// The file of a workflow.
#[component]
pub fn YamlView(
    /// What it is called in the folder.
    path: String,
    /// The workflow's name.
    name: String,
    /// What is in it.
    #[prop(into)]
    file: Signal<WorkflowFile>,
) -> impl IntoView {
    let label = path.clone();
    let edit = format!("/check?of={name}");
    let raw = format!("/api/workflows/{name}/file");
    let read_at = Memo::new(move |_| file.with(|file| file.read_at));
    let lines = Memo::new(move |_| file.with(shown));
    view! {
        <div class="yaml-view">
            <header>
                <code>{path}</code>
                <span>"read "{move || view! { <Moment at=read_at.get()/> }}</span>
                <a class="button" data-kind="quiet" href=edit><Icon name="file"/>"Edit a copy"</a>
            </header>
            {move || match lines.get() {
                Some(lines) => view! { <ol tabindex="0" aria-label=label.clone() inner_html=lines></ol> }.into_any(),
                None => view! {
                    <p>"It is too long to be shown here, or no text. " <a href=raw.clone() rel="external">"As it is"</a></p>
                }.into_any(),
            }}
        </div>
    }
}

fn shown(file: &WorkflowFile) -> Option<String> {
    file.text.as_deref().filter(|text| text.len() <= SHOWN_MAX).map(|text| markup(text, &file.errors, true))
}

/// A file that can be taken as it is.
#[component]
pub fn Sample(
    /// What is in it.
    text: &'static str,
    /// What it may be called.
    name: &'static str,
) -> impl IntoView {
    view! {
        <div class="yaml-view">
            <header><code>{name}</code><CopyButton what="file" text=move || text.to_owned()/></header>
            <ol tabindex="0" aria-label=name inner_html=markup(text, &[], false)></ol>
        </div>
    }
}

/// The lines as list items, in one text: a file has thousands of pieces, and none of them changes by itself. `linked` gives
/// lines their addresses and says their errors below them; else a line with an error is only marked.
pub fn markup(text: &str, errors: &[WorkflowError], linked: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    // What follows the last line feed is no line if there is nothing.
    let text = if linked { text.strip_suffix('\n').unwrap_or(text) } else { text };
    for (number, tokens) in (1_u64..).zip(highlight::lines(text)) {
        let wrong: Vec<&WorkflowError> = errors.iter().filter(|error| error.line == number).collect();
        // Writing to a string can't fail.
        let level = if wrong.is_empty() { "" } else { " data-level=\"error\"" };
        let _ = match linked {
            true => write!(
                out,
                "<li id=\"L{number}\"{level}><a href=\"#L{number}\" rel=\"external\" tabindex=\"-1\" \
                 aria-label=\"Line {number}\">{number}</a><code>"
            ),
            false => write!(out, "<li{level}><i>{number}</i><code>"),
        };
        for token in &tokens {
            piece(&mut out, token.kind, token.text);
        }
        out.push_str("</code>");
        for error in wrong.iter().filter(|_| linked) {
            out.push_str("<span data-part=\"error\">");
            escape(&mut out, &said(error));
            out.push_str("</span>");
        }
        out.push_str("</li>");
    }
    out
}

/// An error where its line is seen anyway.
pub fn said(error: &WorkflowError) -> String {
    let joint = if error.path.is_empty() { "" } else { ": " };
    format!("{}{joint}{}", error.path, error.message)
}

fn piece(out: &mut String, kind: Kind, text: &str) {
    let class = match kind {
        Kind::Plain => return escape(out, text),
        Kind::Key => "key-name",
        Kind::Text => "text",
        Kind::Number => "number",
        Kind::Comment => "comment",
        Kind::Shell => "shell",
    };
    let _ = write!(out, "<span class=\"{class}\">");
    escape(out, text);
    out.push_str("</span>");
}

fn escape(out: &mut String, text: &str) {
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser of HTML reads these as something else.
            '\r' => out.push_str("&#13;"),
            '\0' => out.push('\u{fffd}'),
            sign => out.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(line: u64, message: &str) -> WorkflowError {
        WorkflowError {
            file: "a.yaml".to_owned(),
            line,
            column: 3,
            path: "steps".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_line_with_an_error_is_marked_and_says_it() {
        let html = markup("steps:\n  - no\n", &[error(2, "is <b>")], true);
        assert_eq!(html.matches("<li").count(), 2);
        let second = &html[html.find("<li id=\"L2\"").expect("it is there")..];
        assert!(second.starts_with("<li id=\"L2\" data-level=\"error\">"), "{second}");
        assert!(second.contains("<span data-part=\"error\">steps: is &lt;b&gt;</span>"), "{second}");
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_markup(text in "(?s)[<>&\"'a:# \\-\n|\u{0}]{0,80}", message in "[<>&\"a]{0,9}") {
            let html = markup(&text, &[error(1, &message)], true);
            let mut rest = html.as_str();
            while let Some(at) = rest.find('<') {
                rest = &rest[at..];
                let ours = ["<li id=\"L", "</li>", "<code>", "</code>", "<a href=\"#L", "</a>", "<span class=\"", "<span data-part=\"error\">", "</span>"];
                prop_assert!(ours.iter().any(|tag| rest.starts_with(tag)), "{}", rest);
                rest = &rest[1..];
            }
            let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n').count();
            prop_assert_eq!(html.matches("<li ").count(), lines);
        }
    }
}
