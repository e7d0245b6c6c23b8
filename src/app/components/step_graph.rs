//! The same steps as a graph in layers: what needs what, from left to right. It can be zoomed and moved about; a small map
//! of all of it lies in the corner when it does not fit.

use leptos::{
    ev::{KeyboardEvent, PointerEvent, WheelEvent},
    html::Div,
    prelude::*,
};

use super::{graph_map::GraphMap, graph_sheet::GraphSheet, icon::Icon, step_shape::Shape};
use crate::{
    browser::{focus, time},
    domain::{
        execution::{Execution, StepStatus},
        layout::{
            Layout,
            sheet::{NODE_HEIGHT, Sheet},
        },
    },
};

/// The least and the greatest zoom.
const ZOOM: [f64; 2] = [0.1, 2.0];
/// By how much a button or a key changes it.
const ZOOM_STEP: f64 = 1.25;
/// Below this names can't be read, so nodes are their badges and colours.
const FAR: f64 = 0.6;
/// What fits at this zoom is opened whole: one look is worth more than larger letters.
const WHOLE: f64 = 0.8;

/// The graph and the window that it is seen through. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// What is drawn.
    pub shape: Shape,
    /// In layers.
    pub layout: StoredValue<Layout>,
    /// In pixels.
    pub sheet: Memo<Sheet>,
    /// How large, 1.0 at 100 %.
    pub zoom: RwSignal<f64>,
    /// What is seen of it: left, top, width, height, in pixels of the window; nothing until that is known.
    pub seen: RwSignal<[f64; 4]>,
    /// The node that Tab comes to.
    pub at: RwSignal<usize>,
    window: NodeRef<Div>,
}

impl Paper {
    fn new(shape: Shape) -> Self {
        let layout = StoredValue::new(shape.links.with_value(Layout::new));
        let seen = RwSignal::new([0.0; 4]);
        let window = Memo::new(move |_| Some(seen.get()[2]).filter(|width| *width > 0.0));
        let letters = untrack(|| shape.execution.with(longest_name));
        let sheet = Memo::new(move |_| layout.with_value(|layout| Sheet::new(layout, window.get(), letters)));
        let at = RwSignal::new(untrack(|| opens_on(shape)));
        Self { shape, layout, sheet, zoom: RwSignal::new(1.0), seen, at, window: NodeRef::new() }
    }

    /// Whether all of it is in view.
    pub fn fits(&self) -> bool {
        let ([_, _, width, height], zoom) = (self.seen.get(), self.zoom.get());
        width == 0.0
            || self.sheet.with(|sheet| sheet.width * zoom <= width + 1.0 && sheet.height * zoom <= height + 1.0)
    }

    /// Takes note of what is in view.
    fn look(&self) {
        if let Some(window) = self.window.get_untracked() {
            let seen = [window.scroll_left(), window.scroll_top(), window.client_width(), window.client_height()];
            self.seen.set(seen.map(f64::from));
        }
    }

    /// Moves the window so that this point of the sheet, in pixels at 100 %, is in its middle.
    pub fn centre(&self, x: f64, y: f64) {
        let (zoom, [_, _, width, height]) = (self.zoom.get_untracked(), self.seen.get_untracked());
        self.scroll_to(x * zoom - width / 2.0, y * zoom - height / 2.0);
    }

    #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
    fn scroll_to(&self, left: f64, top: f64) {
        if let Some(window) = self.window.get_untracked() {
            window.set_scroll_left(left.round() as i32);
            window.set_scroll_top(top.round() as i32);
        }
    }

    /// Zooms so that the point of the window stays where it is.
    fn zoom_to(self, zoom: f64, [x, y]: [f64; 2]) {
        let before = self.zoom.get_untracked();
        let zoom = zoom.clamp(ZOOM[0], ZOOM[1]);
        let [left, top, ..] = self.seen.get_untracked();
        self.zoom.set(zoom);
        let grown = zoom / before;
        leptos::task::spawn_local(async move {
            // The sheet has its new size then, and nothing was drawn in between.
            time::frame().await;
            self.scroll_to((left + x) * grown - x, (top + y) * grown - y);
            self.look();
        });
    }

    fn zoom_by(self, times: f64) {
        let [_, _, width, height] = self.seen.get_untracked();
        self.zoom_to(self.zoom.get_untracked() * times, [width / 2.0, height / 2.0]);
    }

    /// The zoom at which all of it is seen, no larger than it is.
    fn whole(self) -> f64 {
        let [_, _, width, height] = self.seen.get_untracked();
        self.sheet.with_untracked(|sheet| (width / sheet.width).min(height / sheet.height)).min(1.0)
    }

    /// Shows all of it.
    fn fit(self) {
        self.zoom_to(self.whole(), [0.0, 0.0]);
    }

    /// Opens on all of it if that can be read, else on the chosen step, or on the one at work.
    fn open(self) {
        self.look();
        leptos::task::spawn_local(async move {
            time::frame().await;
            self.look();
            let whole = self.whole();
            if (WHOLE..1.0).contains(&whole) {
                self.zoom.set(whole);
            }
            let place = self.at.get_untracked();
            let spot =
                self.sheet.with_untracked(|sheet| sheet.nodes.get(place).map(|[x, y]| [x + sheet.node / 2.0, *y]));
            if let Some([x, y]) = spot {
                self.centre(x, y + NODE_HEIGHT / 2.0);
            }
            self.look();
        });
    }

    fn keys(self, event: &KeyboardEvent) {
        match event.key().as_str() {
            "+" | "=" => self.zoom_by(ZOOM_STEP),
            "-" => self.zoom_by(1.0 / ZOOM_STEP),
            "0" => self.fit(),
            "Escape" if self.shape.chosen.with_untracked(Option::is_some) => self.shape.choose.run(None),
            key => {
                let Some(here) = focus::place_of(event) else { return };
                let Some(there) = self.beside(here, key) else { return };
                self.at.set(there);
                focus::go_to_place(event, there);
            }
        }
        event.prevent_default();
    }

