//! What somebody meant who wrote a word that is none of the right ones.

/// Longest word that is compared, in bytes: comparing takes time in its square.
const WORD_MAX: usize = 64;

/// `; did you mean "dump"?`, or nothing if no candidate is near.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|candidate| format!("; did you mean {candidate:?}?")).unwrap_or_default()
}

/// The candidate that a third of `word` at most was mistyped from: the first of the nearest ones.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_MAX {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().replace('_', "-").chars().collect();
    let limit = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= WORD_MAX && candidate.len().abs_diff(word.len()) <= limit)
        .map(|candidate| (distance(&word, &candidate.replace('_', "-").chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, left out, replaced or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_the_one_that_was_meant() {
        let keys = ["needs", "name", "timeout", "working-directory", "run"];
        for (typed, meant) in [
            ("need", Some("needs")),
            ("tiemout", Some("timeout")),
            ("working_directory", Some("working-directory")),
            ("Run", Some("run")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed:?}");
        }
    }
}
