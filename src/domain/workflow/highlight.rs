//! The text of a workflow file in pieces that a page can colour. It is no parser: it knows what a line looks like, so it
//! has something to say about a file that is broken, or half typed. No character is lost, whatever the text is.

/// What a piece of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that needs a colour: words, brackets, space.
    Plain,
    /// A key of a mapping.
    Key,
    /// Text in quotes, or in a block.
    Text,
    /// A number, a duration, true, false or nothing.
    Number,
    /// From `#` to the end of the line.
    Comment,
    /// What a shell will run.
    Shell,
}

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: Kind,
    /// Its text, never empty.
    pub text: &'t str,
}

/// The lines of a text, each in its pieces: joined, and the lines by line feeds, they are the text again.
pub fn lines(text: &str) -> impl Iterator<Item = Vec<Token<'_>>> {
    let mut reading = Reading::default();
    text.split('\n').map(move |line| reading.line(line))
}

/// What one line leaves for the next.
#[derive(Default)]
struct Reading {
    /// A block of text goes on over all lines that stand deeper than this column.
    block: Option<(usize, Kind)>,
    /// A quote that is still open.
    quote: Option<(char, Kind)>,
    /// How many brackets are open.
    depth: usize,
}

/// What is left of a line.
struct Line<'t> {
    rest: &'t str,
    length: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Line<'t> {
    /// The next `bytes` are of this kind.
    fn take(&mut self, kind: Kind, bytes: usize) {
        let (text, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        if !text.is_empty() {
            self.tokens.push(Token { kind, text });
        }
    }

    fn all(&mut self, kind: Kind) {
        self.take(kind, self.rest.len());
    }

    fn column(&self) -> usize {
        self.length - self.rest.len()
    }
}

impl Reading {
    fn line<'t>(&mut self, text: &'t str) -> Vec<Token<'t>> {
        let mut line = Line { rest: text, length: text.len(), tokens: Vec::new() };
        let indent = text.len() - text.trim_start_matches(' ').len();
        if let Some((above, kind)) = self.block {
            if text.trim().is_empty() || indent > above {
                line.take(Kind::Plain, indent);
                line.all(kind);
                return line.tokens;
            }
            self.block = None;
        }
        if let Some((quote, kind)) = self.quote {
            let Some(end) = quote_end(text, quote) else {
                line.all(kind);
                return line.tokens;
            };
            line.take(kind, end);
            self.quote = None;
        }
        self.pieces(&mut line);
        line.tokens
    }

    fn pieces(&mut self, line: &mut Line<'_>) {
        // The key that a value belongs to: where it stands, and whether a shell runs the value.
        let (mut above, mut shell) = (0, false);
        let mut fresh = true;
        loop {
            let space = line.rest.len() - line.rest.trim_start().len();
            line.take(Kind::Plain, space);
            let fresh_word = std::mem::replace(&mut fresh, false) || space > 0;
            let Some(first) = line.rest.chars().next() else { return };
            let value = if shell { Kind::Shell } else { Kind::Text };
            match first {
                '#' if fresh_word => return line.all(Kind::Comment),
                '[' | '{' if !shell || self.depth > 0 => {
                    self.depth += 1;
                    line.take(Kind::Plain, 1);
                    fresh = true;
                }
                ']' | '}' if self.depth > 0 => {
                    self.depth -= 1;
                    line.take(Kind::Plain, 1);
                }
                ',' if self.depth > 0 => {
                    shell = false;
                    line.take(Kind::Plain, 1);
                    fresh = true;
                }
                '-' if self.depth == 0 && !shell && ends_word(&line.rest[1..]) => {
                    above = line.column();
                    line.take(Kind::Plain, 1);
                }
                ':' if ends_word(&line.rest[1..]) || self.depth > 0 => line.take(Kind::Plain, 1),
                '"' | '\'' => match quote_end(&line.rest[1..], first).map(|end| end + 1) {
                    Some(end) if begins_value(&line.rest[end..]) => {
                        shell = line.rest.get(1..end - 1) == Some("run");
                        above = line.column();
                        line.take(Kind::Key, end);
                    }
                    Some(end) => line.take(value, end),
                    None => {
                        self.quote = Some((first, value));
                        return line.all(value);
                    }
                },
                '|' | '>' if self.depth == 0 => {
                    let header = line.rest.find(" #").unwrap_or(line.rest.len());
                    line.take(Kind::Plain, header);
                    self.block = Some((above, value));
                }
                _ => {
                    let word = word(line.rest, self.depth > 0, shell);
                    if word.key {
                        shell = line.rest.get(..word.end) == Some("run");
                        above = line.column();
                        line.take(Kind::Key, word.end);
                    } else if shell {
                        // A value without quotes may go on in the next lines.
                        if self.depth == 0 {
                            self.block = Some((above, Kind::Shell));
                        }
                        line.take(Kind::Shell, word.end);
                    } else {
                        let kind = if is_number(&line.rest[..word.end]) { Kind::Number } else { Kind::Plain };
                        line.take(kind, word.end);
                    }
                }
            }
        }
    }
}

