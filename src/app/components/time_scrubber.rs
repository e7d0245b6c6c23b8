//! The way through the time of an execution: the ruler, on it the moment that is shown, and what plays it.

use leptos::{
    ev::{Event, KeyboardEvent},
    prelude::*,
};

use super::{
    icon::Icon,
    moment::{clock, elapsed, hydrated},
    time_ruler::TimeRuler,
};
use crate::{
    app::{
        live::Live,
        run::Run,
        travel::{Goal, Past, SPEEDS},
    },
    domain::{
        axis::{Axis, known_until},
        time::Timestamp,
    },
};

/// Where the moment's own clock would stick out at the left, 0.0..=1.0.
const NEAR_LEFT: f64 = 0.12;

/// The ruler of an execution with all that moves along it.
#[component]
pub fn TimeScrubber(
    /// Whose time it is.
    run: Run,
    /// What it measures.
    axis: Signal<Axis>,
) -> impl IntoView {
    let now = Live::expect().now;
    let end = Signal::derive(move || {
        run.execution.with(|execution| {
            let known = known_until(execution);
            if execution.status.is_final() { known } else { now.get().max(known) }
        })
    });
    view! {
        <div class="time-scrubber">
            <Controls run/>
            <TimeRuler axis execution=run.execution now>
                <Warnings run axis/>
                <Slider run axis end/>
                <Playhead run axis end/>
            </TimeRuler>
        </div>
    }
}

#[component]
fn Controls(run: Run) -> impl IntoView {
    let travel = run.travel;
    let past = move || run.moment.with(Option::is_some);
    let play = move || match (travel.playing.get(), past()) {
        (true, _) => "Pause",
        (false, true) => "Play",
        (false, false) => "Play from the start",
    };
    let icon = Signal::derive(move || if travel.playing.get() { "pause" } else { "play" });
    let faster = move |_| {
        travel.speed.update(|speed| {
            let at = SPEEDS.iter().position(|one| one == speed).unwrap_or_default();
            *speed = SPEEDS[(at + 1) % SPEEDS.len()];
        });
    };
    let ended = move || run.execution.with(|execution| execution.status.is_final());
    let elapsed = elapsed(run.shown);
    let so_far = move || match travel.past.get() {
        Past::Reading => "reading its past…".to_owned(),
        Past::Failed(_) => "its past can't be read".to_owned(),
        _ => elapsed.get().map(|elapsed| format!("{elapsed} in")).unwrap_or_default(),
    };
    view! {
        <div data-part="controls">
            <button
                class="button"
                type="button"
                data-shape="square"
                data-kind="quiet"
                aria-label=play
                title=play
                on:click=move |_| run.play_or_pause()
            >
                <Icon name=icon/>
            </button>
            <button
                class="button"
                type="button"
                data-kind="quiet"
                data-part="speed"
                title="Speed"
                aria-label=move || format!("Speed, {} times", travel.speed.get())
                on:click=faster
            >
                {move || format!("{}×", travel.speed.get())}
            </button>
            <button class="button" type="button" data-part="back" hidden=move || !past() on:click=move |_| run.go_live()>
                {move || if ended() { "End" } else { "Live" }}
            </button>
            <output title=move || travel.note()>{so_far}</output>
        </div>
    }
}

/// Where warnings were printed and steps fell silent; failures are the ruler's own.
#[component]
fn Warnings(run: Run, axis: Signal<Axis>) -> impl IntoView {
    let each = move || {
        let axis = axis.get();
        let marks = run.travel.marks.get().into_iter().filter(|mark| !mark.failed);
        let view = marks.map(|mark| {
            let at = axis.at(mark.at) * 100.0;
            view! { <span style=format!("--at:{at:.2}") title=mark.what></span> }
        });
        view.collect_view()
    };
    view! { <span data-part="marks" aria-hidden="true">{each}</span> }
}

#[component]
fn Slider(run: Run, axis: Signal<Axis>, end: Signal<Timestamp>) -> impl IntoView {
    let hydrated = hydrated();
    let travel = run.travel;
    let most = Memo::new(move |_| axis.get().ms(end.get()).max(1));
    let value = Memo::new(move |_| axis.get().ms(head(run, end)).clamp(0, most.get()));
    let said = move || {
        let at = clock(head(run, end), hydrated.get());
        match run.moment.get() {
            Some(_) => format!("{at}, {}", travel.what.get()),
            None if run.has_ended() => format!("{at}, the end"),
            None => format!("{at}, live"),
        }
    };
    let moved = move |event: Event| {
        let Ok(ms) = event_target_value(&event).parse::<i64>() else { return };
        run.pause();
        if ms >= most.get_untracked() {
            run.go_live();
        } else {
            run.go(Goal::Time(Timestamp(axis.get_untracked().from.0.saturating_add(ms))));
        }
    };
    view! {
        <input
            type="range"
            min="0"
            max=move || most.get().to_string()
            prop:value=move || value.get().to_string()
            style=move || format!("--live:{:.2}", axis.get().at(end.get()) * 100.0)
            aria-label="Moment shown"
            aria-valuetext=said
            on:input=moved
            on:change=move |_| run.settle()
            on:keydown=move |event| keys(&event, run)
        />
    }
}

/// Arrows go from event to event, with Shift by ten; Home and End to either end; Space plays.
fn keys(event: &KeyboardEvent, run: Run) {
    let far = if event.shift_key() { 10 } else { 1 };
    let goal = match event.key().as_str() {
        "ArrowLeft" | "ArrowDown" => Goal::By(-far),
        "ArrowRight" | "ArrowUp" => Goal::By(far),
        "PageDown" => Goal::By(-10),
        "PageUp" => Goal::By(10),
        "Home" => Goal::Beginning,
        "End" => {
            event.prevent_default();
            return run.go_live();
        }
        " " => {
            event.prevent_default();
            return run.play_or_pause();
        }
        _ => return,
    };
    event.prevent_default();
    run.pause();
    run.go(goal);
}

#[component]
fn Playhead(run: Run, axis: Signal<Axis>, end: Signal<Timestamp>) -> impl IntoView {
    let hydrated = hydrated();
    let at = Memo::new(move |_| axis.get().at(head(run, end)));
    let word = move || match (run.travel.pending.get(), run.moment.get()) {
        (Some(at), _) => clock(at, hydrated.get()),
        (None, Some(moment)) => clock(moment.at, hydrated.get()),
        (None, None) if run.has_ended() => "End".to_owned(),
        (None, None) => "Live".to_owned(),
    };
    let live = move || run.moment.with(Option::is_none) && run.travel.pending.with(Option::is_none) && !run.has_ended();
    view! {
        <span
            data-part="playhead"
            aria-hidden="true"
            data-live=move || live().to_string()
            data-side=move || (at.get() < NEAR_LEFT).then_some("start")
            style=move || format!("--at:{:.2}", at.get() * 100.0)
        >
            <b>{word}</b>
        </span>
    }
}

/// The time at which the playhead stands.
fn head(run: Run, end: Signal<Timestamp>) -> Timestamp {
    run.travel.pending.get().or_else(|| run.moment.get().map(|moment| moment.at)).unwrap_or_else(|| end.get())
}
