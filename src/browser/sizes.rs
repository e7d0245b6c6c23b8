//! How large things are drawn.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement, ResizeObserver};

use super::script;

/// How high a line of text in it is, in pixels.
pub fn line_height(element: &Element) -> Option<f64> {
    let style = window().get_computed_style(element).ok()??;
    style.get_property_value("line-height").ok()?.trim_end_matches("px").parse().ok().filter(|height| *height > 1.0)
}

/// How high each thing in it is, in pixels.
pub fn heights(element: &Element) -> Vec<f64> {
    let children = element.children();
    let child = |n| children.item(n).and_then(|child| child.dyn_into::<HtmlElement>().ok());
    (0..children.length()).map(|n| child(n).map_or(0.0, |child| f64::from(child.offset_height()))).collect()
}

/// Whether the window is as narrow as a phone.
pub fn is_narrow() -> bool {
    /// 44rem, as the style sheets have it, in pixels.
    const NARROW: f64 = 704.0;
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width < NARROW)
}

/// Scrolls whatever is around the element until it is in the middle of the window.
pub fn bring_into_view(element: &Element) {
    let how = js_sys::Object::new();
    script::set(&how, "block", &"center".into());
    script::call(element, "scrollIntoView", &[&how]);
}

/// Calls `then` after each layout in which the element has another size than in the one before, and after the first, for as
/// long as what asks for it is there.
pub fn watch(element: &Element, then: impl FnMut() + 'static) {
    let then = Closure::<dyn FnMut()>::new(then);
    let Ok(observer) = ResizeObserver::new(then.as_ref().unchecked_ref()) else { return };
    observer.observe(element);
    let kept = StoredValue::new_local((observer, then));
    on_cleanup(move || {
        kept.try_with_value(|(observer, _)| observer.disconnect());
    });
}