/// Behind the sign that closes the quote whose inside `text` is.
fn quote_end(text: &str, quote: char) -> Option<usize> {
    let mut signs = text.char_indices().peekable();
    while let Some((place, sign)) = signs.next() {
        match sign {
            '\\' if quote == '"' => drop(signs.next()),
            sign if sign == quote => {
                // Two single quotes are one that is meant.
                if quote == '\'' && signs.peek().is_some_and(|(_, next)| *next == quote) {
                    signs.next();
                } else {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether what was before this is a key.
fn begins_value(rest: &str) -> bool {
    rest.trim_start_matches(' ').strip_prefix(':').is_some_and(ends_word)
}

fn ends_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', '\t', '\r'])
}

/// A word or several without quotes.
struct Word {
    /// Its length, in bytes, at least one sign.
    end: usize,
    /// Whether it is a key.
    key: bool,
}

fn word(text: &str, in_brackets: bool, shell: bool) -> Word {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let bytes = text.as_bytes();
    for (place, byte) in bytes.iter().enumerate().skip(first) {
        let rest = text.get(place + 1..).unwrap_or_default();
        match byte {
            b':' if ends_word(rest) && (!shell || in_brackets) => return Word { end: place, key: true },
            b'#' if matches!(bytes[place - 1], b' ' | b'\t') => {
                return Word { end: text[..place].trim_end().len().max(first), key: false };
            }
            b',' | b'[' | b']' | b'{' | b'}' if in_brackets => return Word { end: place, key: false },
            _ => {}
        }
    }
    Word { end: text.trim_end().len().max(first), key: false }
}

fn is_number(word: &str) -> bool {
    let word = word.trim();
    let unit = word.trim_start_matches(|sign: char| sign.is_ascii_digit());
    matches!(word, "true" | "false" | "null" | "~")
        || word.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-') && word.parse::<f64>().is_ok()
        || unit.len() < word.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(text: &str) -> String {
        let lines: Vec<String> = lines(text).map(|line| line.iter().map(|token| token.text).collect()).collect();
        lines.join("\n")
    }

    /// The pieces of one line that are not plain.
    fn coloured(text: &str) -> Vec<(Kind, &str)> {
        lines(text).flatten().filter(|token| token.kind != Kind::Plain).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn keys_numbers_quotes_and_comments_are_told_apart() {
        assert_eq!(coloured("name: nightly-backup"), [(Kind::Key, "name")]);
        assert_eq!(
            coloured("timeout: 2h # long"),
            [(Kind::Key, "timeout"), (Kind::Number, "2h"), (Kind::Comment, "# long")]
        );
        assert_eq!(coloured("  - \"id\": 'a # b'"), [(Kind::Key, "\"id\""), (Kind::Text, "'a # b'")]);
        assert_eq!(
            coloured("concurrency: { limit: 1, when-full: queue }"),
            [(Kind::Key, "concurrency"), (Kind::Key, "limit"), (Kind::Number, "1"), (Kind::Key, "when-full")]
        );
        assert_eq!(coloured("a: x#y http://z"), [(Kind::Key, "a")], "a # within a word is no comment");
    }

    #[test]
    fn a_script_is_one_from_its_first_line_to_its_last() {
        let text = "steps:\n  - id: a\n    run: |\n      echo hi # not a comment\n\n      key: value\n    name: b\n";
        let shell: Vec<&str> =
            lines(text).flatten().filter(|token| token.kind == Kind::Shell).map(|token| token.text).collect();
        assert_eq!(shell, ["echo hi # not a comment", "key: value"]);
        assert_eq!(
            coloured("run: pg_dump \"$A\" > x # go"),
            [(Kind::Key, "run"), (Kind::Shell, "pg_dump \"$A\" > x"), (Kind::Comment, "# go")]
        );
        assert_eq!(coloured("{id: a, run: 'x: y'}"), [(Kind::Key, "id"), (Kind::Key, "run"), (Kind::Shell, "'x: y'")]);
    }

    #[test]
    fn a_block_of_another_key_is_text_and_a_quote_may_go_on() {
        assert_eq!(
            coloured("description: >\n  two\n  lines\nname: x"),
            [(Kind::Key, "description"), (Kind::Text, "two"), (Kind::Text, "lines"), (Kind::Key, "name")]
        );
        assert_eq!(
            coloured("a: \"one\n  two\"\nb: 3"),
            [(Kind::Key, "a"), (Kind::Text, "\"one"), (Kind::Text, "  two\""), (Kind::Key, "b"), (Kind::Number, "3")]
        );
    }

    #[test]
    fn every_workflow_that_comes_with_the_program_is_whole_and_has_keys() {
        for entry in std::fs::read_dir("workflows").expect("they are there").flatten() {
            let text = std::fs::read_to_string(entry.path()).expect("it is text");
            assert_eq!(joined(&text), text);
            let keys: Vec<&str> =
                lines(&text).flatten().filter(|token| token.kind == Kind::Key).map(|token| token.text).collect();
            assert!(keys.contains(&"steps") && keys.contains(&"run"), "{keys:?}");
        }
    }

    proptest! {
        #[test]
        fn no_character_is_lost_whatever_the_text_is(text in "(?s).{0,200}") {
            prop_assert_eq!(joined(&text), text);
        }

        #[test]
        fn nor_in_what_looks_like_a_file(parts in prop::collection::vec(
            prop::sample::select(vec![
                "run: ", "- ", "key: ", "|", ">-\n", "\n", "  ", "    ", "'", "\"", "\\", "#", " # x", "[", "]", "{", "}", ",",
                ":", "é", "😀", "12", "true", "2h", "\t", "\r\n", "run:", "''", "word",
            ]), 0..60)) {
            let text = parts.concat();
            prop_assert_eq!(joined(&text), text.clone());
            prop_assert!(lines(&text).flatten().all(|token| !token.text.is_empty()));
        }
    }
}
