//! The closed form against the protocol's own draw and count, played many times from one seed.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::domain::{Address, Stake, Validator, Vote, keccak256};
use crate::protocol::selection::{draw, draw_seed};
use crate::protocol::{Tally, TallyResult};

const PLAYS: u32 = 4_000;

/// Far enough for the 144 comparisons below: one in 15 000 lies further off by chance.
const DEVIATIONS: f64 = 4.0;

struct Play<'a> {
    model: &'a Model,
    appeals: Appeals,
    network: Vec<Validator>,
    seated: BTreeSet<Address>,
    number: u32,
    draws: u8,
    chance: ChaCha20Rng,
}

impl Play<'_> {
    fn seat(&mut self, count: usize) -> Option<Vec<Validator>> {
        let base = keccak256(&[b"sampling"]);
        let seed = draw_seed(&base, &keccak256(&[b"transaction"]), self.number, self.draws);
        self.draws += 1;
        let drawn = draw(&self.network, &self.seated, count, &seed);
        (drawn.len() == count).then(|| {
            self.seated.extend(drawn.iter().map(|validator| validator.address));
            drawn
        })
    }

    fn is_wrong(&mut self, validator: &Validator) -> bool {
        match self.model.wrongness {
            Wrongness::Validators(wrong) => {
                let index = validator.address.as_bytes()[19];
                u32::from(index) < wrong
            }
            Wrongness::Executions(p) => self.chance.random_bool(p),
        }
    }

    fn vote(&mut self, validator: &Validator, receipt_is_wrong: bool) -> Vote {
        let is_wrong = self.is_wrong(validator);
        let is_alone = is_wrong && self.model.wrong_results == WrongResults::Different;
        let agrees = is_wrong == receipt_is_wrong && !is_alone;
        if agrees { Vote::Agree } else { Vote::DeterministicViolation }
    }

    /// The accepted result, if any, and the last committee without its leader.
    fn run(&mut self, mut committee: Vec<Validator>) -> (Option<bool>, Vec<Validator>) {
        for rotation in 0..=self.model.rotations_max {
            let leader = committee.remove(0);
            let receipt_is_wrong = self.is_wrong(&leader);
            let mut votes = vec![Vote::Agree];
            votes.extend(committee.iter().map(|other| self.vote(other, receipt_is_wrong)));
            if Tally::of(votes.into_iter().map(Some)).result() == TallyResult::MajorityAgree {
                return (Some(receipt_is_wrong), committee);
            }
            if rotation == self.model.rotations_max {
                break;
            }
            match self.seat(1) {
                Some(joining) => committee.extend(joining),
                None => break,
            }
        }
        (None, committee)
    }

    fn outcome(&mut self) -> Option<bool> {
        let n = usize::try_from(self.model.committee).unwrap();
        let committee = self.seat(n).unwrap();
        let (accepted, mut rest) = self.run(committee);
        let is_appealed = match accepted {
            Some(_) => self.appeals.of_accepted,
            None => self.appeals.of_undetermined,
        };
        let Some(fresh) = is_appealed.then(|| self.seat(n + 2)).flatten() else {
            return accepted;
        };
        if let Some(receipt) = accepted {
            let votes: Vec<_> = fresh.iter().map(|voter| self.vote(voter, receipt)).collect();
            if Tally::of(votes.into_iter().map(Some)).result() == TallyResult::MajorityAgree {
                return accepted;
            }
        }
        rest.extend(fresh);
        if accepted.is_some() {
            let base = keccak256(&[b"again"]);
            let seed = draw_seed(&base, &keccak256(&[b"transaction"]), self.number, self.draws);
            rest = draw(&rest, &BTreeSet::new(), rest.len(), &seed);
        }
        self.run(rest).0
    }
}

fn network(size: u32) -> Vec<Validator> {
    let validator = |index: u32| {
        let mut address = [0; 20];
        address[19] = u8::try_from(index).unwrap();
        Validator { address: Address::new(address), stake: Stake::try_from(1).unwrap() }
    };
    (0..size).map(validator).collect()
}

fn sample(model: &Model, appeals: Appeals) -> [u32; 3] {
    let network = network(model.validators);
    let mut ends = [0; 3];
    for number in 0..PLAYS {
        let mut play = Play {
            model,
            appeals,
            network: network.clone(),
            seated: BTreeSet::new(),
            number,
            draws: 0,
            chance: ChaCha20Rng::seed_from_u64(u64::from(number)),
        };
        ends[play.outcome().map_or(2, usize::from)] += 1;
    }
    ends
}

#[track_caller]
fn check(model: &Model) {
    for appeals in [Appeals::NONE, Appeals::ALL] {
        let theory = model.probabilities(appeals).unwrap();
        let theory = [theory.right_accepted, theory.wrong_accepted, theory.undetermined];
        for (count, p) in sample(model, appeals).into_iter().zip(theory) {
            let measured = f64::from(count) / f64::from(PLAYS);
            let spread = DEVIATIONS * (p * (1.0 - p) / f64::from(PLAYS)).sqrt() + 1e-12;
            assert!((measured - p).abs() <= spread, "{model:?} {appeals:?}: {measured} {p}");
        }
    }
}

fn models(wrongness: &[Wrongness], sizes: &[(u32, u32, u8)]) -> Vec<Model> {
    let mut models = Vec::new();
    for wrongness in wrongness.iter().copied() {
        for (validators, committee, rotations_max) in sizes.iter().copied() {
            for wrong_results in [WrongResults::Equal, WrongResults::Different] {
                models.push(Model {
                    validators,
                    committee,
                    rotations_max,
                    wrongness,
                    wrong_results,
                });
            }
        }
    }
    models
}

#[test]
fn always_wrong_validators_agree_with_the_protocols_draw_and_count() {
    let wrong = [Wrongness::Validators(6), Wrongness::Validators(9)];
    models(&wrong, &[(20, 5, 3), (20, 3, 1), (14, 4, 4)]).iter().for_each(check);
}

#[test]
fn sometimes_wrong_executions_agree_with_the_protocols_draw_and_count() {
    let wrong = [Wrongness::Executions(0.2), Wrongness::Executions(0.45)];
    models(&wrong, &[(20, 5, 3), (20, 3, 1), (14, 4, 4)]).iter().for_each(check);
}
