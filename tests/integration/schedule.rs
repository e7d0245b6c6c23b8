//! Runs that nobody starts: the right times, once each, through stops, crashes and clocks that are put forward or back.
//! The scheduler's own tests tell it what time it is; its journal, its engine and its folder are real.

use std::{fs, path::Path, time::Duration};

use runcast::{
    domain::{
        access::Scope,
        event::Trigger,
        execution::Execution,
        id::{Name, Seq},
        listing::Query,
        time::Timestamp,
    },
    server::{
        clock,
        engine::{Engine, EngineSettings},
        feed::Feed,
        journal::{Handled, Journal, Place},
        metrics::JournalMetrics,
        schedule::Scheduler,
        workflows::Workflows,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::app::{LONGEST, TestApp, User, eventually};

const HOURLY: &str = "schedule: '0 * * * *'\nsteps: [{ id: one, run: 'true' }]\n";
const HOURLY_NOT_MISSED: &str = "schedule: ['0 * * * *']\nmissed: run\nsteps: [{ id: one, run: 'true' }]\n";

const MINUTELY: &str = "schedule: '* * * * *'\nsteps: [{ id: one, run: 'true' }]\n";

/// A folder that outlives its schedulers.
struct House(TempDir);

/// One life of a scheduler.
struct Life {
    scheduler: Scheduler,
    workflows: Workflows,
    engine: Engine,
    journal: Journal,
    stop: CancellationToken,
}

impl House {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("workflows")).expect("a folder");
        fs::create_dir(folder.path().join("data")).expect("a folder");
        let house = Self(folder);
        house.write(text);
        house
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("workflows/job.yaml")
    }

    fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, text).expect("a file can be written");
        fs::rename(new, self.file()).expect("it is the same disk");
    }

    async fn live(&self) -> Life {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let place = Place::File(self.0.path().join("journal.db"));
        let journal = Journal::open(place, Seq(0), Feed::default(), JournalMetrics::default(), &tasks).await;
        let journal = journal.expect("a journal");
        let settings = EngineSettings {
            data: self.0.path().join("data"),
            program: Path::new(env!("CARGO_BIN_EXE_runcast")).to_owned(),
            ..EngineSettings::default()
        };
        let engine = Engine::new(journal.clone(), settings);
        engine.recover().await.expect("the journal can be read");
        let workflows = Workflows::open(self.0.path().join("workflows"), &tasks, stop.clone()).await;
        let scheduler = Scheduler::open(engine.clone(), journal.clone(), workflows.clone()).await.expect("it opens");
        Life { scheduler, workflows, engine, journal, stop }
    }
}

impl Life {
    /// What time it is now; how many runs there are after it, and when the next one comes.
    async fn at(&mut self, time: &str) -> (usize, Option<String>) {
        let next = self.scheduler.tick(instant(time)).await.expect("the journal is there");
        (self.runs().await.len(), next.map(|next| next.to_string()))
    }

    async fn runs(&self) -> Vec<Execution> {
        self.journal.list(&Scope::Everything, &Query::default()).await.expect("a list").items
    }

    /// Ends in good order.
    async fn end(self) {
        self.stop.cancel();
        self.engine.shutdown(LONGEST).await;
        self.journal.close().await;
    }
}

fn instant(time: &str) -> Timestamp {
    // A day long ago: what is committed now is newer than all of it, as in life.
    format!("2026-01-15T{time}Z").parse().unwrap_or_else(|error| panic!("{time}: {error}"))
}

