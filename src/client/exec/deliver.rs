//! Brings a report to the server, as often as it takes.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::spool::{Begun, Spool};
use crate::client::{
    api::{Api, Reported},
    error::ClientError,
};

/// Between two reports, unless there is more than one holds.
const PACE: Duration = Duration::from_millis(250);
/// How long nothing is sent at most: so the server knows that we are there, and we whether it wants us to stop.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Before the first repetition of what failed, and most before a later one; each wait is twice the one before.
const AGAIN: Duration = Duration::from_millis(250);
const AGAIN_MAX: Duration = Duration::from_secs(5);
/// Most reports of earlier runs that are looked at.
const LEFT_MAX: usize = 1_000;

/// What has become of a report.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The server has it all.
    All,
    /// The server wants no more of it: it has ended there.
    Over,
    /// The server does not take it, and never will; why.
    Refused(String),
    /// Not now; why.
    Kept(String),
}

/// Brings one report.
pub(super) struct Deliverer {
    pub api: Api,
    pub spool: Arc<Spool>,
    /// There is more to send, or the end of it.
    pub news: Arc<Notify>,
    /// Whether the server wants the command stopped.
    pub cancelled: watch::Sender<bool>,
}

impl Deliverer {
    /// Until all is delivered, or it makes no sense any more.
    pub(super) async fn run(self) -> Delivered {
        let mut pause = AGAIN;
        loop {
            match self.attempt(&mut pause).await {
                Ok(done) => {
                    if !matches!(done, Delivered::Kept(_)) {
                        self.spool.remove();
                    }
                    return done;
                }
                Err(_) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(AGAIN_MAX);
                }
            }
        }
    }

    /// As far as it goes until the server is not reached.
    async fn attempt(&self, pause: &mut Duration) -> Result<Delivered, ClientError> {
        let begun = match self.begun().await? {
            Ok(begun) => begun,
            Err(refused) => return Ok(refused),
        };
        loop {
            let batch = self.spool.next();
            let body = batch.as_ref().map(|batch| batch.body.clone()).unwrap_or_default();
            if body.is_empty() && self.spool.is_done() {
                return Ok(Delivered::All);
            }
            match self.api.report(begun.id, &begun.token, body).await? {
                Reported::Heard { cancel } => {
                    self.cancelled.send_if_modified(|told| !std::mem::replace(told, *told || cancel) && cancel);
                }
                Reported::Ended { cancelled } => {
                    self.cancelled.send_if_modified(|told| !std::mem::replace(told, *told || cancelled) && cancelled);
                    return Ok(Delivered::Over);
                }
                Reported::Refused(why) => return Ok(Delivered::Refused(why)),
            }
            *pause = AGAIN;
            match batch {
                Some(batch) => {
                    self.spool.sent(&batch);
                    if !batch.full {
                        sleep(PACE).await;
                    }
                }
                None => {
                    // In time or not: there is something to send.
                    let _ = timeout(HEARTBEAT, self.news.notified()).await;
                }
            }
        }
    }

    /// The execution on the server; begun if it is not.
    async fn begun(&self) -> Result<Result<Begun, Delivered>, ClientError> {
        let about = self.spool.about();
        if let Some(begun) = about.begun {
            return Ok(Ok(begun));
        }
        match self.api.begin_external(&json!({ "name": about.name }), &about.key).await {
            Ok(begun) => {
                let begun = Begun { id: begun.id, token: begun.token };
                self.spool.begun(begun.clone());
                Ok(Ok(begun))
            }
            Err(ClientError::Refused(problem)) if problem.status < 500 && problem.status != 429 => {
                let why = problem.to_string();
                // With another token it will be taken.
                let kept = matches!(problem.status, 401 | 403 | 404);
                Ok(Err(if kept { Delivered::Kept(why) } else { Delivered::Refused(why) }))
            }
            Err(error) => Err(error),
        }
    }
}

/// Sends what earlier runs left for this server, one after the other, the oldest first; what stood in the way of the
/// last one that was not delivered.
pub(super) async fn deliver_left(api: Api, folder: PathBuf) -> Option<String> {
    let mut left: Vec<PathBuf> =
        fs::read_dir(&folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).take(LEFT_MAX).collect();
    left.sort();
    let mut trouble = None;
    for spool in left.iter().filter_map(|path| Spool::reopen(path)) {
        if spool.about().url != api.base() {
            continue;
        }
        let (cancelled, _) = watch::channel(false);
        let news = Arc::new(Notify::new());
        let deliverer = Deliverer { api: api.clone(), spool: Arc::new(spool), news, cancelled };
        match deliverer.attempt(&mut AGAIN.clone()).await {
            Ok(Delivered::Kept(why)) => trouble = Some(why),
            Ok(Delivered::Refused(why)) => {
                deliverer.spool.remove();
                trouble = Some(why);
            }
            Ok(Delivered::All | Delivered::Over) => deliverer.spool.remove(),
            // The server is away for all of them.
            Err(error) => return Some(error.to_string()),
        }
    }
    trouble
}
