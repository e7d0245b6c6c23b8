//! This tab among the others: what it is called, whom it hears, and whether it leads.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use futures::{
    StreamExt,
    channel::mpsc::{self, Sender},
    future::{AbortHandle, Either, abortable, select},
};
use js_sys::Function;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::Event;

use super::{
    super::{http, time},
    bus,
    election::{Election, Turn},
    leader, lock,
    note::{Down, TabId, Term, Up, Want},
};
use crate::{
    app::live::Live,
    domain::{access::Viewer, id::Seq, time::Timestamp},
};

/// How often it looks at the clock, milliseconds.
const LOOK: u64 = 200;
/// A tab that has heard no leader for so long does not know what happens, milliseconds.
const ALONE: u64 = 3_000;
/// Most news that wait; more are lost, and said again in less than half a second.
const NEWS: usize = 64;

/// The names of the channels of one user, in one role, of one version of this program: others have others.
#[derive(Clone, Debug)]
pub struct Rooms(Rc<str>);

impl Rooms {
    fn new(viewer: &Viewer) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self(format!("runcast {version} {} {}", viewer.name, viewer.role.word()).into())
    }

    /// To the leader.
    pub fn up(&self) -> String {
        format!("{} up", self.0)
    }

    /// To all tabs.
    pub fn down(&self) -> String {
        format!("{} down", self.0)
    }

    /// To those who follow an address.
    pub fn of(&self, address: &str) -> String {
        format!("{} {address}", self.0)
    }
}

/// Who leads, as far as this tab knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Led {
    /// The leader; none before one was heard.
    pub by: Option<Term>,
    /// How often that changed, so that one who comes back is another too.
    changes: u32,
}

/// This tab.
#[derive(Debug)]
pub struct Tab {
    id: TabId,
    viewer: Viewer,
    rooms: Rooms,
    live: Live,
    /// How many pages in it follow something: one, or two for a moment.
    following: Cell<usize>,
    led: Cell<Led>,
    heard: Cell<Timestamp>,
}

thread_local! {
    static TAB: RefCell<Option<Rc<Tab>>> = const { RefCell::new(None) };
}

enum News {
    Said(Down),
    Locked(Function),
    Leaving,
}

/// A page that follows something, until it is dropped.
pub struct Following {
    tab: Rc<Tab>,
    address: String,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tab.following.set(self.tab.following.get() - 1);
        let goodbye = Up::Bye(self.tab.id, Some(std::mem::take(&mut self.address)));
        bus::say(&self.tab.rooms.up(), &goodbye.text());
    }
}

impl Tab {
    /// This tab, where `viewer` has signed in.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "53 bits are kept, and it is positive")]
    pub fn of(viewer: &Viewer, live: Live) -> Rc<Self> {
        let known = TAB.with_borrow(Clone::clone);
        if let Some(tab) = known {
            if tab.viewer != *viewer {
                http::reload();
            }
            return tab;
        }
        let tab = Rc::new(Self {
            id: (time::chance() * 2_f64.powi(53)) as TabId,
            viewer: viewer.clone(),
            rooms: Rooms::new(viewer),
            live,
            following: Cell::new(0),
            led: Cell::default(),
            heard: Cell::new(time::now()),
        });
        TAB.set(Some(tab.clone()));
        leptos::task::spawn_local(live_among_others(tab.clone()));
        tab
    }

    /// The channel of an address.
    pub fn room(&self, address: &str) -> String {
        self.rooms.of(address)
    }

    /// Who leads.
    pub fn led(&self) -> Led {
        self.led.get()
    }

    /// Whether it is long since any was heard.
    pub fn is_alone(&self, now: Timestamp) -> bool {
        now.since(self.heard.get()) > ALONE
    }

    /// Counts a page that follows something.
    pub fn following(self: &Rc<Self>, address: &str) -> Following {
        self.following.set(self.following.get() + 1);
        Following { tab: self.clone(), address: address.to_owned() }
    }

