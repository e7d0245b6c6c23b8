//! One's own account, and for admins the server: who comes in, who reads, how it does, what it was told.

mod access;
mod groups;
mod own;
mod server;
mod tokens;
mod users;

use std::time::Duration;

use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::not_found::{ForAdmins, Missing};
use crate::{
    app::{
        api,
        components::trouble::Trouble,
        live::{self, Live, LiveState},
        shell::Me,
    },
    browser::{http, time},
    domain::administration::{Contents, Room},
};

/// How often a page whose contents move by themselves asks for them.
const MOVING: Duration = Duration::from_secs(2);
/// How often any other asks: others may change them, and the session may end.
const RESTING: Duration = Duration::from_secs(10);

/// One's own account.
#[component]
pub fn Profile() -> impl IntoView {
    view! { <RoomPage which=Signal::stored(Some(Room::Profile))/> }
}

/// What only admins see.
#[component]
pub fn Settings() -> impl IntoView {
    let params = use_params_map();
    let which = Memo::new(move |_| match params.read().get("room") {
        Some(word) => Room::named(&word),
        None => Some(Room::Users),
    });
    view! { <RoomPage which/> }
}

#[component]
fn RoomPage(#[prop(into)] which: Signal<Option<Room>>) -> impl IntoView {
    let contents =
        Resource::new(move || which.get(), |which| async move { api::room(which).await.map(|found| which.zip(found)) });
    let content = move || {
        Suspend::new(async move {
            match contents.await {
                Ok(Some((which, first))) => EitherOf3::A(view! { <Found which first/> }),
                Ok(None) if which.get_untracked().is_some() => EitherOf3::B(view! { <ForAdmins/> }.into_any()),
                Ok(None) => EitherOf3::B(view! { <Missing what="page"/> }.into_any()),
                Err(_) => EitherOf3::C(view! { <Trouble/> }),
            }
        })
    };
    view! { <Transition>{content}</Transition> }
}

/// What is in a room, as it was last asked for. A copy is the same.
#[derive(Clone, Copy, Debug)]
struct Held {
    which: Room,
    contents: RwSignal<Contents>,
    live: Live,
}

impl Held {
    /// Asks for it again.
    fn refresh(self) {
        leptos::task::spawn_local(async move {
            match api::room(Some(self.which)).await {
                Ok(Some(fresh)) => {
                    // Whoever has left has another light.
                    if self.contents.try_set(fresh).is_none() {
                        self.live.turn(LiveState::Asking);
                    }
                }
                // It is not this viewer's to see any more.
                Ok(None) => http::reload(),
                Err(_) => {
                    let standing = http::standing().await;
                    if self.contents.try_with_untracked(|_| ()).is_some() {
                        match standing {
                            http::Standing::SignedOut => http::sign_in(),
                            http::Standing::SignedIn(_) => self.live.turn(LiveState::Reconnecting),
                            http::Standing::Unknown => self.live.turn(LiveState::Offline),
                        }
                    }
                }
            }
        });
    }

    /// Asks again and again, while somebody looks.
    fn follow(self) {
        let every = if self.which.moves() { MOVING } else { RESTING };
        Effect::new(move || {
            let asking = set_interval_with_handle(
                move || {
                    if !time::hidden() {
                        self.refresh();
                    }
                },
                every,
            );
            on_cleanup(move || drop(asking.map(|handle| handle.clear())));
        });
    }
}

#[component]
fn Found(which: Room, first: Contents) -> impl IntoView {
    let held = Held { which, contents: RwSignal::new(first), live: Live::expect() };
    live::ask();
    held.follow();
    let content = match which {
        Room::Profile => view! { <own::OwnAccount held/> }.into_any(),
        Room::Users => view! { <users::Users held/> }.into_any(),
        Room::Groups => view! { <groups::Groups held/> }.into_any(),
        Room::Sessions => view! { <access::Sessions held/> }.into_any(),
        Room::Tokens => view! { <tokens::Tokens held/> }.into_any(),
        Room::Streams => view! { <server::Streams held/> }.into_any(),
        Room::Health => view! { <server::HealthNumbers held/> }.into_any(),
        Room::Configuration => view! { <server::Configuration held/> }.into_any(),
    };
    view! {
        <Title text=which.label()/>
        <div class="page-header"><h1>{which.label()}</h1></div>
        <Rooms which/>
        <div class="settings-page">{content}</div>
    }
}

/// The way to the other rooms, for those who have more than one.
#[component]
fn Rooms(which: Room) -> impl IntoView {
    let me = Me::expect();
    let link = move |room: Room| {
        let current = (room == which).then_some("page");
        view! { <a href=room.href() aria-current=current>{room.label()}</a> }
    };
    let links = move || {
        Suspend::new(async move {
            let admin = me.viewer().await.is_some_and(|viewer| viewer.is_admin());
            admin.then(|| {
                view! {
                    <nav class="switch" aria-label="Settings">
                        {link(Room::Profile)} {Room::FOR_ADMINS.map(link).collect_view()}
                    </nav>
                }
            })
        })
    };
    view! { <Transition>{links}</Transition> }
}
