//! Reads an event stream as the HTML standard says (section 9.2.6, "Interpreting an event stream").

use std::time::Duration;

/// Largest event, in bytes of its lines; far above what the server sends, far below what hurts.
pub const EVENT_MAX: usize = 16 * 1024 * 1024;

/// What a stream brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An event.
    Message {
        /// The last id that was given, by this event or one before.
        id: Option<String>,
        /// Its data lines, joined by line feeds.
        data: String,
    },
    /// How long to wait before connecting again.
    Retry(Duration),
}

/// An event that is larger than [`EVENT_MAX`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than 16 MiB")]
pub struct TooLarge;

/// Takes a stream's bytes as they come, cut anywhere, and gives its frames.
#[derive(Debug, Default)]
pub struct Reader {
    /// The line that has begun; with `data` at most [`EVENT_MAX`] bytes.
    line: Vec<u8>,
    /// The event that has begun.
    data: String,
    has_data: bool,
    id: Option<String>,
    /// The last byte was a CR, so that an LF now belongs to it.
    after_cr: bool,
    /// A first line has ended, so that no byte order mark can come any more.
    begun: bool,
}

impl Reader {
    /// Takes the next bytes and adds the frames that they complete.
    ///
    /// # Errors
    /// If an event grows too large; the stream is of no use then.
    pub fn read(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), TooLarge> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + self.data.len() + part.len() > EVENT_MAX {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            frames.extend(self.end_line());
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(.."\u{feff}".len());
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let text = String::from_utf8_lossy(&line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        self.take(field, value.strip_prefix(' ').unwrap_or(value))
    }

    /// A comment is a field without a name; other fields that nobody knows are passed over.
    fn take(&mut self, field: &str, value: &str) -> Option<Frame> {
        match field {
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()).filter(|id| !id.is_empty()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                return value.parse().ok().map(|ms| Frame::Retry(Duration::from_millis(ms)));
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Frame> {
        self.has_data = false;
        let data = std::mem::take(&mut self.data);
        (!data.is_empty()).then(|| Frame::Message { id: self.id.clone(), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunks: &[&[u8]]) -> Vec<Frame> {
        let mut reader = Reader::default();
        let mut frames = Vec::new();
        for chunk in chunks {
            reader.read(chunk, &mut frames).expect("it is small");
        }
        frames
    }

    fn message(id: Option<&str>, data: &str) -> Frame {
        Frame::Message { id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn an_event_has_its_lines_joined_and_its_id() {
        let frames = read(&[b"id: 7\ndata: one\ndata:two\ndata\n\n: a comment\n\ndata: three\n\n"]);
        assert_eq!(frames, [message(Some("7"), "one\ntwo\n"), message(Some("7"), "three")]);
    }

    #[test]
    fn lines_end_with_lf_cr_or_both() {
        for end in ["\n", "\r", "\r\n"] {
            let text = ["id:1", "data:a", "", "data:b", "", ""].join(end);
            assert_eq!(read(&[text.as_bytes()]), [message(Some("1"), "a"), message(Some("1"), "b")], "{end:?}");
        }
    }

    #[test]
    fn an_event_without_data_or_without_its_end_is_none() {
        assert_eq!(read(&[b"event: x\n\nid: 3\n\ndata:\n\ndata: cut off\n"]), []);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_at_the_beginning_only() {
        assert_eq!(read(&["\u{feff}data: a\n\n\u{feff}data: b\n\n".as_bytes()]), [message(None, "a")]);
    }

    #[test]
    fn an_id_with_nul_is_ignored_and_an_empty_one_forgets() {
        assert_eq!(
            read(&[b"id: 5\nid: 6\0\ndata: a\n\nid\ndata: b\n\n"]),
            [message(Some("5"), "a"), message(None, "b")]
        );
    }

    #[test]
    fn retry_is_digits_or_nothing() {
        assert_eq!(read(&[b"retry: 1500\nretry: 2s\nretry:\n"]), [Frame::Retry(Duration::from_millis(1500))]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = Reader::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 1024 * 1024], b"\n"].concat();
        let mut frames = Vec::new();
        let refused = (0..17).map(|_| reader.read(&line, &mut frames)).find(Result::is_err);
        assert_eq!(refused, Some(Err(TooLarge)));
        assert!(reader.line.len() + reader.data.len() <= EVENT_MAX);
    }

    proptest! {
        #[test]
        fn any_way_of_cutting_the_bytes_gives_the_same_events(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "data", "id", "retry", "event", ":", ": ", " ", "\n", "\r", "\r\n", "\n\n", "7", "é", "\u{feff}", "x", "\0",
                ]),
                0..60,
            ),
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let text = pieces.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(&chunks), read(&[text.as_bytes()]));
        }
    }
}
