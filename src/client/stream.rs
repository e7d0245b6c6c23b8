//! An event stream that outlives its connections: goes on where it broke off.

use std::{collections::VecDeque, time::Duration};

use rand::Rng as _;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use super::{
    api::Api,
    error::ClientError,
    sse::{Frame, Reader},
};
use crate::domain::{
    event::{Control, EndReason, Recorded},
    id::Seq,
};

/// A link that brings nothing for two and a half heartbeats is dead.
const SILENCE_MAX: Duration = Duration::from_millis(37_500);
/// The first wait before connecting again, unless the server says another; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait before connecting again.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How long a server may be away before its streams are given up.
const AWAY_MAX: Duration = Duration::from_secs(15 * 60);

/// What a stream brings.
#[derive(Debug)]
pub enum Message {
    /// Something happened.
    Fact {
        /// What; none if this program is too old to know that kind.
        recorded: Option<Box<Recorded>>,
        /// The event as it came, one line of JSON.
        json: String,
    },
    /// What comes now is live.
    CaughtUp,
    /// Events are missing: look at snapshots; what comes now follows on them.
    Reset,
    /// The link is lost; it is being made again.
    Lost(String),
    /// The link is there again.
    Found,
    /// What keeps the server from telling what happens; said again while it does.
    Trouble(String),
    /// That was all.
    Ended,
}

/// An event stream.
#[derive(Debug)]
pub struct EventStream {
    api: Api,
    path: String,
    /// The last event that was given out, or where to begin.
    position: Option<Seq>,
    link: Option<Response>,
    reader: Reader,
    /// What the last bytes brought; at most what one read of the socket holds.
    ready: VecDeque<Frame>,
    /// What waits to be said before anything else.
    said: VecDeque<Message>,
    backoff: Backoff,
}

/// How long to wait before the next try.
#[derive(Debug)]
struct Backoff {
    first: Duration,
    tries: u32,
    lost_at: Option<Instant>,
}

impl Backoff {
    /// Between half and all of a span that doubles with each try, so that a thousand readers do not come back at once.
    fn wait(&self, random: f64) -> Duration {
        let span = self.first.saturating_mul(1u32 << self.tries.min(16)).min(LONGEST_WAIT);
        span.mul_f64(0.5 + 0.5 * random)
    }
}

/// What every event has.
#[derive(Deserialize)]
struct Head {
    seq: Option<Seq>,
}

impl EventStream {
    /// A stream after `position`, else from where the server begins it. Connects at the first [`EventStream::next`].
    pub fn new(api: Api, path: String, position: Option<Seq>) -> Self {
        Self {
            api,
            path,
            position,
            link: None,
            reader: Reader::default(),
            ready: VecDeque::new(),
            said: VecDeque::new(),
            backoff: Backoff { first: FIRST_WAIT, tries: 0, lost_at: None },
        }
    }

    /// The next message. Not cancel safe: waiting and connecting begin anew when it is dropped and called again.
    ///
    /// # Errors
    /// If the server was never reached, is away too long, refuses, or sends what is no event stream.
    pub async fn next(&mut self) -> Result<Message, ClientError> {
        loop {
            if let Some(message) = self.said.pop_front() {
                return Ok(message);
            }
            if let Some(frame) = self.ready.pop_front() {
                if let Some(message) = self.take(frame)? {
                    return Ok(message);
                }
                continue;
            }
            if self.link.is_some() {
                self.read().await?;
            } else if !self.connect().await? {
                return Ok(Message::Ended);
            }
        }
    }

    /// Says whether there is more to come.
    async fn connect(&mut self) -> Result<bool, ClientError> {
        if self.backoff.lost_at.is_some() {
            sleep(self.backoff.wait(rand::rng().random())).await;
        }
        let opened = timeout(SILENCE_MAX, self.api.stream(&self.path, self.position)).await.unwrap_or_else(|_| {
            Err(ClientError::Unreached { url: self.api.base().to_owned(), reason: "no answer came".to_owned() })
        });
        match opened {
            Ok(response) if response.status() == StatusCode::NO_CONTENT => Ok(false),
            Ok(response) => {
                self.link = Some(response);
                self.reader = Reader::default();
                if self.backoff.lost_at.take().is_some() {
                    self.said.push_back(Message::Found);
                }
                Ok(true)
            }
            Err(error) => self.try_again(error).map(|()| true),
        }
    }

