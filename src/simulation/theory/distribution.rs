//! The two distributions the closed form is made of, and sums that do not lose small terms.

/// A sum that carries its rounding error along (Neumaier's variant of Kahan's).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, term: f64) {
        let total = self.total + term;
        self.lost += if self.total.abs() >= term.abs() {
            (self.total - total) + term
        } else {
            (term - total) + self.total
        };
        self.total = total;
    }

    pub(super) fn value(self) -> f64 {
        self.total + self.lost
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}

/// How often each count occurs, in ascending order of the count.
pub(super) type Counts = Vec<(u32, f64)>;

/// How many marked ones are among `drawn` of `population`, of which `marked` are marked.
pub(super) fn hypergeometric(population: u32, marked: u32, drawn: u32) -> Counts {
    let low = drawn.saturating_sub(population - marked);
    let high = drawn.min(marked);
    let spare = f64::from(population) - f64::from(marked) - f64::from(drawn);
    from_ratios(low, high, |k| {
        let k = f64::from(k);
        (f64::from(marked) - k) * (f64::from(drawn) - k) / ((k + 1.0) * (spare + k + 1.0))
    })
}

/// How many of `trials` succeed, each with `probability`.
pub(super) fn binomial(trials: u32, probability: f64) -> Counts {
    if probability <= 0.0 {
        return vec![(0, 1.0)];
    }
    if probability >= 1.0 {
        return vec![(trials, 1.0)];
    }
    let odds = probability / (1.0 - probability);
    from_ratios(0, trials, |k| (f64::from(trials) - f64::from(k)) / (f64::from(k) + 1.0) * odds)
}

/// The distribution on `low..=high` in which `k + 1` is `ratio(k)` times as frequent as `k`;
/// `ratio` falls.
///
/// Weights are taken from the most frequent count outwards and then divided by their sum: every
/// factor is at most 1, so nothing overflows, and errors grow with the distance from the mode only.
/// Logarithms of factorials would lose digits here: ln(100 000!) is 10⁶, of which a double keeps ten
/// places after the point.
fn from_ratios(low: u32, high: u32, ratio: impl Fn(u32) -> f64) -> Counts {
    let mode = (low..high).find(|k| ratio(*k) <= 1.0).unwrap_or(high);
    let mut below = Vec::new();
    let mut weight = 1.0;
    for k in (low..mode).rev() {
        weight /= ratio(k);
        below.push((k, weight));
    }
    let mut counts: Counts = below.into_iter().rev().collect();
    counts.push((mode, 1.0));
    weight = 1.0;
    for k in mode..high {
        weight *= ratio(k);
        counts.push((k + 1, weight));
    }
    let total = counts.iter().map(|(_, weight)| *weight).collect::<Sum>().value();
    counts.into_iter().map(|(k, weight)| (k, weight / total)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `n` over `k`, exact while it is below 2⁵³.
    fn choose(n: u32, k: u32) -> f64 {
        (0..k).fold(1.0, |product, i| product * f64::from(n - i) / f64::from(i + 1))
    }

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-13 * expected.max(1e-3), "{found} {expected}");
    }

    #[test]
    fn hypergeometric_is_the_quotient_of_combinations() {
        for (population, marked, drawn) in
            [(10, 3, 5), (10, 0, 5), (10, 10, 5), (7, 6, 6), (1, 1, 1), (1, 0, 0), (40, 17, 12)]
        {
            let found = hypergeometric(population, marked, drawn);
            for (k, probability) in &found {
                let ways = choose(marked, *k) * choose(population - marked, drawn - k);
                assert_close(*probability, ways / choose(population, drawn));
            }
            let covered = drawn.min(marked) - drawn.saturating_sub(population - marked) + 1;
            assert_eq!(found.len(), usize::try_from(covered).unwrap());
        }
    }

    #[test]
    fn binomial_is_the_product_of_its_trials() {
        for (trials, p) in
            [(0, 0.3), (1, 0.3), (5, 0.1), (12, 0.999), (9, 1e-9), (4, 0.0), (4, 1.0)]
        {
            for (k, probability) in binomial(trials, p) {
                let power = |base: f64, times: u32| base.powi(i32::try_from(times).unwrap());
                assert_close(
                    probability,
                    choose(trials, k) * power(p, k) * power(1.0 - p, trials - k),
                );
            }
        }
    }

    #[test]
    fn a_sum_keeps_what_a_plain_sum_loses() {
        let terms = [1.0, 1e100, 1.0, -1e100];
        assert_close(terms.into_iter().collect::<Sum>().value(), 2.0);
    }

    proptest! {
        #[test]
        fn distributions_of_any_size_sum_to_one(
            population in 0_u32..200_000,
            marked in 0.0..=1.0_f64,
            drawn in 0_u32..600,
        ) {
            let part = (f64::from(population) * marked).floor().to_string().parse().unwrap();
            let drawn = drawn.min(population);
            for counts in [hypergeometric(population, part, drawn), binomial(drawn, marked)] {
                let total: Sum = counts.iter().map(|(_, probability)| *probability).collect();
                prop_assert!((total.value() - 1.0).abs() < 1e-14);
                prop_assert!(counts.iter().all(|(_, probability)| probability.is_finite()));
            }
        }
    }
}
