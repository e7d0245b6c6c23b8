//! How a page hears what happens: one stream for all tabs of a browser, since a browser opens six connections to a
//! server over HTTP/1.1, no matter how many tabs there are.
//!
//! One tab leads ([`election`], [`lock`]) and holds the streams ([`leader`], [`link`]), each shared by all pages that
//! follow its address ([`desk`]). The others are handed the frames as they came, over channels ([`bus`], [`note`]), and
//! each page folds for itself. What is handed on says from which place to which it leads; a page that is before the
//! first place asks for what it missed, and gets it out of the leader's [`ring`] or fetches a snapshot. So nothing is
//! lost or doubled, whoever leads, and whether one leads, two for a moment or none.
//!
//! A stream's facts are folded in the loop that reads them, one batch per frame. They are never carried by a signal:
//! signals keep the last value, and a stream is all of them.

mod bus;
mod desk;
mod election;
mod leader;
mod link;
mod lock;
mod note;
mod reader;
mod ring;
mod tab;

use std::time::Duration;

use leptos::prelude::*;

use self::{
    reader::{Ending, Reader},
    tab::Tab,
};
use super::{
    http::{Standing, sign_in, standing},
    time,
};
use crate::{
    app::live::{Follower, Live, LiveState},
    domain::access::Viewer,
};

/// The first wait after a snapshot could not be had, and the longest, milliseconds.
const BACKOFF: (f64, f64) = (250.0, 5_000.0);

/// Who is signed in, if the page could not tell.
pub async fn whoever(live: Live) -> Viewer {
    loop {
        match standing().await {
            Standing::SignedIn(viewer) => return viewer,
            Standing::SignedOut => sign_in(),
            Standing::Unknown => live.turn(LiveState::Offline),
        }
        pause(BACKOFF.1).await;
    }
}

/// Follows until the follower is over, or the future is dropped.
pub async fn follow(follower: impl Follower, live: Live, viewer: Viewer) {
    let at = follower.stands_at();
    live.turn(LiveState::Connecting);
    live.seq.set(at);
    live.in_sync.set(None);
    let tab = Tab::of(&viewer, live);
    let mut reader = Reader::new(follower.clone(), live, at, time::now());
    let _following = tab.following(&follower.address());
    while !follower.is_over() {
        time::shown().await;
        match reader.listen(&tab).await {
            Ending::Finished => break,
            Ending::Unseen => live.turn(LiveState::Connecting),
            Ending::Full => {}
            Ending::Stale(up_to) => {
                refresh(&follower, live).await;
                reader.stands(up_to.max(reader.at()));
            }
            Ending::Reset(up_to) => {
                refresh(&follower, live).await;
                reader.stands(up_to);
            }
        }
    }
    live.turn(LiveState::Live);
}

/// Fetches what the page shows anew, for as long as it takes.
async fn refresh(follower: &impl Follower, live: Live) {
    let mut wait = BACKOFF.0;
    while !follower.refresh().await {
        if live.state.get_untracked() != LiveState::Offline {
            live.turn(LiveState::Reconnecting);
        }
        pause(wait).await;
        wait = (wait * 1.5).min(BACKOFF.1);
    }
    live.seq.set(follower.stands_at());
}

async fn pause(ms: f64) {
    time::sleep(Duration::from_secs_f64(ms * (0.5 + time::chance() / 2.0) / 1000.0)).await;
}