    /// The step that an arrow leads to: along the needs, to the nearest, or within the layer.
    fn beside(&self, here: usize, key: &str) -> Option<usize> {
        self.layout.with_value(|layout| {
            let spot = *layout.spots.get(here)?;
            let away = |place: &usize| (layout.spots[*place].row - spot.row).abs();
            let nearest = |places: &[usize]| places.iter().copied().min_by(|a, b| away(a).total_cmp(&away(b)));
            let in_layer = || (0..layout.spots.len()).filter(|place| layout.spots[*place].column == spot.column);
            self.shape.links.with_value(|links| match key {
                "ArrowLeft" => nearest(&links.needs[here]),
                "ArrowRight" => nearest(&links.then[here]),
                "ArrowUp" => in_layer()
                    .filter(|place| layout.spots[*place].row < spot.row)
                    .min_by(|a, b| away(a).total_cmp(&away(b))),
                "ArrowDown" => in_layer()
                    .filter(|place| layout.spots[*place].row > spot.row)
                    .min_by(|a, b| away(a).total_cmp(&away(b))),
                _ => None,
            })
        })
    }
}

/// The chosen step, or the first that is at work or has failed, or the first.
fn opens_on(shape: Shape) -> usize {
    let of_interest = || {
        shape.execution.with(|execution| {
            let at_work = |status| matches!(status, StepStatus::Running | StepStatus::Retrying);
            let failed = |status| matches!(status, StepStatus::Failed | StepStatus::TimedOut);
            let find = |is: &dyn Fn(StepStatus) -> bool| execution.steps.iter().position(|step| is(step.status));
            find(&at_work).or_else(|| find(&failed))
        })
    };
    shape.chosen_place().or_else(of_interest).unwrap_or(0)
}

/// The graph.
#[component]
pub fn StepGraph(
    /// What is drawn.
    shape: Shape,
) -> impl IntoView {
    let paper = Paper::new(shape);
    let Paper { zoom, sheet, window, .. } = paper;
    Effect::new(move || {
        if window.get().is_some() {
            paper.open();
        }
    });
    let size =
        move || sheet.with(|sheet| format!("--wide:{};--high:{};--zoom:{}", sheet.width, sheet.height, zoom.get()));
    let layers = paper.layout.with_value(|layout| layout.columns);
    let steps = shape.links.with_value(|links| links.len());
    let label = format!("Graph of {steps} steps in {layers} layers");
    view! {
        <section class="step-graph" aria-label=label style=size data-far=move || (zoom.get() < FAR).then_some("")>
            <div
                data-part="view"
                role="group"
                tabindex="0"
                aria-label="Steps, left to right in the order they need each other"
                node_ref=window
                on:scroll=move |_| paper.look()
                on:wheel=move |event| wheel(paper, &event)
                on:keydown=move |event| paper.keys(&event)
                on:pointerdown=move |event| grip(paper, &event)
                on:pointermove=move |event| pull(paper, &event)
            >
                <GraphSheet paper/>
            </div>
            <GraphMap paper/>
            <p data-part="hint" aria-hidden="true">
                <kbd>"←"</kbd><kbd>"→"</kbd>" along the needs "<kbd>"↑"</kbd><kbd>"↓"</kbd>" within a layer "<kbd>"0"</kbd>" fit"
            </p>
            <Zoom paper/>
        </section>
    }
}

/// With Ctrl, as a pinch is told as well, the wheel zooms around the pointer.
fn wheel(paper: Paper, event: &WheelEvent) {
    if !event.ctrl_key() {
        return;
    }
    event.prevent_default();
    let times = (-event.delta_y().clamp(-60.0, 60.0) / 200.0).exp();
    let point = focus::within(event).unwrap_or_default();
    paper.zoom_to(paper.zoom.get_untracked() * times, point);
}

/// In letters.
fn longest_name(execution: &Execution) -> usize {
    execution.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default()
}

/// A mouse that is pressed beside the nodes takes hold of the sheet; a finger scrolls by itself.
fn grip(paper: Paper, event: &PointerEvent) {
    if event.pointer_type() == "mouse"
        && event.button() == 0
        && focus::place_of(event).is_none()
        && let Some(window) = paper.window.get_untracked()
    {
        let _ = window.set_pointer_capture(event.pointer_id());
    }
}

fn pull(paper: Paper, event: &PointerEvent) {
    if let Some(window) = paper.window.get_untracked()
        && window.has_pointer_capture(event.pointer_id())
    {
        window.set_scroll_left(window.scroll_left() - event.movement_x());
        window.set_scroll_top(window.scroll_top() - event.movement_y());
    }
}

#[component]
fn Zoom(paper: Paper) -> impl IntoView {
    view! {
        <div data-part="zoom" role="group" aria-label="Zoom">
            <button class="button" type="button" data-shape="square" data-kind="quiet" aria-label="Smaller" title="Smaller" on:click=move |_| paper.zoom_by(1.0 / ZOOM_STEP)>
                <Icon name="minus"/>
            </button>
            <output>{move || format!("{:.0}%", paper.zoom.get() * 100.0)}</output>
            <button class="button" type="button" data-shape="square" data-kind="quiet" aria-label="Larger" title="Larger" on:click=move |_| paper.zoom_by(ZOOM_STEP)>
                <Icon name="plus"/>
            </button>
            <button class="button" type="button" data-kind="quiet" on:click=move |_| paper.fit()>
                "Fit"
            </button>
        </div>
    }
}
