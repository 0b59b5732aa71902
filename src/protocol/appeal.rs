//! Who sits in which round: first committees, re-runs and the four kinds of appeal (protocol
//! section 5; sizes as in `studio.md` 1.8).

use std::collections::BTreeSet;

use super::selection::draw;
use crate::domain::{
    Address, AppealCase, AppealKind, Committee, Digest, PastRound, Phase, Validator,
};

/// Why an appeal is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppealRefused {
    /// Section 5: too few validators who had no seat in this transaction yet.
    #[error(
        "{kind} appeal needs {wanted} validators without a seat so far, and there are {unused}"
    )]
    TooFewValidators {
        /// The kind of appeal.
        kind: AppealKind,
        /// How many it needs.
        wanted: usize,
        /// How many there are.
        unused: usize,
    },
}

/// What the rounds so far left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The committee that made the last decision, its leader first.
    deciding: Vec<Address>,
    /// Those who judged its receipt again in appeals since, in the order in which they joined.
    appellants: Vec<Address>,
    /// Re-votes since the last decision that did not overturn it.
    revotes_failed: usize,
    /// Everybody who ever led.
    led: BTreeSet<Address>,
    /// Everybody who ever had a seat.
    seated: BTreeSet<Address>,
}

impl Standing {
    /// Folds the rounds of one transaction, oldest first.
    pub fn of(past: &[PastRound]) -> Self {
        past.iter().fold(Self::default(), Self::after)
    }

    fn after(mut self, round: &PastRound) -> Self {
        self.seated.extend(round.committees.iter().flatten().chain(&round.replaced));
        let last = round.committees.last().cloned().unwrap_or_default();
        if round.phase.is_revote() {
            self.appellants = last;
            self.revotes_failed += usize::from(round.phase.has_failed_with(round.status));
        } else {
            self.led.extend(round.committees.iter().filter_map(|committee| committee.first()));
            self.deciding = last;
            self.appellants.clear();
            self.revotes_failed = 0;
        }
        self
    }

    /// Everybody who ever had a seat: rotations and appeals bring in others.
    pub fn seated(&self) -> &BTreeSet<Address> {
        &self.seated
    }

    /// How many validators without a seat so far an appeal of this kind needs.
    ///
    /// A committee of n grows to 2n+2, 3n+3, 5n+3, 7n+3 … by re-votes, and from n to 2n+1 by a
    /// leader appeal.
    pub fn newcomers(&self, kind: AppealKind) -> usize {
        let size = self.deciding.len();
        match (kind, self.revotes_failed) {
            (AppealKind::Leader, _)
            | (AppealKind::Validators | AppealKind::ValidatorsTimeout, 0) => size + 2,
            (AppealKind::Validators | AppealKind::ValidatorsTimeout, 1) => size + 1,
            (AppealKind::Validators | AppealKind::ValidatorsTimeout, _) => 2 * size,
            (AppealKind::LeaderTimeout, _) => 1,
        }
    }

    /// The members of the first committee of a round, in seat order; nobody when nobody is left.
    ///
    /// Who is no validator any more has no seat; `size` is what the sender asked for.
    pub fn committee(
        &self,
        phase: Phase,
        size: usize,
        validators: &[Validator],
        seed: &Digest,
    ) -> Option<Committee> {
        let newcomers = |count| draw(validators, &self.seated, count, seed);
        let present = |addresses: &[Address]| -> Vec<Validator> {
            let find =
                |address: &Address| validators.iter().find(|it| it.address == *address).cloned();
            addresses.iter().filter_map(find).collect()
        };
        let without_leader = || self.deciding.get(1..).unwrap_or_default();
        let mut members = match phase {
            Phase::Initial => newcomers(size),
            Phase::Rerun => self.drawn_again(size, validators, seed),
            Phase::Appeal(kind) if kind.is_revote() => present(&self.appellants),
            Phase::Appeal(_) => present(without_leader()),
        };
        if let Phase::Appeal(kind) = phase {
            members.extend(newcomers(self.newcomers(kind)));
        }
        Committee::new(members)
    }

    /// Everybody who judged the overturned receipt, but nobody who led: drawn, so that leadership
    /// goes by stake again. If none of them is a validator any more, a committee of newcomers.
    fn drawn_again(&self, size: usize, validators: &[Validator], seed: &Digest) -> Vec<Validator> {
        let is_recorded =
            |address| self.deciding.contains(address) || self.appellants.contains(address);
        let candidates: Vec<Validator> =
            validators.iter().filter(|it| is_recorded(&it.address)).cloned().collect();
        let drawn = draw(&candidates, &self.led, candidates.len(), seed);
        if drawn.is_empty() { draw(validators, &self.seated, size, seed) } else { drawn }
    }
}

