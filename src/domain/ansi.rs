//! Lines of a terminal: escapes become styles and links, all that moves a cursor vanishes, and what is left is text.

use std::ops::Range;

use super::search::Needle;

/// Most pieces that a line is drawn in; the last one holds the rest.
pub const PIECES_MAX: usize = 300;

/// How a terminal would show a text (ECMA-48, SGR).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Of the letters; none means the usual one.
    pub ink: Option<Colour>,
    /// Behind them; none means nothing.
    pub ground: Option<Colour>,
    /// Those of [`Words`] that hold, a bit for each.
    pub words: u8,
}

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// One of the sixteen that a theme defines, 0..=15.
    Named(u8),
    /// Red, green and blue.
    Exact(u8, u8, u8),
}

/// What a style can be beside its colours: the bit of it in [`Style::words`], its number in SGR, and its word.
pub const WORDS: [(u8, u8, &str); 6] =
    [(1, 1, "bold"), (2, 2, "dim"), (4, 3, "italic"), (8, 4, "underline"), (16, 7, "inverse"), (32, 9, "strike")];

/// A part of a line that looks the same throughout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, without escapes.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// Where it leads, `http` or `https`.
    pub href: Option<String>,
    /// Whether it is what was looked for.
    pub hit: bool,
}

/// A line's text, and what its escapes say of it.
#[derive(Debug, Default)]
struct Drawn<'l> {
    text: String,
    /// Where each style ends that another one follows, and with it the link it is in.
    runs: Vec<(usize, Style, Option<&'l str>)>,
}

impl Style {
    /// Obeys the numbers between `ESC [` and `m`.
    fn select(&mut self, parameters: &str) {
        // With such a mark it is another command.
        if parameters.starts_with(['<', '=', '>', '?']) {
            return;
        }
        let mut open = Vec::new();
        for parameter in parameters.split(';') {
            if let Some(numbers) = gather(&mut open, parameter) {
                self.obey(&numbers);
            }
        }
    }

    fn obey(&mut self, numbers: &[u8]) {
        let Some((first, rest)) = numbers.split_first() else { return };
        match first {
            0 => *self = Style::default(),
            4 if rest.first() == Some(&0) => self.words &= !8,
            21 => self.words |= 8,
            22 => self.words &= !3,
            23..=29 => self.off(first - 20),
            30..=37 => self.ink = Some(Colour::Named(first - 30)),
            38 => self.ink = extended(rest).or(self.ink),
            39 => self.ink = None,
            40..=47 => self.ground = Some(Colour::Named(first - 40)),
            48 => self.ground = extended(rest).or(self.ground),
            49 => self.ground = None,
            90..=97 => self.ink = Some(Colour::Named(first - 82)),
            100..=107 => self.ground = Some(Colour::Named(first - 92)),
            number => {
                if let Some((bit, ..)) = WORDS.iter().find(|(_, of, _)| of == number) {
                    self.words |= bit;
                }
            }
        }
    }

    fn off(&mut self, number: u8) {
        if let Some((bit, ..)) = WORDS.iter().find(|(_, of, _)| *of == number) {
            self.words &= !bit;
        }
    }
}

/// One parameter, or the several that belong to one colour: `38`, `5`, `n` or `38`, `2`, `r`, `g`, `b`. With colons they
/// come in one: `4:0` is no underline and `4:3` a curly one, and in `38:2::1:2:3` the empty one names a space of colours.
fn gather(open: &mut Vec<u8>, parameter: &str) -> Option<Vec<u8>> {
    let numbers =
        parameter.split(':').map(|number| if number.is_empty() { 0 } else { number.parse().unwrap_or(u8::MAX) });
    if parameter.contains(':') {
        let mut numbers: Vec<u8> = numbers.collect();
        if numbers.get(1) == Some(&2) && numbers.len() == 6 {
            numbers.remove(2);
        }
        open.clear();
        return Some(numbers);
    }
    open.extend(numbers);
    let wanted = match (open.first(), open.get(1)) {
        (Some(38 | 48 | 58), None) => 2,
        (Some(38 | 48 | 58), Some(2)) => 5,
        (Some(38 | 48 | 58), Some(5)) => 3,
        _ => 1,
    };
    (open.len() >= wanted).then(|| std::mem::take(open))
}

/// `5`, `n` or `2`, `r`, `g`, `b`, after 38 or 48.
fn extended(numbers: &[u8]) -> Option<Colour> {
    match *numbers {
        [2, red, green, blue, ..] => Some(Colour::Exact(red, green, blue)),
        [5, number @ 0..=15, ..] => Some(Colour::Named(number)),
        [5, number @ 16..=231, ..] => {
            let (number, level) = (number - 16, |level: u8| if level == 0 { 0 } else { 55 + 40 * level });
            Some(Colour::Exact(level(number / 36), level(number / 6 % 6), level(number % 6)))
        }
        [5, number, ..] => {
            let grey = 8 + 10 * (number - 232);
            Some(Colour::Exact(grey, grey, grey))
        }
        _ => None,
    }
}

