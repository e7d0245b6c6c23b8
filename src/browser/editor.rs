//! What a text area needs of the browser besides its value: to write into it so that it can be undone, and to go to a
//! place; and files that come and go.

use js_sys::encode_uri_component;
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Writes a text where the caret stands, over what is selected, as if it had been typed.
pub fn write(text: &str) {
    if let Ok(page) = document().dyn_into::<HtmlDocument>() {
        // The only way to write that the browser can undo.
        let _ = page.exec_command_with_show_ui_and_value("insertText", false, text);
    }
}

/// Puts the caret there, and the line into view.
pub fn go_to(area: &HtmlTextAreaElement, line: u64, offset: u32) {
    let _ = area.focus();
    let _ = area.set_selection_range(offset, offset);
    let selector = format!(".yaml-editor li:nth-child({line})");
    if let Ok(Some(line)) = document().query_selector(&selector) {
        line.scroll_into_view_with_bool(false);
    }
}

/// The text of a file; none if it is longer than `most` bytes, or can't be read.
pub async fn text_of(file: &File, most: usize) -> Option<String> {
    if file.size() > most as f64 {
        return None;
    }
    JsFuture::from(file.text()).await.ok().as_ref().and_then(JsValue::as_string)
}

/// Gives a text to the reader as a file.
pub fn download(name: &str, text: &str) {
    let made = document().create_element("a").ok().and_then(|made| made.dyn_into::<HtmlElement>().ok());
    let Some(link) = made else { return };
    let text = encode_uri_component(text).as_string().unwrap_or_default();
    let _ = link.set_attribute("href", &format!("data:application/yaml;charset=utf-8,{text}"));
    let _ = link.set_attribute("download", name);
    link.click();
}

/// Whether the browser knows a time zone of this name.
pub fn is_zone(name: &str) -> bool {
    let options = js_sys::Object::new();
    let set = js_sys::Reflect::set(&options, &"timeZone".into(), &name.into()).unwrap_or(false);
    let make = js_sys::Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| js_sys::Reflect::get(&intl, &"DateTimeFormat".into()))
        .ok()
        .and_then(|make| make.dyn_into::<js_sys::Function>().ok());
    let arguments = js_sys::Array::of2(&JsValue::UNDEFINED, &options);
    set && make.is_some_and(|make| js_sys::Reflect::construct(&make, &arguments).is_ok())
}
