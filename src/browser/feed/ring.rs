//! The last frames of a stream, so that a tab that comes a little late is told what it missed without asking the
//! server.

use std::collections::VecDeque;

use crate::domain::id::Seq;

/// Most frames that are kept of one stream.
const FRAMES: usize = 4096;
/// Most bytes of them, 2 MiB; a single larger one is kept alone.
const BYTES: usize = 2 << 20;

/// What a fact's frame begins with.
const PLACE: &str = "{\"seq\":";

/// The place of a frame's fact; none for a control message.
pub fn place(frame: &str) -> Option<Seq> {
    let rest = frame.strip_prefix(PLACE)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
    rest.get(..end)?.parse().ok().map(Seq)
}

/// All facts of a stream after one place and up to another.
#[derive(Debug)]
pub struct Ring {
    frames: VecDeque<(Seq, String)>,
    bytes: usize,
    from: Seq,
    to: Seq,
}

impl Ring {
    /// Of a stream that begins after this place.
    pub fn new(from: Seq) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, from, to: from }
    }

    /// The place after which it has everything.
    pub fn from(&self) -> Seq {
        self.from
    }

    /// The place up to which it has everything.
    pub fn to(&self) -> Seq {
        self.to
    }

    /// Takes the next frame; says whether it was new.
    pub fn push(&mut self, seq: Seq, frame: String) -> bool {
        if seq <= self.to {
            return false;
        }
        self.to = seq;
        self.bytes += frame.len();
        self.frames.push_back((seq, frame));
        while self.frames.len() > FRAMES || (self.bytes > BYTES && self.frames.len() > 1) {
            let Some((gone, frame)) = self.frames.pop_front() else { break };
            self.from = gone;
            self.bytes -= frame.len();
        }
        true
    }

    /// Nothing more came up to this place.
    pub fn reach(&mut self, to: Seq) {
        self.to = self.to.max(to);
    }

    /// What comes after a place; none if some of it is not here any more.
    pub fn after(&self, at: Seq) -> Option<impl Iterator<Item = &str>> {
        let begin = self.frames.partition_point(|(seq, _)| *seq <= at);
        (at >= self.from).then(|| self.frames.range(begin..).map(|(_, frame)| frame.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ring: &Ring, at: u64) -> Option<Vec<&str>> {
        ring.after(Seq(at)).map(Iterator::collect)
    }

    #[test]
    fn a_frame_tells_its_place_and_a_control_message_has_none() {
        assert_eq!(place(r#"{"seq":4812,"at":"2026"}"#), Some(Seq(4812)));
        assert_eq!(place(r#"{"kind":"caught_up","head":9}"#), None);
        assert_eq!(place(r#"{"seq":"#), None);
    }

    #[test]
    fn whoever_comes_late_gets_exactly_what_it_missed() {
        let mut ring = Ring::new(Seq(10));
        for seq in [12, 15, 15, 11, 20] {
            ring.push(Seq(seq), seq.to_string());
        }
        assert_eq!(after(&ring, 10), Some(vec!["12", "15", "20"]));
        assert_eq!(after(&ring, 13), Some(vec!["15", "20"]));
        assert_eq!(after(&ring, 99), Some(vec![]));
        assert_eq!(after(&ring, 9), None, "what came before it does not know");
    }

    #[test]
    fn what_is_pushed_out_is_not_claimed() {
        let mut ring = Ring::new(Seq(0));
        for seq in 1..=(FRAMES as u64 + 5) {
            ring.push(Seq(seq), "x".to_owned());
        }
        assert_eq!(ring.from(), Seq(5));
        assert_eq!(after(&ring, 4), None);
        assert_eq!(after(&ring, 5).map(|frames| frames.len()), Some(FRAMES));
        ring.push(Seq(9_000), "y".repeat(BYTES + 1));
        assert_eq!((ring.from(), after(&ring, 8_999).map(|frames| frames.len())), (Seq(FRAMES as u64 + 5), Some(1)));
    }
}
