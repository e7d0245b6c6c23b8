//! An engine with a journal over a folder of its own, without the server around them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use runcast::{
    domain::{
        access::{Role, Viewer},
        event::{Event, Recorded, Trigger},
        execution::{Execution, StepStatus},
        id::{ExecutionId, Name, Seq},
        log::Stream,
        workflow::Workflow,
    },
    server::{
        engine::{Engine, EngineSettings, Order},
        feed::{Feed, Framing, Link, Reader, Start},
        journal::{Beside, Journal, Place},
        metrics::JournalMetrics,
    },
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// No test waits longer for anything.
pub const LONGEST: Duration = Duration::from_secs(20);

/// A journal with an engine over a folder of its own.
pub struct House {
    pub folder: Arc<TempDir>,
    pub feed: Feed,
    pub journal: Journal,
    pub engine: Engine,
}

impl House {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut EngineSettings)) -> Self {
        Self::over(Arc::new(tempfile::tempdir().expect("a folder can be made")), change).await
    }

    /// Another life over the same folder.
    pub async fn over(folder: Arc<TempDir>, change: impl FnOnce(&mut EngineSettings)) -> Self {
        let (feed, tasks) = (Feed::default(), TaskTracker::new());
        let journal = Journal::open(
            Place::File(folder.path().join("journal.db")),
            Seq(0),
            feed.clone(),
            JournalMetrics::default(),
            &tasks,
        );
        let journal = journal.await.expect("the journal opens");
        let mut settings = EngineSettings {
            data: folder.path().to_owned(),
            limit: 4,
            grace: Duration::from_millis(300),
            program: env!("CARGO_BIN_EXE_runcast").into(),
            ..EngineSettings::default()
        };
        change(&mut settings);
        let engine = Engine::new(journal.clone(), settings);
        Self { folder, feed, journal, engine }
    }

    pub async fn start(&self, yaml: &str) -> Execution {
        self.start_with(yaml, json!({})).await
    }

    pub async fn start_with(&self, yaml: &str, params: Value) -> Execution {
        let workflow = workflow(yaml);
        let params: Map<String, Value> = serde_json::from_value(params).expect("an object");
        let params = workflow.bind(&params).expect("good parameters");
        let trigger = Trigger::Manual;
        let order =
            Order { workflow: Arc::new(workflow), params, owner: name("alice"), trigger, beside: Beside::default() };
        self.engine.start(order).await.expect("the journal is open")
    }

    /// Runs it to its end; all of its facts.
    pub async fn run(&self, yaml: &str) -> Facts {
        self.run_with(yaml, json!({})).await
    }

    pub async fn run_with(&self, yaml: &str, params: Value) -> Facts {
        let execution = self.start_with(yaml, params).await;
        self.facts(execution.id).await
    }

    pub async fn reader(&self, id: ExecutionId) -> Follow {
        let viewer = Viewer { name: name("alice"), role: Role::User, groups: Vec::new() };
        let link = Link { framing: Framing::Plain, revoked: CancellationToken::new() };
        let reader = self.feed.read_execution(&self.journal, &viewer, id, Start::Beginning, link).await;
        Follow { reader: reader.expect("alice may see it"), had: Vec::new() }
    }

    pub async fn facts(&self, id: ExecutionId) -> Facts {
        let mut follow = self.reader(id).await;
        follow.until(|event| event.is_final()).await;
        Facts(follow.had)
    }

    pub async fn snapshot(&self, id: ExecutionId) -> Execution {
        self.journal.flush().await.expect("the journal is open");
        self.journal.snapshot(id).await.expect("it can be read").expect("it is there")
    }

    pub fn work(&self, id: ExecutionId) -> PathBuf {
        self.folder.path().join("work").join(id.to_string())
    }
}

/// A stream of one execution's facts.
pub struct Follow {
    pub reader: Reader,
    pub had: Vec<Recorded>,
}

impl Follow {
    /// Reads on until such a fact is there.
    pub async fn until(&mut self, wanted: impl Fn(&Event) -> bool) {
        tokio::time::timeout(LONGEST, async {
            while !self.had.iter().any(|recorded| wanted(&recorded.fact.event)) {
                let piece = self.reader.next().await.expect("the stream goes on until the final fact");
                let text = String::from_utf8(piece.rest().to_vec()).expect("frames are text");
                self.reader.sent(&piece, text.len());
                let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
                self.had.extend(data.filter_map(|json| serde_json::from_str(json.trim()).ok()));
            }
        })
        .await
        .unwrap_or_else(|_| panic!("it did not come: {:#?}", self.had));
    }

    /// Reads on until a step has printed such a line.
    pub async fn until_printed(&mut self, wanted: &str) {
        self.until(|event| lines_of(event).any(|(_, line)| line == wanted)).await;
    }
}

pub fn lines_of(event: &Event) -> impl Iterator<Item = (Stream, &str)> {
    let lines = match event {
        Event::StepOutput { lines, .. } => lines.as_slice(),
        _ => &[],
    };
    lines.iter().map(|line| (line.stream, line.text.as_str()))
}

/// All facts of an execution.
pub struct Facts(pub Vec<Recorded>);

impl Facts {
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().map(|recorded| &recorded.fact.event)
    }

    pub fn last(&self) -> &Event {
        self.events().last().expect("there are facts")
    }

    /// The lines of a step, of both streams.
    pub fn lines(&self, id: &str) -> Vec<&str> {
        let of_step = |event: &&Event| matches!(event, Event::StepOutput { step, .. } if step.as_str() == id);
        self.events().filter(of_step).flat_map(lines_of).map(|(_, line)| line).collect()
    }

    pub fn fold(&self) -> Execution {
        let first = self.0.first().expect("there are facts");
        let mut execution = Execution::begin(first.seq, &first.fact).expect("the first is execution.queued");
        self.0[1..].iter().for_each(|recorded| assert!(execution.apply(recorded), "it changed nothing: {recorded:?}"));
        execution
    }

    /// Where each step ended, and what was said of it.
    pub fn steps(&self) -> BTreeMap<String, (StepStatus, String)> {
        let steps = self.fold().steps.into_iter();
        steps.map(|step| (step.id.to_string(), (step.status, step.error.unwrap_or_default()))).collect()
    }

    pub fn outcome(&self, id: &str) -> (StepStatus, String) {
        self.steps().remove(id).expect("there is such a step")
    }

    /// The place of a step's first fact of that kind.
    pub fn place(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().position(wanted).expect("there is such a fact")
    }
}

pub fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub fn workflow(yaml: &str) -> Workflow {
    Workflow::parse("test.yaml", "test", yaml).expect("a good workflow")
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < LONGEST, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process is there and has not ended.
pub fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
