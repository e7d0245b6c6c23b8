use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        access::{Audience, Scope},
        event::{Event, ExecutionError, ExecutionFailure, ExecutionResult, PlannedStep, Recorded, Trigger},
        execution::Status,
        id::{Name, StepId},
        listing::{JUST_ENDED, Query, When},
        log::{Line, Stream},
        time::Timestamp,
        workflow::Workflow,
    },
    server::feed::Framing,
};

/// Facts of one execution, made by hand.
pub(in crate::server) struct Story {
    pub id: ExecutionId,
    pub owner: Name,
    pub workflow: Name,
}

impl Story {
    pub fn new(owner: &str, workflow: &str) -> Self {
        Self { id: ExecutionId(Uuid::now_v7()), owner: name(owner), workflow: name(workflow) }
    }

    pub fn fact(&self, event: Event) -> Fact {
        Fact {
            at: crate::server::clock::now(),
            execution_id: self.id,
            owner: self.owner.clone(),
            workflow: self.workflow.clone(),
            event,
        }
    }

    pub fn queued(&self) -> Fact {
        self.queued_by(Trigger::Api)
    }

    pub fn queued_by(&self, trigger: Trigger) -> Fact {
        let steps = vec![PlannedStep { id: step(), name: "one".to_owned(), needs: Vec::new(), weight: 1.0 }];
        self.fact(Event::ExecutionQueued { trigger, params: Map::new(), steps, rerun_of: None })
    }

    pub fn output(&self, first_line: u64, texts: &[&str]) -> Fact {
        let line = |text: &&str| Line {
            at: Timestamp(1),
            stream: Stream::Out,
            text: (*text).to_owned(),
            level: None,
            after_group: false,
        };
        self.fact(Event::StepOutput { step: step(), attempt: 1, first_line, lines: texts.iter().map(line).collect() })
    }

    pub fn started(&self) -> Fact {
        self.fact(Event::ExecutionStarted {})
    }

    pub fn completed(&self) -> Fact {
        self.fact(Event::ExecutionCompleted {
            result: ExecutionResult::new(),
            duration_ms: 5,
            percent: 100.0,
            lines: 0,
        })
    }

    pub fn plan(&self) -> Arc<Workflow> {
        let text = "steps: [{ id: one, run: 'true' }]";
        Arc::new(Workflow::parse("test.yaml", self.workflow.as_str(), text).expect("it is right"))
    }

    pub async fn begin(&self, journal: &Journal) -> Execution {
        journal.begin(self.queued(), self.plan(), Beside::default()).await.expect("it begins")
    }

    pub async fn whole(&self, journal: &Journal) {
        self.begin(journal).await;
        self.rest(journal).await;
    }
}

fn step() -> StepId {
    "one".parse().expect("a step id")
}

pub(in crate::server) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(in crate::server) async fn in_memory(feed: &Feed) -> Journal {
    let tasks = TaskTracker::new();
    let open = Journal::open(Place::Memory, Seq(0), feed.clone(), JournalMetrics::default(), &tasks);
    open.await.expect("a journal in memory")
}

pub(in crate::server) async fn on_disk(folder: &std::path::Path) -> Journal {
    let place = Place::File(folder.join("journal.db"));
    let tasks = TaskTracker::new();
    let open = Journal::open(place, Seq(0), Feed::default(), JournalMetrics::default(), &tasks);
    open.await.expect("a journal on disk")
}

/// `seq`s of the frames on a page.
fn seqs(page: &Page) -> Vec<u64> {
    let Page::Frames(page) = page else { panic!("something is gone") };
    let text = std::str::from_utf8(&page.frames).expect("text");
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|seq| seq.parse().expect("a seq")).collect()
}

async fn everything(journal: &Journal) -> Vec<u64> {
    let (_, pruned_through) = journal.pruned().await.expect("marks");
    seqs(&journal.page(&Audience::Selection(None, None), Framing::Plain, pruned_through).await.expect("a page"))
}

