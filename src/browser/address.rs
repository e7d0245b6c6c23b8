//! What stands in the browser's address, and what can be copied out of the page.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};

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
    let address = format!("{}{joint}{query}{}", part(location.pathname()), part(location.hash()));
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
    if clipboard.is_undefined() {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
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
