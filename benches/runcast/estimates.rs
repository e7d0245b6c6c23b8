//! How good estimates are: histories of made-up steps are replayed, and what would have been said at 25, 50 and 75 % of
//! each run is held against how long it then took. Beside it, what two simple rules would have said. Nothing is run: it is
//! the same on every machine.

use runcast::domain::estimate::{Heard, PAST_MAX, Past};

use super::table::{Row, Unit, title};

/// Runs of a history.
const RUNS: usize = 200;
/// Histories of each kind.
const HISTORIES: u64 = 50;
/// The first one's seed. Those below were looked at while the constants of the estimates were chosen.
const SEEDS_FROM: u64 = 2000;
/// A known step has succeeded so often before it is looked at.
const KNOWN_FROM: usize = 5;
/// When in a run it is asked how long it still takes, as parts of the whole.
const MOMENTS: [f64; 3] = [0.25, 0.5, 0.75];

/// A kind of step: how long its `n`th run takes, in milliseconds.
struct Kind {
    name: &'static str,
    duration: fn(&mut Dice, usize) -> f64,
    /// The runs that are looked at.
    runs: (usize, usize),
    /// Whether it tells its percent, which runs ahead or behind as it may.
    tells: bool,
}

const fn kind(name: &'static str, duration: fn(&mut Dice, usize) -> f64) -> Kind {
    Kind { name, duration, runs: (KNOWN_FROM, RUNS), tells: false }
}

const KINDS: [Kind; 8] = [
    kind("steady (10 % apart)", |dice, _| 60e3 * dice.spread(0.1)),
    kind("uneven (50 % apart)", |dice, _| 60e3 * dice.spread(0.5)),
    kind("cached: 10 s, or 60 s in 3 of 10", |dice, _| {
        (if dice.chance(0.3) { 60e3 } else { 10e3 }) * dice.spread(0.08)
    }),
    kind("growing by 2 % with each run", |dice, n| 20e3 * 1.02_f64.powi(n as i32) * dice.spread(0.1)),
    kind("wild: 5 to 50 times as long in 1 of 20", |dice, _| {
        let times = if dice.chance(0.05) { 5.0 + 45.0 * dice.part() } else { 1.0 };
        30e3 * times * dice.spread(0.15)
    }),
    Kind { runs: (1, KNOWN_FROM), ..kind("new: its 2nd to 5th run (30 % apart)", |dice, _| 60e3 * dice.spread(0.3)) },
    Kind { tells: true, ..kind("uneven, and tells its percent", |dice, _| 60e3 * dice.spread(0.5)) },
    Kind { tells: true, runs: (0, 1), ..kind("tells its percent, first run", |dice, _| 60e3 * dice.spread(0.5)) },
];

/// What came of one rule at one moment: how far off each run's estimate was, as a part of what was then left.
#[derive(Default)]
struct Errors(Vec<f64>);

impl Errors {
    fn add(&mut self, said: f64, left: f64) {
        self.0.push((said - left).abs() / left);
    }

    /// In percent; none if the rule never said anything.
    fn median(mut self) -> Option<f64> {
        self.0.sort_by(f64::total_cmp);
        self.0.get(self.0.len() / 2).map(|error| error * 100.0)
    }
}

/// Prints the table.
pub fn measure() {
    title("estimates: median error of what a run still takes, and how often it was within the band");
    for kind in &KINDS {
        let mut held = (0_u32, 0_u32);
        for moment in MOMENTS {
            let (mut ours, mut rules) = (Errors::default(), [Errors::default(), Errors::default()]);
            for seed in SEEDS_FROM..SEEDS_FROM + HISTORIES {
                replay(kind, moment, seed, &mut ours, &mut rules, &mut held);
            }
            let figure = ours.median().unwrap_or(f64::NAN);
            let row = Row::new(format!("{}, {:.0} %", kind.name, moment * 100.0), Unit::Percent, figure);
            let beside = kind.rules().into_iter().zip(rules.map(Errors::median));
            beside
                .fold(row, |row, (name, figure)| match figure {
                    Some(figure) => row.beside(name, figure),
                    None => row,
                })
                .print();
        }
        let held = 100.0 * f64::from(held.0) / f64::from(held.1.max(1));
        Row::new(format!("{}: within the band", kind.name), Unit::Percent, held).print();
    }
}

impl Kind {
    /// The rules that it is measured beside.
    fn rules(&self) -> [&'static str; 2] {
        if self.tells { ["last", "rate"] } else { ["last", "mean"] }
    }
}

/// Goes through one history, and asks at that moment of each run.
fn replay(kind: &Kind, moment: f64, seed: u64, ours: &mut Errors, rules: &mut [Errors; 2], held: &mut (u32, u32)) {
    let mut dice = Dice(seed);
    let mut before: Vec<u64> = Vec::new();
    for n in 0..kind.runs.1 {
        let whole = (kind.duration)(&mut dice, n);
        let bend = 0.6 + dice.part();
        if n >= kind.runs.0 {
            let (elapsed, left) = (whole * moment, whole * (1.0 - moment));
            // A percent that is ahead of the time at first, or behind it.
            let percent = 100.0 * moment.powf(bend);
            let heard = kind.tells.then_some(Heard { percent, after_ms: elapsed as u64 });
            let past = Past { durations: before.iter().rev().take(PAST_MAX).copied().collect(), silences: Vec::new() };
            if let Some(span) = past.remaining(elapsed as u64, heard) {
                ours.add(span.likely, left);
                *held = (held.0 + u32::from(span.low <= left && left <= span.high), held.1 + 1);
            }
            if let Some(last) = before.last() {
                rules[0].add((*last as f64 - elapsed).max(0.0), left);
            }
            if kind.tells {
                rules[1].add(elapsed * (100.0 - percent) / percent, left);
            } else {
                let mean = before.iter().sum::<u64>() as f64 / before.len().max(1) as f64;
                rules[1].add((mean - elapsed).max(0.0), left);
            }
        }
        before.push(whole as u64);
    }
}

/// Chance that is the same each time: SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Dice(u64);

impl Dice {
    /// 0.0..1.0
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, part: f64) -> bool {
        self.part() < part
    }

    /// A log-normal factor around 1, with this deviation of its logarithm.
    fn spread(&mut self, deviation: f64) -> f64 {
        // Box and Muller's way to the normal distribution; `1 - part` is never 0.
        let (distance, angle) = ((-2.0 * (1.0 - self.part()).ln()).sqrt(), std::f64::consts::TAU * self.part());
        (deviation * distance * angle.cos()).exp()
    }
}
