//! A yardstick: what people write otherwise, axum's `Sse` over a `tokio::sync::broadcast`, which keeps nothing.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    response::sse::{Event, Sse},
    routing::get,
    serve::ListenerExt,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle};

use crate::{
    load::{Carrier, Load, Pace, Stamps},
    marked::Maker,
    readers::Readers,
    reading::Asked,
};

/// Most events that a reader may be behind.
const CHANNEL: usize = 1024;

/// A channel for each topic.
type Channels = Arc<Vec<broadcast::Sender<String>>>;

pub struct Plain {
    address: String,
    channels: Channels,
    maker: Maker,
    server: JoinHandle<()>,
}

impl Plain {
    /// With so many topics beside the one of everything.
    pub async fn start(topics: u32) -> Self {
        let channels: Channels = Arc::new((0..=topics).map(|_| broadcast::channel(CHANNEL).0).collect());
        let router = Router::new().route("/events/{topic}", get(events)).with_state(channels.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, channels, maker: Maker::new(), server }
    }

    fn publish(&self, load: &Load, number: u32, stamps: &Stamps) {
        stamps.made(number);
        let json = self.maker.json(number);
        if let Some(topic) = load.topic(number) {
            self.channels[topic as usize].send(json.clone()).expect("somebody reads");
        }
        self.channels[0].send(json).expect("somebody reads");
        stamps.committed(number);
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn events(
    State(channels): State<Channels>,
    Path(topic): Path<usize>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(channels[topic].subscribe(), async |mut receiver| {
        let text = receiver.recv().await.ok()?;
        Some((Ok(Event::default().id("12345").data(text)), receiver))
    });
    let hello = stream::once(async { Ok(Event::default().data("ready")) });
    Sse::new(hello.chain(events))
}

impl Carrier for Plain {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn asked(&self, topic: u32) -> Asked {
        Asked { path: format!("/events/{topic}"), token: "-".to_owned() }
    }

    fn ready(&self) -> &'static str {
        "ready"
    }

    async fn send(&self, load: &Load, stamps: &Arc<Stamps>, readers: &mut Readers) {
        let mut tick = match load.pace {
            Pace::Every(period) => Some(tokio::time::interval(period)),
            Pace::Answered | Pace::Settled(_) => None,
        };
        for first in (0..load.events).step_by(load.at_once() as usize) {
            if let Some(tick) = &mut tick {
                tick.tick().await;
            }
            let last = first + load.at_once() - 1;
            (first..=last).for_each(|number| self.publish(load, number, stamps));
            if tick.is_none() {
                readers.through(last).await;
            }
            if let Pace::Settled(pause) = load.pace {
                tokio::time::sleep(pause).await;
            }
        }
    }
}
