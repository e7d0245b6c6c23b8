//! A lock that one tab of a browser holds at a time, where there are locks: in a secure context.
//!
//! The browser hands it on when its holder is closed or crashes, and does not put a tab to sleep that holds one.

use js_sys::{Function, Object, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::super::script;

/// Whether there are locks.
pub fn exist() -> bool {
    manager().is_some()
}

/// Asks for a lock; `granted` is given what releases it. Whoever steals it has it at once.
pub fn ask(name: &str, steal: bool, mut granted: impl FnMut(Function) + 'static) {
    let Some(manager) = manager() else { return };
    let held = Closure::once_into_js(move |_: JsValue| Promise::new(&mut |release, _| granted(release)));
    let options = Object::new();
    script::set(&options, "steal", &steal.into());
    let request = script::call(&manager, "request", &[&name.into(), &options, &held]);
    if let Some(request) = request.and_then(|request| request.dyn_into::<Promise>().ok()) {
        // It is refused when the lock is stolen, and the thief is heard of otherwise.
        leptos::task::spawn_local(async move { drop(JsFuture::from(request).await) });
    }
}

fn manager() -> Option<JsValue> {
    script::get(&web_sys::window()?.navigator(), "locks")
}
