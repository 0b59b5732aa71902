//! Chance: everything random of a run derives from its seed.
//!
//! Each purpose has a stream of its own, `ChaCha20` from `keccak256(seed ‖ label ‖ number)`, so that
//! adding one kind of choice shifts no other.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::scenario::{Delay, Share, Spread};
use crate::domain::{Digest, keccak256};

/// Makes the streams of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    seed: u64,
}

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream number `number` for `purpose`.
    pub(super) fn stream(self, purpose: &str, number: usize) -> Stream {
        Stream(ChaCha20Rng::from_seed(*self.digest(purpose, number).as_bytes()))
    }

    /// What `purpose` derives from the seed.
    pub(super) fn digest(self, purpose: &str, number: usize) -> Digest {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        let parts: [&[u8]; 4] = [
            b"agora:simulation:",
            &self.seed.to_be_bytes(),
            purpose.as_bytes(),
            &number.to_be_bytes(),
        ];
        keccak256(&parts)
    }
}

/// One stream of choices.
#[derive(Debug, Clone)]
pub(super) struct Stream(ChaCha20Rng);

impl Stream {
    /// Does what has this probability happen now? Certainties draw nothing.
    pub(super) fn happens(&mut self, probability: Share) -> bool {
        match probability.0 {
            never if never <= 0.0 => false,
            always if always >= 1.0 => true,
            share => self.unit() < share,
        }
    }

    /// From 0 to just below 1, in steps of 2⁻⁵³.
    fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
        float(self.0.next_u64() >> 11) * STEP
    }

    /// One of `count` places; 0 when there is none.
    pub(super) fn place(&mut self, count: usize) -> usize {
        if count < 2 { 0 } else { self.0.random_range(0..count) }
    }

    /// One place, each as often as its step in `cumulated` is high.
    pub(super) fn weighted(&mut self, cumulated: &[f64]) -> usize {
        let total = cumulated.last().copied().unwrap_or(0.0);
        let point = self.unit() * total;
        cumulated.partition_point(|sum| *sum <= point).min(cumulated.len().saturating_sub(1))
    }

    /// One value of a distribution.
    pub(super) fn sample(&mut self, spread: Spread) -> u64 {
        match spread {
            Spread::Constant(value) => value,
            Spread::Uniform(min, max) => self.0.random_range(min..=max),
            Spread::Exponential(mean) => whole(self.exponential(float(mean))),
            Spread::Normal(mean, deviation) => whole(self.normal(float(mean), float(deviation))),
        }
    }

    /// One duration of a distribution.
    pub(super) fn delay(&mut self, delay: Delay) -> Duration {
        Duration::from_millis(self.sample(delay.0))
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Box and Muller's.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.unit();
        mean + deviation * radius * angle.cos()
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "values of distributions need no more than 53 bits"
)]
pub(super) fn float(value: u64) -> f64 {
    value as f64
}

/// The nearest whole number, none below zero.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and negative values are clipped on purpose"
)]
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(spread: Spread) -> f64 {
        let mut stream = Chance::new(1).stream("test", 0);
        let sum: u64 = (0..20_000).map(|_| stream.sample(spread)).sum();
        float(sum) / 20_000.0
    }

    #[test]
    fn distributions_have_their_means() {
        for (spread, expected) in [
            (Spread::Constant(7), 7.0),
            (Spread::Uniform(0, 100), 50.0),
            (Spread::Exponential(100), 100.0),
            (Spread::Normal(100, 20), 100.0),
        ] {
            assert!((mean(spread) - expected).abs() < 2.5, "{spread:?}: {}", mean(spread));
        }
    }

    #[test]
    fn streams_do_not_shift_each_other() {
        let chance = Chance::new(9);
        let mut alone = chance.stream("a", 0);
        let (mut first, mut other) = (chance.stream("a", 0), chance.stream("b", 0));
        for _ in 0..10 {
            other.unit();
            assert_eq!(alone.0.next_u64(), first.0.next_u64());
        }
        assert_ne!(chance.digest("a", 0), chance.digest("a", 1));
        assert_ne!(chance.digest("a", 0), Chance::new(8).digest("a", 0));
    }

    #[test]
    fn weights_are_shares() {
        let mut stream = Chance::new(3).stream("weights", 0);
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            counts[stream.weighted(&[1.0, 1.0, 4.0])] += 1;
        }
        assert_eq!(counts[1], 0, "a weight of nothing is never chosen");
        assert!((2_300..2_700).contains(&counts[0]), "{counts:?}");
    }
}
