//! Why it failed, before anything else: the step, its own words, its last lines, and what was different this time.

use leptos::prelude::*;

use super::{
    ansi::Ansi,
    copy_button::CopyButton,
    execution_reading::ExecutionReading,
    icon::Icon,
    moment::Moment,
    rerun_button::{Part, RerunButton, can_go_on},
};
use crate::{
    app::run::Run,
    browser::address,
    domain::{
        differences::{Differences, Failure},
        execution::{Execution, StepStatus},
        listing::LogLine,
        log::Level,
        time::spoken,
    },
};

/// The error of an execution that failed. Where the page shows a moment before that, its place is kept: nothing that one
/// points at may move.
#[component]
pub fn ErrorPanel(
    /// Whose error it is.
    run: Run,
) -> impl IntoView {
    let execution = run.execution;
    let failure = Memo::new(move |_| run.failure.get().unwrap_or_default());
    let message = execution.with_untracked(|execution| execution.error.as_ref().map(|error| error.message.clone()));
    let again = execution.with_untracked(can_go_on);
    let target = Memo::new(move |_| failure.with(|failure| target(&failure.lines)));
    let ahead = Memo::new(move |_| run.shown.with(|shown| shown.error.is_none()));
    view! {
        <section class="error-panel" aria-label=move || if ahead.get() { "Before it failed" } else { "Why it failed" } data-ahead=move || ahead.get().then_some("")>
            <section>
                <h2 data-part="where">{execution.with_untracked(Where::of).view()}</h2>
                <p data-part="message">{message}</p>
                {move || failure.with(|failure| tail(failure, &execution.get_untracked()))}
                <div data-part="next">
                    {move || (again && run.kept.get()).then(|| view! { <RerunButton execution part=Part::Failed/> })}
                    {move || target.get().map(|line| view! { <ToLine line/> })}
                </div>
            </section>
            {move || failure.with(|failure| failure.differences.clone()).map(|differences| view! { <Different differences/> })}
            <Show when=move || ahead.get()>
                <div data-part="ahead">
                    <p>"At this moment it had not failed."</p>
                    <ExecutionReading run/>
                </div>
            </Show>
        </section>
    }
}

/// What failed, and how.
struct Where {
    what: String,
    rest: Vec<String>,
}

impl Where {
    fn of(execution: &Execution) -> Self {
        let error = execution.error.as_ref();
        let at = error.and_then(|error| execution.steps.iter().position(|step| Some(&step.id) == error.step.as_ref()));
        let step = at.and_then(|at| execution.steps.get(at));
        let what = match step {
            Some(step) if step.status == StepStatus::Failed => format!("{} failed", step.name),
            Some(step) => format!("{} {}", step.name, step.status.label().to_lowercase()),
            None => execution.status.label().to_owned(),
        };
        let code = error.and_then(|error| error.exit_code).or(step.and_then(|step| step.exit_code));
        let signal = step.and_then(|step| step.signal.as_ref());
        // Whatever failed had no attempts left.
        let attempt = step.filter(|step| step.attempt > 1).map(|step| format!("attempt {0} of {0}", step.attempt));
        let rest = [
            code.map(|code| format!("exit code {code}")),
            signal.map(|signal| format!("killed by {signal}")),
            attempt,
            at.map(|at| format!("step {} of {}", at + 1, execution.steps.len())),
        ];
        Self { what, rest: rest.into_iter().flatten().collect() }
    }

    fn view(self) -> impl IntoView {
        let rest = self.rest.into_iter().map(|word| view! { <span>{word}</span> }).collect_view();
        view! { <strong>{self.what}</strong>{rest} }
    }
}

/// The last lines: with their numbers, once these are known.
fn tail(failure: &Failure, execution: &Execution) -> Option<impl IntoView + use<>> {
    let plain = execution
        .error
        .iter()
        .flat_map(|error| error.tail.clone())
        .map(|text| view! { <li><code><Ansi text/></code></li> }.into_any());
    let numbered = failure.lines.iter().map(|line| {
        let (number, text) = (line.n + 1, line.line.text.clone());
        let level = (line.line.level == Some(Level::Error)).then_some("error");
        let view = view! {
            <li data-level=level>
                <a href=format!("#L{number}") rel="external" aria-label=format!("Line {number}")>{number}</a>
                <code><Ansi text/></code>
            </li>
        };
        view.into_any()
    });
    let known = !failure.lines.is_empty();
    let lines: Vec<AnyView> = if known { numbered.collect() } else { plain.collect() };
    (!lines.is_empty()).then(|| {
        view! {
            <ol data-part="tail" aria-label="Last lines" tabindex="0" data-numbered=known.then_some("")>{lines}</ol>
        }
    })
}

/// The number of the line that says most: the last error, or the last line.
fn target(lines: &[LogLine]) -> Option<u64> {
    let errors = lines.iter().rev().find(|line| line.line.level == Some(Level::Error));
    errors.or(lines.last()).map(|line| line.n + 1)
}

#[component]
fn ToLine(line: u64) -> impl IntoView {
    view! {
        <a class="button" href=format!("#L{line}") rel="external">
            <Icon name="down"/>
            {format!("Go to line {line}")}
        </a>
        <CopyButton what="link to the line" icon="link" text=move || address::link_to("", &format!("#L{line}"))/>
    }
}

#[component]
fn Different(differences: Differences) -> impl IntoView {
    let Differences { good, ended_at, duration_ms, rows } = differences;
    let words = if rows.iter().any(|row| row.changed) {
        "Different from the "
    } else {
        "Nothing that is known differs from the "
    };
    let rows = rows.into_iter().map(|row| {
        view! {
            <tr data-change=row.changed.then_some("")>
                <th scope="row">
                    {row.what}
                    {row.changed.then(|| view! { <span class="visually-hidden">", different"</span> })}
                </th>
                <td>{row.then}</td>
                <td>{row.now}</td>
            </tr>
        }
    });
    view! {
        <section>
            <h2>
                {words} <a href=format!("/executions/{good}")>"last good run"</a> " "
                <small>
                    {ended_at.map(|at| view! { <Moment at/> })}
                    {duration_ms.map(|ms| format!(", {}", spoken(ms)))}
                </small>
            </h2>
            <table>
                <thead>
                    <tr>
                        <th scope="col"><span class="visually-hidden">"What"</span></th>
                        <th scope="col">"Then"</th>
                        <th scope="col">"Now"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </section>
    }
}
