//! Properties of every possible sequence of inputs: laws 1, 6, 7 and 8.

use proptest::prelude::*;

use super::round_tests::{FIVE_OF_EIGHT, Setting, round, salt};
use super::*;
use crate::domain::{
    Address, AppealKind, Bytes, Commitment, Execution, ExecutionMode, ExecutionOutcome, Profile,
    Seat, Timestamp, Vote,
};

fn vote() -> impl Strategy<Value = Vote> {
    prop_oneof![
        4 => Just(Vote::Agree),
        2 => Just(Vote::Disagree),
        1 => Just(Vote::Timeout),
        1 => Just(Vote::DeterministicViolation),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Step::Proposing), Just(Step::Committing), Just(Step::Revealing)]
}

/// Any input at all, likely or absurd.
fn input() -> impl Strategy<Value = Input> {
    let rotation = 0..4_u8;
    let seat = 0..14_u16;
    let validator = 0..8_u8;
    (0..12_u8, rotation, seat, vote(), step(), validator).prop_map(
        |(kind, rotation, seat, vote, step, validator)| {
            let salt = salt(seat);
            let seat = Seat(seat);
            match kind {
                0 => Input::Start,
                1 | 2 => Input::LeaderProposed {
                    rotation,
                    receipt: Execution::ending(ExecutionOutcome::Return(Bytes::new())).into(),
                },
                3 => Input::ExecutionTimedOut { rotation, seat },
                4 => {
                    let validator = Address::new([validator; 20]);
                    Input::NodeFailed { rotation, seat, validator, cause: "down".into() }
                }
                5..=7 => {
                    Input::VoteCommitted { rotation, seat, commitment: Commitment::to(vote, &salt) }
                }
                8..=10 => Input::VoteRevealed { rotation, seat, vote, salt },
                _ => Input::TimeoutElapsed(Timeout { rotation, step }),
            }
        },
    )
}

fn setting() -> impl Strategy<Value = Setting> {
    let mode = prop_oneof![
        6 => Just(ExecutionMode::Normal),
        1 => Just(ExecutionMode::LeaderOnly),
        1 => Just(ExecutionMode::LeaderSelfValidator),
    ];
    let appeal = prop_oneof![
        4 => Just(None),
        1 => Just(Some(AppealKind::Validators)),
        1 => Just(Some(AppealKind::Leader)),
        1 => Just(Some(AppealKind::LeaderTimeout)),
        1 => Just(Some(AppealKind::ValidatorsTimeout)),
    ];
    let profile = prop_oneof![4 => Just(Profile::Studio), 1 => Just(Profile::Origin)];
    (1..16_u8, 1..6_u16, 0..4_u8, mode, any::<bool>(), (appeal, profile)).prop_map(
        |(validators, size, rotations_max, mode, early_quorum, (appeal, profile))| Setting {
            // Only decisions of the normal mode and of today's rules can be appealed.
            appeal: appeal.filter(|_| mode == ExecutionMode::Normal && profile == Profile::Studio),
            profile,
            validators,
            size,
            rotations_max,
            mode,
            early_quorum,
        },
    )
}

/// A cooperative run: the round is answered as it asks, with the given votes.
fn run_with(setting: Setting, votes: &[Vote]) -> crate::domain::ledger::Decision {
    let mut round = round(setting);
    let mut votes = votes.iter().copied().cycle();
    let mut cast = std::collections::BTreeMap::new();
    let mut waiting = vec![Input::Start];
    for _ in 0..10_000 {
        let input = if waiting.is_empty() { break } else { waiting.remove(0) };
        for effect in round.apply(&input, Timestamp::default()).unwrap_or_default() {
            match effect {
                Effect::AskLeader { rotation } => waiting.push(Input::LeaderProposed {
                    rotation,
                    receipt: Execution::ending(ExecutionOutcome::Return(Bytes::new())).into(),
                }),
                Effect::AskValidators { rotation, seats, .. } => {
                    for seat in seats {
                        let vote = votes.next().unwrap();
                        cast.insert((rotation, seat), vote);
                        let commitment = Commitment::to(vote, &salt(seat.0));
                        waiting.push(Input::VoteCommitted { rotation, seat, commitment });
                    }
                }
                Effect::AskReveals { rotation, seats } => {
                    for seat in seats {
                        let vote = cast[&(rotation, seat)];
                        waiting.push(Input::VoteRevealed {
                            rotation,
                            seat,
                            vote,
                            salt: salt(seat.0),
                        });
                    }
                }
                Effect::Decide(decision) => return *decision,
                Effect::Announce(_) | Effect::ScheduleTimeout(..) | Effect::DismissNodes => {}
            }
        }
    }
    panic!("no decision");
}

