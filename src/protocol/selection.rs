//! The stake-weighted draw of committees (protocol section 2).

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::domain::{Address, Digest, TxHash, Validator, keccak256};

/// The seed of one draw: `keccak256(network seed ‖ transaction hash ‖ attempt ‖ rotation)`.
pub fn draw_seed(network_seed: &Digest, hash: &TxHash, attempt: u32, rotation: u8) -> Digest {
    keccak256(&[
        network_seed.as_bytes(),
        hash.as_bytes(),
        &attempt.to_be_bytes(),
        &rotation.to_be_bytes(),
    ])
}

/// Draws up to `count` of `validators` who are not `excluded`: weighted by stake, without
/// replacement, in drawn order. Equal arguments give equal draws.
pub fn draw(
    validators: &[Validator],
    excluded: &BTreeSet<Address>,
    count: usize,
    seed: &Digest,
) -> Vec<Validator> {
    let mut rng = ChaCha20Rng::from_seed(*seed.as_bytes());
    let mut candidates: Vec<&Validator> =
        validators.iter().filter(|validator| !excluded.contains(&validator.address)).collect();
    let mut drawn = Vec::with_capacity(count.min(candidates.len()));
    while drawn.len() < count {
        let total: u128 = candidates.iter().map(|candidate| weight(candidate)).sum();
        if total == 0 {
            break;
        }
        let index = index_at(&candidates, rng.random_range(0..total));
        drawn.push(candidates.remove(index).clone());
    }
    drawn
}

fn weight(validator: &Validator) -> u128 {
    u128::from(validator.stake.get())
}

/// The candidate whose share of the stake covers `point`.
fn index_at(candidates: &[&Validator], mut point: u128) -> usize {
    for (index, candidate) in candidates.iter().enumerate() {
        match point.checked_sub(weight(candidate)) {
            None => return index,
            Some(rest) => point = rest,
        }
    }
    candidates.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Stake;

    fn validators(stakes: &[u64]) -> Vec<Validator> {
        let validator = |(index, stake): (usize, &u64)| Validator {
            address: Address::new([u8::try_from(index).unwrap(); 20]),
            stake: Stake::try_from(*stake).unwrap(),
        };
        stakes.iter().enumerate().map(validator).collect()
    }

    fn seed(number: u32) -> Digest {
        keccak256(&[&number.to_be_bytes()])
    }

    #[test]
    fn a_draw_holds_nobody_twice_and_nobody_excluded() {
        let all = validators(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let excluded = BTreeSet::from([all[3].address, all[7].address]);
        for number in 0..200 {
            let drawn = draw(&all, &excluded, 5, &seed(number));
            let distinct: BTreeSet<_> = drawn.iter().map(|validator| validator.address).collect();
            assert_eq!(distinct.len(), 5);
            assert!(distinct.is_disjoint(&excluded));
        }
    }

    #[test]
    fn a_draw_of_more_than_there_are_holds_everybody() {
        assert_eq!(draw(&validators(&[1, 1]), &BTreeSet::new(), 5, &seed(0)).len(), 2);
        assert!(draw(&[], &BTreeSet::new(), 5, &seed(0)).is_empty());
    }

    #[test]
    fn equal_seeds_draw_equal_committees_and_others_others() {
        let all = validators(&[1; 50]);
        let first = draw(&all, &BTreeSet::new(), 5, &seed(1));
        assert_eq!(first, draw(&all, &BTreeSet::new(), 5, &seed(1)));
        assert_ne!(first, draw(&all, &BTreeSet::new(), 5, &seed(2)));
    }

    #[test]
    fn leadership_is_in_proportion_to_stake() {
        let all = validators(&[1, 3, 6]);
        let mut led = [0_u32; 3];
        for number in 0..10_000 {
            let leader = draw(&all, &BTreeSet::new(), 1, &seed(number)).remove(0);
            led[usize::from(leader.address.as_bytes()[0])] += 1;
        }
        // 10 000 draws of shares 0.1, 0.3, 0.6: four standard deviations are below 200.
        for (count, expected) in led.into_iter().zip([1_000, 3_000, 6_000]) {
            assert!(count.abs_diff(expected) < 200, "{led:?}");
        }
    }

    #[test]
    fn huge_stakes_do_not_overflow() {
        let all = validators(&[u64::MAX, u64::MAX, u64::MAX]);
        assert_eq!(draw(&all, &BTreeSet::new(), 3, &seed(0)).len(), 3);
    }

    #[test]
    fn the_seed_covers_network_transaction_attempt_and_rotation() {
        let base = draw_seed(&seed(0), &seed(1), 0, 0);
        for other in [
            draw_seed(&seed(9), &seed(1), 0, 0),
            draw_seed(&seed(0), &seed(9), 0, 0),
            draw_seed(&seed(0), &seed(1), 9, 0),
            draw_seed(&seed(0), &seed(1), 0, 9),
        ] {
            assert_ne!(base, other);
        }
    }
}
