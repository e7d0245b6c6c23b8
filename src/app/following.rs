//! What one follows: it stands in the rail, in the tab's title and icon, and tells when it ends or needs a look.

use std::time::Duration;

use leptos::prelude::*;

use super::api;
use crate::{
    browser::{page, storage, time},
    domain::{
        execution::{Execution, Status},
        followed::{Followed, read, toggled, written},
        id::{ExecutionId, Name},
        reading,
    },
};

/// How often what is followed is asked for, while somebody looks at the page; and while they see its title and icon only.
const SEEN: u64 = 2_000;
const UNSEEN: u64 = 10_000;
/// Under which name it is kept whether one wants notifications.
const NOTIFY: &str = "notify";

/// What one follows. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// What, newest first.
    pub what: RwSignal<Vec<Followed>>,
    /// How it stands, in the same order; what is not (any more) there is left out.
    pub runs: RwSignal<Vec<(Followed, Execution)>>,
    /// How the last one ended that has, until somebody does something on the page.
    pub news: RwSignal<Option<(Name, Status)>>,
    /// Whether the system's notifications are wanted.
    pub notify: RwSignal<bool>,
    user: RwSignal<Option<Name>>,
    asked_at: StoredValue<u64>,
}

impl Following {
    /// Hands it to all that is below.
    pub fn provide() -> Self {
        let following = Self {
            what: RwSignal::default(),
            runs: RwSignal::default(),
            news: RwSignal::new(None),
            notify: RwSignal::new(false),
            user: RwSignal::new(None),
            asked_at: StoredValue::new(0),
        };
        provide_context(following);
        following
    }

    /// The one that [`Following::provide`] handed down.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Begins with what this user followed in this browser before, and keeps it true from now on.
    pub fn begin(self, user: Name) {
        self.what.set(read(&storage::kept(&kept_as(&user)).unwrap_or_default()));
        self.notify.set(storage::kept(NOTIFY).is_some() && page::may_notify() == Some(true));
        self.user.set(Some(user));
        self.ask();
        let ticking = set_interval_with_handle(move || self.tick(), Duration::from_secs(1));
        on_cleanup(move || drop(ticking.map(|handle| handle.clear())));
    }

    /// Whether this is followed.
    pub fn has(self, one: &Followed) -> bool {
        self.what.with(|what| what.contains(one))
    }

    /// Follows it, or no more.
    pub fn toggle(self, one: Followed) {
        let Some(user) = self.user.get_untracked() else { return };
        let what = toggled(self.what.get_untracked(), one);
        storage::keep(&kept_as(&user), (!what.is_empty()).then(|| written(&what)).as_deref());
        self.runs.update(|runs| runs.retain(|(one, _)| what.contains(one)));
        self.what.set(what);
        self.ask();
    }

    /// Wants the system's notifications, or no more.
    pub fn set_notify(self, on: bool) {
        storage::keep(NOTIFY, on.then_some("on"));
        self.notify.set(on);
    }

    /// What the tab's title begins with: how what is followed stands.
    pub fn before_title(self) -> String {
        match (self.news.get(), self.running()) {
            (Some((name, status)), _) => format!("{} {name} {} · ", mark(status), status.label().to_lowercase()),
            (None, Some((percent, more))) => {
                let more = if more > 0 { format!(" +{more}") } else { String::new() };
                format!("{percent:.0}%{more} · ")
            }
            (None, None) => String::new(),
        }
    }

    /// Keeps the tab's icon as the title: a pie that fills, and then how it ended.
    pub fn draw_icon(self) {
        let news = self.news.get().map(|(_, status)| (100.0, token(status)));
        let running = self.running().map(|(percent, _)| (percent, "--accent-fill"));
        page::icon(news.or(running));
    }

    /// How far the first one is that runs, in whole percent, and how many more do.
    fn running(self) -> Option<(f64, usize)> {
        self.runs.with(|runs| {
            let mut running = runs.iter().filter(|(_, run)| run.status == Status::Running).map(|(_, run)| run);
            let first = running.next()?;
            Some((first.percent.floor(), running.count()))
        })
    }

    /// Somebody has done something, and so has seen the news.
    pub fn seen(self) {
        if self.news.with_untracked(Option::is_some) {
            self.news.set(None);
        }
    }

    fn tick(self) {
        let since = u64::try_from(time::now().0).unwrap_or(0).saturating_sub(self.asked_at.get_value());
        let due = since >= if time::hidden() { UNSEEN } else { SEEN };
        let moves = self.runs.with_untracked(|runs| {
            runs.iter().any(|(one, run)| matches!(one, Followed::Workflow(_)) || !run.status.is_final())
        });
        if due && (moves || self.what.with_untracked(Vec::len) > self.runs.with_untracked(Vec::len)) {
            self.ask();
        }
    }

    fn ask(self) {
        self.asked_at.set_value(u64::try_from(time::now().0).unwrap_or(0));
        let what = self.what.get_untracked();
        if what.is_empty() {
            return self.runs.set(Vec::new());
        }
        leptos::task::spawn_local(async move {
            if let Ok(runs) = api::followed(what).await {
                self.take(runs);
            }
        });
    }

    /// Takes in how all stands, and tells what is new.
    fn take(self, mut runs: Vec<(Followed, Execution)>) {
        // What was let go of in the meantime does not come back.
        runs.retain(|(one, _)| self.what.with_untracked(|what| what.contains(one)));
        let before = self.runs.get_untracked();
        let known = |id: ExecutionId| before.iter().map(|(_, run)| run).find(|run| run.id == id);
        for (_, run) in &runs {
            let Some(old) = known(run.id) else { continue };
            if run.status.is_final() && !old.status.is_final() {
                self.news.set(Some((run.workflow.clone(), run.status)));
                self.tell(run, &format!("{} {}", run.workflow, run.status.label().to_lowercase()));
            } else if let (Some(why), None) = (look(run), look(old)) {
                self.tell(run, &format!("{}: {why}", run.workflow));
            }
        }
        if runs != before {
            self.runs.set(runs);
        }
    }

    fn tell(self, run: &Execution, title: &str) {
        if self.notify.get_untracked() {
            let body = run.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
            page::notify(title, &body, &run.id.to_string());
        }
    }
}

/// Why a run needs a look, if it does.
fn look(run: &Execution) -> Option<String> {
    let now = time::now();
    run.running().find_map(|step| reading::unusual(step, now))
}

fn kept_as(user: &Name) -> String {
    format!("following:{user}")
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "✓",
        Status::Cancelled => "⊘",
        _ => "✕",
    }
}

fn token(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "--ok-fill",
        Status::Cancelled => "--idle-fill",
        Status::Interrupted => "--odd-fill",
        _ => "--danger-fill",
    }
}
