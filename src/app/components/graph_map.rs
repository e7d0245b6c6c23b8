//! The map of a graph that does not fit its window: all nodes in their colours, and what is seen of them. Pressing moves the
//! window there.

use std::fmt::Write;

use leptos::{ev::PointerEvent, prelude::*};

use super::{graph_sheet::statuses, step_graph::Paper};
use crate::{
    browser::focus,
    domain::{execution::StepStatus, layout::sheet::NODE_HEIGHT},
};

/// The map lies in a box of at most so many pixels.
const BOX: [f64; 2] = [180.0, 110.0];

/// The map; it is there when it is of use.
#[component]
pub fn GraphMap(
    /// The graph.
    paper: Paper,
) -> impl IntoView {
    let fits = Memo::new(move |_| paper.fits());
    move || (!fits.get()).then(|| view! { <Map paper/> })
}

#[component]
fn Map(paper: Paper) -> impl IntoView {
    let statuses = statuses(paper.shape);
    // One path for all nodes of a status.
    let kinds = Memo::new(move |_| {
        let mut kinds: Vec<(StepStatus, String)> = Vec::new();
        statuses.with(|statuses| {
            paper.sheet.with(|sheet| {
                let wide = sheet.node;
                for (status, [x, y]) in statuses.iter().zip(&sheet.nodes) {
                    let known = kinds.iter().position(|(known, _)| known == status);
                    let at = known.unwrap_or_else(|| {
                        kinds.push((*status, String::new()));
                        kinds.len() - 1
                    });
                    let _ = write!(kinds[at].1, "M{x} {y}h{wide}v{NODE_HEIGHT}h-{wide}z");
                }
            });
        });
        kinds
    });
    let nodes = move || {
        let kinds = kinds.get().into_iter();
        kinds.map(|(status, path)| view! { <path data-status=status.word() d=path></path> }).collect_view()
    };
    let scale = move || paper.sheet.with(|sheet| (BOX[0] / sheet.width).min(BOX[1] / sheet.height));
    let size = move || paper.sheet.with(|sheet| format!("0 0 {} {}", sheet.width, sheet.height));
    let style = move || {
        let scale = scale();
        paper
            .sheet
            .with(|sheet| format!("--map-wide:{:.0};--map-high:{:.0}", sheet.width * scale, sheet.height * scale))
    };
    let seen = move || {
        let zoom = paper.zoom.get();
        paper.seen.get().map(|pixels| format!("{:.1}", pixels / zoom))
    };
    let go = move |event: PointerEvent| {
        if event.buttons() == 1
            && let Some([x, y]) = focus::within(&event)
        {
            let scale = untrack(scale);
            paper.centre(x / scale, y / scale);
        }
    };
    view! {
        <div data-part="map" style=style aria-hidden="true" on:pointerdown=go on:pointermove=go>
            <svg viewBox=size preserveAspectRatio="none">
                {nodes}
                <rect
                    x=move || seen()[0].clone()
                    y=move || seen()[1].clone()
                    width=move || seen()[2].clone()
                    height=move || seen()[3].clone()
                ></rect>
            </svg>
        </div>
    }
}
