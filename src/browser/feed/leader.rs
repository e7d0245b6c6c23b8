//! The leader at work: it holds the streams, does what the desk decides, and hands on what comes.

use std::{cell::RefCell, time::Duration};

use futures::{
    StreamExt,
    channel::mpsc::{self, Receiver, Sender},
    future::{Either, select},
};

use super::{
    super::{
        http::{Standing, standing},
        time,
    },
    bus::{self, Listening},
    desk::{Act, Desk, LinkId},
    link::Link,
    note::{Down, Term, Up},
    tab::Rooms,
};
use crate::domain::access::Viewer;

/// Most messages that wait for the leader; a stream that has one more is closed and opened again from where it is.
const WAITING: usize = 8192;
/// Most messages taken in before what came of them is told.
const BATCH: usize = 1024;
/// How often it looks at the clock when nothing comes, milliseconds.
const LOOK: u64 = 200;

enum Input {
    Up(Up),
    Frame(LinkId, String),
    /// A link may have been closed.
    Broken,
    Standing(Standing),
}

/// What belongs to an open stream: the link, and the channel of its address.
type Opened = (LinkId, Link, Listening);

/// Leads until it is dropped.
pub async fn lead(rooms: Rooms, viewer: Viewer, term: Term) {
    let (sender, inputs) = mpsc::channel(WAITING);
    let mut inputs = inputs.ready_chunks(BATCH);
    let _listening = listen(&rooms, sender.clone());
    bus::say(&rooms.down(), &Down::Lead(term).text());
    let mut desk = Desk::new(viewer, term);
    let mut links: Vec<Opened> = Vec::new();
    loop {
        let came = next(&mut inputs).await;
        let now = time::now();
        let mut beat = false;
        for input in came {
            match input {
                Input::Up(up) => beat |= desk.hear(up, now),
                Input::Frame(id, frame) => desk.frame(id, frame, now, time::chance()),
                Input::Standing(standing) => desk.stands(&standing, now, time::chance()),
                Input::Broken => {}
            }
        }
        if beat {
            bus::say(&rooms.down(), &Down::Lead(term).text());
        }
        for (id, ..) in links.iter().filter(|(_, link, _)| link.is_closed()) {
            desk.broken(*id, now, time::chance());
        }
        for act in desk.look(now, time::online(), time::chance()) {
            perform(act, &rooms, &mut links, &sender);
        }
    }
}

/// What came by now, all that a chunk of a stream held at once; or nothing, when it is time to look at the clock.
async fn next(inputs: &mut futures::stream::ReadyChunks<Receiver<Input>>) -> Vec<Input> {
    let look = Box::pin(time::sleep(Duration::from_millis(LOOK)));
    match select(inputs.next(), look).await {
        Either::Left((Some(mut came), _)) => {
            time::soon().await;
            if let Some(Some(more)) = futures::FutureExt::now_or_never(inputs.next()) {
                came.extend(more);
            }
            came
        }
        _ => Vec::new(),
    }
}

fn listen(rooms: &Rooms, sender: Sender<Input>) -> Listening {
    let sender = RefCell::new(sender);
    bus::listen(&rooms.up(), move |text| {
        if let Some(up) = Up::read(text) {
            // If there is no room, the tab asks again in less than half a second.
            let _ = sender.borrow_mut().try_send(Input::Up(up));
        }
    })
}

fn perform(act: Act, rooms: &Rooms, links: &mut Vec<Opened>, sender: &Sender<Input>) {
    match act {
        Act::Open(id, address) => {
            let sender = RefCell::new(sender.clone());
            let hear = move |frame: Option<String>| {
                let input = frame.map_or(Input::Broken, |frame| Input::Frame(id, frame));
                sender.borrow_mut().try_send(input).is_ok()
            };
            let room = address.split("after=").next().unwrap_or_default().trim_end_matches(['?', '&']);
            let listening = bus::listen(&rooms.of(room), |_| {});
            links.extend(Link::open(&address, hear).map(|link| (id, link, listening)));
        }
        Act::Close(id) => links.retain(|link| link.0 != id),
        Act::Tell(address, text) => bus::say(&rooms.of(&address), &text),
        Act::Say(said) => bus::say(&rooms.down(), &said.text()),
        Act::Ask => {
            let mut sender = sender.clone();
            leptos::task::spawn_local(async move {
                // It is asked again if this is lost.
                let _ = sender.try_send(Input::Standing(standing().await));
            });
        }
    }
}