fn draw(line: &str) -> Drawn<'_> {
    let mut drawn = Drawn::default();
    let (mut style, mut link) = (Style::default(), None);
    let mut rest = line;
    while !rest.is_empty() {
        let plain = rest.find(|char: char| char.is_control() && char != '\t').unwrap_or(rest.len());
        let (text, tail) = rest.split_at(plain);
        drawn.text.push_str(text);
        match drawn.runs.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if (last.1, last.2) == (style, link) => last.0 = drawn.text.len(),
            _ => drawn.runs.push((drawn.text.len(), style, link)),
        }
        rest = after_control(tail, &mut style, &mut link);
    }
    drawn
}

/// What follows the control character or escape sequence that `text` begins with.
fn after_control<'l>(text: &'l str, style: &mut Style, link: &mut Option<&'l str>) -> &'l str {
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
        Some(kind @ (']' | 'P' | 'X' | '^' | '_')) => {
            let body = chars.as_str();
            let end = match (body.find('\u{7}'), body.find("\u{1b}\\")) {
                (Some(bell), Some(end)) if bell < end => Some((bell, 1)),
                (_, Some(end)) => Some((end, 2)),
                (Some(bell), None) => Some((bell, 1)),
                (None, None) => None,
            };
            let Some((end, length)) = end else { return "" };
            if let Some(command) = body.get(..end).filter(|_| kind == ']').and_then(|body| body.strip_prefix("8;")) {
                *link = command.split_once(';').map(|(_, to)| to).filter(|to| is_safe(to));
            }
            body.get(end + length..).unwrap_or_default()
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

/// Whether a link may lead there.
fn is_safe(href: &str) -> bool {
    let begins = |scheme: &str| href.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    (begins("https://") || begins("http://")) && !href.contains(|char: char| char.is_control() || char.is_whitespace())
}

/// A line without its escapes: what is read, searched and copied.
pub fn plain(line: &str) -> std::borrow::Cow<'_, str> {
    // 0xc2 begins the control characters that are no ASCII.
    let odd = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f || byte == 0xc2;
    if line.bytes().any(odd) { draw(line).text.into() } else { line.into() }
}

/// Cuts a line into the pieces it is drawn in, [`PIECES_MAX`] at most; what `needle` finds are hits.
pub fn pieces(line: &str, needle: Option<&Needle>) -> Vec<Piece> {
    let Drawn { text, runs } = draw(line);
    let addresses = addresses(&text);
    let hits = needle.map(|needle| needle.ranges(&text, PIECES_MAX)).unwrap_or_default();
    let mut cuts: Vec<usize> = runs.iter().map(|run| run.0).collect();
    cuts.extend(addresses.iter().chain(&hits).flat_map(|range| [range.start, range.end]));
    cuts.sort_unstable();
    cuts.dedup();
    cuts.retain(|cut| (1..text.len()).contains(cut));
    cuts.truncate(PIECES_MAX - 1);
    let inside = |ranges: &[Range<usize>], at: usize| {
        let range = ranges.get(ranges.partition_point(|range| range.end <= at))?;
        (range.start <= at).then(|| range.clone())
    };
    let mut from = 0;
    let ends = cuts.into_iter().chain((!text.is_empty()).then_some(text.len()));
    ends.map(|end| {
        let at = std::mem::replace(&mut from, end);
        let (style, link) =
            runs.get(runs.partition_point(|run| run.0 <= at)).map(|run| (run.1, run.2)).unwrap_or_default();
        let address = inside(&addresses, at).and_then(|range| text.get(range));
        Piece {
            text: text.get(at..end).unwrap_or_default().to_owned(),
            style,
            href: link.or(address).map(str::to_owned),
            hit: inside(&hits, at).is_some(),
        }
    })
    .collect()
}

/// Where `http://` and `https://` addresses stand in a text.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices("://") {
        let Some(start) = ["https", "http"].iter().find_map(|scheme| {
            text.get(..at).filter(|before| before.ends_with(scheme)).map(|before| before.len() - scheme.len())
        }) else {
            continue;
        };
        if found.last().is_some_and(|last| last.end > start) || found.len() >= PIECES_MAX {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let ends = |char: char| {
            char.is_whitespace() || char.is_control() || matches!(char, '"' | '\'' | '<' | '>' | '`' | '|')
        };
        let address = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        let address = without_the_sentence(address);
        if address.len() > "https://".len() {
            found.push(start..start + address.len());
        }
    }
    found
}

/// An address without the marks that belong to the sentence around it.
fn without_the_sentence(mut address: &str) -> &str {
    while let Some(last) = address.chars().next_back() {
        let (open, close) = match last {
            ')' => ('(', ')'),
            ']' => ('[', ']'),
            '.' | ',' | ';' | ':' | '!' | '?' | '*' => ('\0', '\0'),
            _ => break,
        };
        if open != '\0' && address.matches(open).count() >= address.matches(close).count() {
            break;
        }
        address = address.get(..address.len() - last.len_utf8()).unwrap_or_default();
    }
    address
}

#[cfg(test)]
#[path = "ansi_tests.rs"]
mod tests;
