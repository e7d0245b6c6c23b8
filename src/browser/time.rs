//! The browser's clock, its time zone, and waiting.

use std::time::Duration;

use js_sys::{Date, Function, Promise};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AddEventListenerOptions;

use super::script;
use crate::domain::time::Timestamp;

/// What this machine takes for the time.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit in 53 bits")]
pub fn now() -> Timestamp {
    Timestamp(Date::now() as i64)
}

/// A point in time as this browser's user reads a clock: `10:31:18` today, `20 Nov 10:31` on any other day.
pub fn local(at: Timestamp) -> String {
    let here = |at: Timestamp| Timestamp(at.0 + zone(at));
    here(at).on_a_clock(here(now()))
}

/// The same without seconds.
pub fn minute(at: Timestamp) -> String {
    let text = local(at);
    match text.rsplit_once(':') {
        Some((minute, _)) if text.matches(':').count() == 2 => minute.to_owned(),
        _ => text,
    }
}

/// How far this browser's clock is ahead of UTC at a moment, in milliseconds; less than 0 where it is behind.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "minutes of a day")]
pub fn zone(at: Timestamp) -> i64 {
    -(Date::new(&JsValue::from_f64(at.0 as f64)).get_timezone_offset() as i64) * 60_000
}

/// A point in time as a field for one has it, by this browser's clock: `2026-11-22T10:31`.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits")]
pub fn field(at: Timestamp) -> String {
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    let (year, month, day) = (date.get_full_year(), date.get_month() + 1, date.get_date());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// The point in time that such a field names.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit in 53 bits")]
pub fn read(field: &str) -> Option<Timestamp> {
    let ms = Date::parse(field);
    (!ms.is_nan()).then_some(Timestamp(ms as i64))
}

/// Waits.
pub async fn sleep(time: Duration) {
    let ms = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    wait(|resolve| {
        web_sys::window()
            .and_then(|window| window.set_timeout_with_callback_and_timeout_and_arguments_0(resolve, ms).ok());
    })
    .await;
}

/// Waits for the next frame, or a quarter of a second where no frames are drawn: in a hidden tab.
pub async fn frame() {
    let drawn = wait(|resolve| {
        web_sys::window().and_then(|window| window.request_animation_frame(resolve).ok());
    });
    futures::future::select(Box::pin(drawn), Box::pin(sleep(Duration::from_millis(250)))).await;
}

/// Waits until what happens at this moment has happened. Unlike the shortest [`sleep`] it is not slowed down in a tab
/// that nobody sees.
pub async fn soon() {
    wait(|resolve| {
        let Some(channel) = script::make("MessageChannel", &[]) else { return drop(resolve.call0(&JsValue::NULL)) };
        let (Some(one), Some(other)) = (script::get(&channel, "port1"), script::get(&channel, "port2")) else { return };
        script::set(&one, "onmessage", resolve);
        script::call(&other, "postMessage", &[&JsValue::NULL]);
    })
    .await;
}

/// Whether the browser believes that it has a network.
pub fn online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Whether nobody can see the page now.
pub fn hidden() -> bool {
    document().hidden()
}

/// Waits until the page is in view.
pub async fn shown() {
    while hidden() {
        wait(|resolve| {
            let once = AddEventListenerOptions::new();
            once.set_once(true);
            let event = "visibilitychange";
            let _ = document().add_event_listener_with_callback_and_add_event_listener_options(event, resolve, &once);
        })
        .await;
    }
}

/// A number from 0.0 to 1.0, for spreading out what would otherwise happen at once.
pub fn chance() -> f64 {
    js_sys::Math::random()
}

async fn wait(mut begin: impl FnMut(&Function)) {
    let promise = Promise::new(&mut |resolve, _| begin(resolve.unchecked_ref()));
    let _ = JsFuture::from(promise).await;
}
