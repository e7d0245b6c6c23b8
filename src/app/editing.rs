//! Places in a text that is being written: browsers count in UTF-16, errors in lines and characters.

/// Where a line (from 1) and column (from 1, in characters) stand, counted as browsers do. Beyond the text it is its end.
pub fn offset(text: &str, line: u64, column: u64) -> u32 {
    let mut at = 0;
    for (number, content) in (1_u64..).zip(text.split('\n')) {
        if number == line {
            let before = content.chars().take(usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX));
            return at + before.map(units).sum::<u32>();
        }
        at += content.chars().map(units).sum::<u32>() + 1;
    }
    at.saturating_sub(1)
}

/// What follows a line feed that is written at this place: as many spaces as the line before has, and two more after a
/// key that has no value yet.
pub fn indent(text: &str, at: u32) -> String {
    let mut counted = 0;
    let end = text.char_indices().find(|(_, sign)| {
        let reached = counted >= at;
        counted += units(*sign);
        reached
    });
    let before = end.map_or(text, |(end, _)| &text[..end]);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let spaces = line.len() - line.trim_start_matches(' ').len();
    let opens = line.trim_end().ends_with([':', '|', '>']);
    " ".repeat(spaces + if opens { 2 } else { 0 })
}

fn units(sign: char) -> u32 {
    if sign.len_utf16() == 2 { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_as_browsers_count() {
        let text = "a: 😀b\nsteps:\n  - x";
        assert_eq!(offset(text, 1, 1), 0);
        assert_eq!(offset(text, 1, 5), 5, "a sign of four bytes is two");
        assert_eq!(offset(text, 2, 1), 7);
        assert_eq!(offset(text, 3, 3), 16);
        assert_eq!(offset(text, 3, 99), 19);
        assert_eq!(offset(text, 99, 1), 19);
        assert_eq!(offset("", 1, 1), 0);
    }

    #[test]
    fn a_new_line_stands_under_the_one_before_or_deeper_after_a_key() {
        let text = "steps:\n  - id: a\n    run: |\n      echo 😀";
        let at = |line: u64| offset(text, line, 999);
        assert_eq!([1, 2, 3, 4].map(|line| indent(text, at(line)).len()), [2, 2, 6, 6]);
        assert_eq!(indent(text, 0), "");
    }
}
