//! Who reads what happens, how the server does, and what it was told.

use leptos::prelude::*;

use super::Held;
use crate::{
    app::components::moment::Moment,
    domain::{
        administration::{Contents, Health, OpenStream, Origin, Setting},
        size::{spoken_bytes, spoken_number},
        time::spoken,
    },
};

/// The streams that are open now.
#[component]
pub(super) fn Streams(held: Held) -> impl IntoView {
    let streams = move || {
        held.contents.with(|contents| match contents {
            Contents::Streams(streams) => streams.clone(),
            _ => Vec::new(),
        })
    };
    let rows = move || streams().into_iter().map(|stream| view! { <StreamRow stream/> }).collect_view();
    let none = move || streams().is_empty();
    view! {
        <p data-part="note">{move || format!("{} open, asked for every 2 seconds.", spoken_number(streams().len() as u64))}</p>
        <p hidden=move || !none()>"Nobody reads now. Each browser with a page open, and each "<code>"runcast watch"</code>", is a row here."</p>
        <table class="ledger" hidden=none>
            <caption class="visually-hidden">"Streams now open"</caption>
            <thead>
                <tr>
                    <th scope="col">"Who"</th>
                    <th scope="col" data-part="wide">"What"</th>
                    <th scope="col" data-part="extra">"Since"</th>
                    <th scope="col" data-type="number">"Sent"</th>
                    <th scope="col" data-type="number">"Behind"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[component]
fn StreamRow(stream: OpenStream) -> impl IntoView {
    let what = match (&stream.execution, &stream.owner, &stream.workflow) {
        (Some(id), ..) => view! { "execution " <a href=format!("/executions/{id}")>{id.short()}</a> }.into_any(),
        (None, Some(owner), Some(workflow)) => format!("executions of {workflow} by {owner}").into_any(),
        (None, Some(owner), None) => format!("executions of {owner}").into_any(),
        (None, None, Some(workflow)) => format!("executions of {workflow}").into_any(),
        (None, None, None) => "all executions".into_any(),
    };
    let behind = match stream.behind {
        Some(0) => "no".to_owned(),
        Some(facts) => format!("{} events", spoken_number(facts)),
        None => "reads the past".to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{stream.user.to_string()}</th>
            <td data-part="wide">{what}</td>
            <td data-part="extra"><Moment at=stream.since/></td>
            <td data-type="number">{spoken_bytes(stream.bytes)}</td>
            <td data-type="number">{behind}</td>
        </tr>
    }
}

/// How the server does, in numbers.
#[component]
pub(super) fn HealthNumbers(held: Held) -> impl IntoView {
    let health = move |say: fn(&Health) -> String| {
        move || {
            held.contents.with(|contents| match contents {
                Contents::Health(health) => say(health),
                _ => String::new(),
            })
        }
    };
    let trouble = health(|health| health.trouble.clone().unwrap_or_default());
    let number = |name: &'static str, say: fn(&Health) -> String| {
        let value = health(say);
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    };
    view! {
        <div class="notice-bar" data-level="error" role="alert" hidden=move || trouble().is_empty()>
            <strong>"What happens does not reach the disk."</strong>
            {trouble}
        </div>
        <p data-part="note">"Asked for every 2 seconds."</p>
        <section aria-labelledby="journal">
            <div class="section-heading"><h2 id="journal">"Journal"</h2></div>
            <dl class="stat-line">
                {number("last event", |health| spoken_number(health.head.0))}
                {number("events a second", |health| format!("{:.1}", health.facts_per_second))}
                {number("for a commit, of late", |health| format!("{:.1} ms", health.commit_ms))}
                {number("events that wait", |health| of_all(health.waiting_facts))}
            </dl>
        </section>
        <section aria-labelledby="feed">
            <div class="section-heading"><h2 id="feed">"Streams"</h2></div>
            <dl class="stat-line">
                {number("open", |health| of_all(health.streams))}
                {number("from commit to reader, of late", |health| format!("{:.1} ms", health.lag_ms))}
            </dl>
        </section>
        <section aria-labelledby="work">
            <div class="section-heading"><h2 id="work">"Executions"</h2></div>
            <dl class="stat-line">
                {number("running", |health| of_all(health.running))}
                {number("queued", |health| spoken_number(health.queued))}
            </dl>
        </section>
        <section aria-labelledby="disk">
            <div class="section-heading"><h2 id="disk">"Disk"</h2></div>
            <dl class="stat-line">
                {number("data folder", |health| spoken_bytes(health.data_bytes))}
                {number("free", |health| format!("{} of {}", spoken_bytes(health.disk_bytes[0]), spoken_bytes(health.disk_bytes[1])))}
            </dl>
        </section>
        <section aria-labelledby="process">
            <div class="section-heading"><h2 id="process">"Server"</h2></div>
            <dl class="stat-line">
                {number("version", |health| health.version.clone())}
                {number("up for", |health| spoken(health.at.since(health.started_at)))}
            </dl>
        </section>
    }
}

fn of_all([part, all]: [u64; 2]) -> String {
    format!("{} of {}", spoken_number(part), spoken_number(all))
}

/// What the server was told.
#[component]
pub(super) fn Configuration(held: Held) -> impl IntoView {
    let settings = held.contents.with_untracked(|contents| match contents {
        Contents::Configuration(settings) => settings.clone(),
        _ => Vec::new(),
    });
    let row = |setting: Setting| {
        let origin = match setting.origin {
            Origin::Flag => format!("flag --{}", setting.name),
            Origin::Environment => format!("RUNCAST_{}", setting.name.replace('-', "_").to_uppercase()),
            Origin::File => "Leptos.toml".to_owned(),
            Origin::Default => "default".to_owned(),
        };
        let given = (setting.origin != Origin::Default).then_some("given");
        view! {
            <tr data-state=given>
                <th scope="row"><code>{setting.name}</code></th>
                <td data-part="wide">{setting.value}</td>
                <td>{origin}</td>
            </tr>
        }
    };
    view! {
        <p data-part="note">"A flag comes before a variable, a variable before Leptos.toml, and that before the default. A change counts from the next start."</p>
        <table class="ledger">
            <caption class="visually-hidden">"Settings in force"</caption>
            <thead>
                <tr>
                    <th scope="col">"Setting"</th>
                    <th scope="col" data-part="wide">"Value"</th>
                    <th scope="col">"From"</th>
                </tr>
            </thead>
            <tbody>{settings.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}
