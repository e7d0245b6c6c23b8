//! What a run gave back: names and values.

use leptos::prelude::*;

use crate::domain::event::ExecutionResult;

/// The result of an execution that succeeded; nothing if it gave nothing back.
#[component]
pub fn ResultTable(
    /// The outputs of its steps.
    result: ExecutionResult,
) -> impl IntoView {
    let rows: Vec<_> = result
        .into_iter()
        .flat_map(|(step, outputs)| {
            outputs.into_iter().map(move |(name, value)| {
                view! {
                    <tr>
                        <th scope="row">{step.to_string()}</th>
                        <td>{name}</td>
                        <td>{value}</td>
                    </tr>
                }
            })
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby="result">
                <div class="section-heading">
                    <h2 id="result">"Result"</h2>
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
