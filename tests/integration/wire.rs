//! A stream as it is on the wire: a socket, the head of an HTTP/1.1 answer, its chunks, and the frames in them.

use std::{collections::BTreeMap, io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    app::{TestApp, User},
    stream::{Frame, Parser},
};

/// The answer to a request, as far as it has come.
#[derive(Default)]
pub struct Answer {
    place: Place,
    /// What came and is not understood yet.
    held: Vec<u8>,
    /// None until the head is whole.
    pub head: Option<Head>,
    /// The frames of its body.
    pub frames: Parser,
    /// The body itself, if it is no stream.
    pub body: Vec<u8>,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// `HTTP/1.1 200 OK`
    pub line: String,
    /// By lower-case names.
    pub fields: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    /// The line that says how long a chunk is.
    Size,
    /// A chunk, which so much is still to come of.
    Chunk(usize),
    /// The line end after a chunk.
    ChunkEnd,
    /// The line after the last chunk.
    LastLine,
    /// A body of so many bytes.
    Counted(usize),
    /// A body that ends with the connection.
    Endless,
    Whole,
}

impl Answer {
    /// The status; none until it has come.
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref().map(|head| head.line.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status"))
    }

    /// Whether its body has ended, as its framing says.
    pub fn is_whole(&self) -> bool {
        self.place == Place::Whole
    }

    /// Takes in what came; what is left belongs to the next answer.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        while self.step() {}
        if self.is_whole() { std::mem::take(&mut self.held) } else { Vec::new() }
    }

    /// Understands one piece; false if there is none.
    fn step(&mut self) -> bool {
        match self.place {
            Place::Head => {
                let Some(end) = memchr::memmem::find(&self.held, b"\r\n\r\n") else { return false };
                let head = Head::read(&self.held[..end]);
                self.held.drain(..end + 4);
                self.place = head.place();
                self.head = Some(head);
            }
            Place::Size => {
                let Some(line) = self.line() else { return false };
                let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no size of a chunk: {line:?}"));
                self.place = if size == 0 { Place::LastLine } else { Place::Chunk(size) };
            }
            Place::Chunk(left) => {
                let Some(had) = self.body(left) else { return false };
                self.place = if had == left { Place::ChunkEnd } else { Place::Chunk(left - had) };
            }
            Place::ChunkEnd => {
                let Some(line) = self.line() else { return false };
                assert_eq!(line, "", "a chunk is as long as it said");
                self.place = Place::Size;
            }
            Place::LastLine => {
                let Some(line) = self.line() else { return false };
                assert_eq!(line, "", "nothing comes after the last chunk");
                self.place = Place::Whole;
            }
            Place::Counted(0) => self.place = Place::Whole,
            Place::Counted(left) => {
                let Some(had) = self.body(left) else { return false };
                self.place = Place::Counted(left - had);
            }
            Place::Endless => return self.body(usize::MAX).is_some(),
            Place::Whole => return false,
        }
        true
    }

    fn line(&mut self) -> Option<String> {
        let end = memchr::memmem::find(&self.held, b"\r\n")?;
        let line = String::from_utf8(self.held.drain(..end + 2).collect()).expect("it is text");
        Some(line.trim_end().to_owned())
    }

    fn body(&mut self, most: usize) -> Option<usize> {
        let had = most.min(self.held.len());
        let bytes: Vec<u8> = self.held.drain(..had).collect();
        let streams = self
            .head
            .as_ref()
            .and_then(|head| head.fields.get("content-type"))
            .is_some_and(|kind| kind == "text/event-stream");
        if streams {
            self.frames.take(&bytes)
        } else {
            self.body.extend_from_slice(&bytes)
        }
        (had > 0).then_some(had)
    }
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("a head is text");
        let (line, rest) = text.split_once("\r\n").unwrap_or((text, ""));
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
            (name.to_lowercase(), value.to_owned())
        };
        Self { line: line.to_owned(), fields: rest.lines().map(field).collect() }
    }

    /// How the body is framed: <https://www.rfc-editor.org/rfc/rfc9112#section-6.3>.
    fn place(&self) -> Place {
        let length = self.fields.get("content-length").map(|length| length.parse().expect("it is a number"));
        match (self.fields.get("transfer-encoding").map(String::as_str), length) {
            // Both must not be sent; of who sends both all the same, the chunks are believed.
            (Some("chunked"), _) => Place::Size,
            (None, Some(length)) => Place::Counted(length),
            (None, None) if self.line.contains(" 204 ") => Place::Whole,
            (None, None) => Place::Endless,
            both => panic!("nobody can tell how long this body is: {both:?}"),
        }
    }
}

/// A connection on which one stream is read.
pub struct Wire {
    /// The socket.
    pub socket: TcpStream,
    /// What came.
    pub answer: Answer,
}

impl Wire {
    /// Asks for a stream, after a position by the header or by the address.
    pub async fn ask(address: &str, user: &User, path: &str, after: Option<u64>) -> io::Result<Self> {
        let header = after.map_or_else(String::new, |after| format!("last-event-id: {after}\r\n"));
        let socket = TcpSocket::new_v4()?.connect(parsed(address)).await?;
        Self::over(socket, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{header}{}\r\n", bearer(user))).await
    }

    /// Sends a request over a connection.
    pub async fn over(mut socket: TcpStream, request: &str) -> io::Result<Self> {
        socket.write_all(request.as_bytes()).await?;
        Ok(Self { socket, answer: Answer::default() })
    }

    /// Reads once, at most so many bytes; how many came.
    pub async fn read(&mut self, most: usize) -> io::Result<usize> {
        let mut bytes = vec![0; most.min(64 * 1024)];
        let had = self.socket.read(&mut bytes).await?;
        let rest = self.answer.take(&bytes[..had]);
        assert!(rest.is_empty(), "nothing was asked that this answers: {:?}", String::from_utf8_lossy(&rest));
        Ok(had)
    }

    /// The frames that are whole by now, each once.
    pub fn frames(&mut self) -> Vec<Frame> {
        self.answer.frames.ready.drain(..).collect()
    }

    /// All frames to the end of the connection.
    pub async fn rest(&mut self) -> Vec<Frame> {
        while self.read(64 * 1024).await.expect("the connection ends in good order") > 0 {}
        self.frames()
    }
}

/// The header that says who asks.
pub fn bearer(user: &User) -> String {
    format!("authorization: Bearer {}\r\n", user.token)
}

fn parsed(address: &str) -> SocketAddr {
    address.parse().expect("it is an address")
}

/// A connection whose kernel takes in little that is not read.
pub async fn narrow(app: &TestApp) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there is a socket");
    socket.set_recv_buffer_size(4096).expect("it can be small");
    socket.connect(parsed(&app.address)).await.expect("the server listens")
}
