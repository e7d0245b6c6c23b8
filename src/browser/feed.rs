//! The reader of an event stream: it opens, listens, notices when the link is gone, and goes on where it stood.
//!
//! A stream's facts are folded here, in the loop that reads them, one batch per frame. They are never carried by a
//! signal: signals keep the last value, and a stream is all of them.

use std::time::Duration;

use futures::{
    StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use super::{
    http::{Standing, sign_in, standing},
    time,
};
use crate::{
    app::live::{Folded, Follower, Live, LiveState},
    domain::{
        event::{Control, EndReason, Recorded},
        id::Seq,
    },
};

/// Most messages that wait to be folded; when it is full the link is closed and opened again from where the page is.
const WAITING: usize = 8192;
/// Most messages folded in one frame.
const BATCH: usize = 2048;
/// A link that is silent for two and a half heartbeats is gone, milliseconds.
const SILENCE: u64 = 37_500;
/// How long a page that nobody sees keeps its link, milliseconds. A browser has six per server.
const UNSEEN: u64 = 30_000;
/// The first wait after a failure, and the longest, milliseconds.
const BACKOFF: (f64, f64) = (500.0, 15_000.0);

/// Why a link ended.
enum Ending {
    /// Nothing more will happen.
    Finished,
    /// The page must be fetched anew.
    Stale,
    /// Nobody looks.
    Unseen,
    /// It broke, or the server closed it.
    Lost,
}

/// Follows until the follower is over, or the future is dropped.
pub async fn follow(follower: impl Follower, live: Live) {
    let mut failures = 0;
    live.state.set(LiveState::Connecting);
    live.seq.set(follower.stands_at());
    live.in_sync.set(None);
    while !follower.is_over() {
        time::shown().await;
        match listen(&follower, live, &mut failures).await {
            Ending::Finished => break,
            Ending::Unseen => live.state.set(LiveState::Connecting),
            Ending::Stale => {
                if !follower.refresh().await {
                    recover(live, &mut failures).await;
                }
            }
            Ending::Lost => {
                recover(live, &mut failures).await;
                // A server that answers but refuses the stream: the page may show what is no more to be seen.
                if failures > 2 && live.state.get_untracked() == LiveState::Reconnecting {
                    follower.refresh().await;
                }
            }
        }
    }
    live.state.set(LiveState::Live);
}

/// Finds out what is wrong, tells it, and waits as long as it takes to be polite.
async fn recover(live: Live, failures: &mut i32) {
    if live.state.get_untracked() != LiveState::Offline {
        live.state.set(LiveState::Reconnecting);
    }
    match standing().await {
        Standing::SignedOut if live.leaving.get_value() => {}
        Standing::SignedOut => sign_in(),
        Standing::SignedIn => live.state.set(LiveState::Reconnecting),
        Standing::Unknown => live.state.set(LiveState::Offline),
    }
    let longest = (BACKOFF.0 * 2_f64.powi(*failures)).min(BACKOFF.1);
    *failures = failures.saturating_add(1);
    time::sleep(Duration::from_secs_f64(longest * (0.5 + time::chance() / 2.0) / 1000.0)).await;
}

async fn listen(follower: &impl Follower, live: Live, failures: &mut i32) -> Ending {
    let Some(link) = Link::open(&address(follower)) else { return Ending::Lost };
    let Link { source, messages, .. } = &link;
    let mut batches = messages.take().expect("it is taken once, here").ready_chunks(BATCH);
    let (mut heard, mut seen) = (time::now(), time::now());
    loop {
        let tick = Box::pin(time::sleep(Duration::from_secs(1)));
        match select(batches.next(), tick).await {
            Either::Left((Some(batch), _)) => {
                heard = time::now();
                if let Some(ending) = take(follower, live, failures, &batch) {
                    return ending;
                }
                time::frame().await;
            }
            Either::Left((None, _)) => return Ending::Lost,
            Either::Right(_) => {
                let silent = time::now().since(heard) > SILENCE;
                if silent || source.ready_state() == EventSource::CLOSED || cut_off().await {
                    return Ending::Lost;
                }
            }
        }
        if !time::hidden() {
            seen = time::now();
        } else if time::now().since(seen) > UNSEEN {
            return Ending::Unseen;
        }
    }
}

/// Whether the browser has no network and the server is indeed out of reach; one on the same machine is not.
async fn cut_off() -> bool {
    let online = web_sys::window().is_none_or(|window| window.navigator().on_line());
    !online && matches!(standing().await, Standing::Unknown)
}

fn address(follower: &impl Follower) -> String {
    let address = follower.address();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}after={}", follower.stands_at())
}

/// Takes in a batch: its facts as one, its control messages in their turn.
fn take(follower: &impl Follower, live: Live, failures: &mut i32, batch: &[String]) -> Option<Ending> {
    let mut facts = Vec::with_capacity(batch.len());
    let mut ending = None;
    for text in batch {
        if let Ok(fact) = serde_json::from_str::<Recorded>(text) {
            facts.push(fact);
        } else if let Ok(control) = serde_json::from_str::<Control>(text) {
            ending = obey(&control, live, failures).or(ending);
        }
    }
    if let Some(last) = facts.last() {
        live.seq.update(|seq| *seq = last.seq.max(*seq));
        match follower.fold(&facts) {
            Folded::In => {}
            Folded::InSync(seq) => live.in_sync.set(Some(seq)),
            // Also if that was the end: what is shown of it is not true.
            Folded::Beyond => ending = Some(Ending::Stale),
            Folded::OutOfSync => {
                live.mended.update(|times| *times += 1);
                ending = Some(Ending::Stale);
            }
        }
    }
    ending
}

fn obey(control: &Control, live: Live, failures: &mut i32) -> Option<Ending> {
    match control {
        Control::Hello { workflows, .. } => {
            *failures = 0;
            live.folder(*workflows);
        }
        Control::Workflows { version } => live.folder(Some(*version)),
        Control::CaughtUp { head } => {
            live.seq.update(|seq: &mut Seq| *seq = (*head).max(*seq));
            live.state.set(LiveState::Live);
        }
        Control::Heartbeat { at, trouble } => {
            live.agree(*at);
            if live.trouble.with_untracked(|known| known != trouble) {
                live.trouble.set(trouble.clone());
            }
        }
        Control::Reset { .. } => return Some(Ending::Stale),
        Control::End { reason: EndReason::Finished } => return Some(Ending::Finished),
        Control::End { .. } => return Some(Ending::Lost),
    }
    None
}

/// An open EventSource; dropping it closes it.
struct Link {
    source: EventSource,
    messages: std::cell::Cell<Option<mpsc::Receiver<String>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Link {
    fn open(address: &str) -> Option<Self> {
        let source = EventSource::new(address).ok()?;
        let (mut sender, messages) = mpsc::channel(WAITING);
        let mut closer = sender.clone();
        let full = source.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            let sent = event.data().as_string().is_none_or(|text| sender.try_send(text).is_ok());
            if !sent {
                full.close();
                sender.close_channel();
            }
        });
        let broken = source.clone();
        // Any error ends the link, also those that the browser would mend by itself: it would not tell when.
        let on_error = Closure::new(move |_: Event| {
            broken.close();
            closer.close_channel();
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let messages = std::cell::Cell::new(Some(messages));
        Some(Self { source, messages, _on_message: on_message, _on_error: on_error })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
