//! Escape sequences that draw: what a program tells a terminal to do with a line, and how far it is (OSC 9;4). All
//! others, colours above all, are text.

/// Longest sequence that is waited for, in bytes; a longer one is text.
pub(super) const ESCAPE_MAX: usize = 64;

/// The byte that begins each of them.
pub(super) const ESC: u8 = 0x1b;

/// What a program wants of the terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Control {
    /// Go to the first column.
    Return,
    /// Go that many columns to the left.
    Back(usize),
    /// Erase what is right of the cursor.
    EraseRest,
    /// Erase the line.
    EraseLine,
    /// Go that many lines up.
    Up(usize),
    /// Go that many lines down.
    Down(usize),
    /// Remember where the cursor is: something is drawn elsewhere.
    Save,
    /// Go back there.
    Restore,
    /// How far it is, in percent, if it says so: OSC 9;4.
    Progress(Option<f64>),
    /// Nothing that shows in a line, such as hiding the cursor.
    Nothing,
}

/// What one more byte makes of a sequence.
pub(super) enum Recognised {
    /// It may become one of ours.
    More,
    /// It is none: what is held is text, and this byte is to be looked at anew.
    Not,
    /// It is one.
    Control(Control),
}

/// A sequence that is not complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escape {
    /// From its first byte.
    held: [u8; ESCAPE_MAX],
    length: usize,
}

impl Default for Escape {
    fn default() -> Self {
        Self { held: [0; ESCAPE_MAX], length: 0 }
    }
}

impl Escape {
    /// Whether a sequence has begun.
    pub(super) fn begun(&self) -> bool {
        self.length > 0
    }

    /// Begins one.
    pub(super) fn begin(&mut self) {
        self.length = 0;
        self.hold(ESC);
    }

    /// Forgets what was held.
    pub(super) fn end(&mut self) {
        self.length = 0;
    }

    /// What was held.
    pub(super) fn held(&self) -> &[u8] {
        self.held.get(..self.length).unwrap_or_default()
    }

    /// Takes the next byte of the sequence, or leaves it.
    pub(super) fn push(&mut self, byte: u8) -> Recognised {
        let length = self.length;
        if length == ESCAPE_MAX {
            return Recognised::Not;
        }
        self.hold(byte);
        let recognised = match self.held() {
            [_, b'7'] => Recognised::Control(Control::Save),
            [_, b'8'] => Recognised::Control(Control::Restore),
            [_, b'[', body @ ..] => csi(body),
            [_, b']', body @ ..] => osc(body),
            _ => Recognised::Not,
        };
        if matches!(recognised, Recognised::Not) {
            self.length = length;
        }
        recognised
    }

    fn hold(&mut self, byte: u8) {
        if let Some(place) = self.held.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}

/// What follows `ESC [`.
fn csi(body: &[u8]) -> Recognised {
    let Some((last, params)) = body.split_last() else { return Recognised::More };
    if matches!(last, 0x20..=0x3f) {
        return Recognised::More;
    }
    let number = |absent: usize| params_number(params).map(|number| number.unwrap_or(absent));
    let control = match (last, params.first()) {
        (b'h' | b'l', Some(b'?')) => Some(Control::Nothing),
        (b'A' | b'F', _) => number(1).map(|lines| Control::Up(lines.max(1))),
        (b'B' | b'E', _) => number(1).map(|lines| Control::Down(lines.max(1))),
        (b'D', _) => number(1).map(|columns| Control::Back(columns.max(1))),
        (b'G', _) => number(1).filter(|column| *column <= 1).map(|_| Control::Return),
        (b'H' | b'f', _) => Some(Control::Return),
        (b'J' | b'K', _) => number(0).map(|part| if part == 0 { Control::EraseRest } else { Control::EraseLine }),
        (b'r', _) => Some(Control::Nothing),
        (b's', None) => Some(Control::Save),
        (b'u', None) => Some(Control::Restore),
        _ => None,
    };
    control.map_or(Recognised::Not, Recognised::Control)
}

/// The one number of a sequence: `None` inside if it has none, `None` outside if there is something else.
fn params_number(params: &[u8]) -> Option<Option<usize>> {
    match params {
        [] => Some(None),
        digits if digits.len() <= 6 && digits.iter().all(u8::is_ascii_digit) => {
            Some(Some(digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))))
        }
        _ => None,
    }
}

/// What follows `ESC ]`. Ours is `9;4;state;percent` with BEL or `ESC \` at its end, as ConEmu made it up and Windows
/// Terminal documents it: state 0 removes the progress, 1 sets it, 2 is an error, 3 knows no percent, 4 is a pause.
fn osc(body: &[u8]) -> Recognised {
    const OURS: &[u8] = b"9;4;";
    let known = body.len().min(OURS.len());
    if body.get(..known) != OURS.get(..known) {
        return Recognised::Not;
    }
    let said = body.get(OURS.len()..).unwrap_or_default();
    match said {
        [said @ .., 0x07] | [said @ .., ESC, b'\\'] => said_progress(said).map_or(Recognised::Not, Recognised::Control),
        [said @ .., ESC] | said if said.iter().all(|byte| byte.is_ascii_digit() || *byte == b';') => Recognised::More,
        _ => Recognised::Not,
    }
}

/// `state`, `state;` or `state;percent`.
fn said_progress(said: &[u8]) -> Option<Control> {
    let (state, percent) = match said {
        [state] | [state, b';'] => (state, None),
        [state, b';', percent @ ..] => (state, Some(params_number(percent)??)),
        _ => return None,
    };
    // With an error or a pause no percent, or none but zero, leaves what was said before.
    let percent = match state {
        b'1' => Some(percent.unwrap_or(0)),
        b'2' | b'4' => percent.filter(|percent| *percent > 0),
        b'0' | b'3' => None,
        _ => return None,
    };
    Some(Control::Progress(percent.map(|percent| percent.min(100) as f64)))
}
