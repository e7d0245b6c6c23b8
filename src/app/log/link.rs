//! Links to lines: `#L20`, `#L20-L30`, and `?step=dump#L20` where the numbers are those of one step.

use crate::domain::id::StepId;

/// Lines that a link leads to. Numbers as people read them, from 1; the first is not after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose lines; none means those of all steps.
    pub step: Option<StepId>,
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

/// Reads the part of an address behind `?` and that behind `#`, each with or without its sign.
pub fn read(search: &str, hash: &str) -> Option<Link> {
    let hash = hash.trim_start_matches('#');
    let (first, last) = hash.split_once('-').unwrap_or((hash, hash));
    let number = |text: &str| text.strip_prefix('L')?.parse::<u64>().ok().filter(|number| *number > 0);
    let (first, last) = (number(first)?, number(last)?);
    Some(Link { step: step(search), first: first.min(last), last: first.max(last) })
}

/// The step that an address names.
pub fn step(search: &str) -> Option<StepId> {
    let pairs = search.trim_start_matches('?').split('&');
    pairs.filter_map(|pair| pair.strip_prefix("step=")).find_map(|step| step.parse().ok())
}

/// The hash of lines.
pub fn hash(first: u64, last: u64) -> String {
    if first == last { format!("#L{first}") } else { format!("#L{first}-L{last}") }
}

/// An address's part behind `?` that names this step, or none, and keeps the rest; with its sign, or empty.
pub fn search(search: &str, step: Option<&StepId>) -> String {
    let rest = search.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("step="));
    let step = step.map(|step| format!("step={step}"));
    let pairs: Vec<String> = rest.map(str::to_owned).chain(step).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let dump: Option<StepId> = "dump".parse().ok();
        for (step, first, last) in [(None, 1, 1), (dump.clone(), 20, 30), (dump, 900_000, 900_000)] {
            let (search, hash) = (search("", step.as_ref()), hash(first, last));
            assert_eq!(read(&search, &hash), Some(Link { step, first, last }), "{search}{hash}");
        }
        assert_eq!(read("", "#L30-L20").map(|link| (link.first, link.last)), Some((20, 30)));
    }

    #[test]
    fn what_else_an_address_says_is_kept() {
        let dump = "dump".parse().ok();
        assert_eq!(search("?at=5&step=load&x=1", dump.as_ref()), "?at=5&x=1&step=dump");
        assert_eq!(search("?step=load", None), "");
    }

    #[test]
    fn other_hashes_are_no_links() {
        for hash in ["", "#", "#L", "#L0", "#x5", "#L5-", "#L5-9", "#L99999999999999999999"] {
            assert_eq!(read("", hash), None, "{hash}");
        }
    }
}
