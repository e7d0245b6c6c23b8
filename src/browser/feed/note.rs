//! What the tabs of a browser say to each other, as text: a line of words, then frames as the server sent them.
//!
//! Three kinds of channel: `up`, to whoever leads; `down`, from the leader to all; and one for each address that a
//! stream is read from, which only those who follow it listen to.

use crate::domain::id::Seq;

/// Which tab.
pub type TabId = u64;

/// A tab's time as the leader: since when, and who. The greater one stays: it began because the other was silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// Milliseconds since 1970.
    pub since: u64,
    /// Whose.
    pub tab: TabId,
}

/// To the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Up {
    /// A tab follows an address.
    Want(Want),
    /// A tab follows an address no more; without one: it is closed.
    Bye(TabId, Option<String>),
}

/// What a tab needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Which tab.
    pub tab: TabId,
    /// All up to there it has.
    pub at: Seq,
    /// Whether somebody sees it.
    pub seen: bool,
    /// Whether it wants to be told what comes after `at`, and how the stream stands; else it only shows that it is
    /// there.
    pub join: bool,
    /// The stream's address, without `after`.
    pub address: String,
}

/// To all tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// This one leads, now.
    Lead(Term),
    /// The leader is closed.
    Bye(TabId),
    /// Nobody is signed in any more.
    Out,
    /// Somebody else is signed in, or may see other things than before.
    Changed,
}

/// How a stream stands that tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standstill {
    /// It broke; the server answers.
    Reconnecting,
    /// No server answers.
    Offline,
    /// Others have their turn.
    Waiting,
}

/// To those who follow an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// Frames. Who has all up to `from` has all up to `to` with them.
    Batch {
        /// The place before the first.
        from: Seq,
        /// The place that they lead to.
        to: Seq,
        /// Facts and control messages, in order.
        frames: Vec<&'a str>,
    },
    /// Who has not all up to there must fetch a snapshot, and has all up to there with it.
    Stale(Seq),
    /// Everybody must, since what they have may be of another time.
    Reset(Seq),
    /// Nothing can be told now.
    State(Standstill),
}

/// What a page was told, and by whom. Facts are true whoever tells them; how a stream stands only its leader knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// In which term it was told.
    pub by: Term,
    /// What.
    pub told: Told<'a>,
}

impl Up {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Up::Want(Want { tab, at, seen, join, address }) => {
                format!("want {tab} {at} {} {} {address}", u8::from(*seen), u8::from(*join))
            }
            Up::Bye(tab, address) => format!("bye {tab} {}", address.as_deref().unwrap_or_default()),
        }
    }

    /// Reads [`Up::text`]; none if it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.splitn(6, ' ');
        let (kind, tab) = (words.next()?, words.next()?.parse().ok()?);
        match kind {
            "bye" => Some(Up::Bye(tab, words.next().filter(|address| !address.is_empty()).map(str::to_owned))),
            "want" => Some(Up::Want(Want {
                tab,
                at: seq(words.next()?)?,
                seen: words.next()? == "1",
                join: words.next()? == "1",
                address: words.next()?.to_owned(),
            })),
            _ => None,
        }
    }
}

impl Down {
    /// As text.
    pub fn text(self) -> String {
        match self {
            Down::Lead(Term { since, tab }) => format!("lead {since} {tab}"),
            Down::Bye(tab) => format!("bye {tab}"),
            Down::Out => "out".to_owned(),
            Down::Changed => "changed".to_owned(),
        }
    }

    /// Reads [`Down::text`]; none if it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(match words.next()? {
            "lead" => Down::Lead(Term { since: words.next()?.parse().ok()?, tab: words.next()?.parse().ok()? }),
            "bye" => Down::Bye(words.next()?.parse().ok()?),
            "out" => Down::Out,
            "changed" => Down::Changed,
            _ => return None,
        })
    }
}

impl Told<'_> {
    /// As text, told in this term. No frame has a line feed: the server sends each as one line.
    pub fn text(&self, by: Term) -> String {
        let Term { since, tab } = by;
        match self {
            Told::Batch { from, to, frames } => {
                let length: usize = frames.iter().map(|frame| frame.len() + 1).sum();
                let mut text = format!("{since} {tab} batch {from} {to}");
                text.reserve(length);
                for frame in frames {
                    text.push('\n');
                    text.push_str(frame);
                }
                text
            }
            Told::Stale(from) => format!("{since} {tab} stale {from}"),
            Told::Reset(head) => format!("{since} {tab} reset {head}"),
            Told::State(Standstill::Reconnecting) => format!("{since} {tab} state reconnecting"),
            Told::State(Standstill::Offline) => format!("{since} {tab} state offline"),
            Told::State(Standstill::Waiting) => format!("{since} {tab} state waiting"),
        }
    }
}

impl<'a> Word<'a> {
    /// Reads [`Told::text`]; none if it is something else.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut words = lines.next()?.split(' ');
        let by = Term { since: words.next()?.parse().ok()?, tab: words.next()?.parse().ok()? };
        let (kind, word) = (words.next()?, words.next()?);
        let told = match kind {
            "batch" => Told::Batch { from: seq(word)?, to: seq(words.next()?)?, frames: lines.collect() },
            "stale" => Told::Stale(seq(word)?),
            "reset" => Told::Reset(seq(word)?),
            "state" => Told::State(match word {
                "offline" => Standstill::Offline,
                "waiting" => Standstill::Waiting,
                _ => Standstill::Reconnecting,
            }),
            _ => return None,
        };
        Some(Self { by, told })
    }
}

fn seq(word: &str) -> Option<Seq> {
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_is_heard() {
        let address = "/api/events?owner=ann".to_owned();
        for up in [
            Up::Want(Want { tab: 7, at: Seq(48_213), seen: true, join: false, address }),
            Up::Bye(9_007_199_254_740_991, None),
            Up::Bye(7, Some("/api/events".to_owned())),
        ] {
            assert_eq!(Up::read(&up.text()), Some(up));
        }
        let term = Term { since: 1_790_000_000_000, tab: 3 };
        for down in [Down::Lead(term), Down::Bye(3), Down::Out, Down::Changed] {
            assert_eq!(Down::read(&down.text()), Some(down));
        }
        let frames = vec![r#"{"seq":5,"text":"a \n b c"}"#, r#"{"kind":"caught_up","head":6}"#];
        for told in [
            Told::Batch { from: Seq(4), to: Seq(6), frames },
            Told::Batch { from: Seq(4), to: Seq(4), frames: vec![] },
            Told::Stale(Seq(8)),
            Told::Reset(Seq(0)),
            Told::State(Standstill::Offline),
            Told::State(Standstill::Waiting),
            Told::State(Standstill::Reconnecting),
        ] {
            assert_eq!(Word::read(&told.text(term)), Some(Word { by: term, told: told.clone() }));
        }
    }

    #[test]
    fn what_is_not_understood_is_not_heard() {
        for text in ["", "want", "want x 1 1 1 /a", "bye", "lead 1", "batch 1", "1 2 batch 1", "nonsense 1 2"] {
            assert_eq!((Up::read(text), Down::read(text), Word::read(text)), (None, None, None), "{text}");
        }
    }
}
