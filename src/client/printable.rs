//! Other people's text on this terminal: what could move the cursor, set a title, write the clipboard or ring is left
//! out; colours may stay.

/// What of a text may reach the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Letters and the like, and tabs.
    Text,
    /// These, and colours (SGR). Colours end with the text.
    Colours,
}

/// One line of it: line ends become spaces.
pub fn printable(text: &str, keep: Keep) -> String {
    let mut out = String::with_capacity(text.len());
    let mut coloured = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '\u{1b}' | '\u{9b}' | '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
                let length = escape_length(rest);
                let sequence = &rest[..length];
                if keep == Keep::Colours && is_colour(sequence) {
                    out.push_str(sequence);
                    coloured = true;
                }
                rest = &rest[length..];
                continue;
            }
            '\n' | '\r' => out.push(' '),
            '\t' => out.push('\t'),
            first if first.is_control() => {}
            first => out.push(first),
        }
        rest = &rest[first.len_utf8()..];
    }
    if coloured {
        out.push_str("\u{1b}[0m");
    }
    out
}

/// `ESC [ digits ; : m` and nothing else.
fn is_colour(sequence: &str) -> bool {
    sequence
        .strip_prefix("\u{1b}[")
        .and_then(|rest| rest.strip_suffix('m'))
        .is_some_and(|parameters| parameters.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')))
}

/// How long the sequence is, in bytes, that a text begins with: ECMA-48, sections 5.4 and 5.6. One without an end is as
/// long as the text; a byte that has no place in it ends it.
fn escape_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    let first = chars.next().map_or('\u{1b}', |(_, first)| first);
    let second = if first == '\u{1b}' { chars.next().map(|(_, second)| second) } else { None };
    let end_after = |found: Option<(usize, char)>| found.map_or(text.len(), |(at, last)| at + last.len_utf8());
    match (first, second) {
        ('\u{9b}', _) | (_, Some('[')) => match chars.find(|(_, next)| !matches!(next, '\u{20}'..='\u{3f}')) {
            Some((at, last)) if matches!(last, '\u{40}'..='\u{7e}') => at + last.len_utf8(),
            Some((at, _)) => at,
            None => text.len(),
        },
        ('\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}', _) | (_, Some('P' | 'X' | ']' | '^' | '_')) => {
            let mut before = '\0';
            end_after(chars.find(|(_, next)| {
                let ends = matches!(next, '\u{07}' | '\u{9c}') || (before == '\u{1b}' && *next == '\\');
                before = *next;
                ends
            }))
        }
        ('\u{1b}', Some('\u{20}'..='\u{2f}')) => {
            end_after(chars.find(|(_, next)| !matches!(next, '\u{20}'..='\u{2f}')))
        }
        ('\u{1b}', Some(second)) if matches!(second, '\u{30}'..='\u{7e}') => 1 + second.len_utf8(),
        (first, _) => first.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_stay_and_end_with_the_line() {
        let text = "\u{1b}[1;31mred\u{1b}[0m and \u{1b}[38:2::1:2:3mfine";
        assert_eq!(printable(text, Keep::Colours), format!("{text}\u{1b}[0m"));
        assert_eq!(printable(text, Keep::Text), "red and fine");
        assert_eq!(printable("plain", Keep::Colours), "plain");
    }

    #[test]
    fn what_is_no_colour_is_left_out() {
        for (text, left) in [
            ("a\u{1b}[2Jb", "ab"),
            ("a\u{1b}[10;20Hb", "ab"),
            ("a\u{1b}[?25lb", "ab"),
            ("a\u{1b}[>4;1mb", "ab"),
            ("a\u{1b}]0;title\u{07}b", "ab"),
            ("a\u{1b}]52;c;aGk=\u{1b}\\b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\b", "alinkb"),
            ("a\u{1b}Pq#0\u{1b}\\b", "ab"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{1b}cb\u{1b}(0c", "abc"),
            ("a\u{07}\u{08}\u{7f}\u{85}b", "ab"),
            ("a\rb\nc\td", "a b c\td"),
            ("a\u{1b}]0;no end", "a"),
            ("a\u{1b}[31", "a"),
            ("a\u{1b}", "a"),
            ("a\u{1b}[31é", "aé"),
        ] {
            assert_eq!(printable(text, Keep::Colours), left, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_colours_and_tabs_controls_the_terminal(text in "(\u{1b}|\\[|\\]|m|[0-9;:?]|\u{07}|\\\\|\u{9b}|é|\\PC|\\pC){0,40}") {
            let plain = printable(&text, Keep::Text);
            prop_assert!(plain.chars().all(|c| c == '\t' || !c.is_control()), "{plain:?}");
            let coloured = printable(&text, Keep::Colours);
            for part in coloured.split('\u{1b}').skip(1) {
                let end = part.find('m').expect("a colour ends");
                prop_assert!(is_colour(&format!("\u{1b}{}", &part[..=end])), "{coloured:?}");
            }
            prop_assert!(coloured.chars().all(|c| c == '\u{1b}' || c == '\t' || !c.is_control()), "{coloured:?}");
        }
    }
}
