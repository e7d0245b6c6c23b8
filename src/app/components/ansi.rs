//! Colours of a terminal: the escapes that choose one become spans, all others vanish.

use leptos::prelude::*;

/// A run of text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// How a terminal would show a text (ECMA-48, SGR).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// One of the sixteen colours, or an exact one.
    pub colour: Option<Colour>,
    /// SGR 1.
    pub bold: bool,
    /// SGR 2.
    pub dim: bool,
    /// SGR 3.
    pub italic: bool,
    /// SGR 4.
    pub underline: bool,
}

/// A colour of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of the sixteen that a theme defines, 0..=15.
    Named(u8),
    /// Red, green and blue.
    Exact(u8, u8, u8),
}

impl Style {
    fn class(self) -> String {
        let mut class = String::new();
        if let Some(Colour::Named(number)) = self.colour {
            class.push_str(&format!("ansi-{number} "));
        }
        for (is, word) in
            [(self.bold, "bold"), (self.dim, "dim"), (self.italic, "italic"), (self.underline, "underline")]
        {
            if is {
                class.push_str(&format!("ansi-{word} "));
            }
        }
        class.truncate(class.trim_end().len());
        class
    }

    fn exact(self) -> Option<String> {
        match self.colour {
            Some(Colour::Exact(red, green, blue)) => Some(format!("color:rgb({red} {green} {blue})")),
            _ => None,
        }
    }

    /// Obeys the numbers between `ESC [` and `m`.
    fn select(&mut self, parameters: &str) {
        let mut numbers = parameters
            .split([';', ':'])
            .map(|number| if number.is_empty() { 0 } else { number.parse().unwrap_or(u8::MAX) });
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Style::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.colour = Some(Colour::Named(number - 30)),
                38 => self.colour = extended(&mut numbers).or(self.colour),
                48 | 58 => {
                    extended(&mut numbers);
                }
                39 => self.colour = None,
                90..=97 => self.colour = Some(Colour::Named(number - 82)),
                _ => {}
            }
        }
    }
}

/// `5;n` or `2;r;g;b`, after 38 or 48.
fn extended(numbers: &mut impl Iterator<Item = u8>) -> Option<Colour> {
    match numbers.next()? {
        2 => Some(Colour::Exact(numbers.next()?, numbers.next()?, numbers.next()?)),
        5 => Some(match numbers.next()? {
            number @ 0..=15 => Colour::Named(number),
            number @ 16..=231 => {
                let (number, level) = (number - 16, |level: u8| if level == 0 { 0 } else { 55 + 40 * level });
                Colour::Exact(level(number / 36), level(number / 6 % 6), level(number % 6))
            }
            number => {
                let grey = 8 + 10 * (number - 232);
                Colour::Exact(grey, grey, grey)
            }
        }),
        _ => None,
    }
}

/// Cuts a line into its spans.
pub fn spans(line: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut style = Style::default();
    let mut rest = line;
    while !rest.is_empty() {
        let plain = rest.find(|char: char| char.is_control() && char != '\t').unwrap_or(rest.len());
        let (text, tail) = rest.split_at(plain);
        if !text.is_empty() {
            match spans.last_mut() {
                Some(last) if last.style == style => last.text.push_str(text),
                _ => spans.push(Span { text: text.to_owned(), style }),
            }
        }
        rest = after_control(tail, &mut style);
    }
    spans
}

/// What follows the control character or escape sequence that `text` begins with.
fn after_control<'a>(text: &'a str, style: &mut Style) -> &'a str {
    let mut chars = text.chars();
    if chars.next() != Some('\u{1b}') {
        return chars.as_str();
    }
    let tail = chars.as_str();
    match chars.next() {
        Some('[') => {
            let body = chars.as_str();
            let Some(end) = body.find(|char| matches!(char, '\u{40}'..='\u{7e}')) else { return "" };
            let (parameters, last) = body.split_at(end);
            if last.starts_with('m') {
                style.select(parameters);
            }
            last.get(1..).unwrap_or_default()
        }
        // An operating system command, or another string: up to BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = chars.as_str();
            match (body.find('\u{7}'), body.find("\u{1b}\\")) {
                (Some(bell), Some(end)) if bell < end => body.get(bell + 1..),
                (_, Some(end)) => body.get(end + 2..),
                (Some(bell), None) => body.get(bell + 1..),
                (None, None) => None,
            }
            .unwrap_or_default()
        }
        // A choice of character set: one intermediate, one final.
        Some('(' | ')' | '*' | '+' | '#' | ' ') => {
            chars.next();
            chars.as_str()
        }
        Some(_) => chars.as_str(),
        None => tail,
    }
}

/// A line as a terminal would show it.
#[component]
pub fn Ansi(
    /// The line, escapes included.
    text: String,
) -> impl IntoView {
    spans(&text)
        .into_iter()
        .map(|Span { text, style }| {
            let class = style.class();
            let class = (!class.is_empty()).then_some(class);
            view! { <span class=class style=style.exact()>{text}</span> }
        })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<(String, String)> {
        spans(line).into_iter().map(|span| (span.text, span.style.class())).collect()
    }

    fn pair(text: &str, class: &str) -> (String, String) {
        (text.to_owned(), class.to_owned())
    }

    #[test]
    fn colours_become_spans_and_end_at_a_reset() {
        assert_eq!(
            shown("a \u{1b}[1;32mgood\u{1b}[0m \u{1b}[91mbad\u{1b}[39m."),
            [pair("a ", ""), pair("good", "ansi-2 ansi-bold"), pair(" ", ""), pair("bad", "ansi-9"), pair(".", "")]
        );
    }

    #[test]
    fn every_other_escape_vanishes() {
        let line = "\u{1b}]0;title\u{7}a\u{1b}[2Kb\u{1b}[?25lc\u{1b}]8;;http://x\u{1b}\\d\u{1b}(Be\u{8}\u{1b}";
        assert_eq!(shown(line), [pair("abcde", "")]);
    }

    #[test]
    fn a_colour_of_the_cube_is_exact() {
        let exact = |line| spans(line).first().and_then(|span| span.style.colour);
        assert_eq!(exact("\u{1b}[38;5;196mx"), Some(Colour::Exact(255, 0, 0)));
        assert_eq!(exact("\u{1b}[38;2;1;2;3mx"), Some(Colour::Exact(1, 2, 3)));
        assert_eq!(exact("\u{1b}[48;5;1;34mx"), Some(Colour::Named(4)));
    }

    #[test]
    fn a_cut_off_escape_does_no_harm() {
        for line in ["\u{1b}", "\u{1b}[", "\u{1b}[31", "\u{1b}]8;", "\u{1b}[38;5", "\u{1b}[38;5m"] {
            assert!(spans(line).is_empty(), "{line:?} left something");
        }
    }
}
