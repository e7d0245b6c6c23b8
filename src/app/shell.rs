//! The frame of every page but the doors: a rail at the side; on a phone a bar at the top and tabs at the bottom.

use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

use super::{
    api,
    components::{
        command_palette::CommandPalette, following_list::FollowingList, icon::Icon, icon::Mark, live_light::LiveLight,
        moment::hydrated, shortcuts::Shortcuts, theme_switch::ThemeSwitch, toast::ToastRegion,
    },
    following::Following,
    live::{Live, LiveState},
    looks::Looks,
};
use crate::{
    browser::{page, time},
    domain::access::Viewer,
};

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
    Looks::provide();
    let (palette, shortcuts) = (RwSignal::new(false), RwSignal::new(false));
    follow(me);
    lead_focus();
    view! {
        <div class="app-shell">
            <a data-part="skip" href="#main" rel="external">"Skip to content"</a>
            <header data-part="rail">
                <a data-part="brand" href="/" aria-label="Runcast"><Mark/><span>"Runcast"</span></a>
                <Find palette/>
                <Pages/>
                <FollowingList/>
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
            <ToastRegion/>
            <CommandPalette open=palette shortcuts/>
            <Shortcuts palette open=shortcuts/>
        </div>
    }
}

/// Keeps what the user follows true, and shows it in the tab.
fn follow(me: Me) {
    let (following, hydrated) = (Following::expect(), hydrated());
    Effect::new(move || {
        if !hydrated.get() {
            return;
        }
        let viewer = me.0.get().and_then(|answer| answer.ok().flatten());
        if let Some(viewer) = viewer {
            following.begin(viewer.name);
        }
    });
    Effect::new(move || following.draw_icon());
}

/// On another page the focus goes to its heading: who can't see it hears where they are.
fn lead_focus() {
    let path = use_location().pathname;
    Effect::new(move |before: Option<()>| {
        path.track();
        if before.is_some() {
            let heading = page::heading();
            leptos::task::spawn_local(page::focus_heading(heading));
        }
    });
}

/// The way into the command palette for those who do not know its key.
#[component]
fn Find(palette: RwSignal<bool>) -> impl IntoView {
    let hydrated = hydrated();
    view! {
        <button
            data-part="find"
            type="button"
            aria-keyshortcuts="Control+K"
            aria-haspopup="dialog"
            title="Search and commands"
            disabled=move || !hydrated.get()
            on:click=move |_| palette.set(true)
        >
            <Icon name="search"/>
            <span>"Search"</span>
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </button>
    }
}

#[component]
fn Pages() -> impl IntoView {
    let path = use_location().pathname;
    let now = move || path.with(|path| path == "/").then_some("page");
    let executions = move || path.with(|path| path.starts_with("/executions")).then_some("page");
    let workflows = move || path.with(|path| path.starts_with("/workflows")).then_some("page");
    let settings = move || path.with(|path| path.starts_with("/settings") || path == "/profile").then_some("page");
    view! {
        <nav data-part="pages" aria-label="Pages">
            <ul>
                <li><a href="/" aria-current=now title="Now"><Icon name="now"/><span>"Now"</span></a></li>
                <li><a href="/executions" aria-current=executions title="Executions"><Icon name="list"/><span>"Executions"</span></a></li>
                <li><a href="/workflows" aria-current=workflows title="Workflows"><Icon name="flow"/><span>"Workflows"</span></a></li>
                <li><a href="/profile" aria-current=settings title="Settings"><Icon name="gear"/><span>"Settings"</span></a></li>
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
            <a href="/profile" title="Your account"><Transition>{name}</Transition></a>
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

/// Says that what is shown may be old, and how old.
#[component]
fn Offline() -> impl IntoView {
    let state = Live::expect().state;
    let since = Memo::new(move |before: Option<&Option<String>>| {
        let offline = state.get() == LiveState::Offline;
        let known = before.cloned().flatten();
        offline.then(|| known.unwrap_or_else(|| time::local(time::now())))
    });
    view! {
        <Show when=move || state.get() == LiveState::Offline>
            <div class="notice-bar" role="alert">
                <strong>"The server does not answer."</strong>
                <span>"This is how it was at " {move || since.get()} ". The page tries again by itself."</span>
            </div>
        </Show>
    }
}