    /// A server that stops, starts or is flooded is worth another try; a no is a no.
    fn try_again(&mut self, error: ClientError) -> Result<(), ClientError> {
        let passing = match &error {
            ClientError::Unreached { .. } => true,
            ClientError::Refused(problem) => problem.status == 429 || problem.status >= 500,
            _ => false,
        };
        let away = self.backoff.lost_at.map(|lost_at| lost_at.elapsed());
        if !passing || away.is_none_or(|away| away > AWAY_MAX) {
            return Err(error);
        }
        self.backoff.tries = self.backoff.tries.saturating_add(1);
        Ok(())
    }

    async fn read(&mut self) -> Result<(), ClientError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let reason = match timeout(SILENCE_MAX, link.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                let mut frames = Vec::new();
                self.reader.read(&bytes, &mut frames).map_err(|error| ClientError::Strange(error.to_string()))?;
                self.ready.extend(frames);
                return Ok(());
            }
            Ok(Ok(None)) => "the server closed it",
            Ok(Err(_)) => "it broke",
            Err(_) => "it is silent",
        };
        self.lose(reason);
        Ok(())
    }

    fn lose(&mut self, reason: &str) {
        self.link = None;
        self.ready.clear();
        if self.backoff.lost_at.is_none() {
            self.backoff.lost_at = Some(Instant::now());
            self.said.push_back(Message::Lost(reason.to_owned()));
        }
    }

    fn take(&mut self, frame: Frame) -> Result<Option<Message>, ClientError> {
        let data = match frame {
            Frame::Message { data, .. } => data,
            Frame::Retry(first) => {
                self.backoff.first = first.clamp(Duration::from_millis(100), LONGEST_WAIT);
                return Ok(None);
            }
        };
        self.backoff.tries = 0;
        let strange = |error: serde_json::Error| ClientError::Strange(error.to_string());
        let Head { seq } = serde_json::from_str(&data).map_err(strange)?;
        if let Some(seq) = seq {
            self.position = Some(seq);
            return Ok(Some(Message::Fact { recorded: serde_json::from_str(&data).ok(), json: data }));
        }
        match serde_json::from_str(&data) {
            Ok(control) => self.heed(&control),
            // A kind that is newer than this program.
            Err(_) => Ok(None),
        }
    }

    fn heed(&mut self, control: &Control) -> Result<Option<Message>, ClientError> {
        match control {
            Control::Hello { head, .. } => {
                // A stream of everything begins at the head; if it breaks before its first event, it goes on there.
                if self.position.is_none() && self.path == ALL {
                    self.position = Some(*head);
                }
                Ok(None)
            }
            Control::Heartbeat { trouble: Some(trouble), .. } => Ok(Some(Message::Trouble(trouble.clone()))),
            Control::Heartbeat { trouble: None, .. } | Control::Workflows { .. } => Ok(None),
            Control::CaughtUp { .. } => Ok(Some(Message::CaughtUp)),
            Control::Reset { head, .. } => {
                self.position = Some(*head);
                Ok(Some(Message::Reset))
            }
            Control::End { reason: EndReason::Finished } => Ok(Some(Message::Ended)),
            Control::End { reason: EndReason::Revoked } => Err(ClientError::Refused(revoked())),
            Control::End { reason: EndReason::Shutdown } => {
                self.lose("the server stops");
                Ok(None)
            }
            Control::End { reason: EndReason::Limit } => {
                self.lose("too many streams are open");
                Ok(None)
            }
            Control::End { reason: EndReason::Lagged } => {
                self.lose("it was read too slowly");
                Ok(None)
            }
        }
    }
}

/// The stream of everything one may see.
pub const ALL: &str = "/api/events";

