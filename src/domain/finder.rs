//! Finding by a few letters: how well a text is meant by what somebody types.

/// How well `text` is meant by `query`, the larger the better; none if it is not. Each word of the query must be found:
/// at the beginning, at the beginning of a word, anywhere, or as the first letters of words (`nb` for `nightly-backup`).
/// Case does not matter. An empty query means everything alike.
pub fn score(query: &str, text: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let initials: String = words(&text).filter_map(|word| word.chars().next()).collect();
    query
        .split_whitespace()
        .map(|word| of_word(&word.to_lowercase(), &text, &initials))
        .try_fold(0, |sum, one| Some(sum + one?))
}

fn of_word(word: &str, text: &str, initials: &str) -> Option<u32> {
    if text.starts_with(word) {
        Some(4)
    } else if words(text).any(|other| other.starts_with(word)) {
        Some(3)
    } else if word.chars().count() > 1 && initials.contains(word) {
        Some(2)
    } else {
        text.contains(word).then_some(1)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn a_beginning_is_better_than_a_words_beginning_than_initials_than_anywhere() {
        assert_eq!(["nig", "back", "nb", "ackup"].map(|query| score(query, "nightly-backup")), [4, 3, 2, 1].map(Some));
        assert_eq!(score("x", "nightly-backup"), None);
    }

    #[test]
    fn every_word_must_be_found_and_case_does_not_matter() {
        assert!(score("backup ALICE", "Nightly-Backup alice").is_some());
        assert_eq!(score("backup bob", "nightly-backup alice"), None);
        assert_eq!(score("  ", "anything"), Some(0));
    }
}
