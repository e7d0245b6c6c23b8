//! Chance that can be had again: the seed of a test that failed is printed, and `RUNCAST_SEED` gives it.

use std::sync::{Mutex, PoisonError};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// Seeded dice, shared by the parts of a test.
pub struct Dice {
    seed: u64,
    rng: Mutex<StdRng>,
}

impl Dice {
    /// With the seed from `RUNCAST_SEED`, or another each time.
    pub fn new() -> Self {
        let seed = setting("RUNCAST_SEED").unwrap_or_else(rand::random);
        Self { seed, rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// Dice of somebody's own: what others throw does not change them.
    pub fn another(&self) -> Self {
        let seed = self.rng.lock().unwrap_or_else(PoisonError::into_inner).random();
        Self { seed: self.seed, rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// Less than `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..end)
    }

    /// 1 to `most`, the small as often as the large.
    pub fn amount(&self, most: u64) -> u64 {
        let exponent: f64 = self.rng.lock().unwrap_or_else(PoisonError::into_inner).random();
        ((most as f64).powf(exponent) as u64).clamp(1, most)
    }

    /// True once in so many times.
    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to throw the same again: RUNCAST_SEED={}", self.seed);
        }
    }
}

/// A number from the environment of whoever runs the tests.
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
