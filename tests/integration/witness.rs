//! Somebody who follows a stream however often it breaks, and remembers all of it.

use std::{io, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{LONGEST, TestApp, User},
    dice::Dice,
    stream::{Fact, Frame, fact, seq},
    wire::Wire,
};

/// How somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// All that comes.
    Steady,
    /// So many bytes, and then hangs up, and comes back.
    Cutting,
    /// Nothing for a while, now and then.
    Dozing,
}

/// A reader and what it has seen.
pub struct Witness {
    user: User,
    address: String,
    path: String,
    habit: Habit,
    dice: Dice,
    over: CancellationToken,
    /// Every fact it was told of, in the order in which it was.
    pub facts: Vec<Fact>,
    /// How often it hung up itself.
    pub cuts: usize,
    /// How often it asked for the stream.
    pub asked: usize,
}

/// What became of a connection.
enum Came {
    /// It broke off, or was cut.
    Off,
    /// There is nothing more to come, ever.
    Whole,
}

impl Witness {
    /// Somebody who reads a stream from its first event on.
    pub fn new(app: &TestApp, user: &User, path: &str, habit: Habit, dice: &Dice, over: &CancellationToken) -> Self {
        let (user, address, path) = (user.clone(), app.address.clone(), path.to_owned());
        let (dice, over) = (dice.another(), over.clone());
        Self { user, address, path, habit, dice, over, facts: Vec::new(), cuts: 0, asked: 0 }
    }

    /// Reads until the stream says that nothing more comes, or `over` is cancelled and all was read that was there
    /// then.
    pub async fn read(mut self) -> Self {
        let mut heard = Instant::now();
        loop {
            // Whoever asks after the end of all reads to the head, and has it all.
            let last_time = self.over.is_cancelled();
            let had = self.facts.len();
            match self.once(last_time).await {
                Ok(Came::Whole) => return self,
                Ok(Came::Off) => heard = Instant::now(),
                Err(_) if had < self.facts.len() => heard = Instant::now(),
                Err(error) => {
                    assert!(heard.elapsed() < LONGEST, "{}: no stream for too long: {error}", self.path);
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    /// One connection, as long as it lasts.
    async fn once(&mut self, last_time: bool) -> io::Result<Came> {
        self.asked += 1;
        let mut wire = self.ask().await?;
        let mut budget = match self.habit {
            Habit::Cutting => self.dice.amount(100_000) as usize,
            Habit::Steady | Habit::Dozing => usize::MAX,
        };
        let most = if self.habit == Habit::Cutting && self.dice.once_in(6) { 1 } else { budget };
        if most == 1 {
            budget = budget.min(2_000);
        }
        let over = self.over.clone();
        while budget > 0 {
            if self.habit == Habit::Dozing && self.dice.once_in(20) {
                sleep(Duration::from_millis(self.dice.below(400))).await;
            }
            let had = tokio::select! {
                biased;
                had = timeout(LONGEST, wire.read(most.min(budget))) => had.expect("something comes, if only a heartbeat")?,
                () = over.cancelled(), if !last_time => return Ok(Came::Off),
            };
            budget -= had;
            let frames = wire.frames();
            let caught_up = frames.iter().any(|frame| frame.kind() == "caught_up");
            if self.note(frames) || last_time && caught_up && !self.is_own() {
                return Ok(Came::Whole);
            }
            match wire.answer.status() {
                Some(204) => return Ok(Came::Whole),
                None | Some(200) => {}
                Some(status) => panic!("{} was answered with {status}", self.path),
            }
            if had == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.cuts += 1;
        Ok(Came::Off)
    }

    /// Whether the stream is that of one execution, which has an end.
    fn is_own(&self) -> bool {
        self.path.starts_with("/api/executions/")
    }

    /// By the header or by the address, which is the same.
    async fn ask(&self) -> io::Result<Wire> {
        let after = self.facts.last().map_or(0, seq);
        if after == 0 && self.is_own() {
            return Wire::ask(&self.address, &self.user, &self.path, None).await;
        }
        if self.dice.once_in(2) {
            return Wire::ask(&self.address, &self.user, &self.path, Some(after)).await;
        }
        let sign = if self.path.contains('?') { '&' } else { '?' };
        Wire::ask(&self.address, &self.user, &format!("{}{sign}after={after}", self.path), None).await
    }

    /// Remembers what came; whether nothing more will.
    fn note(&mut self, frames: Vec<Frame>) -> bool {
        for frame in frames {
            assert_ne!(frame.kind(), "reset", "{}: something can't be replayed: {frame:?}", self.path);
            if frame.id.is_some() {
                let fact = fact(frame);
                let rises = self.facts.last().is_none_or(|last| seq(last) < seq(&fact));
                assert!(rises, "{}: {:?} came before {fact}", self.path, self.facts.last());
                self.facts.push(fact);
            } else if frame.kind() == "end" && frame.json["reason"] == "finished" {
                return true;
            }
        }
        false
    }

    /// That what it saw is what is there now: no more, no less, nothing else.
    pub async fn saw_the_truth(&self) {
        let truth = replay(&self.address, &self.user, &self.path).await;
        let differs = self.facts.iter().zip(&truth).find(|(saw, is)| saw != is);
        assert_eq!(differs, None, "{}: it saw the first, and the second is there", self.path);
        let (saw, is) = (self.facts.len(), truth.len());
        assert_eq!(saw, is, "{}: next are {:?} and {:?}", self.path, self.facts.get(is), truth.get(saw));
    }
}

/// All facts of a stream that are there now, read at one go.
pub async fn replay(address: &str, user: &User, path: &str) -> Vec<Fact> {
    let after = (!path.starts_with("/api/executions/")).then_some(0);
    let mut wire = Wire::ask(address, user, path, after).await.expect("the server is there");
    let mut facts = Vec::new();
    loop {
        let had = timeout(LONGEST, wire.read(64 * 1024)).await.expect("it comes in time").expect("it comes");
        for frame in wire.frames() {
            match frame.kind() {
                "caught_up" => return facts,
                "hello" | "heartbeat" | "workflows" => {}
                "reset" | "end" => panic!("{path}: {frame:?}"),
                _ => facts.push(fact(frame)),
            }
        }
        assert!(had > 0, "{path}: the stream ended in the middle");
    }
}

/// Witnesses at work.
#[derive(Default)]
pub struct Witnesses(Vec<tokio::task::JoinHandle<Witness>>);

impl Witnesses {
    /// Lets one begin.
    pub fn send(&mut self, witness: Witness) {
        self.0.push(tokio::spawn(witness.read()));
    }

    /// Waits for all of them, and checks what each has seen.
    pub async fn all_saw_the_truth(self) -> Vec<Witness> {
        let mut seen = Vec::new();
        for task in self.0 {
            let witness = timeout(4 * LONGEST, task).await.expect("it reads to the end").expect("it does not panic");
            witness.saw_the_truth().await;
            seen.push(witness);
        }
        seen
    }
}
