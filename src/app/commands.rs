//! What the command palette offers: pages, workflows, executions, and things to do.

use leptos::prelude::*;

use super::{
    api, components::status_badge::Sign, following::Following, live::Live, looks::Looks, shell::Me, toasts::Toasts,
};
use crate::{
    browser::{http, time},
    domain::{
        administration::Room,
        execution::Execution,
        finder::score,
        followed::Followed,
        id::{ExecutionId, Name},
        listing::Query,
        reading,
        time::{Timestamp, about},
    },
};

/// Most executions, and most of any other kind, that are offered at once.
const EXECUTIONS: usize = 7;
const OTHERS: usize = 6;
/// How long nobody types before the server is asked.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(150);

/// What choosing one does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Goes there.
    Go(String),
    /// Cancels an execution, once that was confirmed.
    AskToCancel(ExecutionId),
    /// Cancels it.
    Cancel(ExecutionId),
    /// Runs an execution again, all of it.
    Rerun(ExecutionId),
    /// Follows, or no more.
    Follow(Followed),
    /// The next theme.
    Theme,
    /// The list of shortcuts.
    Shortcuts,
    /// Signs out.
    SignOut,
    /// Does nothing.
    Nothing,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Under which heading.
    pub group: &'static str,
    /// Its drawing, where it has no status.
    pub icon: &'static str,
    /// The status and the percent of an execution.
    pub sign: Option<(Sign, f64)>,
    /// What it is.
    pub text: String,
    /// What else is to be known.
    pub note: String,
    /// What it does.
    pub act: Act,
}

impl Command {
    fn new(group: &'static str, icon: &'static str, text: impl Into<String>, act: Act) -> Self {
        Self { group, icon, sign: None, text: text.into(), note: String::new(), act }
    }
}

/// What is known to choose from. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What was typed.
    pub text: RwSignal<String>,
    workflows: RwSignal<Vec<Name>>,
    executions: RwSignal<Vec<Execution>>,
    /// What they were found by.
    asked: RwSignal<String>,
    admin: RwSignal<bool>,
    /// The execution whose page is open.
    here: RwSignal<Option<Execution>>,
    /// The execution that is to be cancelled, if that is asked.
    doubt: RwSignal<Option<ExecutionId>>,
    turn: StoredValue<u32>,
}

impl Known {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            text: RwSignal::default(),
            workflows: RwSignal::default(),
            executions: RwSignal::default(),
            asked: RwSignal::default(),
            admin: RwSignal::new(false),
            here: RwSignal::new(None),
            doubt: RwSignal::new(None),
            turn: StoredValue::new(0),
        }
    }

    /// Begins anew, on the page with this path.
    pub fn begin(self, path: &str) {
        self.text.set(String::new());
        self.doubt.set(None);
        self.here.set(None);
        let me = Me::expect();
        leptos::task::spawn_local(async move {
            let admin = me.viewer().await.is_some_and(|viewer| viewer.is_admin());
            self.admin.try_set(admin);
        });
        let here = path.strip_prefix("/executions/").map(str::to_owned);
        leptos::task::spawn_local(async move {
            if let Some(id) = here
                && let Ok(mut found) = api::executions(Query { q: Some(id), limit: Some(1), ..Query::default() }).await
            {
                self.here.try_set(found.items.pop());
            }
        });
        leptos::task::spawn_local(async move {
            if let Ok(found) = api::workflows().await {
                let names = found.into_iter().filter(|one| one.runnable).map(|one| one.name).collect();
                self.workflows.try_set(names);
            }
        });
        self.ask(false);
    }

    /// Asks the server for executions, once nobody has typed for a moment.
    pub fn ask(self, patiently: bool) {
        let Some(turn) = self.turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        }) else {
            return;
        };
        leptos::task::spawn_local(async move {
            if patiently {
                time::sleep(PAUSE).await;
            }
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            let text = self.text.get_untracked().trim().to_owned();
            let q = (!text.is_empty()).then(|| text.clone());
            let found = api::executions(Query { q, limit: Some(EXECUTIONS), ..Query::default() }).await;
            if let (Ok(found), Some(true)) = (found, self.turn.try_get_value().map(|now| now == turn)) {
                self.asked.try_set(text);
                self.executions.try_set(found.items);
            }
        });
    }

    /// All that fits what was typed, best first under each heading.
    pub fn fitting(self) -> Vec<Command> {
        if let Some(id) = self.doubt.get() {
            return vec![
                Command::new("Cancel this execution?", "right", "Keep it running", Act::Nothing),
                Command::new("Cancel this execution?", "stop", "Yes, cancel it", Act::Cancel(id)),
            ];
        }
        let text = self.text.get();
        let text = text.trim();
        let best = |commands: Vec<Command>| {
            let mut scored: Vec<(u32, Command)> =
                commands.into_iter().filter_map(|one| Some((score(text, &one.text)?, one))).collect();
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            scored.into_iter().map(|(_, one)| one).take(OTHERS)
        };
        // What Enter does unasked is to go somewhere, also before any execution is known.
        let mut all: Vec<Command> = Vec::new();
        if text.is_empty() {
            all.extend(self.executions(text));
            if !all.is_empty() {
                all.extend(self.about_this());
            }
        } else {
            all.extend(best(self.runs()));
            all.extend(best(self.about_this()));
            all.extend(self.executions(text));
        }
        all.extend(best(pages(self.admin.get())));
        if text.is_empty() {
            all.extend(best(self.runs()));
        }
        all.extend(best(actions()));
        all
    }

    fn about_this(self) -> Vec<Command> {
        let Some(here) = self.here.get() else { return Vec::new() };
        let of = Followed::Execution(here.id);
        let follow = if Following::expect().has(&of) { "Follow this no more" } else { "Follow this" };
        let act = match here.status.is_final() {
            true => Command::new("This execution", "again", "Run this again", Act::Rerun(here.id)),
            false => Command::new("This execution", "stop", "Cancel this", Act::AskToCancel(here.id)),
        };
        vec![act, Command::new("This execution", "follow", follow, Act::Follow(of))]
    }

    /// What the server found; what was found for other letters only as far as it fits these, too.
    fn executions(self, text: &str) -> Vec<Command> {
        let meant = self.asked.with(|asked| asked == text);
        let fits =
            |one: &&Execution| meant || score(text, &format!("{} {} {}", one.workflow, one.owner, one.id)).is_some();
        let now = Live::expect().now.get_untracked();
        self.executions.with(|found| {
            let command = |one: &Execution| Command {
                group: "Executions",
                icon: "",
                sign: Some((Sign::from(one.status), one.percent)),
                text: one.workflow.to_string(),
                note: note(one, now),
                act: Act::Go(format!("/executions/{}", one.id)),
            };
            found.iter().filter(fits).map(command).collect()
        })
    }

    fn runs(self) -> Vec<Command> {
        let command = |name: &Name| {
            Command::new("Workflows", "play", format!("Run {name}"), Act::Go(format!("/workflows/{name}")))
        };
        self.workflows.with(|names| names.iter().map(command).collect())
    }

    /// Does what was chosen; `go` leads to another page. Says whether the palette is to stay open.
    pub fn choose(self, act: Act, go: impl Fn(&str), shortcuts: impl Fn()) -> bool {
        match act {
            Act::Go(path) => go(&path),
            Act::AskToCancel(id) => {
                self.doubt.set(Some(id));
                return true;
            }
            Act::Cancel(id) => cancel(id),
            Act::Rerun(id) => rerun(id, self.here),
            Act::Follow(what) => Following::expect().toggle(what),
            Act::Theme => {
                let looks = Looks::expect();
                looks.show(looks.theme.get_untracked().next());
            }
            Act::Shortcuts => shortcuts(),
            Act::SignOut => {
                Live::expect().leaving.set_value(true);
                leptos::task::spawn_local(http::sign_out());
            }
            Act::Nothing => {}
        }
        false
    }
}

