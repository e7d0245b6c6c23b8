//! The handle on the readers' process.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    marked::Seen,
    reading::{Plan, Report, WORD},
};

/// How long events may take to arrive; longer means that some never will.
const LATEST: Duration = Duration::from_secs(60);

pub struct Readers {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    streams: u64,
}

/// What the readers had in the end.
pub struct Arrived {
    pub report: Report,
    /// The number of each event that came, and when.
    pub arrivals: Vec<(u32, u64)>,
}

impl Readers {
    /// Returns when every stream is open and has had its opening words.
    pub async fn open(plan: &Plan) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg(WORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the readers start");
        let orders = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut readers = Self { child, orders, answers, streams: plan.streams.len() as u64 };
        readers.order(&serde_json::to_string(plan).expect("plain JSON")).await;
        assert_eq!(readers.answer().await, "open", "the readers can't open their streams");
        readers
    }

    /// Returns when so many events have come, counted over all streams since they were opened.
    pub async fn reached(&mut self, total: u64) {
        self.order(&format!("goal {total}")).await;
        let answer = tokio::time::timeout(LATEST, self.answer()).await;
        assert_eq!(answer.as_deref(), Ok("reached"), "{total} events were to arrive");
    }

    /// Returns when every reader has had the events up to this one, of a load that concerns all readers.
    pub async fn through(&mut self, number: u32) {
        self.reached((u64::from(number) + 1) * self.streams).await;
    }

    pub async fn finish(mut self) -> Arrived {
        self.order("finish").await;
        let report: Report = serde_json::from_str(&self.answer().await).expect("a report");
        let mut bytes = vec![0; report.arrivals * 12];
        self.answers.read_exact(&mut bytes).await.expect("arrivals");
        let arrivals = bytes.chunks_exact(12).map(arrival).collect();
        self.child.wait().await.expect("the readers end");
        Arrived { report, arrivals }
    }

    async fn order(&mut self, line: &str) {
        self.orders.write_all(format!("{line}\n").as_bytes()).await.expect("the readers live");
    }

    async fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).await.expect("the readers live");
        line.trim_end().to_owned()
    }
}

impl Arrived {
    /// Panics unless the stream at this place had what was expected, each event once.
    pub fn check(&self, place: usize, expected: &Seen) {
        let (count, digest, ended) = self.report.streams[place];
        assert!(!ended, "stream {place} has ended");
        assert_eq!(count, expected.count, "events on stream {place}");
        assert_eq!(digest, expected.digest, "stream {place} had some events twice and others never");
    }
}

fn arrival(bytes: &[u8]) -> (u32, u64) {
    let (number, at) = bytes.split_at(4);
    (
        u32::from_le_bytes(number.try_into().expect("four bytes")),
        u64::from_le_bytes(at.try_into().expect("eight bytes")),
    )
}
