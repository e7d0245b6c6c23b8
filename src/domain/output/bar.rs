//! How far a redrawn line says that it is: `42%`, `42.5%`, `3/10`, `1.2/3.4 MB`, and curl's meter.
//!
//! Which figure counts is judged by what tools print (`tests/recordings`): the first percent, since the total comes before its
//! parts (`42% [1 Packages 14%]`), but one that touches its bar before others (`50%off.zip  12%[==>  ]`); else the first
//! `N/M`. Figures that are parts of words, dates, paths, times or versions are none, and so are those of what tools do
//! before they begin ([`PRELIMINARIES`]): percent never falls, so they would hide the work itself.

/// How states begin that tell of no work yet: dpkg, apt, git.
const PRELIMINARIES: [&[u8]; 8] = [
    b"(Reading database ...",
    b"Reading package lists...",
    b"Building dependency tree...",
    b"Reading state information...",
    b"remote: ",
    b"Enumerating objects:",
    b"Counting objects:",
    b"Compressing objects:",
];

/// The bar of one line.
#[derive(Debug, Default)]
pub(super) struct Bar {
    /// What it said last, in percent.
    last: Option<f64>,
}

impl Bar {
    /// The bar of a line that was told before, as far as is known.
    pub(super) fn known(shows: bool) -> Self {
        Self { last: shows.then_some(0.0) }
    }

    /// Whether the line has one.
    pub(super) fn shows(&self) -> bool {
        self.last.is_some()
    }

    /// Reads another state of its line: its percent, 0.0..=100.0, if that is news. A bar that was never seen filling is
    /// not full, whatever it says: `50/50`, `100% sure`, or a phase that was over at once.
    pub(super) fn read(&mut self, state: &[u8]) -> Option<f64> {
        let percent = percent(state).filter(|percent| *percent < 100.0 || self.last.is_some())?;
        if self.last.replace(percent) == Some(percent) { None } else { Some(percent) }
    }
}

/// The percent in a state of a redrawn line, 0.0..=100.0.
pub(super) fn percent(state: &[u8]) -> Option<f64> {
    let plain;
    let state = if memchr::memchr(super::escape::ESC, state).is_some() {
        plain = without_escapes(state);
        plain.as_slice()
    } else {
        state
    };
    if PRELIMINARIES.iter().any(|begin| state.starts_with(begin)) {
        return None;
    }
    let mut percents = memchr::memchr_iter(b'%', state).filter_map(|at| Some((at, percent_at(state, at)?))).peekable();
    let part = || memchr::memchr_iter(b'/', state).find_map(|at| part_at(state, at));
    let Some((at, first)) = percents.peek().copied() else { return part().or_else(|| curl(state)) };
    if is_ratio(&state[..at]) {
        return part().or(Some(first));
    }
    let touching = percents.find(|(at, _)| matches!(state.get(at + 1), Some(b'[' | b'|')));
    Some(touching.map_or(first, |(_, percent)| percent))
}

/// Whether the figure at the end is how much smaller zstd makes it: `Read: 1.5 MiB / 3.8 MiB ==> 42%`.
fn is_ratio(before_percent: &[u8]) -> bool {
    let before = number_before(before_percent).map_or(before_percent, |(before, _)| before);
    before.trim_ascii_end().ends_with(b" ==>")
}

/// Without sequences such as colours.
fn without_escapes(state: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(state.len());
    let mut rest = state;
    while let Some(at) = memchr::memchr(super::escape::ESC, rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(body) = rest.strip_prefix(b"[") {
            let end = body.iter().position(|byte| matches!(byte, 0x40..=0x7e)).map_or(body.len(), |end| end + 1);
            rest = &body[end..];
        }
    }
    plain.extend_from_slice(rest);
    plain
}

/// The number before the `%` there.
fn percent_at(state: &[u8], at: usize) -> Option<f64> {
    let (before, number) = number_before(&state[..at])?;
    let stands_alone = match before {
        [.., b'-' | b'+'] => matches!(before, [.., b'-', b'-']),
        [.., byte] => !matches!(byte, b',' | b'/' | b'%' | b'_' | b'$') && !byte.is_ascii_alphanumeric(),
        [] => true,
    };
    let ends = state.get(at + 1).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'%' | b'_'));
    Some(number).filter(|number| stands_alone && ends && *number <= 100.0)
}

