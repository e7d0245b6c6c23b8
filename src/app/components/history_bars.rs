//! How the last runs of a workflow ended and how long they took: a bar for each, oldest first.

use leptos::prelude::*;

use super::{moment::Moment, status_badge::Sign};
use crate::domain::{listing::PastRun, time::spoken};

/// Most bars: what can still be told apart on a phone.
const BARS: usize = 40;
/// The lowest bar, in percent of the highest, so that the shortest run can be seen and hit.
const LOWEST: f64 = 8.0;

/// The bars.
#[component]
pub fn HistoryBars(
    /// Newest first.
    runs: Vec<PastRun>,
) -> impl IntoView {
    let newest = runs.into_iter().take(BARS).collect::<Vec<_>>();
    let longest = newest.iter().filter_map(|run| run.duration_ms).max().unwrap_or(1).max(1);
    let bars = newest.into_iter().rev().map(|run| view! { <Bar run longest/> }).collect_view();
    view! {
        <div class="section-heading"><h2>"History"</h2></div>
        <ol class="history-bars" aria-label="How the last runs ended, oldest first">{bars}</ol>
    }
}

#[component]
#[expect(clippy::cast_precision_loss, reason = "a bar has no more than a few hundred pixels")]
fn Bar(run: PastRun, longest: u64) -> impl IntoView {
    let took = run.duration_ms.unwrap_or_default();
    let height = (took as f64 * 100.0 / longest as f64).max(LOWEST).round();
    let label = Sign::from(run.status).label;
    view! {
        <li>
            <a
                href=format!("/executions/{}", run.id)
                data-status=run.status.word()
                style=format!("--value:{height}")
                aria-label=format!("{label} after {}", spoken(took))
            >
                <span data-part="tip">
                    <strong>{label}</strong>
                    " "
                    {spoken(took)}
                    " "
                    <Moment at=run.finished_at.unwrap_or(run.queued_at)/>
                </span>
            </a>
        </li>
    }
}
