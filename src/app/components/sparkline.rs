//! How the last runs of a workflow went, in the height of a line: length by height, outcome by colour, a failure by its
//! foot. Words beside it say the same.

use std::fmt::Write as _;

use leptos::prelude::*;

use crate::domain::{
    execution::Status,
    listing::{Outcome, RECENT},
};

/// The height of the drawing, of the foot, and of the lowest bar, in pixels.
const HEIGHT: f64 = 24.0;
const LOWEST: f64 = 3.0;

/// The bars, oldest first, the newest always at the right end.
#[component]
pub fn Sparkline(
    /// Newest first; [`RECENT`] at most are drawn.
    runs: Vec<Outcome>,
) -> impl IntoView {
    view! { <svg class="sparkline" aria-hidden="true" inner_html=bars(&runs)></svg> }
}

/// One text instead of a node for each bar: a page has twenty for each of its workflows.
fn bars(runs: &[Outcome]) -> String {
    let longest = runs.iter().filter_map(|run| run.duration_ms).max().unwrap_or(1).max(1) as f64;
    let slot = 100.0 / RECENT as f64;
    let mut drawn = String::new();
    for (place, run) in runs.iter().take(RECENT).enumerate() {
        let x = slot * (RECENT - 1 - place) as f64;
        let height = (HEIGHT * run.duration_ms.unwrap_or_default() as f64 / longest).max(LOWEST);
        let (y, status) = (HEIGHT - height, run.status.word());
        // Writing to a string can't fail.
        let _ = write!(
            drawn,
            r#"<rect data-status="{status}" x="{x:.1}%" y="{y:.1}" width="{:.1}%" height="{height:.1}" rx="1"/>"#,
            slot * 0.7
        );
        if matches!(run.status, Status::Failed | Status::TimedOut) {
            let _ = write!(
                drawn,
                r#"<rect data-status="{status}" x="{x:.1}%" y="{:.1}" width="{:.1}%" height="2.5"/>"#,
                HEIGHT + 1.5,
                slot * 0.7
            );
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_at_the_right_and_a_failure_has_a_foot() {
        let run = |status, ms| Outcome { status, duration_ms: Some(ms) };
        let drawn = bars(&[run(Status::Failed, 50), run(Status::Succeeded, 100)]);
        let parts: Vec<&str> = drawn.split_inclusive("/>").collect();
        assert_eq!(parts.len(), 3);
        assert!(parts[0].contains(r#"data-status="failed" x="95.0%" y="12.0""#), "{drawn}");
        assert!(parts[1].contains(r#"data-status="failed" x="95.0%" y="25.5""#), "{drawn}");
        assert!(parts[2].contains(r#"data-status="succeeded" x="90.0%" y="0.0""#), "{drawn}");
    }
}
