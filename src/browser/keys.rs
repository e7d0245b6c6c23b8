//! The focus, and how far a page is scrolled: what lists need to be walked through by the keyboard.

use leptos::{
    ev::KeyboardEvent,
    prelude::{document, window},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Whether a key belongs to a field, or to the browser.
pub fn typing(event: &KeyboardEvent) -> bool {
    let field = document().active_element().is_some_and(|element| match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => element.get_attribute("type").as_deref() != Some("checkbox"),
        _ => false,
    });
    field || event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented()
}

/// Moves the focus to the link of the next row, or of the one before; from elsewhere to `first`. Says whether there is one.
pub fn step(first: &str, forward: bool) -> bool {
    let row = document().active_element().and_then(|active| active.closest("tbody tr").ok().flatten());
    let Some(row) = row else { return focus(first) };
    let next = if forward { row.next_element_sibling() } else { row.previous_element_sibling() };
    let link = next.and_then(|next| next.query_selector("th a").ok().flatten());
    link.and_then(|link| link.dyn_into::<HtmlElement>().ok()).is_some_and(|link| link.focus().is_ok())
}

/// Moves the focus to the first element that matches. Says whether there is one.
pub fn focus(selector: &str) -> bool {
    let found: Option<Element> = document().query_selector(selector).ok().flatten();
    found.and_then(|found| found.dyn_into::<HtmlElement>().ok()).is_some_and(|found| found.focus().is_ok())
}

/// Where the link in the row of the focus leads.
pub fn focused_link() -> Option<String> {
    let row = document().active_element()?.closest("tr, li").ok()??;
    row.query_selector("a").ok()??.get_attribute("href")
}

/// Whether the page is scrolled.
pub fn scrolled() -> bool {
    window().scroll_y().is_ok_and(|y| y > 8.0)
}

/// Scrolls to the top.
pub fn to_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}
