//! Finding a text in lines of output, whatever its case: the server counts with it, the page marks with it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Longest text that is looked for, in characters.
pub const NEEDLE_MAX: usize = 256;
/// Most places that one answer names.
pub const FOUND_MAX: usize = 5_000;

/// What was found in a part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How many lines hold the text, from the line that was asked for up to `next`.
    pub total: u64,
    /// Their numbers, in order; the first [`FOUND_MAX`] at most.
    pub lines: Vec<u64>,
    /// The first line that was not looked at.
    pub next: u64,
    /// Whether there are lines from `next` on: the time for one answer was up.
    pub more: bool,
}

/// A text that is looked for: a substring, in any case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Needle {
    /// Lower case.
    chars: Vec<char>,
    /// The same, if it is ASCII and so found byte by byte.
    ascii: Option<Vec<u8>>,
}

impl Needle {
    /// None if there is nothing to look for, or more than [`NEEDLE_MAX`].
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=NEEDLE_MAX).contains(&text.chars().count());
        let ascii = text.is_ascii().then(|| text.to_ascii_lowercase().into_bytes());
        fits.then(|| Self { chars: text.chars().flat_map(char::to_lowercase).collect(), ascii })
    }

    /// Whether `text` holds it.
    pub fn is_in(&self, text: &str) -> bool {
        self.next_in(text, 0).is_some()
    }

    /// Where `text` holds it: ranges of bytes that do not overlap, in order, `most` of them at most.
    pub fn ranges(&self, text: &str, most: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        while found.len() < most {
            let from = found.last().map_or(0, |last| last.end);
            let Some(next) = self.next_in(text, from) else { break };
            found.push(next);
        }
        found
    }

    /// Whether `bytes` may hold it, in a form where everything but plain ASCII may be written in another way. False
    /// only if they do not.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || *byte == b' ';
        match &self.ascii {
            Some(needle) if needle.iter().all(plain) => find(needle, bytes, 0).is_some(),
            _ => true,
        }
    }

    fn next_in(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if let Some(needle) = &self.ascii {
            return find(needle, text.as_bytes(), from).map(|at| at..at + needle.len());
        }
        let rest = text.get(from..)?;
        rest.char_indices().find_map(|(at, _)| {
            let length = self.length_at(rest.get(at..)?)?;
            Some(from + at..from + at + length)
        })
    }

    /// How many bytes of `text` it takes, if `text` begins with it.
    fn length_at(&self, text: &str) -> Option<usize> {
        let mut wanted = self.chars.iter();
        for (at, char) in text.char_indices() {
            for lower in char.to_lowercase() {
                match wanted.next() {
                    None => return Some(at),
                    Some(wanted) if *wanted == lower => {}
                    Some(_) => return None,
                }
            }
            if wanted.as_slice().is_empty() {
                return Some(at + char.len_utf8());
            }
        }
        None
    }
}

/// Where the first `needle`, in lower case, is in `bytes` from `from` on.
fn find(needle: &[u8], bytes: &[u8], from: usize) -> Option<usize> {
    let first = *needle.first()?;
    let rest = bytes.get(from..)?;
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), rest)
        .find(|at| rest.get(*at..at + needle.len()).is_some_and(|here| here.eq_ignore_ascii_case(needle)))
        .map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needle(text: &str) -> Needle {
        Needle::new(text).expect("there is something to look for")
    }

    #[test]
    fn a_text_is_found_in_any_case_and_place() {
        assert_eq!(needle("err").ranges("Error, ERR and terr", 9), [0..3, 7..10, 16..19]);
        assert_eq!(needle("ÄPFEL").ranges("zwei äpfel", 9).first(), Some(&(5..11)));
        assert_eq!(needle("aa").ranges("aaaaa", 9), [0..2, 2..4]);
        assert_eq!(needle("a").ranges("aaaaa", 3).len(), 3);
        assert!(!needle("abc").is_in("ab"));
    }

    #[test]
    fn nothing_and_too_much_is_not_looked_for() {
        assert_eq!(Needle::new(""), None);
        assert_eq!(Needle::new(&"x".repeat(NEEDLE_MAX + 1)), None);
    }

    proptest! {
        #[test]
        fn it_finds_what_lower_case_finds(hay in "[a-cA-Cäß]{0,12}", text in "[a-cA-Cä]{1,3}") {
            prop_assert_eq!(needle(&text).is_in(&hay), hay.to_lowercase().contains(&text.to_lowercase()));
        }

        #[test]
        fn each_range_is_text_that_is_the_needle(hay in "\\PC{0,20}", text in "\\PC{1,2}") {
            for range in needle(&text).ranges(&hay, 50) {
                let found = hay.get(range).expect("it lies between characters");
                prop_assert!(found.to_lowercase().starts_with(&text.to_lowercase()));
            }
        }

        #[test]
        fn what_holds_it_as_json_may_hold_it(hay in "[a-c\"\\\\ \n]{0,12}", text in "[a-cA-C\"\\\\ ]{1,2}") {
            let json = serde_json::to_string(&hay).expect("it is text");
            prop_assert!(!needle(&text).is_in(&hay) || needle(&text).may_be_in(json.as_bytes()));
        }
    }
}
