//! Rows that come to another place glide there, so that the eye can follow them.

use std::rc::Rc;

use js_sys::{Array, Object, WeakMap};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, HtmlElement, MutationObserver, MutationObserverInit};

use super::{script, sizes, time};

/// How long one glides, in milliseconds, and how; `--settle` of the style sheets is the same.
const TAKES: f64 = 240.0;
const EASING: &str = "cubic-bezier(0.2, 0.8, 0.2, 1)";
const SECTION: &str = "SECTION";
const TABLE: &str = "TABLE";
/// A row this far outside of the window, in pixels, need not be seen to move.
const NEAR: f64 = 200.0;

/// Lets what `rows` selects in the holder's sections glide whenever lists in it have changed, and the sections themselves;
/// for as long as what asks for it is there. It is seen to before the change is drawn, so that nothing jumps. Holder and
/// sections must be positioned.
pub fn rows(holder: &HtmlElement, rows: &'static str) {
    let what = format!("section, section {rows}");
    let places = Rc::new(Places { holder: holder.clone(), what, known: WeakMap::new() });
    // Whatever else moves them is no way to show.
    let seen = Rc::clone(&places);
    sizes::watch(holder, move || seen.look(false));
    let changed = Closure::<dyn FnMut()>::new(move || places.look(true));
    let Ok(observer) = MutationObserver::new(changed.as_ref().unchecked_ref()) else { return };
    let what = MutationObserverInit::new();
    what.set_child_list(true);
    let lists = holder.query_selector_all("ul, tbody").ok();
    for list in lists.iter().flat_map(|lists| (0..lists.length()).filter_map(|at| lists.item(at))) {
        let _ = observer.observe_with_options(&list, &what);
    }
    let kept = StoredValue::new_local((observer, changed));
    on_cleanup(move || {
        kept.try_with_value(|(observer, _)| observer.disconnect());
    });
}

/// Where sections and rows were when they were looked at last.
struct Places {
    holder: HtmlElement,
    what: String,
    known: WeakMap,
}

impl Places {
    /// Takes note of where they are, and lets those glide that came there from another place, if `moved` says so.
    fn look(&self, moved: bool) {
        let Ok(found) = self.holder.query_selector_all(&self.what) else { return };
        let still = !moved || time::hidden() || self.is_still();
        let (holder, height) = (self.holder.get_bounding_client_rect().top(), window_height());
        let mut section = holder;
        for one in (0..found.length()).filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok()) {
            let Some(top) = top(&one) else {
                // What is hidden comes back without a way from where it was.
                self.known.delete(&one);
                continue;
            };
            let above = if one.tag_name() == SECTION {
                section = holder + top;
                holder
            } else {
                section
            };
            let in_view = |top: f64| (-NEAR..height + NEAR).contains(&(above + top));
            let before = self.known.get(&one).as_f64();
            self.known.set(&one, &top.into());
            if let Some(before) = before.filter(|before| !still && (before - top).abs() > 1.0)
                && (in_view(before) || in_view(top))
            {
                glide(&one, (before - top).clamp(-height, height));
            }
        }
    }

    /// Whether this reader wants nothing to move: then `--settle` takes no time.
    fn is_still(&self) -> bool {
        let style = window().get_computed_style(&self.holder).ok().flatten();
        let settle = style.and_then(|style| style.get_property_value("--settle").ok());
        settle.is_none_or(|settle| settle.trim().starts_with("0s"))
    }
}

/// How far it lies below the top of its section, or a section below that of the holder, wherever it is seen while it
/// glides. None if it is hidden.
fn top(one: &HtmlElement) -> Option<f64> {
    let mut top = f64::from(one.offset_top());
    let mut around = one.offset_parent()?;
    // A row of a table lies in the table first.
    while around.tag_name() == TABLE {
        let table = around.dyn_into::<HtmlElement>().ok()?;
        top += f64::from(table.offset_top());
        around = table.offset_parent()?;
    }
    Some(top)
}

/// Lets a row come from so many pixels below; what it still has to go from before is added.
fn glide(row: &Element, from: f64) {
    let place = |pixels: f64| {
        let frame = Object::new();
        script::set(&frame, "translate", &format!("0 {pixels}px").into());
        frame
    };
    let how = Object::new();
    for (name, value) in [("duration", TAKES.into()), ("easing", EASING.into()), ("composite", JsValue::from("add"))] {
        script::set(&how, name, &value);
    }
    script::call(row, "animate", &[&Array::of2(&place(from), &place(0.0)), &how]);
}

fn window_height() -> f64 {
    window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default()
}
