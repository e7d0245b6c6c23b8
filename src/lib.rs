//! Runcast runs multi-step jobs and shows everyone who may see them what is happening, live.
//!
//! One crate, two programs. With `ssr` it is the server and the command line; with `hydrate` it is the dashboard in
//! the browser. What happened is a log of facts; everything else is a view of it, made by the same pure fold on both
//! sides: [`domain::execution::Execution::apply`]. `ARCHITECTURE.md` is the long form of this page.
//!
//! In reading order:
//!
//! - [`domain`]: what is true. Shared, pure.
//! - [`app`]: what is seen. Shared; pages and components, and the signals that the fold feeds.
//! - [`browser`]: what only a browser does. Its functions touch it inside effects and event handlers only.
//! - `server`: the engine, the journal, the feed, access, HTTP. Only with `ssr`.
//! - `client`: the command line's client half. Only with `ssr`.

#![recursion_limit = "256"]

pub mod app;
pub mod browser;
pub mod domain;

#[cfg(feature = "ssr")]
pub mod client;
#[cfg(feature = "ssr")]
pub mod server;

/// Takes over the page that the server rendered. Called by the page's script, once.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_lazy(app::App);
}