/// The part that `N/M` is around the `/` there: `3/10`, `3 / 10`, `1.2/3.4 MB`, `512kB/1.2MB`.
fn part_at(state: &[u8], at: usize) -> Option<f64> {
    let (left, right) = (&state[..at], &state[at + 1..]);
    let (left, right) = match (left, right) {
        ([.., b' '], [b' ', ..]) => (left.trim_ascii_end(), right.trim_ascii_start()),
        sides => sides,
    };
    let (left, done_unit) = unit_before(left);
    let (before, done) = number_before(left)?;
    let (whole, after) = number_after(right)?;
    let (whole_unit, after) = unit_after(after);
    let begins = before.last().is_none_or(|byte| {
        matches!(byte, b' ' | b'\t' | b'[' | b'(' | b'|' | b'>' | b'#' | b'<' | b'{') || !byte.is_ascii()
    });
    let ends = match after {
        [] => true,
        [b':' | b'.' | b',', next, ..] => !next.is_ascii_alphanumeric(),
        [byte, ..] => {
            matches!(byte, b' ' | b'\t' | b']' | b')' | b'|' | b'}' | b'<' | b':' | b'.' | b',' | b';')
                || !byte.is_ascii()
        }
    };
    // `1.2/3.4 MB` means the same unit on both sides; `12MB/45` means nothing.
    let scale = match (done_unit, whole_unit) {
        (None, _) => 1.0,
        (Some(done), Some(whole)) => done / whole,
        (Some(_), None) => return None,
    };
    // 03/07 is a date.
    let date = right.first() == Some(&b'0') && right.get(1).is_some_and(u8::is_ascii_digit);
    // 11/20 is 55, not 55.00000000000001.
    let percent = (done * scale / whole * 1e8).round() / 1e6;
    Some(percent).filter(|percent| begins && ends && !date && whole > 0.0 && *percent <= 100.0)
}

/// A number in plain decimals at the end, and what stands before it.
fn number_before(text: &[u8]) -> Option<(&[u8], f64)> {
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let last = digits(text);
    let mut begin = text.len() - last;
    if let Some(point) = begin.checked_sub(1).filter(|point| text[*point] == b'.') {
        match digits(&text[..point]) {
            // Not the decimals of anything: `...42`.
            0 => {}
            whole => begin = point - whole,
        }
    }
    let (before, number) = text.split_at(begin);
    // A second point makes a version of it.
    let version = matches!(before, [.., digit, b'.'] if digit.is_ascii_digit());
    if last == 0 || version { None } else { Some((before, parsed(number)?)) }
}

/// A number in plain decimals at the beginning, and what follows it.
fn number_after(text: &[u8]) -> Option<(f64, &[u8])> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(text);
    if end > 0 && text.get(end) == Some(&b'.') {
        let decimals = digits(&text[end + 1..]);
        end += if decimals > 0 { 1 + decimals } else { 0 };
    }
    let (number, after) = text.split_at(end);
    Some((parsed(number)?, after))
}

/// At most 15 characters, so that it is exact.
fn parsed(number: &[u8]) -> Option<f64> {
    if number.len() > 15 { None } else { std::str::from_utf8(number).ok()?.parse().ok() }
}

/// A unit of bytes at the end, such as `MB`, as its factor.
fn unit_before(text: &[u8]) -> (&[u8], Option<f64>) {
    let letters = text.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (before, unit) = text.split_at(text.len() - letters);
    unit_factor(unit).map_or((text, None), |factor| (before.trim_ascii_end(), Some(factor)))
}

/// A unit of bytes at the beginning.
fn unit_after(text: &[u8]) -> (Option<f64>, &[u8]) {
    let unit = text.strip_prefix(b" ").unwrap_or(text);
    let letters = unit.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (unit, after) = unit.split_at(letters);
    unit_factor(unit).map_or((None, text), |factor| (Some(factor), after))
}

fn unit_factor(unit: &[u8]) -> Option<f64> {
    let (prefix, thousand) = match unit {
        [b'B' | b'b'] => return Some(1.0),
        [b'b', b'y', b't', b'e', b's'] => return Some(1.0),
        [prefix, b'i', b'B'] => (prefix, 1024.0_f64),
        [prefix, b'B'] | [prefix] => (prefix, 1000.0),
        _ => return None,
    };
    let power = match prefix {
        b'k' | b'K' => 1,
        b'M' => 2,
        b'G' => 3,
        b'T' => 4,
        _ => return None,
    };
    Some(thousand.powi(power))
}

/// curl's meter has twelve columns and no `%`: percent, total, percent, received, percent, sent, two speeds, three
/// times, the speed now.
fn curl(state: &[u8]) -> Option<f64> {
    const COLUMNS: usize = 12;
    if !state.trim_ascii_start().first()?.is_ascii_digit() {
        return None;
    }
    let mut columns: [&[u8]; COLUMNS] = [&[]; COLUMNS];
    let mut count = 0;
    for column in state.split(u8::is_ascii_whitespace).filter(|column| !column.is_empty()) {
        *columns.get_mut(count)? = column;
        count += 1;
    }
    let time = |column: &[u8]| {
        column.contains(&b':') && column.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-'))
    };
    let percent = |column: &[u8]| {
        let (number, rest) = number_after(column)?;
        Some(number).filter(|number| rest.is_empty() && *number <= 100.0)
    };
    let is_meter = count == COLUMNS && percent(columns[2]).is_some() && percent(columns[4]).is_some();
    // Before it knows the size it says 0 of 0.
    let sized = columns[1] != b"0";
    if is_meter && sized && columns[8..11].iter().all(|column| time(column)) { percent(columns[0]) } else { None }
}
