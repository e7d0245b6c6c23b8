//! Events with a number in them, which readers find without parsing anything: `@` and eight digits. Nothing else that a
//! stream carries has an `@`.

use runcast::{
    domain::{
        event::{Event, Fact, PlannedStep, Source, Trigger},
        id::{ExecutionId, Name, StepId},
        log::{Line, Stream},
    },
    server::clock,
};

const MARK: u8 = b'@';
const DIGITS: usize = 8;

/// An execution that events are made for.
#[derive(Clone)]
pub struct Track {
    pub id: ExecutionId,
    pub owner: Name,
}

impl Track {
    /// The `n`th execution, of this owner.
    pub fn new(n: usize, owner: Name) -> Self {
        let n = u128::try_from(n).expect("a number of executions");
        Self { id: ExecutionId(uuid::Uuid::from_u128(0x0193_4f0e_7b1c_7000_8000_0000_0000_0001 + n)), owner }
    }

    /// What begins it.
    pub fn queued(&self) -> Fact {
        let steps = vec![PlannedStep { id: step(), name: "one".into(), needs: vec![], weight: 1.0 }];
        let queued =
            Event::ExecutionQueued { trigger: Trigger::Api, params: Default::default(), steps, rerun_of: None };
        self.fact(queued)
    }

    /// The event of this number, about 280 bytes as JSON.
    pub fn progress(&self, number: u32) -> Fact {
        self.fact(Event::StepProgress {
            step: step(),
            attempt: 1,
            percent: 42.5,
            message: Some(mark(number)),
            source: Source::Reported,
            execution_percent: 0.0,
            eta_ms: None,
            eta_range_ms: None,
        })
    }

    /// The same as a line of output, the `nth` of its step.
    pub fn output(&self, number: u32, nth: u64) -> Fact {
        let line = Line { at: clock::now(), stream: Stream::Out, text: mark(number), level: None, after_group: false };
        self.fact(Event::StepOutput { step: step(), attempt: 1, first_line: nth, lines: vec![line] })
    }

    /// What ends it.
    pub fn completed(&self) -> Fact {
        self.fact(Event::ExecutionCompleted { result: Default::default(), duration_ms: 1, percent: 100.0, lines: 0 })
    }

    pub fn fact(&self, event: Event) -> Fact {
        let workflow = "one".parse().expect("a name");
        Fact { at: clock::now(), execution_id: self.id, owner: self.owner.clone(), workflow, event }
    }
}

fn step() -> StepId {
    "one".parse().expect("an id")
}

fn mark(number: u32) -> String {
    format!("@{number:08}")
}

/// Makes what the yardsticks send: the JSON that Runcast sends for the same event, quickly.
#[derive(Clone)]
pub struct Maker {
    json: String,
    digits: std::ops::Range<usize>,
}

impl Maker {
    pub fn new() -> Self {
        let fact = Track::new(0, "root".parse().expect("a name")).progress(0);
        let json = serde_json::to_string(&fact).expect("a fact is plain JSON").replacen('{', "{\"seq\":12345,", 1);
        let begin = json.find(char::from(MARK)).expect("a mark") + 1;
        Self { json, digits: begin..begin + DIGITS }
    }

    pub fn json(&self, number: u32) -> String {
        let mut json = self.json.clone();
        json.replace_range(self.digits.clone(), &mark(number)[1..]);
        json
    }

    /// Adds the frame of an event.
    pub fn frame(&self, number: u32, frames: &mut Vec<u8>) {
        frames.extend_from_slice(b"id: 12345\ndata: ");
        let begin = frames.len();
        frames.extend_from_slice(self.json.as_bytes());
        let digits = begin + self.digits.start..begin + self.digits.end;
        frames[digits].copy_from_slice(&mark(number).as_bytes()[1..]);
        frames.extend_from_slice(b"\n\n");
    }
}

/// What one stream has brought so far.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    pub count: u64,
    /// The sum of all numbers' [`fingerprint`]s: right only if each came once.
    pub digest: u64,
    /// Digits of a number that are still to come, and the number as far as it is known: a read may end within one.
    missing: usize,
    number: u32,
}

impl Seen {
    /// Takes in what was read, and calls `found` with each number in it.
    pub fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(u32)) {
        loop {
            while self.missing > 0 {
                let Some((digit, rest)) = bytes.split_first() else { return };
                assert!(digit.is_ascii_digit(), "a number is broken by {digit:#04x}");
                self.number = self.number * 10 + u32::from(digit - b'0');
                self.missing -= 1;
                bytes = rest;
                if self.missing == 0 {
                    self.add(self.number);
                    found(self.number);
                }
            }
            let Some(at) = memchr::memchr(MARK, bytes) else { return };
            bytes = &bytes[at + 1..];
            (self.missing, self.number) = (DIGITS, 0);
        }
    }

    /// Counts an event in.
    pub fn add(&mut self, number: u32) {
        self.count += 1;
        self.digest = self.digest.wrapping_add(fingerprint(number));
    }
}

/// SplitMix64: numbers that are near each other get fingerprints that are not.
fn fingerprint(number: u32) -> u64 {
    let mut z = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
