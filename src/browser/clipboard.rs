//! Gives a text to the clipboard. By the old way, which also works where the page is not served over https.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Copies it; false if the browser does not let us.
pub fn copy(text: &str) -> bool {
    let document = document();
    let active = document.active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let made = document.create_element("textarea").ok().and_then(|made| made.dyn_into::<HtmlTextAreaElement>().ok());
    let (Some(area), Some(body)) = (made, document.body()) else { return false };
    area.set_value(text);
    area.set_class_name("visually-hidden");
    // Under a dialog nothing outside of it can be selected, so it goes beside what has the focus.
    let place = active.as_ref().and_then(|active| active.parent_element());
    let _ = place.as_deref().unwrap_or(&body).append_child(&area);
    area.select();
    let copied = document.dyn_into::<HtmlDocument>().is_ok_and(|page| page.exec_command("copy").unwrap_or(false));
    area.remove();
    if let Some(active) = active {
        let _ = active.focus();
    }
    copied
}
