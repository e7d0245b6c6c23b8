//! Channels between the tabs of a browser: what is said on one is heard by all who listen to it, in this tab too.
//!
//! Where there is no BroadcastChannel a tab hears only itself, and so has a stream of its own.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::MessageEvent;

use super::super::script;

type Ear = Rc<dyn Fn(&str)>;

/// A channel that this tab listens to.
struct Room {
    name: String,
    channel: Option<JsValue>,
    ears: Vec<(u64, Ear)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

#[derive(Default)]
struct Rooms {
    /// As many as channels that somebody listens to: two or three, and one for each stream in a tab that leads.
    open: Vec<Room>,
    count: u64,
}

thread_local! {
    static ROOMS: RefCell<Rooms> = RefCell::default();
}

/// Listens until it is dropped.
pub struct Listening {
    name: String,
    key: u64,
}

/// Listens to a channel. `ear` must not say or listen to anything itself: it puts what it hears aside.
pub fn listen(name: &str, ear: impl Fn(&str) + 'static) -> Listening {
    ROOMS.with_borrow_mut(|rooms| {
        rooms.count += 1;
        let key = rooms.count;
        let room = match rooms.open.iter_mut().position(|room| room.name == name) {
            Some(place) => rooms.open.get_mut(place),
            None => {
                rooms.open.push(Room::open(name));
                rooms.open.last_mut()
            }
        };
        if let Some(room) = room {
            room.ears.push((key, Rc::new(ear)));
        }
        Listening { name: name.to_owned(), key }
    })
}

/// Says something to all who listen.
pub fn say(name: &str, text: &str) {
    let known = ROOMS.with_borrow(|rooms| {
        let room = rooms.open.iter().find(|room| room.name == name)?;
        if let Some(channel) = &room.channel {
            script::call(channel, "postMessage", &[&text.into()]);
        }
        Some(room.ears.iter().map(|(_, ear)| ear.clone()).collect::<Vec<_>>())
    });
    match known {
        Some(ears) => ears.iter().for_each(|ear| ear(text)),
        None => {
            let Some(channel) = script::make("BroadcastChannel", &[&name.into()]) else { return };
            script::call(&channel, "postMessage", &[&text.into()]);
            script::call(&channel, "close", &[]);
        }
    }
}

impl Room {
    fn open(name: &str) -> Self {
        let channel = script::make("BroadcastChannel", &[&name.into()]);
        let room = name.to_owned();
        let on_message = Closure::new(move |event: MessageEvent| {
            let Some(text) = event.data().as_string() else { return };
            let ears = ROOMS.with_borrow(|rooms| {
                let room = rooms.open.iter().find(|one| one.name == room);
                room.map(|room| room.ears.iter().map(|(_, ear)| ear.clone()).collect::<Vec<_>>())
            });
            ears.into_iter().flatten().for_each(|ear| ear(&text));
        });
        if let Some(channel) = &channel {
            script::set(channel, "onmessage", on_message.as_ref().unchecked_ref());
        }
        Self { name: name.to_owned(), channel, ears: Vec::new(), _on_message: on_message }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let empty = ROOMS.with_borrow_mut(|rooms| {
            let place = rooms.open.iter().position(|room| room.name == self.name)?;
            let room = rooms.open.get_mut(place)?;
            room.ears.retain(|(key, _)| *key != self.key);
            room.ears.is_empty().then(|| rooms.open.swap_remove(place))
        });
        if let Some(channel) = empty.and_then(|room| room.channel.clone()) {
            script::set(&channel, "onmessage", &JsValue::NULL);
            script::call(&channel, "close", &[]);
        }
    }
}