    /// Tells the leader what it needs.
    pub fn want(&self, address: &str, at: Seq, join: bool) {
        let want = Want { tab: self.id, at, seen: !time::hidden(), join, address: address.to_owned() };
        bus::say(&self.rooms.up(), &Up::Want(want).text());
    }

    fn is_led(&self, by: Option<Term>) {
        self.led.set(Led { by, changes: self.led.get().changes + 1 });
    }

    fn obey(&self, said: Down, now: Timestamp) {
        match said {
            Down::Lead(_) => self.heard.set(now),
            Down::Bye(_) => {}
            Down::Changed => http::reload(),
            Down::Out if self.live.leaving.get_value() => {}
            Down::Out => http::sign_in(),
        }
    }
}

/// What a tab has that leads; dropping it ends that.
struct Leading {
    task: AbortHandle,
    release: Option<Function>,
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(release) = &self.release {
            // It cannot fail: it is the browser's own.
            let _ = release.call0(&JsValue::NULL);
        }
    }
}

async fn live_among_others(tab: Rc<Tab>) {
    let (sender, mut news) = mpsc::channel(NEWS);
    let mut election = Election::new(tab.id, lock::exist(), time::now(), time::chance());
    let mut leading = None;
    let _listening = hear(&tab, sender.clone());
    part(sender.clone());
    ask(&tab, false, &sender);
    loop {
        let look = Box::pin(time::sleep(Duration::from_millis(LOOK)));
        let came = match select(news.next(), look).await {
            Either::Left((came, _)) => came,
            Either::Right(_) => None,
        };
        let now = time::now();
        let turn = match came {
            Some(News::Said(said)) => {
                tab.obey(said, now);
                election.hear(said, now, time::chance())
            }
            Some(News::Locked(release)) => {
                leading = Some(lead(&tab, &mut election, Some(release)));
                Turn::Stay
            }
            Some(News::Leaving) => {
                match leading.take() {
                    Some(_) => bus::say(&tab.rooms.down(), &Down::Bye(tab.id).text()),
                    None => bus::say(&tab.rooms.up(), &Up::Bye(tab.id, None).text()),
                }
                election.end(now);
                Turn::Stay
            }
            None => election.look(now, tab.following.get() > 0 && !time::hidden()),
        };
        match turn {
            Turn::Stay => {}
            Turn::Lead if lock::exist() => ask(&tab, true, &sender),
            Turn::Lead => leading = Some(lead(&tab, &mut election, None)),
            Turn::Resign | Turn::Follow => {
                if leading.take().is_some() {
                    ask(&tab, false, &sender);
                }
                tab.live.leads.set(Some(false));
                tab.is_led(election.leader());
            }
        }
    }
}

fn lead(tab: &Rc<Tab>, election: &mut Election, release: Option<Function>) -> Leading {
    let term = election.begin(time::now());
    let (task, handle) = abortable(leader::lead(tab.rooms.clone(), tab.viewer.clone(), term));
    leptos::task::spawn_local(async move {
        let _ = task.await;
    });
    tab.heard.set(time::now());
    tab.live.leads.set(Some(true));
    tab.is_led(Some(term));
    Leading { task: handle, release }
}

fn ask(tab: &Tab, steal: bool, sender: &Sender<News>) {
    let mut sender = sender.clone();
    lock::ask(&tab.rooms.of("lock"), steal, move |release| drop(sender.try_send(News::Locked(release))));
}

fn hear(tab: &Tab, sender: Sender<News>) -> bus::Listening {
    let sender = RefCell::new(sender);
    bus::listen(&tab.rooms.down(), move |text| {
        if let Some(said) = Down::read(text) {
            // What is lost for want of room is said again.
            let _ = sender.borrow_mut().try_send(News::Said(said));
        }
    })
}

/// Says goodbye when the page is left, for as long as the page is.
fn part(mut sender: Sender<News>) {
    let leaving = Closure::<dyn FnMut(Event)>::new(move |_| drop(sender.try_send(News::Leaving)));
    if let Some(window) = web_sys::window() {
        let _ = window.add_event_listener_with_callback("pagehide", leaving.as_ref().unchecked_ref());
    }
    leaving.forget();
}
