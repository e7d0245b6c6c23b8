//! The table: one row for each figure, ratios to the yardsticks of the same run first.

use std::time::Duration;

/// What a figure counts.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Seconds, shown as milliseconds or microseconds.
    Time,
    /// So many in a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Percent.
    Percent,
}

enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure with what it is measured against.
pub struct Row {
    what: String,
    unit: Unit,
    figure: f64,
    yardsticks: Vec<(&'static str, f64)>,
    aim: Option<Aim>,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: Unit, figure: f64) -> Self {
        Self { what: what.into(), unit, figure, yardsticks: Vec::new(), aim: None }
    }

    pub fn time(what: impl Into<String>, figure: Duration) -> Self {
        Self::new(what, Unit::Time, figure.as_secs_f64())
    }

    pub fn beside(mut self, yardstick: &'static str, figure: f64) -> Self {
        self.yardsticks.push((yardstick, figure));
        self
    }

    pub fn beside_time(self, yardstick: &'static str, figure: Duration) -> Self {
        self.beside(yardstick, figure.as_secs_f64())
    }

    pub fn at_most(mut self, aim: f64) -> Self {
        self.aim = Some(Aim::AtMost(aim));
        self
    }

    pub fn at_least(mut self, aim: f64) -> Self {
        self.aim = Some(Aim::AtLeast(aim));
        self
    }

    pub fn print(self) {
        let ratios: Vec<String> =
            self.yardsticks.iter().map(|(name, figure)| ratio(self.figure, *figure, name)).collect();
        let beside: Vec<String> =
            self.yardsticks.iter().map(|(name, figure)| format!("{name} {}", shown(self.unit, *figure))).collect();
        let (met, aim) = match self.aim {
            None => ("", String::new()),
            Some(Aim::AtMost(aim)) => (verdict(self.figure <= aim), format!("<= {}", shown(self.unit, aim))),
            Some(Aim::AtLeast(aim)) => (verdict(self.figure >= aim), format!(">= {}", shown(self.unit, aim))),
        };
        let (what, ratios, figure) = (self.what, ratios.join("  "), shown(self.unit, self.figure));
        println!("  {what:<46} {ratios:<26} {figure:>12}  {:<34} {aim:<15} {met}", beside.join(", "));
    }
}

/// The title of the rows that follow.
pub fn title(text: &str) {
    println!("\n{text}");
}

fn ratio(figure: f64, yardstick: f64, name: &str) -> String {
    if yardstick > 0.0 { format!("{:.2}x {name}", figure / yardstick) } else { format!("- {name}") }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn shown(unit: Unit, figure: f64) -> String {
    match unit {
        Unit::Time if figure < 100e-6 => format!("{:.2} us", figure * 1e6),
        Unit::Time => format!("{:.2} ms", figure * 1e3),
        Unit::PerSecond => format!("{figure:.0} /s"),
        Unit::Bytes if figure.abs() < 1e6 => format!("{:.1} KiB", figure / 1024.0),
        Unit::Bytes => format!("{:.1} MiB", figure / 1024.0 / 1024.0),
        Unit::Percent => format!("{figure:.1} %"),
    }
}

/// The value below which so many percent of the sorted `times` lie.
pub fn percentile(times: &[Duration], percent: f64) -> Duration {
    let place = (times.len() as f64 * percent / 100.0) as usize;
    times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
