//! Which part of the page has the focus, and which one an event concerns.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement};

/// The number in `data-place` of the nearest element around an event's target that has one.
pub fn place_of(event: &Event) -> Option<usize> {
    number_of(event, "data-place")
}

/// The number in that attribute of the nearest element around an event's target that has it.
pub fn number_of<T: std::str::FromStr>(event: &Event, attribute: &str) -> Option<T> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    target.closest(&format!("[{attribute}]")).ok()??.get_attribute(attribute)?.parse().ok()
}

/// Moves the focus to the first button within the element of this `data-place`, or to itself if it is one; what the event
/// was heard on holds them all.
pub fn go_to_place(event: &Event, place: usize) {
    let holder = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
    let found = holder.and_then(|holder| {
        let selector = format!("button[data-place=\"{place}\"], [data-place=\"{place}\"] button");
        holder.query_selector(&selector).ok().flatten()
    });
    if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        let _ = found.focus();
    }
}

/// Where a pointer is, in pixels from the top left corner of what the event was heard on.
pub fn within(event: &web_sys::MouseEvent) -> Option<[f64; 2]> {
    let holder = event.current_target()?.dyn_into::<Element>().ok()?;
    let edges = holder.get_bounding_client_rect();
    Some([f64::from(event.client_x()) - edges.left(), f64::from(event.client_y()) - edges.top()])
}