#[tokio::test]
async fn a_seq_is_never_given_twice_not_after_a_restart_and_not_after_pruning() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = on_disk(folder.path()).await;
    Story::new("alice", "a").whole(&journal).await;
    assert_eq!(everything(&journal).await, [1, 2, 3]);
    journal.close().await;

    let journal = on_disk(folder.path()).await;
    Story::new("alice", "a").whole(&journal).await;
    assert_eq!(everything(&journal).await, [1, 2, 3, 4, 5, 6]);
    let pruned = journal.prune(Retention { count: Some(0), ..Retention::default() }).await.expect("pruned");
    assert_eq!((pruned, journal.pruned().await.expect("a mark")), (2, (Seq(0), Seq(6))));
    assert!(everything(&journal).await.is_empty());
    for audience in [Audience::Selection(None, None), Audience::Selection(Some(name("alice")), None)] {
        assert!(
            matches!(journal.page(&audience, Framing::Plain, Seq(5)).await, Ok(Page::Gone)),
            "a reader in the middle is told"
        );
    }
    journal.close().await;

    let journal = on_disk(folder.path()).await;
    assert_eq!(journal.head().await.expect("a head"), Seq(6));
    Story::new("alice", "a").whole(&journal).await;
    assert_eq!(everything(&journal).await, [7, 8, 9]);
}

#[tokio::test]
async fn a_stored_frame_is_the_fact_and_the_snapshot_is_the_fold_of_the_frames() {
    let journal = in_memory(&Feed::default()).await;
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    journal.append(story.started()).await;
    journal.append(story.output(0, &["hello", "a \"quoted\"\rline", "ä\u{2028}"])).await;
    journal.append(story.completed()).await;
    journal.flush().await.expect("committed");

    let page = journal.page(&Audience::Execution(story.id), Framing::Plain, Seq(0)).await.expect("a page");
    let Page::Frames(page) = page else { panic!("it is there") };
    let frames = std::str::from_utf8(&page.frames).expect("text");
    let mut folded: Option<Execution> = None;
    for frame in frames.split_terminator("\n\n") {
        let (id, data) = frame.split_once("\ndata: ").expect("an id and data");
        let recorded: Recorded = serde_json::from_str(data).expect("a recorded fact");
        assert_eq!(id, format!("id: {}", recorded.seq));
        match &mut folded {
            None => folded = Execution::begin(recorded.seq, &recorded.fact),
            Some(execution) => assert!(execution.apply(&recorded)),
        }
    }
    let snapshot = journal.snapshot(story.id).await.expect("a snapshot");
    assert_eq!(snapshot.as_ref().map(|execution| execution.status), Some(Status::Succeeded));
    assert_eq!(snapshot, folded);
}

#[tokio::test]
async fn output_is_on_the_executions_own_pages_only_and_others_facts_on_nobody_elses() {
    let journal = in_memory(&Feed::default()).await;
    let (alice, bob) = (Story::new("alice", "a"), Story::new("bob", "b"));
    alice.begin(&journal).await;
    bob.begin(&journal).await;
    journal.append(alice.output(0, &["x"])).await;
    journal.append(bob.started()).await;
    journal.flush().await.expect("committed");
    let page = async |audience| seqs(&journal.page(&audience, Framing::Plain, Seq(0)).await.expect("a page"));
    assert_eq!(page(Audience::Execution(alice.id)).await, [1, 3]);
    assert_eq!(page(Audience::Selection(Some(name("alice")), None)).await, [1]);
    assert_eq!(page(Audience::Selection(Some(name("bob")), None)).await, [2, 4]);
    assert_eq!(page(Audience::Selection(None, None)).await, [1, 2, 4]);
    let of_b = Audience::Selection(None, Some(name("b")));
    let page = journal.page(&of_b, Framing::Plain, Seq(0)).await.expect("a page");
    assert_eq!(seqs(&page), [2, 4]);
}

