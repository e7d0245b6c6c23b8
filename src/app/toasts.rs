//! Short words about what was just done, said at the edge of the page and by screen readers.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser::time;

/// Most that are shown at once; the oldest go.
const SHOWN_MAX: usize = 4;
/// How long one stays, unless it is an error: long enough to be read twice.
const STAYS: Duration = Duration::from_secs(10);

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Its number.
    pub id: u32,
    /// Whether something went wrong; such a one stays until it is closed.
    pub wrong: bool,
    /// What happened.
    pub title: String,
    /// What else is to be known; may be empty.
    pub more: String,
}

/// All that are shown. A copy is the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Toasts {
    /// Oldest first.
    pub all: RwSignal<Vec<Toast>>,
    /// While the pointer or the focus is on one of them, none goes.
    pub held: RwSignal<bool>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// Hands them to all that is below.
    pub fn provide() -> Self {
        let toasts = Self { all: RwSignal::default(), held: RwSignal::new(false), next: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    /// Those that [`Toasts::provide`] handed down.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Says that something was done.
    pub fn done(self, title: impl Into<String>) {
        self.say(title.into(), String::new(), false);
    }

    /// Says that something went wrong, and why.
    pub fn wrong(self, title: impl Into<String>, why: impl Into<String>) {
        self.say(title.into(), why.into(), true);
    }

    /// Takes one away.
    pub fn close(self, id: u32) {
        self.all.try_update(|all| all.retain(|toast| toast.id != id));
    }

    /// Takes the newest one away. False if there was none.
    pub fn close_newest(self) -> bool {
        self.all.try_update(|all| all.pop().is_some()).unwrap_or(false)
    }

    fn say(self, title: String, more: String, wrong: bool) {
        let Some(id) = self.next.try_update_value(|next| {
            *next += 1;
            *next
        }) else {
            return;
        };
        self.all.try_update(|all| {
            all.push(Toast { id, wrong, title, more });
            if all.len() > SHOWN_MAX {
                all.remove(0);
            }
        });
        if !wrong {
            leptos::task::spawn_local(async move {
                time::sleep(STAYS).await;
                while self.held.try_get_untracked() == Some(true) {
                    time::sleep(Duration::from_secs(1)).await;
                }
                self.close(id);
            });
        }
    }
}
