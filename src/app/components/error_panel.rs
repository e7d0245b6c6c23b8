//! Why it failed, before anything else: the step, its own words, its last lines.

use leptos::prelude::*;

use super::ansi::Ansi;
use crate::domain::execution::{Execution, StepStatus};

/// The error of an execution that failed, and of each step that failed beside it.
#[component]
pub fn ErrorPanel(
    /// Whose error it is.
    execution: Execution,
) -> impl IntoView {
    let error = execution.error.clone()?;
    let at = error.step.as_ref().and_then(|id| execution.steps.iter().position(|step| step.id == *id));
    let step = at.and_then(|at| execution.steps.get(at));
    let place = at.map(|at| format!("step {} of {}", at + 1, execution.steps.len()));
    let what = match step {
        Some(step) if step.status == StepStatus::Failed => format!("{} failed", step.name),
        Some(step) => format!("{} {}", step.name, step.status.label().to_lowercase()),
        None => execution.status.label().to_owned(),
    };
    let code = error.exit_code.or(step.and_then(|step| step.exit_code)).map(|code| format!("exit code {code}"));
    let signal = step.and_then(|step| step.signal.clone()).map(|signal| format!("killed by {signal}"));
    let tail = (!error.tail.is_empty()).then(|| {
        let lines = error.tail.into_iter().map(|line| view! { <li><code><Ansi text=line/></code></li> }).collect_view();
        view! { <ol data-part="tail" aria-label="Last lines" tabindex="0">{lines}</ol> }
    });
    Some(view! {
        <section class="error-panel" aria-label="Why it failed">
            <section>
                <h2 data-part="where">
                    <strong>{what}</strong>
                    {code.map(|code| view! { <span>{code}</span> })}
                    {signal.map(|signal| view! { <span>{signal}</span> })}
                    {place.map(|place| view! { <span>{place}</span> })}
                </h2>
                <p data-part="message">{error.message}</p>
                {tail}
            </section>
        </section>
    })
}