fn revoked() -> crate::domain::problem::Problem {
    crate::domain::problem::Problem {
        kind: "about:blank".to_owned(),
        title: "Unauthorized".to_owned(),
        status: 401,
        detail: Some("what gave you the right to watch this was revoked".to_owned()),
        errors: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::arguments::ServerArgs;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    #[test]
    fn each_wait_is_longer_up_to_a_limit_and_never_the_same_for_all() {
        let wait = |tries, random| Backoff { first: FIRST_WAIT, tries, lost_at: None }.wait(random);
        assert_eq!(wait(0, 1.0), FIRST_WAIT);
        assert_eq!(wait(0, 0.0), FIRST_WAIT / 2);
        assert_eq!(wait(3, 1.0), FIRST_WAIT * 8);
        assert_eq!(wait(u32::MAX, 1.0), LONGEST_WAIT);
    }

    /// Serves one connection: gives back its request, sends an answer, and closes.
    async fn serve(listener: &TcpListener, answer: &str) -> String {
        let (mut socket, _) = listener.accept().await.expect("a connection comes");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(socket.read_u8().await.expect("a request comes"));
        }
        socket.write_all(answer.as_bytes()).await.expect("it can be written");
        String::from_utf8(request).expect("it is text").to_lowercase()
    }

    fn fact(seq: u64) -> String {
        let rest =
            r#""at":"2026-11-22T10:00:00.000Z","execution_id":"01934f0e-7b1c-7000-8000-000000000001","owner":"a""#;
        format!("id: {seq}\ndata: {{\"seq\":{seq},{rest},\"workflow\":\"w\",\"kind\":\"execution.started\"}}\n\n")
    }

    const OPEN: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

    async fn to_a_server() -> (TcpListener, EventStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let api = Api::new(&ServerArgs { url, token: None, json: false }).expect("it is an address");
        (listener, EventStream::new(api, "/api/executions/x/events".to_owned(), None))
    }

    async fn facts(stream: &mut EventStream) -> Vec<u64> {
        let mut seqs = Vec::new();
        loop {
            match stream.next().await.expect("the stream goes on") {
                Message::Fact { recorded, .. } => seqs.push(recorded.expect("it is known").seq.0),
                Message::Ended => return seqs,
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_goes_on_where_it_broke_off() {
        let (listener, mut stream) = to_a_server().await;
        let server = async {
            let whole = fact(2);
            let half = &whole[..whole.len() - 1];
            let first = serve(&listener, &format!("{OPEN}retry: 100\n\n{}{half}", fact(1))).await;
            let second = serve(&listener, "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            let end = "data: {\"kind\":\"end\",\"reason\":\"finished\"}\n\n";
            let third = serve(&listener, &format!("{OPEN}{}{}{end}", fact(2), fact(3))).await;
            [first, second, third]
        };
        let (requests, seqs) = tokio::join!(server, facts(&mut stream));
        assert_eq!(seqs, [1, 2, 3]);
        let asked = requests.map(|request| request.contains("last-event-id: 1\r\n"));
        assert_eq!(asked, [false, true, true]);
    }

    #[tokio::test]
    async fn a_refusal_ends_a_stream_at_once_also_in_its_middle() {
        let (listener, mut stream) = to_a_server().await;
        let server = async {
            serve(&listener, &format!("{OPEN}retry: 100\n\n{}", fact(1))).await;
            serve(&listener, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        };
        let client = async {
            loop {
                if let Err(error) = stream.next().await {
                    return error;
                }
            }
        };
        let ((), error) = tokio::join!(server, client);
        assert!(matches!(error, ClientError::Refused(problem) if problem.status == 404));
    }

    #[tokio::test]
    async fn a_server_that_was_never_there_is_not_waited_for() {
        let (listener, mut stream) = to_a_server().await;
        drop(listener);
        assert!(matches!(stream.next().await, Err(ClientError::Unreached { .. })));
    }

    #[tokio::test]
    async fn after_a_reset_it_goes_on_from_the_head_that_came_with_it() {
        let (listener, mut stream) = to_a_server().await;
        let reset = "data: {\"kind\":\"reset\",\"reason\":\"expired\",\"head\":41}\n\n";
        let server = async {
            serve(&listener, &format!("{OPEN}retry: 100\n\n{}{reset}", fact(1))).await;
            serve(&listener, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await
        };
        let (second, seqs) = tokio::join!(server, facts(&mut stream));
        assert_eq!(seqs, [1]);
        assert!(second.contains("last-event-id: 41\r\n"), "{second}");
    }
}