/// Admits an appeal, or says with numbers why not; nothing changes then.
pub fn admit(case: &AppealCase) -> Result<(), AppealRefused> {
    let standing = Standing::of(&case.past);
    let wanted = standing.newcomers(case.kind);
    let unused = case.validators.iter().filter(|it| !standing.seated.contains(it)).count();
    if unused < wanted {
        return Err(AppealRefused::TooFewValidators { kind: case.kind, wanted, unused });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Stake, Status};

    fn validators(count: u8) -> Vec<Validator> {
        let stake = Stake::try_from(1).unwrap();
        (0..count).map(|index| Validator { address: Address::new([index; 20]), stake }).collect()
    }

    /// Plays rounds given as (phase, status, turns) and tells the size of each first committee.
    fn sizes(validator_count: u8, rounds: &[(Phase, Status, u8)]) -> Vec<usize> {
        let validators = validators(validator_count);
        let mut past = Vec::new();
        let mut sizes = Vec::new();
        for (index, (phase, status, turns)) in rounds.iter().enumerate() {
            let seed = |turn: u8| Digest::new([u8::try_from(index).unwrap() * 16 + turn; 32]);
            let standing = Standing::of(&past);
            let mut committee = standing.committee(*phase, 5, &validators, &seed(0)).unwrap();
            sizes.push(committee.size());
            let mut seated = standing.seated().clone();
            let mut committees = Vec::new();
            for turn in 1..=*turns {
                let members: Vec<Address> = committee.members().map(|it| it.address).collect();
                seated.extend(&members);
                if !phase.is_revote() {
                    assert!(!standing.led.contains(&members[0]), "a former leader leads again");
                }
                assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len());
                committees.push(members);
                if turn < *turns {
                    let joining = draw(&validators, &seated, 1, &seed(turn)).pop();
                    committee = committee.rotated(Some(joining.unwrap())).unwrap();
                }
            }
            let round = PastRound { phase: *phase, status: *status, committees, replaced: vec![] };
            past.push(round);
        }
        sizes
    }

    const VALIDATORS: Phase = Phase::Appeal(AppealKind::Validators);
    const LEADER: Phase = Phase::Appeal(AppealKind::Leader);

    #[test]
    fn committees_grow_as_in_the_table() {
        use Status::{Accepted, LeaderTimeout, Pending, Undetermined};
        let initial = (Phase::Initial, Accepted, 1);
        let failed = (VALIDATORS, Accepted, 1);
        let succeeded = (VALIDATORS, Pending, 1);
        let again = (Phase::Rerun, Accepted, 1);
        for (count, rounds, expected) in [
            // 5 + 7, 6 more, 10 more: 12, 18 and 28 voters on record (scenario E9).
            (28, vec![initial, failed, failed, failed], vec![5, 7, 13, 23]),
            (38, vec![initial, failed, failed, failed, failed], vec![5, 7, 13, 23, 33]),
            // Everybody on record but the old leader runs it again (E8).
            (25, vec![initial, succeeded, again, succeeded, again], vec![5, 7, 11, 13, 23]),
            // The growth starts anew with the new decision (E10).
            (
                37,
                vec![initial, succeeded, again, failed, succeeded, again],
                vec![5, 7, 11, 13, 25, 35],
            ),
            // Leader appeals: 2n + 1, whatever the number of rotations (E11).
            (
                128,
                vec![
                    (Phase::Initial, Undetermined, 5),
                    (LEADER, Undetermined, 5),
                    (LEADER, Accepted, 3),
                    (VALIDATORS, Pending, 1),
                    (Phase::Rerun, Undetermined, 5),
                    (LEADER, Undetermined, 5),
                ],
                vec![5, 11, 23, 25, 47, 95],
            ),
            // One new member for a leader that was too slow (E14).
            (
                6,
                vec![
                    (Phase::Initial, LeaderTimeout, 1),
                    (Phase::Appeal(AppealKind::LeaderTimeout), LeaderTimeout, 1),
                ],
                vec![5, 5],
            ),
        ] {
            assert_eq!(sizes(count, &rounds), expected, "{rounds:?}");
        }
    }

    #[test]
    fn an_appeal_without_enough_unused_validators_is_refused_with_the_numbers() {
        let all = validators(11);
        let addresses: Vec<Address> = all.iter().map(|it| it.address).collect();
        let past = vec![PastRound {
            phase: Phase::Initial,
            status: Status::Accepted,
            committees: vec![addresses[..5].to_vec()],
            replaced: Vec::new(),
        }];
        let case = AppealCase { kind: AppealKind::Validators, past, validators: addresses };
        let refused = admit(&case).unwrap_err();
        let kind = AppealKind::Validators;
        assert_eq!(refused, AppealRefused::TooFewValidators { kind, wanted: 7, unused: 6 });
        assert_eq!(
            refused.to_string(),
            "validators appeal needs 7 validators without a seat so far, and there are 6"
        );
        let one_more = validators(12).iter().map(|it| it.address).collect();
        assert_eq!(admit(&AppealCase { validators: one_more, ..case }), Ok(()));
    }

    #[test]
    fn who_left_the_network_has_no_seat() {
        let all = validators(9);
        let seats = |range: std::ops::Range<usize>| -> Vec<Address> {
            all[range].iter().map(|it| it.address).collect()
        };
        let round = |phase, status, committee| PastRound {
            phase,
            status,
            committees: vec![committee],
            replaced: Vec::new(),
        };
        let past = [
            round(Phase::Initial, Status::Accepted, seats(0..3)),
            round(VALIDATORS, Status::Pending, seats(3..8)),
        ];
        let standing = Standing::of(&past);
        let seed = Digest::new([1; 32]);
        let rest = standing.committee(Phase::Rerun, 3, &all[5..], &seed).unwrap();
        assert_eq!(rest.size(), 3, "three of those on record are left");
        let nobody = standing.committee(Phase::Rerun, 3, &all[8..], &seed).unwrap();
        assert_eq!(nobody.leader(), &all[8], "a newcomer takes over");
        assert_eq!(standing.committee(Phase::Rerun, 3, &[], &seed), None);
    }
}
