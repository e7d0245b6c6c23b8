//! What stands in the browser's address, and what can be copied out of the page.

use js_sys::Function;
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlTextAreaElement;

/// Sets or removes one value of the address's query, without going anywhere: no entry in the history, nothing is
/// fetched. The value is letters and digits.
pub fn set_query(key: &str, value: Option<&str>) {
    let location = window().location();
    let part = |part: Result<String, JsValue>| part.unwrap_or_default();
    let search = part(location.search());
    let prefix = format!("{key}=");
    let kept = search.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&prefix));
    let new = value.map(|value| format!("{prefix}{value}"));
    let query = kept.map(str::to_owned).chain(new).collect::<Vec<_>>().join("&");
    let joint = if query.is_empty() { "" } else { "?" };
    if format!("{joint}{query}") == search {
        return;
    }
    set(&format!("{joint}{query}"), &part(location.hash()));
}

/// The address's query and its fragment, each with its sign, or empty.
pub fn parts() -> (String, String) {
    let location = window().location();
    (location.search().unwrap_or_default(), location.hash().unwrap_or_default())
}

/// Gives this page another query and fragment, each with its sign, without going anywhere.
pub fn set(query: &str, fragment: &str) {
    let address = format!("{}{query}{fragment}", window().location().pathname().unwrap_or_default());
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        // An address that the browser does not take stays as it was.
        let _ = history.replace_state_with_url(&state, "", Some(&address));
    }
}

/// This page's address as another place has it: with this query and this fragment.
pub fn link_to(query: &str, fragment: &str) -> String {
    let location = window().location();
    let origin = location.origin().unwrap_or_default();
    format!("{origin}{}{query}{fragment}", location.pathname().unwrap_or_default())
}

/// Puts a text where the user can paste it from. False if the browser does not let a page do that.
pub async fn copy(text: &str) -> bool {
    // Over plain http a page has no clipboard, whatever the type says.
    let navigator = window().navigator();
    let Ok(clipboard) = js_sys::Reflect::get(&navigator, &"clipboard".into()) else { return false };
    let copied = !clipboard.is_undefined()
        && wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok();
    copied || copy_by_hand(text).is_ok()
}

/// What is selected can be copied everywhere.
fn copy_by_hand(text: &str) -> Result<(), JsValue> {
    let area: HtmlTextAreaElement = document().create_element("textarea")?.dyn_into()?;
    area.set_value(text);
    document().body().ok_or(JsValue::NULL)?.append_child(&area)?;
    area.select();
    let command: Function = js_sys::Reflect::get(&document(), &"execCommand".into())?.dyn_into()?;
    let done = command.call1(&document(), &"copy".into());
    area.remove();
    if done?.is_truthy() { Ok(()) } else { Err(JsValue::NULL) }
}

/// Lets a link that was clicked download a text instead of leading anywhere.
pub fn download(event: &web_sys::MouseEvent, kind: &str, text: &str) {
    let Some(link) = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else {
        return;
    };
    let data = format!("data:{kind};charset=utf-8,{}", js_sys::encode_uri_component(text));
    // If it can't be set, the link leads to where it stands.
    let _ = link.set_attribute("href", &data);
}