proptest! {
    #[test]
    fn a_round_decides_at_most_once_keeps_the_laws_and_ignores_without_trace(
        setting in setting(),
        inputs in proptest::collection::vec(input(), 0..120),
    ) {
        let mut round = round(setting);
        let mut decisions = 0;
        for (index, input) in std::iter::once(Input::Start).chain(inputs).enumerate() {
            let now = Timestamp::from_millis(i64::try_from(index).unwrap());
            let before = format!("{round:?}");
            let twin = round.clone();
            let Ok(effects) = round.apply(&input, now) else {
                prop_assert_eq!(format!("{round:?}"), before);
                continue;
            };
            let again = twin.clone().apply(&input, now);
            prop_assert_eq!(format!("{effects:?}"), format!("{:?}", again.unwrap()));
            for effect in &effects {
                if let Effect::Decide(decision) = effect {
                    decisions += 1;
                    let checked = invariants::check_decision(decision, setting.mode, setting.profile);
                    prop_assert_eq!(checked, Ok(()));
                    prop_assert!(decision.rotations.len() <= 10);
                }
            }
            prop_assert!(decisions <= 1);
        }
    }

    #[test]
    fn every_cooperative_round_is_decided_and_acceptance_means_majority(
        setting in setting(),
        votes in proptest::collection::vec(vote(), 1..40),
    ) {
        let decision = run_with(setting, &votes);
        prop_assert_eq!(invariants::check_decision(&decision, setting.mode, setting.profile), Ok(()));
        let rotations = usize::from(setting.rotations_max) + 1;
        prop_assert!(decision.rotations.len() <= rotations);
    }

    #[test]
    fn the_tally_does_not_depend_on_order(
        mut votes in proptest::collection::vec(proptest::option::of(vote()), 0..20),
    ) {
        let forwards = Tally::of(votes.clone());
        votes.sort();
        prop_assert_eq!(forwards, Tally::of(votes));
    }

    #[test]
    fn a_certain_outcome_is_the_outcome_of_every_completion(
        votes in proptest::collection::vec(proptest::option::of(vote()), 1..7),
        filling in proptest::collection::vec(vote(), 7),
    ) {
        prop_assume!(Tally::of(votes.clone()).is_certain());
        let outcome = |result| match result {
            TallyResult::MajorityAgree => "accept",
            TallyResult::Timeout => "timeout",
            _ => "rotate",
        };
        let mut filling = filling.into_iter();
        let full = votes.iter().map(|vote| vote.or_else(|| filling.next()));
        prop_assert_eq!(
            outcome(Tally::of(votes.clone()).result()),
            outcome(Tally::of(full).result()),
        );
    }
}

#[test]
fn a_mutation_of_the_rules_would_be_seen() {
    // The law checks bite: a decision that claims acceptance against its votes is refused.
    let mut decision = run_with(FIVE_OF_EIGHT, &[Vote::Agree]);
    for seat in &mut decision.rotations[0].seats[..3] {
        seat.vote = Some(Vote::Disagree);
    }
    let checked = invariants::check_decision(&decision, ExecutionMode::Normal, Profile::Studio);
    assert_eq!(checked, Err(invariants::Violation::AcceptedWithoutMajority));

    let mut decision = run_with(FIVE_OF_EIGHT, &[Vote::Agree]);
    decision.rotations[0].seats[1].validator = decision.rotations[0].seats[0].validator;
    let checked = invariants::check_decision(&decision, ExecutionMode::Normal, Profile::Studio);
    assert_eq!(checked, Err(invariants::Violation::SeatedTwice));

    let mut decision = run_with(FIVE_OF_EIGHT, &[Vote::Disagree]);
    decision.rotations[1].seats.swap(0, 1);
    let former = decision.rotations[0].seats[0].clone();
    decision.rotations[1].seats[0] = former;
    let checked = invariants::check_decision(&decision, ExecutionMode::Normal, Profile::Studio);
    assert_eq!(checked, Err(invariants::Violation::LedTwice));
}
