//! Frames: facts and control messages as a stream carries them.
//!
//! The format is <https://html.spec.whatwg.org/multipage/server-sent-events.html>. A frame is `id: N`, one line of
//! data, an empty line. JSON has no line ends outside of strings, and in strings they are escaped.
//!
//! A client of HTTP/1.1 gets each frame as a chunk (<https://www.rfc-editor.org/rfc/rfc9112#section-7.1>): some
//! programs wait for a buffer to fill when an answer has none. An older one, and nginx by its defaults, gets them plain.

use std::fmt::Write as _;

use memchr::memmem;

use crate::domain::{
    event::{Control, EndReason},
    id::Seq,
};

/// How a connection carries frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// As they are, until the connection ends.
    Plain,
    /// Each as a chunk.
    Chunked,
}

impl Framing {
    /// Both.
    pub(super) const ALL: [Framing; 2] = [Framing::Plain, Framing::Chunked];

    /// Appends the frame of a fact. `body` is the fact as JSON without its opening brace and its `seq`.
    pub fn fact(self, out: &mut String, seq: Seq, body: &str) {
        let head = format!("id: {seq}\ndata: {{\"seq\":{seq},");
        let end = "\n\n";
        if self == Framing::Chunked {
            // Writing to a string can't fail.
            let _ = write!(out, "{:x}\r\n", head.len() + body.len() + end.len());
        }
        out.push_str(&head);
        out.push_str(body);
        out.push_str(end);
        if self == Framing::Chunked {
            out.push_str("\r\n");
        }
    }

    /// The frame of a control message, which has no id.
    pub(super) fn control(self, message: &Control) -> String {
        self.words(&control(message))
    }

    /// First on each stream: how long to wait before coming back, in milliseconds, and where the log stands.
    pub(super) fn hello(self, retry: u64, hello: &Control) -> String {
        // In one frame, since some programs take a frame with nothing but `retry` for a message.
        self.words(&format!("retry: {retry}\n{}", control(hello)))
    }

    /// What comes after the last frame.
    pub(super) fn last(self) -> &'static str {
        match self {
            Framing::Plain => "",
            Framing::Chunked => "0\r\n\r\n",
        }
    }

    fn words(self, text: &str) -> String {
        match self {
            Framing::Plain => text.to_owned(),
            Framing::Chunked => format!("{:x}\r\n{text}\r\n", text.len()),
        }
    }

    /// What a frame ends with; it is nowhere else in one.
    fn end(self) -> &'static [u8] {
        match self {
            Framing::Plain => b"\n\n",
            Framing::Chunked => b"\n\n\r\n",
        }
    }

    /// Where a reader stands after the first `sent` bytes of these frames: behind which fact, if behind any, with how
    /// many bytes of the next one, and how many frames that makes.
    pub(super) fn cut(self, frames: &[u8], sent: usize) -> (Option<Seq>, usize, usize) {
        let end = self.end();
        let ends: Vec<usize> = memmem::find_iter(frames.get(..sent).unwrap_or(frames), end).collect();
        let Some(last) = ends.last() else { return (None, sent, 0) };
        let begin = ends.len().checked_sub(2).map_or(0, |before| ends[before] + end.len());
        (id(&frames[begin..]), sent - last - end.len(), ends.len())
    }

    /// How long the first of these frames is.
    pub(super) fn first_len(self, frames: &[u8]) -> usize {
        memmem::find(frames, self.end()).map_or(frames.len(), |end| end + self.end().len())
    }
}

fn id(frame: &[u8]) -> Option<Seq> {
    const NAME: &[u8] = b"id: ";
    let digits = frame.get(memmem::find(frame, NAME)? + NAME.len()..)?;
    let line = digits.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

fn control(message: &Control) -> String {
    // A control message is made of words and numbers: it can always be written.
    let json = serde_json::to_string(message).expect("a control message is plain JSON");
    format!("data: {json}\n\n")
}

/// All that is said to a reader for whom there is no seat: when to come back, and why it ends.
pub fn full() -> String {
    let retry = rand::random_range(20_000..40_000);
    Framing::Plain.hello(retry, &Control::End { reason: EndReason::Limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_falls_behind_the_last_whole_frame() {
        for framing in Framing::ALL {
            let mut frames = String::new();
            framing.fact(&mut frames, Seq(7), "\"a\":1}");
            let first = frames.len();
            framing.fact(&mut frames, Seq(12), "\"b\":2}");
            let bytes = frames.as_bytes();
            assert_eq!(framing.first_len(bytes), first);
            for sent in 0..=bytes.len() {
                let expected = match sent {
                    sent if sent < first => (None, sent, 0),
                    sent if sent < bytes.len() => (Some(Seq(7)), sent - first, 1),
                    _ => (Some(Seq(12)), 0, 2),
                };
                assert_eq!(framing.cut(bytes, sent), expected, "{framing:?} {sent}");
            }
        }
    }

    #[test]
    fn a_chunk_says_how_long_it_is() {
        let mut chunk = String::new();
        Framing::Chunked.fact(&mut chunk, Seq(7), "\"ä\":1}");
        assert_eq!(chunk, "1e\r\nid: 7\ndata: {\"seq\":7,\"ä\":1}\n\n\r\n");
        assert_eq!(chunk.len(), "1e\r\n".len() + 0x1e + "\r\n".len());
    }
}
