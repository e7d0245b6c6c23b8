//! What a page does around itself: where the focus is, the tab's icon, the clipboard, the system's notifications.

use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement};

use super::time;
use crate::domain::time::Timestamp;

/// How often a new page's heading is looked for, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(40);
const LOOKS_MAX: usize = 60;
/// After how many looks a heading that was there before is taken for the new one.
const LOOKS_FOR_ANOTHER: usize = 20;

/// Tells `public/early.js`, which keeps what is clicked too early, that the page's code is there.
pub fn awake() {
    if let Ok(event) = Event::new("awake") {
        let _ = window().dispatch_event(&event);
    }
}

/// When the server made it.
pub fn made() -> Option<Timestamp> {
    let made = document().document_element()?.get_attribute("data-made")?;
    made.parse().ok().map(Timestamp)
}

/// The first heading of what is shown.
pub fn heading() -> Option<Element> {
    document().query_selector("main h1").ok().flatten()
}

/// Gives the focus to the heading that takes the place of `before`, so that who can't see the page hears where they
/// are. Leaves it where it is if the new page has put it into a field.
pub async fn focus_heading(before: Option<Element>) {
    for look in 0..LOOKS_MAX {
        time::sleep(LOOK_EVERY).await;
        let Some(heading) = heading() else { continue };
        if before.as_ref() == Some(&heading) && look < LOOKS_FOR_ANOTHER {
            continue;
        }
        if !is_writing() {
            focus(&heading);
        }
        return;
    }
}

/// Gives the focus to what may not be reached by Tab.
pub fn focus(element: &Element) {
    let _ = element.set_attribute("tabindex", "-1");
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Gives the focus to the first element that a selector finds. False if there is none.
pub fn focus_first(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten();
    let found = found.and_then(|element| element.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|element| element.focus().is_ok())
}

/// Whether the focus is where letters are written.
pub fn is_writing() -> bool {
    let Some(element) = document().active_element() else { return false };
    element.matches("input, textarea, select, [contenteditable]").unwrap_or(false)
}

/// Whether a dialog is open.
pub fn in_dialog() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|found| found.is_some())
}

/// What a field of a form is called on the page, by its name in the form.
pub fn label_of(form: &Element, name: &str) -> Option<String> {
    let field = form.query_selector(&format!("[name=\"{name}\"]")).ok()??;
    let label = form.query_selector(&format!("label[for=\"{}\"]", field.id())).ok()??;
    // What else is in it explains the field.
    label.first_child()?.text_content()
}

/// Shows or hides what is typed into a field.
pub fn reveal(input: &HtmlInputElement, shown: bool) {
    input.set_type(if shown { "text" } else { "password" });
}

/// Makes the tab's icon a pie of so many percent in a colour of the tokens, or what it is without.
pub fn icon(pie: Option<(f64, &str)>) {
    let Ok(Some(link)) = document().query_selector("link[rel=icon]") else { return };
    let href = match pie {
        None => "/favicon.svg".to_owned(),
        Some((percent, token)) => drawn(percent, &colour(token)),
    };
    if link.get_attribute("href").as_deref() != Some(&*href) {
        let _ = link.set_attribute("href", &href);
    }
}

fn drawn(percent: f64, colour: &str) -> String {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='none' style='color-scheme:light dark;stroke:{colour}'>\
         <circle cx='8' cy='8' r='7' stroke-width='1.5'/><circle cx='8' cy='8' r='2.5' stroke-width='5' pathLength='100' \
         stroke-dasharray='{percent:.0} 100' transform='rotate(-90 8 8)'/></svg>"
    );
    format!("data:image/svg+xml,{}", js_sys::encode_uri_component(&svg))
}

fn colour(token: &str) -> String {
    let root = document().document_element();
    let style = root.and_then(|root| window().get_computed_style(&root).ok().flatten());
    style.and_then(|style| style.get_property_value(token).ok()).unwrap_or_default().trim().to_owned()
}

/// Puts a text into the clipboard. False where the browser does not let us, as without https.
pub async fn copy(text: &str) -> bool {
    let copied = || -> Option<Promise> {
        let clipboard = Reflect::get(&window().navigator(), &"clipboard".into()).ok()?;
        let write: Function = Reflect::get(&clipboard, &"writeText".into()).ok()?.dyn_into().ok()?;
        write.call1(&clipboard, &text.into()).ok()?.dyn_into().ok()
    };
    match copied() {
        Some(copied) => JsFuture::from(copied).await.is_ok(),
        None => false,
    }
}

/// Whether the system may show notifications of ours; none if it has none.
pub fn may_notify() -> Option<bool> {
    let notification = notification()?;
    let permission = Reflect::get(&notification, &"permission".into()).ok()?.as_string()?;
    match &*permission {
        "granted" => Some(true),
        "denied" => Some(false),
        _ => None,
    }
}

/// Asks the person whether it may. Only for an answer to a click.
pub async fn ask_to_notify() -> bool {
    let asked = || -> Option<Promise> {
        let notification = notification()?;
        let ask: Function = Reflect::get(&notification, &"requestPermission".into()).ok()?.dyn_into().ok()?;
        ask.call0(&notification).ok()?.dyn_into().ok()
    };
    match asked() {
        Some(asked) => JsFuture::from(asked).await.is_ok_and(|answer| answer.as_string().as_deref() == Some("granted")),
        None => false,
    }
}

/// Shows a notification. One with the same tag takes its place.
pub fn notify(title: &str, body: &str, tag: &str) {
    let Some(notification) = notification() else { return };
    let options = Object::new();
    for (name, value) in [("body", body), ("tag", tag), ("icon", "/favicon.svg")] {
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    let _ = Reflect::construct(&notification, &Array::of2(&title.into(), &options));
}

fn notification() -> Option<Function> {
    Reflect::get(&JsValue::from(window()), &"Notification".into()).ok()?.dyn_into().ok()
}
