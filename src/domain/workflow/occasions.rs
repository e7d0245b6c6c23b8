//! When a workflow runs, how often, and by whose call: retries, concurrency, schedule, webhook, secrets.

use std::time::Duration;

use super::{
    ATTEMPTS_MAX, Concurrency, Missed, Parameter, ParameterKind, Retry, SCHEDULE_MAX, SECRETS_MAX, Webhook, WhenFull,
    nearest::did_you_mean,
    reading::{Reader, reserved},
    yaml::{Kind, Node},
};
use crate::domain::schedule::{Cron, UnknownZone};

const CONCURRENCY_KEYS: [&str; 2] = ["limit", "when-full"];
const WEBHOOK_KEYS: [&str; 2] = ["secret", "body"];
const RETRY_KEYS: [&str; 3] = ["attempts", "backoff", "max-backoff"];

/// Between two attempts where the file does not say.
const BACKOFF: Duration = Duration::from_secs(5);
/// The longest between two attempts where the file does not say.
const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// Most executions of a workflow at once that a file can ask for.
const CONCURRENCY_MAX: u32 = 10_000;

/// When it runs, how often, and by whose call.
impl Reader<'_> {
    pub(super) fn retry(&mut self, path: &str, node: &Node) -> Option<Retry> {
        let entries = self.entries(path, node, &RETRY_KEYS);
        let attempts = match entries.get("attempts") {
            Some((path, node)) => self.count(&path, node, ATTEMPTS_MAX),
            None => self.missing(&entries, "attempts"),
        };
        let backoff = self.optional(&entries, "backoff", Self::duration).unwrap_or(BACKOFF);
        let longest = self.optional(&entries, "max-backoff", Self::duration);
        if let (Some(longest), Some((path, node))) = (longest, entries.get("max-backoff"))
            && longest < backoff
        {
            self.refuse(&path, node.mark, "is shorter than the backoff that it should bound");
        }
        Some(Retry { attempts: attempts?, backoff, max_backoff: longest.unwrap_or(BACKOFF_MAX.max(backoff)) })
    }

    pub(super) fn concurrency(&mut self, path: &str, node: &Node) -> Option<Concurrency> {
        let entries = self.entries(path, node, &CONCURRENCY_KEYS);
        let limit = match entries.get("limit") {
            Some((path, node)) => self.count(&path, node, CONCURRENCY_MAX),
            None => self.missing(&entries, "limit"),
        };
        let when_full = self.optional(&entries, "when-full", |reader, path, node| {
            let words =
                [("queue", WhenFull::Queue), ("skip", WhenFull::Skip), ("cancel-running", WhenFull::CancelRunning)];
            reader.one_of(path, node, &words)
        });
        Some(Concurrency { limit: limit?, when_full: when_full.unwrap_or_default() })
    }

    pub(super) fn missed_times(&mut self, path: &str, node: &Node) -> Option<Missed> {
        self.one_of(path, node, &[("skip", Missed::Skip), ("run", Missed::Run)])
    }

    /// Cron expressions, one or several.
    pub(super) fn schedule(&mut self, path: &str, node: &Node, params: &[Parameter]) -> Vec<String> {
        let nodes = match node.kind {
            Kind::Scalar { .. } => std::slice::from_ref(node),
            _ => self.list(path, node),
        };
        if nodes.len() > SCHEDULE_MAX {
            let message = format!("a schedule has {SCHEDULE_MAX} times at most, this has {}", nodes.len());
            self.refuse(path, node.mark, message);
        }
        if let Some(open) = params.iter().find(|parameter| parameter.default.is_none()) {
            let message = format!("nobody is there to say what {:?} is: give that parameter a default", open.name);
            self.refuse(path, node.mark, message);
        }
        let good = |time: &Node| {
            let text = self.title(path, time)?;
            self.noted(path, time.mark, text.parse::<Cron>()).map(|_| text)
        };
        nodes.iter().take(SCHEDULE_MAX).filter_map(good).collect()
    }

    pub(super) fn timezone(&mut self, path: &str, node: &Node) -> Option<String> {
        let name = self.title(path, node)?;
        let known = if (self.is_zone)(&name) { Ok(()) } else { Err(UnknownZone::new(&name)) };
        self.noted(path, node.mark, known).map(|()| name)
    }

    pub(super) fn webhook(&mut self, path: &str, node: &Node, params: &[Parameter]) -> Option<Webhook> {
        let entries = self.entries(path, node, &WEBHOOK_KEYS);
        let secret = match entries.get("secret") {
            Some((path, node)) => self.variable(&path, node),
            None => self.missing(&entries, "secret"),
        };
        let body = self.optional(&entries, "body", Self::text);
        if let (Some(body), Some((path, node))) = (&body, entries.get("body")) {
            match params.iter().find(|parameter| parameter.name == *body) {
                Some(parameter) if parameter.kind == ParameterKind::String && parameter.choices.is_empty() => {}
                Some(_) => self.refuse(&path, node.mark, format!("{body:?} must be of type string, without choices")),
                None => {
                    let near = did_you_mean(body, params.iter().map(|parameter| parameter.name.as_str()));
                    self.refuse(&path, node.mark, format!("{body:?} is no parameter of this workflow{near}"));
                }
            }
        }
        let open = |parameter: &&Parameter| parameter.default.is_none() && body.as_ref() != Some(&parameter.name);
        if let Some(open) = params.iter().find(open) {
            let message = format!("a call can't say what {:?} is: give that parameter a default", open.name);
            self.refuse(path, node.mark, message);
        }
        Some(Webhook { secret: secret?, body })
    }

    pub(super) fn secrets(&mut self, path: &str, node: &Node) -> Vec<String> {
        let nodes = self.list(path, node);
        if nodes.len() > SECRETS_MAX {
            let message = format!("a workflow has {SECRETS_MAX} secrets at most, this has {}", nodes.len());
            self.refuse(path, node.mark, message);
        }
        let mut names: Vec<String> = Vec::new();
        for node in nodes.iter().take(SECRETS_MAX) {
            let Some(name) = self.variable(path, node) else { continue };
            if names.contains(&name) {
                self.refuse(path, node.mark, format!("names {name:?} twice"));
            } else {
                names.push(name);
            }
        }
        names
    }

    /// The name of an environment variable that is not the system's or the server's.
    fn variable(&mut self, path: &str, node: &Node) -> Option<String> {
        let name = self.text(path, node)?;
        let first = name.bytes().next();
        let good = name.len() <= 64
            && first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !good {
            let message = format!(
                "{name:?} is no name of a secret: it has 1 to 64 of a-z, A-Z, 0-9 and '_', and begins with a letter or '_'"
            );
            self.refuse(path, node.mark, message);
            return None;
        }
        if reserved(&name) {
            self.refuse(path, node.mark, format!("{name:?} is set by the system or the server; take another name"));
            return None;
        }
        Some(name)
    }

    fn count(&mut self, path: &str, node: &Node, most: u32) -> Option<u32> {
        let text = self.text(path, node)?;
        let count = text.parse().ok().filter(|count| (1..=most).contains(count));
        if count.is_none() {
            self.refuse(
                path,
                node.mark,
                format!("must be a whole number from 1 to {most}, but is {}", node.described()),
            );
        }
        count
    }
}
