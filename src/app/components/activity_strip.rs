//! The last hour, one thin line per execution, like the drum of a seismograph. It moves as a whole; a bar that is
//! pointed at, or has the focus, says what it is, and opens its execution.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::moment::{clock, hydrated};
use crate::{
    app::{
        live::Live,
        now::{Counts, Now},
        strip::Bar,
    },
    domain::{activity::HOUR_MS, time::Timestamp},
};

/// The strip.
#[component]
pub fn ActivityStrip(
    /// The page that it belongs to.
    now: Now,
) -> impl IntoView {
    let time = Live::expect().now;
    // To a hundredth of a percent: a third of a second.
    let shift = Memo::new(move |_| now.strip.with(|strip| strip.shift(time.get())));
    let tip = RwSignal::new(None);
    // When a bar's page is opened the focus leaves the bar with the strip: then nobody is left to be told.
    let tell = move |target: Option<web_sys::EventTarget>| {
        tip.try_set(bar_of(target).and_then(|bar| bar.get_attribute("aria-label")));
    };
    let told = move || tip.try_get().flatten();
    let more = move || Some(now.strip.with(|strip| strip.more)).filter(|more| *more > 0);
    view! {
        <figure class="activity-strip" aria-label=move || now.counts.with(summary)>
            <div
                data-part="drum"
                role="group"
                aria-label="Each run, by the arrow keys"
                tabindex="0"
                on:mouseover=move |event| tell(event.target())
                on:mouseleave=move |_| tip.set(None)
                on:focusin=move |event| tell(event.target())
                on:focusout=move |_| tip.set(None)
                on:keydown=walk
            >
                <div data-part="lanes" style=move || format!("--shift:{}", shift.get())>
                    <For
                        each=move || now.strip.with(|strip| strip.bars.clone())
                        key=|bar| (bar.id, bar.lane, bar.status, bar.x.to_bits(), bar.width.to_bits())
                        let:bar
                    >
                        <Line bar/>
                    </For>
                </div>
                <output aria-hidden="true" hidden=move || told().is_none()>{told}</output>
            </div>
            <Axis time/>
            {move || more().map(|more| view! { <small>{format!("{more} more than there is room for")}</small> })}
        </figure>
    }
}

#[component]
fn Line(bar: Bar) -> impl IntoView {
    let style = format!("--x:{};--w:{};--lane:{}", bar.x, bar.width, bar.lane);
    view! { <a href=format!("/executions/{}", bar.id) data-status=bar.status style=style aria-label=bar.label tabindex="-1"></a> }
}

#[component]
fn Axis(time: RwSignal<Timestamp>) -> impl IntoView {
    let hydrated = hydrated();
    let minute = Memo::new(move |_| time.get().0.div_euclid(60_000));
    let label = move |tenth: i64| {
        let at = Timestamp(minute.get() * 60_000 - HOUR_MS + tenth * HOUR_MS / 6);
        // The hour tells which day it is.
        let clock = clock(at, hydrated.get());
        let (_, clock) = clock.rsplit_once(' ').unwrap_or(("", &clock));
        clock.get(..5).unwrap_or_default().to_owned()
    };
    view! {
        <div data-part="axis" aria-hidden="true">
            {(0..6).map(|tenth| view! { <span>{move || label(tenth)}</span> }).collect_view()}
            <span>"now"</span>
        </div>
    }
}

fn summary(counts: &Counts) -> String {
    let Counts { succeeded, failed, cancelled, running, .. } = counts;
    format!("The last hour: {succeeded} succeeded, {failed} failed, {cancelled} cancelled, {running} running")
}

fn bar_of(target: Option<web_sys::EventTarget>) -> Option<Element> {
    target?.dyn_into::<Element>().ok()?.closest("a").ok().flatten()
}

/// From bar to bar with the arrows, the newest first: the strip is one stop of the Tab key.
fn walk(event: ev::KeyboardEvent) {
    let forward = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => true,
        "ArrowLeft" | "ArrowUp" => false,
        _ => return,
    };
    event.prevent_default();
    let next = match bar_of(event.target()) {
        Some(bar) if forward => bar.next_element_sibling(),
        Some(bar) => bar.previous_element_sibling(),
        None => event
            .current_target()
            .and_then(|drum| drum.dyn_into::<Element>().ok())
            .and_then(|drum| drum.query_selector("a:last-of-type").ok().flatten()),
    };
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        let _ = next.focus();
    }
}
