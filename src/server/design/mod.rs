//! The living page of the design: every component in its states, at `/design` of a server that was started with
//! `--design`. It is drawn by the server alone, from facts folded as everywhere else, so it costs the dashboard nothing
//! and shows what the dashboard shows.

mod samples;
mod sections;

use axum::{response::Html, routing::get};
use http::header;
use leptos::prelude::*;
use leptos_router::{components::Router, location::RequestUrl};

use self::sections::Sections;
use super::http::routes::Routes;
use crate::app::{components::icon::Symbols, following::Following, live::Live, looks::Looks, toasts::Toasts};

/// What the page may load: its style sheet and the script that sets the theme.
const POLICY: &str = "default-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The route of this file.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    Routes::new().route("/design", get(async || ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page()))))
}

fn page() -> String {
    Owner::new().with(|| {
        provide_context(RequestUrl::new("/design"));
        let live = Live::provide();
        live.now.set(samples::SEEN);
        live.seq.set(crate::domain::id::Seq(48_213));
        Following::provide();
        Looks::provide();
        Toasts::provide();
        let page = view! {
            <!DOCTYPE html>
            <html lang="en">
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="light dark"/>
                    <title>"Design · Runcast"</title>
                    <script src="/theme.js"></script>
                    <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                    <link rel="stylesheet" href="/pkg/runcast.css"/>
                </head>
                <body>
                    <Symbols/>
                    <Router>
                        <main class="design-page"><h1>"Design"</h1><Sections/></main>
                    </Router>
                </body>
            </html>
        };
        page.to_html()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_section_is_drawn_and_none_twice() {
        let page = page();
        for heading in sections::HEADINGS {
            assert_eq!(page.matches(&format!("<h2>{heading}<")).count(), 1, "{heading}");
        }
    }
}
