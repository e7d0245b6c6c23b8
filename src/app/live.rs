//! How a page stays true: what it follows, and what it tells about that.

use std::future::Future;

use leptos::prelude::*;

use super::shell::Me;
use crate::{
    browser::{feed, page, time},
    domain::{event::Recorded, id::Seq, time::Timestamp},
};

/// Whether what the page shows is true right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveState {
    /// The stream is being opened.
    #[default]
    Connecting,
    /// All there is to know is on the page.
    Live,
    /// The stream broke; the server answers.
    Reconnecting,
    /// No server answers.
    Offline,
    /// The page asks again and again by itself.
    Asking,
    /// The page shows nothing that changes.
    Still,
}

impl LiveState {
    /// Whether the page is as it should be, and takes in no events.
    pub fn is_without_events(self) -> bool {
        matches!(self, LiveState::Asking | LiveState::Still)
    }
}

/// The page's link to what happens, for the light in the rail and for whoever moves it.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// How it stands.
    pub state: RwSignal<LiveState>,
    /// The last fact that the page has taken in.
    pub seq: RwSignal<Seq>,
    /// The last fact at which the page was found to show what the server has.
    pub in_sync: RwSignal<Option<Seq>>,
    /// How often it was not, and was fetched anew.
    pub mended: RwSignal<u32>,
    /// What keeps the server from telling what happens, if anything does.
    pub trouble: RwSignal<Option<String>>,
    /// Which state of the workflows folder there is, once that was told.
    pub workflows: RwSignal<Option<u64>>,
    /// The time now, to the second, as the server has it. Until the page is hydrated it is when the server made the page,
    /// so that both sides render the same.
    pub now: RwSignal<Timestamp>,
    /// Whether all of the page is hydrated: the browser's own zone and clock may be asked, and buttons do what they say.
    pub awake: RwSignal<bool>,
    /// Since when it stands as it does; none before it first stood otherwise.
    pub since: RwSignal<Option<Timestamp>>,
    /// Whether this tab reads the stream for all tabs of the browser; none before that is known.
    pub leads: RwSignal<Option<bool>>,
    /// How many events a second came lately.
    pub pace: RwSignal<f64>,
    /// Set once the reader has asked to sign out: the form's answer says where to go then.
    pub leaving: StoredValue<bool>,
    ahead: RwSignal<i64>,
}

impl Live {
    /// Hands it to all that is below.
    pub fn provide() -> Self {
        let live = Self {
            state: RwSignal::new(LiveState::Connecting),
            seq: RwSignal::new(Seq(0)),
            in_sync: RwSignal::new(None),
            mended: RwSignal::new(0),
            trouble: RwSignal::new(None),
            workflows: RwSignal::new(None),
            now: RwSignal::new(Made::told().0),
            awake: RwSignal::new(false),
            since: RwSignal::new(None),
            leads: RwSignal::new(None),
            pace: RwSignal::new(0.0),
            leaving: StoredValue::new(false),
            ahead: RwSignal::new(0),
        };
        provide_context(live);
        live
    }

    /// The one that [`Live::provide`] handed down.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Stands otherwise from now on.
    pub fn turn(&self, state: LiveState) {
        if self.state.get_untracked() != state {
            self.since.set(Some(Timestamp(time::now().0 + self.ahead.get_untracked())));
            self.state.set(state);
        }
    }

    /// From now on [`Live::now`] moves on, and the page is [`Live::awake`]: called by a page once all of it is hydrated,
    /// however late its code came.
    pub fn wake(self) {
        Effect::new(move || {
            leptos::task::spawn_local(async move {
                time::frame().await;
                self.awake.try_set(true);
                self.tick();
                // What waits for that begins first.
                time::soon().await;
                page::awake();
            });
        });
    }

    /// Moves [`Live::now`] on. Where no server answers it stands still: what is shown is how it was then.
    pub fn tick(&self) {
        let awake = self.awake.try_get_untracked() == Some(true);
        if awake && self.state.get_untracked() != LiveState::Offline {
            self.now.set(Timestamp(time::now().0 + self.ahead.get_untracked()));
        }
    }

    /// Takes the server's word for the state of the workflows folder.
    pub fn folder(&self, version: Option<u64>) {
        if version.is_some() && self.workflows.get_untracked() != version {
            self.workflows.set(version);
        }
    }

    /// Takes the server's word for what time it is.
    pub fn agree(&self, server: Timestamp) {
        self.ahead.set(server.0 - time::now().0);
    }
}

/// When the server made the page: it hands it down to the page, and the document tells the browser, as `data-made` in
/// milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Made(pub Timestamp);

impl Made {
    /// Of the page that this is; 1970 where nobody told.
    pub fn told() -> Self {
        let told = if cfg!(target_arch = "wasm32") { page::made().map(Self) } else { use_context() };
        told.unwrap_or_default()
    }
}

/// The time that a page shows where that is not now: handed down by a page that can show the past.
#[derive(Clone, Copy, Debug)]
pub struct ShownTime(pub Signal<Timestamp>);

/// The time that what calls this shows: the server's time now, to the second, or a moment in the past.
pub fn now() -> Signal<Timestamp> {
    use_context::<ShownTime>().map_or_else(|| Live::expect().now.into(), |shown| shown.0)
}

/// A page that follows a stream: it folds the facts it is told into what it shows.
///
/// A copy of it lives in the task that reads the stream, so it holds signals, not data.
pub trait Follower: Clone + 'static {
    /// The stream it follows, with a query that `after` can be added to.
    fn address(&self) -> String;

    /// The place in the order that it stands at: what it shows has all up to there.
    fn stands_at(&self) -> Seq;

    /// Whether nothing more can happen to what it shows.
    fn is_over(&self) -> bool {
        false
    }

    /// Takes in what happened next, in order. Each signal changes once.
    fn fold(&self, facts: &[Recorded]) -> Folded;

    /// Fetches all it shows anew, and stands where that does. False if there was no answer.
    fn refresh(&self) -> impl Future<Output = bool>;
}

/// What a page made of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// They are in what it shows.
    In,
    /// The same, and at this place what the page shows was compared with what the server has.
    InSync(Seq),
    /// They concern what the page does not know and has to: it must be fetched anew.
    Beyond,
    /// What the page shows is not what the server has: it must be fetched anew.
    OutOfSync,
}

/// Follows while the component that calls this is on the page.
pub fn follow(follower: impl Follower) {
    let (live, me) = (Live::expect(), Me::expect());
    Effect::new(move || {
        let follower = follower.clone();
        let (reading, handle) = futures::future::abortable(async move {
            let viewer = match me.viewer().await {
                Some(viewer) => viewer,
                None => feed::whoever(live).await,
            };
            feed::follow(follower, live, viewer).await;
        });
        leptos::task::spawn_local(async move {
            let _ = reading.await;
        });
        on_cleanup(move || handle.abort());
    });
}

/// For a page that asks again by itself, and says how that goes.
pub fn ask() {
    let live = Live::expect();
    Effect::new(move || live.turn(LiveState::Asking));
}

/// For a page that follows nothing.
pub fn rest() {
    let live = Live::expect();
    Effect::new(move || live.turn(LiveState::Still));
}
