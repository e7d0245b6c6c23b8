//! Classes of the browser that `web-sys` has not or only by a feature that nothing else needs, called by name.

use js_sys::{Array, Function, Reflect, global};
use wasm_bindgen::{JsCast, JsValue};

/// A property.
pub fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// `new Class(…)`; none if there is no such class, or if it refuses.
pub fn make(class: &str, arguments: &[&JsValue]) -> Option<JsValue> {
    let class = get(&global(), class)?.dyn_into::<Function>().ok()?;
    Reflect::construct(&class, &list(arguments)).ok()
}

/// `object.method(…)`; none if there is no such method, if it throws or if it returns nothing.
pub fn call(object: &JsValue, method: &str, arguments: &[&JsValue]) -> Option<JsValue> {
    let method = get(object, method)?.dyn_into::<Function>().ok()?;
    method.apply(object, &list(arguments)).ok()
}

/// `object.name = value`.
pub fn set(object: &JsValue, name: &str, value: &JsValue) {
    // It fails only on what is no object.
    let _ = Reflect::set(object, &name.into(), value);
}

fn list(arguments: &[&JsValue]) -> Array {
    arguments.iter().copied().collect()
}
