//! A reader of server-sent events, written from the standard and the contract alone.

use std::{collections::VecDeque, time::Duration};

use reqwest::{RequestBuilder, Response, StatusCode, header::HeaderMap};
use runcast::domain::{event::Recorded, execution::Execution};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::app::{LONGEST, answer};

/// An event with an id, as it came.
pub type Fact = Value;

/// A frame of a stream.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its `id:` field.
    pub id: Option<u64>,
    /// Its `data:`.
    pub json: Value,
}

impl Frame {
    /// What it tells.
    pub fn kind(&self) -> &str {
        self.json["kind"].as_str().expect("each event has a kind")
    }
}

/// An open stream. To drop it is to hang up.
pub struct Events {
    response: Response,
    parser: Parser,
}

/// Makes frames of the bytes of a body, however they were cut.
#[derive(Default)]
pub struct Parser {
    held: Vec<u8>,
    /// Frames that are whole and were not looked at yet.
    pub ready: VecDeque<Frame>,
    /// How often the server said when to come back.
    pub retries: usize,
}

impl Events {
    /// Opens a stream that must be there.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = answer(request).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", response.url());
        let says = |name| response.headers().contains_key(name);
        assert!(!(says("content-length") && says("transfer-encoding")), "it says in one way how long it is");
        Self { response, parser: Parser::default() }
    }

    /// The head of the answer.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next frame; none when the server has closed the stream, or is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        timeout(LONGEST, self.frame()).await.expect("something comes, if only a heartbeat")
    }

    async fn frame(&mut self) -> Option<Frame> {
        while self.parser.ready.is_empty() {
            let bytes = self.response.chunk().await.ok()??;
            self.parser.take(&bytes);
        }
        self.parser.ready.pop_front()
    }

    /// How often the server said when to come back.
    pub fn retries(&self) -> usize {
        self.parser.retries
    }

    /// Reads on until a frame is such; all frames up to it.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let (mut had, end) = (Vec::new(), Instant::now() + LONGEST);
        loop {
            let Ok(next) = timeout_at(end, self.frame()).await else { panic!("{what} did not come: {had:#?}") };
            let Some(frame) = next else { panic!("the stream ended before {what}: {had:#?}") };
            had.push(frame);
            if had.last().is_some_and(&wanted) {
                return had;
            }
        }
    }

    /// Reads on to the first frame of a kind, and gives that one.
    pub async fn until_kind(&mut self, kind: &str) -> Value {
        let had = self.until(kind, |frame| frame.kind() == kind).await;
        had.last().expect("it came").json.clone()
    }

    /// Reads on until the stream is live.
    pub async fn live(mut self) -> Self {
        self.until_kind("caught_up").await;
        self
    }

    /// The facts up to and with the final one of so many executions.
    pub async fn facts_of(&mut self, executions: usize) -> Vec<Fact> {
        let (mut facts, end) = (Vec::new(), Instant::now() + 4 * LONGEST);
        let mut ended = 0;
        while ended < executions {
            let next = timeout_at(end, self.frame()).await.expect("they end in time");
            let frame = next.unwrap_or_else(|| panic!("the stream ended after {ended} of {executions}"));
            if frame.id.is_some() {
                ended += usize::from(is_final(&frame.json));
                facts.push(fact(frame));
            }
        }
        facts
    }

    /// All facts to the end of the stream, which must come.
    pub async fn facts(self) -> Vec<Fact> {
        self.frames().await.into_iter().filter(|frame| frame.id.is_some()).map(fact).collect()
    }

    /// All frames to the end of the stream, which must come.
    pub async fn frames(mut self) -> Vec<Frame> {
        let mut had = Vec::new();
        while let Some(frame) = self.next().await {
            had.push(frame);
        }
        had
    }

    /// Reads to the end of the stream; why the server says it closed it, and how long that took.
    pub async fn end(mut self) -> (String, Duration) {
        let begun = Instant::now();
        let end = self.until_kind("end").await;
        let took = begun.elapsed();
        assert!(self.next().await.is_none(), "nothing comes after the end");
        (end["reason"].as_str().expect("it says why").to_owned(), took)
    }
}

impl Parser {
    /// Takes in what came.
    pub fn take(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        while let Some(end) = memchr::memmem::find(&self.held, b"\n\n") {
            let frame: Vec<u8> = self.held.drain(..end + 2).collect();
            let (mut id, mut data) = (None, None::<String>);
            for line in std::str::from_utf8(&frame).expect("a stream is UTF-8").lines().filter(|line| !line.is_empty())
            {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "" => {}
                    "id" => id = Some(value.parse().expect("an id is a number")),
                    "data" => data = Some(data.map_or(String::new(), |data| data + "\n") + value),
                    "retry" => self.retries += usize::from(value.parse::<u64>().is_ok()),
                    other => panic!("onmessage would not get a frame with the field {other:?}"),
                }
            }
            if let Some(data) = data {
                let json = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"));
                self.ready.push_back(Frame { id, json });
            }
        }
    }
}

/// The fact that a frame with an id holds.
pub fn fact(frame: Frame) -> Fact {
    assert_eq!(frame.json["seq"].as_u64(), frame.id, "the id is the seq: {frame:?}");
    frame.json
}

/// Whether nothing comes after it in its execution.
pub fn is_final(fact: &Fact) -> bool {
    matches!(fact["kind"].as_str(), Some("execution.completed" | "execution.failed" | "execution.cancelled"))
}

/// The place of a fact in the order of all.
pub fn seq(fact: &Fact) -> u64 {
    fact["seq"].as_u64().expect("each fact has its place")
}

/// The kinds of facts, in their order.
pub fn kinds(facts: &[Fact]) -> Vec<&str> {
    facts.iter().map(|fact| fact["kind"].as_str().expect("each has a kind")).collect()
}

/// The first fact of a kind.
pub fn first<'a>(facts: &'a [Fact], kind: &str) -> &'a Fact {
    facts.iter().find(|fact| fact["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {:?}", kinds(facts)))
}

/// The texts of a step's lines.
pub fn lines<'a>(facts: &'a [Fact], step: &str) -> Vec<&'a str> {
    let of_step = facts.iter().filter(|fact| fact["kind"] == "step.output" && fact["step"] == step);
    let lines = of_step.flat_map(|fact| fact["lines"].as_array().expect("output has lines"));
    lines.map(|line| line["text"].as_str().expect("a line has text")).collect()
}

/// That each place comes once, in order.
pub fn assert_in_order(facts: &[Fact]) {
    assert!(facts.is_sorted_by(|one, next| seq(one) < seq(next)), "{:?}", facts.iter().map(seq).collect::<Vec<_>>());
}

/// What an execution is, as the sum of its facts.
pub fn fold(facts: &[Fact]) -> Value {
    let recorded = |fact: &Fact| serde_json::from_value::<Recorded>(fact.clone()).expect("it is a fact");
    let begin = recorded(&facts[0]);
    let mut execution = Execution::begin(begin.seq, &begin.fact).expect("the first is execution.queued");
    for fact in &facts[1..] {
        assert!(execution.apply(&recorded(fact)), "it changed nothing: {fact}");
    }
    let mut snapshot = serde_json::to_value(&execution).expect("it is JSON");
    snapshot["hash"] = execution.state_hash().to_string().into();
    snapshot
}
