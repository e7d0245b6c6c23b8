//! The frame of every page but the doors: a rail at the side; on a phone a bar at the top and tabs at the bottom.

use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

use super::{
    api,
    components::{icon::Icon, icon::Mark, live_light::LiveLight, theme_switch::ThemeSwitch},
    live::{Live, LiveState},
};
use crate::domain::access::Viewer;

/// Who is signed in, for the pages in the frame.
#[derive(Clone, Copy, Debug)]
pub struct Me(Resource<Result<Option<Viewer>, ServerFnError>>);

impl Me {
    /// The one that the frame handed down.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Who it is; none if nobody, or if nobody could be asked.
    pub async fn viewer(self) -> Option<Viewer> {
        self.0.await.ok().flatten()
    }
}

/// The frame.
#[component]
pub fn Shell() -> impl IntoView {
    let me = Me(Resource::new(|| (), |()| api::me()));
    provide_context(me);
    view! {
        <div class="app-shell">
            <a data-part="skip" href="#main" rel="external">"Skip to content"</a>
            <header data-part="rail">
                <a data-part="brand" href="/" aria-label="Runcast"><Mark/><span>"Runcast"</span></a>
                <Pages/>
                <div data-part="foot">
                    <LiveLight/>
                    <Who me/>
                </div>
            </header>
            <main id="main" tabindex="-1">
                <Offline/>
                <Trouble/>
                <Outlet/>
            </main>
        </div>
    }
}

#[component]
fn Pages() -> impl IntoView {
    let path = use_location().pathname;
    let executions = move || path.with(|path| path == "/" || path.starts_with("/executions")).then_some("page");
    let workflows = move || path.with(|path| path.starts_with("/workflows")).then_some("page");
    view! {
        <nav data-part="pages" aria-label="Pages">
            <ul>
                <li><a href="/" aria-current=executions title="Executions"><Icon name="list"/><span>"Executions"</span></a></li>
                <li><a href="/workflows" aria-current=workflows title="Workflows"><Icon name="flow"/><span>"Workflows"</span></a></li>
            </ul>
        </nav>
    }
}

#[component]
fn Who(me: Me) -> impl IntoView {
    let live = Live::expect();
    let name = move || Suspend::new(async move { me.viewer().await.map(|viewer| viewer.name.to_string()) });
    view! {
        <div data-part="who">
            <span><Transition>{name}</Transition></span>
            <ThemeSwitch/>
            <form method="post" action="/api/logout" on:submit=move |_| live.leaving.set_value(true)>
                <button class="button" type="submit" data-shape="square" data-kind="quiet" aria-label="Sign out" title="Sign out">
                    <Icon name="leave"/>
                </button>
            </form>
        </div>
    }
}

/// Says what is wrong with the server, for as long as it is.
#[component]
fn Trouble() -> impl IntoView {
    let trouble = Live::expect().trouble;
    view! {
        <Show when=move || trouble.with(Option::is_some)>
            <div class="notice-bar" role="alert">
                <strong>"The server says:"</strong>
                {move || trouble.get()}
            </div>
        </Show>
    }
}

/// Says that what is shown may be old.
#[component]
fn Offline() -> impl IntoView {
    let state = Live::expect().state;
    view! {
        <Show when=move || state.get() == LiveState::Offline>
            <div class="notice-bar" role="alert">
                <strong>"The server does not answer."</strong>
                "This is how it was. The page tries again by itself."
            </div>
        </Show>
    }
}
