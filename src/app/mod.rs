//! What is seen: pages and components, and the signals that the fold feeds.

use std::time::Duration;

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

pub mod api;
pub mod commands;
pub mod components;
pub mod editing;
pub mod flows;
pub mod following;
pub mod history;
pub mod lazy;
pub mod live;
pub mod log;
pub mod looks;
pub mod now;
pub mod pages;
pub mod rows;
pub mod run;
pub mod selection;
pub mod sheet;
pub mod shell;
pub mod strip;
pub mod toasts;
pub mod travel;

use components::icon::Symbols;
use following::Following;
use live::{Live, Made};
use pages::not_found::NotFound;
use shell::Shell;
use toasts::Toasts;

/// The document around the app, rendered by the server only.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-made=Made::told().0.0.to_string()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                // Before all that the page needs later: nothing is seen without them.
                <script nonce=use_nonce() inner_html=include_str!("../../public/theme.js")></script>
                <script nonce=use_nonce() inner_html=include_str!("../../public/early.js")></script>
                <link rel="stylesheet" id="leptos" href="/pkg/runcast.css"/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let live = Live::provide();
    let following = Following::provide();
    Toasts::provide();
    // The server writes the title when the page's own signals may be gone: this one lives as long as its readers.
    let before = ArcRwSignal::new(String::new());
    let tell = before.clone();
    Effect::new(move || tell.set(following.before_title()));
    Effect::new(move || {
        let ticking = set_interval_with_handle(move || live.tick(), Duration::from_secs(1));
        on_cleanup(move || drop(ticking.map(|handle| handle.clear())));
    });
    view! {
        <Title formatter=move |text: String| if text.is_empty() { format!("{}Runcast", before.get()) } else { format!("{}{text} · Runcast", before.get()) }/>
        <Symbols/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/sign-in") view={Lazy::<lazy::SignIn>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/set-up") view={Lazy::<lazy::SetUp>::new()} ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Shell ssr=SsrMode::Async>
                    <Route path=path!("/") view={Lazy::<lazy::NowPage>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/executions") view={Lazy::<lazy::Executions>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/executions/:id") view={Lazy::<lazy::ExecutionPage>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/check") view={Lazy::<lazy::Check>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/workflows") view={Lazy::<lazy::Workflows>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/profile") view={Lazy::<lazy::Profile>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view={Lazy::<lazy::Settings>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/settings/:room") view={Lazy::<lazy::Settings>::new()} ssr=SsrMode::Async/>
                    <Route path=path!("/workflows/:name") view={Lazy::<lazy::WorkflowPage>::new()} ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