fn next(time: &str) -> Option<String> {
    Some(instant(time).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_begins_when_it_is_first_seen_and_each_time_runs_once() {
    let house = House::new(
        "schedule: '0 * * * *'\nmissed: run\nowner: alice\nparams: [{name: who, default: me}]\nsteps: [{id: one, run: 'true'}]\n",
    );
    let mut life = house.live().await;
    assert_eq!(life.at("10:30:00").await, (0, next("11:00:00")), "ten o'clock is none of its times");
    assert_eq!(life.at("10:59:59.999").await, (0, next("11:00:00")));
    assert_eq!(life.at("11:00:00").await, (1, next("12:00:00")));
    assert_eq!(life.at("11:00:00.001").await, (1, next("12:00:00")));
    assert_eq!(life.at("11:00:59").await, (1, next("12:00:00")));
    assert_eq!(life.at("12:00:00.250").await, (2, next("13:00:00")));
    let run = life.runs().await.remove(0);
    assert_eq!((run.trigger, run.owner.as_str(), run.workflow.as_str()), (Trigger::Schedule, "alice", "job"));
    assert_eq!(Value::from(run.params), json!({ "who": "me" }));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_left_out_unless_the_file_says_otherwise() {
    let house = House::new(HOURLY);
    let mut life = house.live().await;
    life.at("10:30:00").await;
    life.end().await;
    let mut life = house.live().await;
    assert_eq!(life.at("13:30:00").await, (0, next("14:00:00")));
    assert_eq!(life.at("14:00:00").await, (1, next("15:00:00")));
    assert_eq!(life.runs().await[0].owner.as_str(), "runcast", "nobody's, for admins");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_runs_once_for_all_times_if_the_file_says_so() {
    let house = House::new(HOURLY_NOT_MISSED);
    let mut life = house.live().await;
    life.at("10:30:00").await;
    life.end().await;
    for _ in 0..2 {
        let mut life = house.live().await;
        assert_eq!(life.at("13:30:00").await, (1, next("14:00:00")), "eleven, twelve and one o'clock were missed");
        life.end().await;
    }
    let mut life = house.live().await;
    assert_eq!(life.at("15:00:00").await, (2, next("16:00:00")), "three o'clock in time, and two o'clock with it");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_minute_late_is_in_time_and_more_was_missed() {
    let house = House::new(HOURLY);
    let mut life = house.live().await;
    life.at("10:30:00").await;
    assert_eq!(life.at("11:00:30").await, (1, next("12:00:00")));
    assert_eq!(life.at("12:00:30.001").await, (1, next("13:00:00")), "the machine slept");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_started_right_before_a_crash_is_not_started_again() {
    for text in [HOURLY, HOURLY_NOT_MISSED] {
        let house = House::new(text);
        let mut life = house.live().await;
        life.at("10:30:00").await;
        let before = life.journal.handled_schedules().await.expect("they can be read");
        assert_eq!(life.at("11:00:00").await, (1, next("12:00:00")));
        // The start was committed, and then the server died: how far it had come was not written down.
        let (name, handled): (Name, Handled) = before.into_iter().next().expect("there is one");
        assert_eq!(handled.through, instant("10:30:00"));
        life.journal.keep_schedule(name, Some(handled)).await.expect("it can be written");
        life.end().await;
        for time in ["11:00:10", "11:00:20", "11:10:00"] {
            let mut life = house.live().await;
            assert_eq!(life.at(time).await, (1, next("12:00:00")), "{time}");
            life.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_put_back_repeats_nothing_and_stops_nothing() {
    let house = House::new(HOURLY_NOT_MISSED);
    let mut life = house.live().await;
    life.at("10:30:00").await;
    assert_eq!(life.at("11:00:00").await, (1, next("12:00:00")));
    assert_eq!(life.at("10:15:00").await, (1, next("12:00:00")));
    assert_eq!(life.at("11:00:00").await, (1, next("12:00:00")), "the same hour again");
    assert_eq!(life.at("12:00:00").await, (2, next("13:00:00")));
    // It was wrong by years, and is set right.
    let far = "2029-06-01T08:00:00Z".parse().expect("a time");
    life.scheduler.tick(far).await.expect("the journal is there");
    let runs = life.runs().await.len();
    assert_eq!(life.at("12:10:00").await, (runs, next("13:00:00")));
    assert_eq!(life.at("13:00:00").await, (runs + 1, next("14:00:00")));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_changed_or_taken_away_begins_anew() {
    let house = House::new(HOURLY_NOT_MISSED);
    let mut life = house.live().await;
    life.at("10:45:00").await;
    life.end().await;
    house.write(&HOURLY_NOT_MISSED.replace("0 *", "50 *"));
    let mut life = house.live().await;
    assert_eq!(life.at("12:15:00").await, (0, next("12:50:00")), "another schedule has missed nothing");
    let mut changes = life.workflows.changes();
    house.write("steps: [{ id: one, run: 'true' }]\n");
    changes.next().await;
    assert_eq!(life.at("12:55:00").await, (0, None), "it has none any more");
    house.write(&HOURLY_NOT_MISSED.replace("0 *", "50 *"));
    changes.next().await;
    assert_eq!(life.at("14:10:00").await, (0, next("14:50:00")), "and begins anew with one");
    house.write("steps: {}\n# no workflow");
    changes.next().await;
    assert_eq!(life.at("14:50:00").await, (1, next("15:50:00")), "a file with errors keeps its last good version");
    life.end().await;
    let mut life = house.live().await;
    let mut changes = life.workflows.changes();
    assert_eq!(life.at("16:00:00").await, (1, None), "after a stop there is none");
    house.write(&HOURLY_NOT_MISSED.replace("0 *", "50 *"));
    changes.next().await;
    assert_eq!(life.at("16:05:00").await, (2, next("16:50:00")), "but it is known what was missed meanwhile");
    fs::remove_file(house.file()).expect("it is there");
    changes.next().await;
    assert_eq!(life.at("17:00:00").await, (2, None));
    assert!(life.journal.handled_schedules().await.expect("they can be read").is_empty(), "nothing is kept of it");
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_later_than_the_server_has_missed_what_it_missed() {
    let house = House::new(HOURLY_NOT_MISSED);
    let mut life = house.live().await;
    life.at("10:30:00").await;
    life.end().await;
    let (folder, away) = (house.0.path().join("workflows"), house.0.path().join("away"));
    fs::rename(&folder, &away).expect("it is there");
    let mut life = house.live().await;
    assert_eq!(life.at("11:30:00").await, (0, None), "its disk is not there yet");
    let mut changes = life.workflows.changes();
    fs::rename(&away, &folder).expect("it is there");
    changes.next().await;
    assert_eq!(life.at("11:30:10").await, (1, next("12:00:00")));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_is_that_of_the_file_and_the_next_times_are_told() {
    let daily = "schedule: ['30 3 * * *', '@daily']\ntimezone: Asia/Kolkata\nsteps: [{ id: one, run: 'true' }]\n";
    let app = TestApp::new(&[("daily", daily), ("never", "steps: [{ id: one, run: 'true' }]\n")]).await;
    let alice = app.user("alice").await;
    let listed = alice.json("/api/workflows").await;
    let (daily, never) = (&listed[0], &listed[1]);
    assert_eq!(daily["schedule"], json!(["30 3 * * *", "@daily"]));
    assert_eq!((&daily["timezone"], &never["timezone"]), (&json!("Asia/Kolkata"), &json!("UTC")));
    assert_eq!((&never["schedule"], &never["next_runs"]), (&json!([]), &json!([])));
    let times: Vec<&str> = daily["next_runs"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted() && times[0] > clock::now().to_string().as_str(), "{times:?}");
    for time in times {
        assert!(time.ends_with("T22:00:00.000Z") || time.ends_with("T18:30:00.000Z"), "{time}");
    }
    let text = "schedule: ['0 3 * * *', '0 25 * * *']\ntimezone: Europe/Berlni\nsteps: [{ id: one, run: 'true' }]\n";
    fs::write(app.path("wrong.yaml"), text).expect("a file can be written");
    let said = app.command_alone(&["validate", "wrong.yaml"]).await;
    assert_eq!(said.code, 1);
    for wrong in [
        "hour (second field): 25 is out of range",
        "wrong.yaml:1:25",
        "\"Europe/Berlni\" is no time zone",
        "wrong.yaml:2:11",
    ] {
        assert!((said.out.clone() + &said.err).contains(wrong), "{wrong}: {said:?}");
    }
}

/// When the server is killed: so long before or after the full minute, or as soon as the run is seen.
#[derive(Clone, Copy, Debug)]
enum Kill {
    Before(u64),
    After(u64),
    Seen,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_around_the_minute_starts_that_minute_once() {
    let deaths =
        [Kill::Before(300), Kill::After(0), Kill::After(15), Kill::Seen].map(|kill| tokio::spawn(die_around(kill)));
    for death in deaths {
        death.await.expect("it holds");
    }
}

/// Milliseconds until the next full minute.
fn left(now: Timestamp) -> u64 {
    60_000 - now.0.rem_euclid(60_000).unsigned_abs()
}

/// Waits for a moment that has more than ten seconds until the next full minute.
async fn early_in_a_minute() {
    if left(clock::now()) < 10_000 {
        tokio::time::sleep(Duration::from_millis(left(clock::now()) + 1_000)).await;
    }
}

async fn scheduled(root: &User) -> Vec<Value> {
    let listed = root.json("/api/executions").await;
    let items = listed["items"].as_array().expect("a list").iter();
    items.filter(|item| item["trigger"] == "schedule").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drains_starts_nothing_by_schedule() {
    let wait = "params: [{ name: gate }]\nsteps: [{ id: one, run: 'until [ -e \"$GATE\" ]; do sleep 0.05; done' }]\n";
    let app = TestApp::with(&["--drain", "5m"], &[("minutely", MINUTELY), ("wait", wait)]).await;
    let (root, gate) = (app.admin("root").await, app.gate("end"));
    early_in_a_minute().await;
    let before = scheduled(&root).await.len();
    let id = root.start("wait", gate.param()).await;
    tokio::time::sleep(Duration::from_millis(left(clock::now()) - 2_000)).await;
    let pid = app.pid().try_into().ok().and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, Signal::TERM).expect("it is ours");
    tokio::time::sleep(Duration::from_millis(left(clock::now()) + 1_500)).await;
    assert_eq!(root.snapshot(&id).await["status"], "running", "it still waits for this one");
    assert_eq!(scheduled(&root).await.len(), before);
    gate.open();
}

async fn die_around(kill: Kill) {
    let mut app = TestApp::new(&[("minutely", MINUTELY)]).await;
    let root = app.admin("root").await;
    early_in_a_minute().await;
    let before = scheduled(&root).await.len();
    let mut events = root.events().await;
    let now = clock::now();
    let minute = Timestamp(now.0 + i64::try_from(left(now)).expect("it is less than a minute"));
    match kill {
        Kill::Before(ms) => tokio::time::sleep(Duration::from_millis(left(now) - ms)).await,
        Kill::After(ms) => tokio::time::sleep(Duration::from_millis(left(now) + ms)).await,
        Kill::Seen => {
            tokio::time::sleep(Duration::from_millis(left(now).saturating_sub(5_000))).await;
            assert_eq!(events.until_kind("execution.queued").await["trigger"], "schedule");
        }
    }
    app.kill_9().await;
    drop(events);
    if clock::now() < minute {
        tokio::time::sleep(Duration::from_millis(left(clock::now()))).await;
    }
    app.launch().await;
    eventually("that minute's run is there", || async { scheduled(&root).await.len() > before }).await;
    // A second one would come at once.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let runs = scheduled(&root).await;
    assert_eq!(runs.len(), before + 1, "{kill:?}: {runs:?}");
    assert_eq!(runs[0]["owner"], "runcast");
    let alice = app.user("alice").await;
    assert_eq!(alice.json("/api/executions").await["items"], json!([]), "only admins see what is nobody's");
}