#[tokio::test]
async fn any_range_of_a_log_is_what_was_printed() {
    let journal = in_memory(&Feed::default()).await;
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    let texts: Vec<String> = (0..500).map(|n| format!("line {n}")).collect();
    let mut first = 0;
    for size in (1..=30).cycle() {
        let chunk: Vec<&str> = texts[first..].iter().take(size).map(String::as_str).collect();
        if chunk.is_empty() {
            break;
        }
        journal.append(story.output(first as u64, &chunk)).await;
        first += chunk.len();
    }
    journal.flush().await.expect("committed");
    for from in [0, 1, 2, 99, 250, 498, 499, 500, 900] {
        for (only, limit) in [(None, 7), (Some(step()), 7), (None, 1)] {
            let lines = journal.log(story.id, only.as_ref(), from, limit).await.expect("lines");
            let got: Vec<(u64, String)> = lines.into_iter().map(|line| (line.n, line.line.text)).collect();
            let until = (from as usize + limit).min(500);
            let expected: Vec<(u64, String)> = (from as usize..until).map(|n| (n as u64, texts[n].clone())).collect();
            assert_eq!(got, expected, "from {from}");
        }
    }
    let opening = journal.opening(story.id, 120).await.expect("an opening").expect("it is there");
    assert_eq!(opening.lines.iter().map(|line| line.n).collect::<Vec<_>>(), (380..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_of_a_list_joined_are_the_list_newest_first() {
    let journal = in_memory(&Feed::default()).await;
    let stories: Vec<Story> = (0..23).map(|n| Story::new(if n % 3 == 0 { "bob" } else { "alice" }, "a")).collect();
    for story in &stories {
        story.begin(&journal).await;
    }
    stories[4].rest(&journal).await;
    let scope = Scope::Owner(name("alice"));
    let mut query = Query { limit: Some(4), ..Query::default() };
    let mut got = Vec::new();
    loop {
        let listing = journal.list(&scope, &query).await.expect("a page");
        assert!(listing.items.len() <= 4);
        got.extend(listing.items.iter().map(|item| item.id));
        query.before = listing.next;
        if listing.next.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> =
        stories.iter().filter(|story| story.owner == name("alice")).map(|story| story.id).collect();
    expected.reverse();
    assert_eq!(got, expected);

    let done = Query { status: vec![Status::Succeeded], ..Query::default() };
    let listing = journal.list(&scope, &done).await.expect("a page");
    assert_eq!(listing.items.iter().map(|item| item.id).collect::<Vec<_>>(), [stories[4].id]);
    assert_eq!(listing.head, Seq(25));
    let text = Query { q: Some(stories[5].id.to_string().to_uppercase()), ..Query::default() };
    assert_eq!(journal.list(&scope, &text).await.expect("a page").items.len(), 1);
}

/// What an execution of the property below is: whose, of what, how it ended, and why.
#[derive(Clone, Debug)]
struct Past {
    owner: &'static str,
    workflow: &'static str,
    status: Status,
    trigger: Trigger,
    why: &'static str,
}

const WHY: [&str; 5] = ["no space left", "\"quoted\" % _ text", "Ünïcode größe", "OUT OF memory", "x"];

fn past() -> impl Strategy<Value = Past> {
    let status = prop::sample::select(vec![
        Status::Queued,
        Status::Running,
        Status::Succeeded,
        Status::Failed,
        Status::TimedOut,
        Status::Cancelled,
    ]);
    let (owner, workflow) = (prop::sample::select(vec!["alice", "bob"]), prop::sample::select(vec!["load", "backup"]));
    let trigger = prop::sample::select(vec![Trigger::Manual, Trigger::Schedule, Trigger::Webhook]);
    (owner, workflow, status, trigger, prop::sample::select(WHY.to_vec()))
        .prop_map(|(owner, workflow, status, trigger, why)| Past { owner, workflow, status, trigger, why })
}

/// A question, and which of the executions, by their numbers, its span of time begins and ends with.
#[derive(Clone, Debug)]
struct Question {
    query: Query,
    made: [Option<usize>; 2],
    ended: Option<usize>,
}

impl Question {
    /// The question, with the times of these executions, newest first.
    fn of(&self, all: &[Execution]) -> Query {
        let made = |number: Option<usize>| Some(When::At(all.get(number?)?.id.made_at()));
        let [from, to] = self.made.map(made);
        let ended = self.ended.and_then(|number| all.get(number)?.finished_at).map(When::At);
        Query { from, to, ended_from: ended, ..self.query.clone() }
    }
}

fn question() -> impl Strategy<Value = Question> {
    let words = ["", "no", "space", "\"quoted\" %", "größe", "GRÖSSE", "memory", "load", "alice", "x", "absent", "_ t"];
    (
        prop::sample::subsequence(Status::ALL.to_vec(), 0..=4),
        prop::option::of(prop::sample::select(vec!["load", "backup"])),
        prop::option::of(prop::sample::select(vec!["alice", "bob"])),
        prop::option::of(prop::sample::select(words.to_vec())),
        1..=9_usize,
        prop::option::weighted(0.3, prop::sample::select(vec![Trigger::Manual, Trigger::Webhook, Trigger::Api])),
        prop::array::uniform2(prop::option::weighted(0.3, 0..40_usize)),
        prop::option::weighted(0.2, 0..40_usize),
    )
        .prop_map(|(status, workflow, owner, q, limit, trigger, made, ended)| Question {
            query: Query {
                status,
                workflow: workflow.map(name),
                owner: owner.map(name),
                trigger,
                q: q.map(str::to_owned),
                limit: Some(limit),
                ..Query::default()
            },
            made,
            ended,
        })
}

/// The fact that ends it, if it has ended.
fn end(story: &Story, past: &Past) -> Option<Fact> {
    let failed = |status| {
        let (step, tail) = (None, Vec::new());
        let error = ExecutionError { step, message: past.why.to_owned(), exit_code: None, tail };
        story.fact(Event::ExecutionFailed { status, error, duration_ms: 1, lines: 0 })
    };
    match past.status {
        Status::Succeeded => Some(story.completed()),
        Status::Failed => Some(failed(ExecutionFailure::Failed)),
        Status::TimedOut => Some(failed(ExecutionFailure::TimedOut)),
        Status::Cancelled => {
            Some(story.fact(Event::ExecutionCancelled { by: name(past.owner), duration_ms: 1, lines: 0 }))
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked, the pages joined are what a filter over everything gives; counts count it, removed ones not.
    #[test]
    fn a_list_is_what_a_filter_over_everything_gives(
        pasts in prop::collection::vec(past(), 0..40),
        questions in prop::collection::vec(question(), 1..8),
        kept in 0..40_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let journal = in_memory(&Feed::default()).await;
            for past in &pasts {
                let story = Story::new(past.owner, past.workflow);
                let queued = story.queued_by(past.trigger);
                journal.begin(queued, story.plan(), Beside::default()).await.expect("it begins");
                if past.status != Status::Queued {
                    journal.append(story.started()).await;
                }
                if let Some(end) = end(&story, past) {
                    journal.append(end).await;
                }
            }
            journal.flush().await.expect("committed");
            for round in 0..2 {
                let everything = pages(&journal, &Scope::Everything, &Query::default()).await;
                for status in Status::ALL {
                    let expected = everything.iter().filter(|one| one.status == status).count() as u64;
                    assert!(journal.count().await.expect("counts").contains(&(status.word(), expected)));
                }
                for question in &questions {
                    let question = &question.of(&everything);
                    for scope in [Scope::Everything, Scope::Owner(name("alice"))] {
                        let expected = everything.iter().filter(|one| scope.holds(&one.owner) && asked(question, one));
                        let got = pages(&journal, &scope, question).await;
                        let ids = |all: &[Execution]| all.iter().map(|one| one.id).collect::<Vec<_>>();
                        assert_eq!(ids(&got), expected.map(|one| one.id).collect::<Vec<_>>(), "{question:?}, {round}");
                    }
                }
                let retention = Retention { count: Some(kept), ..Retention::default() };
                journal.prune(retention).await.expect("pruned");
            }
        });
    }
}

fn asked(query: &Query, one: &Execution) -> bool {
    let error = one.error.as_ref().map_or("", |error| error.message.as_str());
    let text = format!("{} {} {} {error}", one.id, one.workflow, one.owner).to_lowercase();
    (query.status.is_empty() || query.status.contains(&one.status))
        && query.workflow.as_ref().is_none_or(|workflow| one.workflow == *workflow)
        && query.owner.as_ref().is_none_or(|owner| one.owner == *owner)
        && query.trigger.is_none_or(|trigger| one.trigger == trigger)
        && query.from.is_none_or(|from| one.id.made_at() >= from.at(Timestamp(0)))
        && query.to.is_none_or(|to| one.id.made_at() < to.at(Timestamp(0)))
        && query.ended_from.is_none_or(|from| one.finished_at.is_some_and(|at| at >= from.at(Timestamp(0))))
        && query.q.as_ref().is_none_or(|word| text.contains(word.trim().to_lowercase().as_str()))
}

/// All pages of a list, joined.
async fn pages(journal: &Journal, scope: &Scope, query: &Query) -> Vec<Execution> {
    let (mut query, mut got) = (query.clone(), Vec::new());
    loop {
        let listing = journal.list(scope, &query).await.expect("a page");
        assert!(listing.items.len() <= query.limit.unwrap_or(50));
        got.extend(listing.items);
        query.before = listing.next;
        if query.before.is_none() {
            return got;
        }
    }
}

impl Story {
    pub async fn rest(&self, journal: &Journal) {
        journal.append(self.started()).await;
        journal.append(self.completed()).await;
        journal.flush().await.expect("committed");
    }
}

#[tokio::test]
async fn an_overview_tells_what_is_alive_and_how_the_last_hour_ended() {
    let journal = in_memory(&Feed::default()).await;
    let (waits, runs) = (Story::new("alice", "waits"), Story::new("alice", "runs"));
    waits.begin(&journal).await;
    runs.begin(&journal).await;
    journal.append(runs.started()).await;
    for n in 0..JUST_ENDED + 3 {
        Story::new(if n % 2 == 0 { "alice" } else { "bob" }, "ended").whole(&journal).await;
    }
    let now = crate::server::clock::now();
    let of = async |scope, now| journal.overview(&scope, now).await.expect("an overview");
    let all = of(Scope::Everything, now).await;
    assert_eq!(all.running.iter().map(|one| one.id).collect::<Vec<_>>(), [runs.id]);
    assert_eq!(all.queued.iter().map(|one| one.id).collect::<Vec<_>>(), [waits.id]);
    assert_eq!((all.ended.len(), all.ran.len(), all.more), (JUST_ENDED, JUST_ENDED + 3, false));
    assert_eq!(all.tally.count(&[Status::Succeeded], now), JUST_ENDED as u64 + 3);
    assert!(all.ran.iter().all(|ran| ran.finished_at.since(ran.started_at) == 5), "{:?}", all.ran);
    assert_eq!(all.head, journal.head().await.expect("a head"));

    let hers = of(Scope::Owner(name("bob")), now).await;
    assert_eq!((hers.running.len(), hers.queued.len(), hers.ran.len()), (0, 0, 7));
    assert_eq!(hers.tally.count(&[Status::Succeeded], now), 7);
    assert!(hers.ended.iter().all(|one| one.owner == name("bob")));

    let later = of(Scope::Everything, Timestamp(now.0 + 3_700_000)).await;
    assert_eq!((later.ran.len(), later.ended.len(), later.running.len()), (0, JUST_ENDED, 1), "an hour later");
}

#[tokio::test]
async fn a_journal_from_before_triggers_were_listed_by_lists_by_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = on_disk(folder.path()).await;
    let (api, webhook) = (Story::new("alice", "a"), Story::new("alice", "a"));
    for (story, trigger) in [(&api, Trigger::Api), (&webhook, Trigger::Webhook)] {
        journal.begin(story.queued_by(trigger), story.plan(), Beside::default()).await.expect("it begins");
        story.rest(&journal).await;
    }
    journal.close().await;
    // As an older version left it.
    let options = SqliteConnectOptions::new().filename(folder.path().join("journal.db"));
    let mut connection = options.connect().await.expect("it opens");
    for undo in [
        "drop index executions_started_by",
        "drop index executions_of_owner_started_by",
        "drop index executions_ended_started_by",
        "drop index executions_finished_of_owner",
        "alter table executions drop column started_by",
        "delete from _sqlx_migrations where description in ('filters', 'overview')",
    ] {
        sqlx::query(undo).execute(&mut connection).await.expect(undo);
    }
    drop(connection);

    let journal = on_disk(folder.path()).await;
    for (story, trigger) in [(&api, Trigger::Api), (&webhook, Trigger::Webhook)] {
        let query = Query { trigger: Some(trigger), ..Query::default() };
        let listing = journal.list(&Scope::Everything, &query).await.expect("a list");
        assert_eq!(listing.items.iter().map(|item| item.id).collect::<Vec<_>>(), [story.id]);
    }
}

#[tokio::test]
async fn retention_removes_the_oldest_that_have_ended_and_nothing_that_runs() {
    let journal = in_memory(&Feed::default()).await;
    let running = Story::new("alice", "a");
    running.begin(&journal).await;
    let ended: Vec<Story> = (0..5).map(|_| Story::new("alice", "a")).collect();
    for story in &ended {
        story.whole(&journal).await;
    }
    assert_eq!(journal.prune(Retention { count: Some(2), ..Retention::default() }).await.expect("pruned"), 3);
    for (story, kept) in
        [(&running, true), (&ended[0], false), (&ended[2], false), (&ended[3], true), (&ended[4], true)]
    {
        assert_eq!(journal.snapshot(story.id).await.expect("an answer").is_some(), kept);
    }
    let long_ago = Retention { ended_since: Some(Timestamp(5)), ..Retention::default() };
    assert_eq!(journal.prune(long_ago).await.expect("pruned"), 0);
    let all = Retention { ended_since: Some(Timestamp(i64::MAX)), ..Retention::default() };
    assert_eq!(journal.prune(all).await.expect("pruned"), 2);
    assert!(journal.snapshot(running.id).await.expect("an answer").is_some());
}

#[tokio::test]
async fn nothing_comes_after_the_final_fact() {
    let journal = in_memory(&Feed::default()).await;
    let story = Story::new("alice", "a");
    story.begin(&journal).await;
    journal.append(story.completed()).await;
    journal.append(story.completed()).await;
    journal.flush().await.expect("committed");
    journal.append(story.started()).await;
    journal.flush().await.expect("committed");
    assert_eq!(everything(&journal).await, [1, 2]);
}

#[tokio::test]
async fn what_has_not_ended_comes_back_with_its_plan_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = on_disk(folder.path()).await;
    let (ended, open) = (Story::new("alice", "a"), Story::new("bob", "b"));
    ended.whole(&journal).await;
    open.begin(&journal).await;
    journal.close().await;
    let journal = on_disk(folder.path()).await;
    let unfinished = journal.unfinished().await.expect("an answer");
    assert_eq!(unfinished.len(), 1);
    assert_eq!((unfinished[0].0.id, &unfinished[0].1), (open.id, open.plan().as_ref()));
    open.rest(&journal).await;
    assert!(journal.unfinished().await.expect("an answer").is_empty());
    assert_eq!(everything(&journal).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn the_key_of_a_request_is_remembered_for_a_day() {
    let journal = in_memory(&Feed::default()).await;
    let story = Story::new("alice", "a");
    let idempotent = Idempotent { key: "k".to_owned(), request: vec![1, 2] };
    journal
        .begin(story.queued(), story.plan(), Beside { idempotent: Some(idempotent), ..Beside::default() })
        .await
        .expect("begun");
    let now = crate::server::clock::now();
    let alice = journal.keyed(&name("alice"), "k", now).await.expect("an answer");
    assert_eq!(alice, Some((story.id, vec![1, 2])));
    assert_eq!(journal.keyed(&name("bob"), "k", now).await.expect("an answer"), None);
    let tomorrow = Timestamp(now.0 + 25 * 3_600_000);
    assert_eq!(journal.keyed(&name("alice"), "k", tomorrow).await.expect("an answer"), None);
}

#[tokio::test]
async fn an_execution_that_has_ended_keeps_no_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = on_disk(folder.path()).await;
    Story::new("alice", "a").whole(&journal).await;
    let plan: Option<String> = sqlx::query_scalar("select plan from executions")
        .fetch_one(&mut *journal.reader().await.expect("a reader"))
        .await
        .expect("a row");
    assert_eq!(plan, None);
    let value: Value = serde_json::to_value(Story::new("a", "a").plan()).expect("JSON");
    assert!(value.get("steps").is_some());
}
