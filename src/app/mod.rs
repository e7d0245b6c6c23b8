//! What is seen.

use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, Title, provide_meta_context};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

/// The document around the app, rendered by the server only.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body><App/></body>
        </html>
    }
}

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let count = RwSignal::new(0);
    view! {
        <Stylesheet id="leptos" href="/pkg/runcast.css"/>
        <Title text="Runcast"/>
        <Router>
            <Routes fallback=|| "Nothing here">
                <Route path=path!("/") view=move || view! { <button on:click=move |_| *count.write() += 1>{count}</button> }/>
            </Routes>
        </Router>
    }
}