impl Default for Known {
    fn default() -> Self {
        Self::new()
    }
}

/// Whose it is and how it stands, so that runs of one workflow can be told apart.
fn note(one: &Execution, now: Timestamp) -> String {
    let (owner, id) = (&one.owner, one.id.short());
    if let Some(ended) = one.finished_at {
        let ago = about(now.since(ended));
        let error = one.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
        return format!("{owner}, {} {ago} ago, {id}{error}", one.status.label().to_lowercase());
    }
    let left = reading::left(one).map(|left| format!(", {left}")).unwrap_or_default();
    format!("{owner}, {:.0}%{left}, {id}", one.percent.floor())
}

fn pages(admin: bool) -> Vec<Command> {
    let page = |icon, name: &str, path: &str| Command::new("Pages", icon, name, Act::Go(path.to_owned()));
    let mut pages = vec![
        page("now", "Now", "/"),
        page("list", "Executions", "/executions"),
        page("flow", "Workflows", "/workflows"),
        page("gear", "Profile", "/profile"),
    ];
    if admin {
        pages.extend(Room::FOR_ADMINS.map(|room| page("gear", room.label(), &room.href())));
    }
    pages
}

fn actions() -> Vec<Command> {
    vec![
        Command::new("Commands", "theme", "Switch the theme", Act::Theme),
        Command::new("Commands", "list", "Shortcuts", Act::Shortcuts),
        Command::new("Commands", "leave", "Sign out", Act::SignOut),
    ]
}

fn cancel(id: ExecutionId) {
    let toasts = Toasts::expect();
    leptos::task::spawn_local(async move {
        match http::send("POST", &format!("/api/executions/{id}/cancel"), &serde_json::json!({})).await {
            Ok(_) => toasts.done("Cancelled; its steps have 10 seconds to end"),
            Err(problem) => toasts.wrong("It could not be cancelled", problem.told()),
        }
    });
}

fn rerun(id: ExecutionId, here: RwSignal<Option<Execution>>) {
    let (toasts, navigate) = (Toasts::expect(), leptos_router::hooks::use_navigate());
    leptos::task::spawn_local(async move {
        let body = serde_json::json!({ "from": "all" });
        match http::send("POST", &format!("/api/executions/{id}/rerun"), &body).await {
            Ok(begun) => {
                here.try_set(None);
                toasts.done("It runs again");
                if let Some(new) = begun["id"].as_str() {
                    navigate(&format!("/executions/{new}"), Default::default());
                }
            }
            Err(problem) => toasts.wrong("It could not be run again", problem.told()),
        }
    });
}
