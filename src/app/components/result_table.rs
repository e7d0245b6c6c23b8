//! What a run gave back: names and values.

use leptos::{either::Either, ev::MouseEvent, prelude::*};

use super::{copy_button::CopyButton, icon::Icon};
use crate::{browser::address, domain::event::ExecutionResult};

/// A value with more characters than this is folded,
const LONG: usize = 240;
/// and one with more lines.
const TALL: usize = 4;

/// The result of an execution that succeeded; nothing if it gave nothing back.
#[component]
pub fn ResultTable(
    /// The outputs of its steps.
    result: ExecutionResult,
) -> impl IntoView {
    let json = StoredValue::new(serde_json::to_string_pretty(&result).unwrap_or_default());
    let rows: Vec<_> = result
        .into_iter()
        .flat_map(|(step, outputs)| {
            outputs.into_iter().map(move |(name, value)| {
                view! {
                    <tr>
                        <th scope="row">{step.to_string()}</th>
                        <td>{name}</td>
                        <td><Value value/></td>
                    </tr>
                }
            })
        })
        .collect();
    // The file is made when it is asked for, so that the page does not hold everything twice.
    let download = move |event: MouseEvent| json.with_value(|json| address::download(&event, "application/json", json));
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby="result">
                <div class="section-heading">
                    <h2 id="result">"Result"</h2>
                    <a class="button" data-kind="quiet" href="#result" rel="external" download="result.json" on:click=download>
                        <Icon name="download"/>
                        "JSON"
                    </a>
                </div>
                <table class="result-table">
                    <thead>
                        <tr>
                            <th scope="col">"Step"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Value"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
    })
}

#[component]
fn Value(value: String) -> impl IntoView {
    let lines = value.lines().count();
    let copied = value.clone();
    let long = lines > TALL || value.chars().nth(LONG).is_some();
    let shown = if long {
        let first: String = value.lines().next().unwrap_or_default().chars().take(LONG / 2).collect();
        let more = if lines > 1 { format!("{lines} lines") } else { format!("{} characters", value.chars().count()) };
        Either::Left(view! {
            <details>
                <summary><code>{first}</code>" " <small>{more}</small></summary>
                <pre>{value}</pre>
            </details>
        })
    } else {
        Either::Right(view! { <pre>{value}</pre> })
    };
    view! {
        <div data-part="value">
            {shown}
            <CopyButton what="value" small=true text=move || copied.clone()/>
        </div>
    }
}
