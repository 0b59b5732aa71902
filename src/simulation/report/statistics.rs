//! Shares with their uncertainty, distributions of small numbers, and percentiles.

use std::collections::BTreeMap;

use serde::Serialize;

/// A count as a number to calculate with.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no statistic needs more than the 53 bits that are kept"
)]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

/// How sure an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// 19 of 20 such intervals hold the true value.
    Percent95,
    /// 99 of 100 such intervals hold the true value.
    Percent99,
}

impl Confidence {
    /// Two-sided quantile of the normal distribution.
    const fn deviations(self) -> f64 {
        match self {
            Self::Percent95 => 1.959_963_984_540_054,
            Self::Percent99 => 2.575_829_303_548_901,
        }
    }
}

/// Where a true share lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Not below this.
    pub low: f64,
    /// Not above this.
    pub high: f64,
}

impl Interval {
    /// Does it hold `share`, give or take the rounding of a computed one?
    pub fn contains(self, share: f64) -> bool {
        const ROUNDING: f64 = 1e-12;
        (self.low - ROUNDING..=self.high + ROUNDING).contains(&share)
    }
}

/// Wilson's score interval for the share of which `count` of `of` were seen.
///
/// Unlike the textbook interval it is sound for shares near 0 and 1 and for few observations; from
/// no observation it concludes nothing: 0 to 1.
pub fn wilson(count: u64, of: u64, confidence: Confidence) -> Interval {
    if of == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = float(of);
    let share = float(count.min(of)) / n;
    let squared = confidence.deviations().powi(2);
    let centre = share + squared / (2.0 * n);
    let spread = (squared * (share * (1.0 - share) + squared / (4.0 * n)) / n).sqrt();
    let scale = 1.0 + squared / n;
    Interval {
        // Exact at the ends, where rounding would leave a trace.
        low: if count == 0 { 0.0 } else { ((centre - spread) / scale).max(0.0) },
        high: if count >= of { 1.0 } else { ((centre + spread) / scale).min(1.0) },
    }
}

/// So many of so many, with what that says about the true share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proportion {
    /// How many were so.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// `count / of`; `None` of nothing.
    pub share: Option<f64>,
    /// Wilson's interval at 95 %.
    pub interval: Interval,
}

impl Proportion {
    /// `count` of `of`.
    pub fn new(count: u64, of: u64) -> Self {
        let share = (of > 0).then(|| float(count) / float(of));
        Self { count, of, share, interval: wilson(count, of, Confidence::Percent95) }
    }
}

/// How often each small number occurred.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Distribution {
    /// The mean; `None` of nothing.
    pub mean: Option<f64>,
    /// The largest; `None` of nothing.
    pub max: Option<u32>,
    /// The numbers that occurred and how often each did.
    pub counts: BTreeMap<u32, u64>,
}

impl FromIterator<u32> for Distribution {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut counts = BTreeMap::new();
        for number in numbers {
            *counts.entry(number).or_default() += 1_u64;
        }
        let many: u64 = counts.values().sum();
        let weighted = counts.iter().map(|(number, count)| f64::from(*number) * float(*count));
        let mean = (many > 0).then(|| weighted.sum::<f64>() / float(many));
        Self { mean, max: counts.keys().next_back().copied(), counts }
    }
}

/// How long something took, in milliseconds of the network's clock. All `None` of nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The mean.
    pub mean_ms: Option<f64>,
    /// Half took no longer.
    pub p50_ms: Option<u64>,
    /// Nine in ten took no longer.
    pub p90_ms: Option<u64>,
    /// 99 in 100 took no longer.
    pub p99_ms: Option<u64>,
    /// The longest.
    pub max_ms: Option<u64>,
    /// Percentiles 0, 1, … 100, from which curves are drawn; empty of nothing.
    pub percentiles_ms: Vec<u64>,
}

impl FromIterator<u64> for Latency {
    fn from_iter<I: IntoIterator<Item = u64>>(durations: I) -> Self {
        let mut sorted: Vec<u64> = durations.into_iter().collect();
        sorted.sort_unstable();
        let count = u64::try_from(sorted.len()).unwrap_or(u64::MAX);
        let mean = sorted.iter().map(|ms| float(*ms) / float(count)).sum();
        let at = |percent| percentile(&sorted, percent);
        Self {
            count,
            mean_ms: (count > 0).then_some(mean),
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: at(100),
            percentiles_ms: (0..=100).filter_map(at).collect(),
        }
    }
}

/// The smallest that `percent` of 100 do not exceed (nearest rank), so always one that occurred.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_intervals_are_those_of_the_literature() {
        // Newcombe (1998), table I, method 3.
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(count, of, Confidence::Percent95);
            assert!(
                (found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5,
                "{found:?}"
            );
        }
    }

    #[test]
    fn nothing_observed_says_nothing() {
        let nothing = Proportion::new(0, 0);
        assert_eq!(nothing.share, None);
        assert_eq!(nothing.interval, Interval { low: 0.0, high: 1.0 });
        assert_eq!(Distribution::from_iter([]), Distribution::default());
        assert_eq!(Latency::from_iter([]), Latency::default());
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred: Latency = (1..=100).rev().collect();
        let of =
            |latency: &Latency| [latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.max_ms];
        assert_eq!(of(&hundred), [Some(50), Some(90), Some(99), Some(100)]);
        assert_eq!(hundred.percentiles_ms.len(), 101);
        assert_eq!(of(&Latency::from_iter([7])), [Some(7); 4]);
        let two = Latency::from_iter([9, 1]);
        assert_eq!(of(&two), [Some(1), Some(9), Some(9), Some(9)]);
        assert_eq!(two.mean_ms, Some(5.0));
    }

    #[test]
    fn huge_numbers_stay_finite() {
        let latency = Latency::from_iter([u64::MAX; 3]);
        assert!(latency.mean_ms.is_some_and(f64::is_finite));
        let distribution = Distribution::from_iter([u32::MAX; 3]);
        assert_eq!(distribution.mean, Some(f64::from(u32::MAX)));
        assert_eq!(Proportion::new(u64::MAX, u64::MAX).share, Some(1.0));
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_own_share_and_widens_with_confidence(
            count in any::<u64>(),
            of in 1..=u64::MAX,
        ) {
            let count = count.min(of);
            let narrow = wilson(count, of, Confidence::Percent95);
            let wide = wilson(count, of, Confidence::Percent99);
            prop_assert!(narrow.contains(float(count) / float(of)));
            prop_assert!(0.0 <= wide.low && wide.low <= narrow.low + 1e-15);
            prop_assert!(narrow.high <= wide.high + 1e-15 && wide.high <= 1.0);
        }

        #[test]
        fn percentiles_rise_and_occurred(
            durations in prop::collection::vec(any::<u64>(), 1..50)
        ) {
            let latency: Latency = durations.iter().copied().collect();
            prop_assert!(latency.percentiles_ms.is_sorted());
            prop_assert!(latency.percentiles_ms.iter().all(|ms| durations.contains(ms)));
            prop_assert_eq!(latency.max_ms, durations.iter().max().copied());
        }
    }
}
