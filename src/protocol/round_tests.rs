//! Table tests: every arm of [`Round::apply`] as a script and the trace it leaves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::ledger::{Basis, Decision};
use crate::domain::{
    Address, AppealKind, Bytes, Commitment, Digest, Execution, ExecutionMode, ExecutionOutcome,
    PastRound, Phase, Profile, Salt, Seat, Stake, Timestamp, TransactionRules, TxHash, Validator,
    Vote, keccak256,
};

/// What a script runs on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) validators: u8,
    pub(super) size: u16,
    pub(super) rotations_max: u8,
    pub(super) mode: ExecutionMode,
    pub(super) early_quorum: bool,
    pub(super) profile: Profile,
    /// An appeal of what five validators, the first of them leading, decided before.
    pub(super) appeal: Option<AppealKind>,
}

pub(super) const FIVE_OF_EIGHT: Setting = Setting {
    validators: 8,
    size: 5,
    rotations_max: 3,
    mode: ExecutionMode::Normal,
    early_quorum: false,
    profile: Profile::Studio,
    appeal: None,
};

pub(super) fn round(setting: Setting) -> Round {
    let validator = |index: u8| Validator {
        address: Address::new([index; 20]),
        stake: Stake::try_from(u64::from(index) + 1).unwrap(),
    };
    let before = |kind: AppealKind| PastRound {
        phase: Phase::Initial,
        status: kind.challenges(),
        committees: vec![(0..5).map(|index| Address::new([index; 20])).collect()],
        replaced: Vec::new(),
    };
    let past: Vec<PastRound> = setting.appeal.map(before).into_iter().collect();
    Round::new(RoundParameters {
        hash: TxHash::new([1; 32]),
        queue: Address::new([9; 20]),
        attempt: 2,
        profile: setting.profile,
        phase: setting.appeal.map_or(Phase::Initial, Phase::Appeal),
        standing: Standing::of(&past),
        receipt: setting.appeal.filter(|kind| kind.is_revote()).map(|_| receipt(&[])),
        rules: TransactionRules {
            validators: setting.size,
            rotations_max: setting.rotations_max,
            mode: setting.mode,
        },
        validators: Arc::new((0..setting.validators).map(validator).collect()),
        basis: Basis::default(),
        network_seed: Digest::new([3; 32]),
        timeouts: Timeouts {
            leader: Duration::from_secs(10),
            validators: Duration::from_secs(20),
            reveal: Duration::from_secs(5),
        },
        early_quorum: setting.early_quorum,
    })
}

pub(super) fn salt(seat: u16) -> Salt {
    Salt(*keccak256(&[&seat.to_be_bytes()]).as_bytes())
}

pub(super) fn vote(letter: &str) -> Vote {
    match letter {
        "A" => Vote::Agree,
        "D" => Vote::Disagree,
        "T" => Vote::Timeout,
        "V" => Vote::DeterministicViolation,
        "I" => Vote::Idle,
        other => panic!("no vote {other}"),
    }
}

fn receipt(blocks: &[&'static [u8]]) -> Arc<Execution> {
    let mut execution = Execution::ending(ExecutionOutcome::Return(Bytes::new()));
    execution.block_outputs = blocks.iter().map(|block| Bytes::from_static(block)).collect();
    Arc::new(execution)
}

/// One word of a script: `propose`, `commit2D`, `reveal2D`, `slow2`, `fail2`, `deadline`, … . A
/// rotation other than the present one is given as in `commit2D@0`.
fn input(word: &str, round: &Round) -> Input {
    let (word, rotation) = match word.split_once('@') {
        Some((word, rotation)) => (word, rotation.parse().unwrap()),
        None => (word, round.history().len().try_into().unwrap()),
    };
    let split = word.find(|letter: char| letter.is_ascii_digit()).unwrap_or(word.len());
    let (verb, rest) = word.split_at(split);
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (number, letter) = rest.split_at(digits);
    let number: u16 = number.parse().unwrap_or(0);
    let seat = Seat(number);
    match verb {
        "start" => Input::Start,
        "propose" => Input::LeaderProposed { rotation, receipt: receipt(&[]) },
        "proposeblocks" => Input::LeaderProposed { rotation, receipt: receipt(&[b"x"]) },
        "commit" => {
            let commitment = Commitment::to(vote(letter), &salt(number));
            Input::VoteCommitted { rotation, seat, commitment }
        }
        "reveal" => Input::VoteRevealed { rotation, seat, vote: vote(letter), salt: salt(number) },
        "slow" => Input::ExecutionTimedOut { rotation, seat },
        "fail" => {
            let member = round.committee().and_then(|committee| committee.member(seat));
            let validator = member.map_or(Address::ZERO, |member| member.address);
            Input::NodeFailed { rotation, seat, validator, cause: "down".into() }
        }
        "failstranger" => {
            let validator = Address::new([99; 20]);
            Input::NodeFailed { rotation, seat, validator, cause: "down".into() }
        }
        "deadline" => Input::TimeoutElapsed(Timeout { rotation, step: round.step() }),
        "olddeadline" => Input::TimeoutElapsed(Timeout { rotation, step: Step::Proposing }),
        other => panic!("no such word: {other}"),
    }
}

/// Expands `votes AADDD` into commitments, then reveals, of seats 0, 1, ….
fn words(script: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut parts = script.split_whitespace();
    while let Some(part) = parts.next() {
        if part == "votes" {
            let letters: Vec<char> = parts.next().unwrap().chars().collect();
            for verb in ["commit", "reveal"] {
                words
                    .extend(letters.iter().enumerate().map(|(seat, l)| format!("{verb}{seat}{l}")));
            }
        } else {
            words.push(part.to_owned());
        }
    }
    words
}

fn describe(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Announce(announcement) => {
            assert_eq!(announcement.attempt, 2);
            Some(format!("{}{}", announcement.status, announcement.rotation))
        }
        Effect::AskLeader { .. } => Some("ask-leader".into()),
        Effect::AskValidators { seats, .. } if seats.len() == 1 && seats[0] != Seat::LEADER => {
            Some(format!("ask:{}", seats[0].0))
        }
        Effect::AskValidators { leader_reexecutes: true, .. } => Some("ask-all".into()),
        Effect::AskValidators { leader_reexecutes: false, .. } => Some("ask-validators".into()),
        Effect::AskReveals { seats, .. } => {
            let seats: Vec<_> = seats.iter().map(|seat| seat.0.to_string()).collect();
            Some(format!("ask-reveals:{}", seats.join(",")))
        }
        Effect::ScheduleTimeout(timeout, after) => {
            Some(format!("{:?}:{}s", timeout.step, after.as_secs()))
        }
        Effect::DismissNodes => None,
        Effect::Decide(decision) => Some(describe_decision(decision)),
    }
}

fn describe_decision(decision: &Decision) -> String {
    let mut text = format!("={}", decision.status);
    for rotation in &decision.rotations {
        let letter = |vote: Option<Vote>| match vote {
            Some(Vote::Agree) => 'A',
            Some(Vote::Disagree) => 'D',
            Some(Vote::Timeout) => 'T',
            Some(Vote::DeterministicViolation) => 'V',
            Some(Vote::Idle) => 'I',
            Some(Vote::NotVoted) => 'N',
            None => '-',
        };
        let votes: String = rotation.seats.iter().map(|seat| letter(seat.vote)).collect();
        write!(text, " {votes}").unwrap();
        if !rotation.evidence.is_empty() {
            write!(text, "!{}", rotation.evidence.len()).unwrap();
        }
    }
    text
}

/// Runs `script` and compares the trace of everything after `skip` words.
fn trace(setting: Setting, script: &str) -> String {
    let mut round = round(setting);
    let mut trace = Vec::new();
    for (index, word) in words(script).iter().enumerate() {
        let now = Timestamp::from_millis(i64::try_from(index).unwrap());
        let input = input(word, &round);
        let before = format!("{round:?}");
        match round.apply(&input, now) {
            Ok(effects) => trace.extend(effects.iter().filter_map(describe)),
            Err(ignored) => {
                assert_eq!(format!("{round:?}"), before, "law 6: `{word}` changed the round");
                trace.push(format!("{ignored:?}"));
            }
        }
    }
    trace.join(" ")
}

pub(super) fn check(setting: Setting, script: &str, expected: &str) {
    let trace = trace(setting, script);
    assert!(
        trace.ends_with(expected),
        "\n script: {script}\n  trace: {trace}\n wanted: …{expected}"
    );
}

#[test]
fn a_start_asks_the_leader_and_sets_its_deadline() {
    check(FIVE_OF_EIGHT, "start", "PROPOSING0 ask-leader Proposing:10s");
    check(FIVE_OF_EIGHT, "start start", "Duplicate");
}

#[test]
fn a_proposal_asks_everybody_but_the_leader_runs_again_only_over_block_outputs() {
    check(FIVE_OF_EIGHT, "start propose", "COMMITTING0 ask-validators Committing:20s");
    check(FIVE_OF_EIGHT, "start proposeblocks", "COMMITTING0 ask-all Committing:20s");
}

#[test]
fn votes_are_opened_when_everybody_has_committed() {
    let four = "start propose commit0A commit1A commit2A commit3A";
    check(FIVE_OF_EIGHT, four, "Committing:20s");
    check(
        FIVE_OF_EIGHT,
        &format!("{four} commit4A"),
        "REVEALING0 ask-reveals:0,1,2,3,4 Revealing:5s",
    );
}

#[test]
fn a_majority_accepts_and_every_vote_is_awaited() {
    check(FIVE_OF_EIGHT, "start propose votes AAADD", "=ACCEPTED AAADD");
    let waiting =
        "start propose commit0A commit1A commit2A commit3A commit4D reveal0A reveal1A reveal2A";
    check(FIVE_OF_EIGHT, waiting, "Revealing:5s");
}

#[test]
fn a_disagreement_rotates_until_rotations_run_out() {
    check(FIVE_OF_EIGHT, "start propose votes DDDAA", "PROPOSING1 ask-leader Proposing:10s");
    let script =
        "start propose votes DDDAA propose votes AADDT propose votes VVVVV propose votes AATTI";
    check(FIVE_OF_EIGHT, script, "=UNDETERMINED DDDAA AADDT VVVVV AATTI");
}

#[test]
fn a_later_leader_can_still_win() {
    check(FIVE_OF_EIGHT, "start propose votes DDDDD propose votes AAAAA", "=ACCEPTED DDDDD AAAAA");
}

#[test]
fn nobody_new_to_seat_ends_the_rotations() {
    let five_of_five = Setting { validators: 5, ..FIVE_OF_EIGHT };
    check(five_of_five, "start propose votes DDDDD", "=UNDETERMINED DDDDD");
    let six = Setting { validators: 6, ..FIVE_OF_EIGHT };
    check(six, "start propose votes DDDDD propose votes DDDDD", "=UNDETERMINED DDDDD DDDDD");
}

#[test]
fn rotations_max_zero_means_one_turn() {
    let once = Setting { rotations_max: 0, ..FIVE_OF_EIGHT };
    check(once, "start propose votes AADDT", "=UNDETERMINED AADDT");
}

#[test]
fn a_timeout_majority_ends_the_transaction_without_rotation() {
    check(FIVE_OF_EIGHT, "start propose votes TTTAA", "=VALIDATORS_TIMEOUT TTTAA");
    let reported = "start propose slow1 slow2 slow3 commit0A commit4A reveal0A reveal4A";
    check(FIVE_OF_EIGHT, reported, "=VALIDATORS_TIMEOUT ATTTA");
}

#[test]
fn a_leader_that_takes_too_long_ends_the_transaction() {
    check(FIVE_OF_EIGHT, "start deadline", "=LEADER_TIMEOUT -----");
    check(FIVE_OF_EIGHT, "start slow0", "=LEADER_TIMEOUT -----");
}

#[test]
fn a_leader_whose_node_fails_is_replaced_five_times() {
    check(FIVE_OF_EIGHT, "start fail0", "PROPOSING1 ask-leader Proposing:10s");
    check(FIVE_OF_EIGHT, "start fail0 propose votes AAAAA", "=ACCEPTED -----!1 AAAAA");
    let many = Setting { validators: 12, ..FIVE_OF_EIGHT };
    let failing = "start fail0 fail0 fail0 fail0 fail0";
    check(many, failing, "PROPOSING5 ask-leader Proposing:10s");
    check(
        many,
        &format!("{failing} fail0"),
        "=LEADER_TIMEOUT -----!1 -----!1 -----!1 -----!1 -----!1 -----!1",
    );
}

#[test]
fn a_replaced_leader_leaves_a_smaller_committee_when_nobody_can_join() {
    let five_of_five = Setting { validators: 5, ..FIVE_OF_EIGHT };
    check(five_of_five, "start fail0 propose votes AAAD", "=ACCEPTED -----!1 AAAD");
    let alone = Setting { validators: 1, ..FIVE_OF_EIGHT };
    check(alone, "start fail0", "=LEADER_TIMEOUT -!1");
}

#[test]
fn replacements_do_not_use_up_rotations() {
    let once = Setting { rotations_max: 1, ..FIVE_OF_EIGHT };
    check(
        once,
        "start fail0 propose votes DDDDD propose votes AAAAA",
        "=ACCEPTED -----!1 DDDDD AAAAA",
    );
}

#[test]
fn silence_at_the_deadline_is_idle() {
    check(
        FIVE_OF_EIGHT,
        "start propose commit0A commit1A commit2A deadline reveal0A reveal1A reveal2A",
        "=ACCEPTED AAAII",
    );
    check(
        Setting { rotations_max: 0, ..FIVE_OF_EIGHT },
        "start propose commit0A commit1A deadline reveal0A reveal1A",
        "=UNDETERMINED AAIII",
    );
    check(
        Setting { rotations_max: 0, ..FIVE_OF_EIGHT },
        "start propose deadline",
        "REVEALING0 =UNDETERMINED IIIII",
    );
}

#[test]
fn a_commitment_that_is_never_opened_is_idle() {
    check(
        FIVE_OF_EIGHT,
        "start propose commit0A commit1A commit2A commit3A commit4A reveal0A reveal1A reveal2A deadline",
        "=ACCEPTED AAAII",
    );
}

#[test]
fn a_reveal_that_does_not_fit_is_evidence_and_idle() {
    check(
        FIVE_OF_EIGHT,
        "start propose commit0A commit1A commit2A commit3A commit4D reveal4A reveal0A reveal1A reveal2A reveal3A",
        "=ACCEPTED AAAAI!1",
    );
}

#[test]
fn two_commitments_are_evidence_and_idle() {
    check(
        FIVE_OF_EIGHT,
        "start propose commit4A commit4D commit0A commit1A commit2A commit3A reveal0A reveal1A reveal2A reveal3A",
        "=ACCEPTED AAAAI!1",
    );
}

#[test]
fn a_validator_whose_node_fails_is_replaced_or_idle_and_on_record() {
    check(FIVE_OF_EIGHT, "start propose fail3 commit0A", "ask:3");
    check(FIVE_OF_EIGHT, "start propose fail3 votes AAADA", "=ACCEPTED AAADA!1");
    let five_of_five = Setting { validators: 5, ..FIVE_OF_EIGHT };
    check(
        five_of_five,
        "start propose fail3 fail4 commit0A commit1A commit2A reveal0A reveal1A reveal2A",
        "=ACCEPTED AAAII!2",
    );
    check(
        FIVE_OF_EIGHT,
        "start propose commit0A commit1A commit2A commit3A commit4A fail4 reveal0A reveal1A reveal2A reveal3A",
        "=ACCEPTED AAAAI!1",
    );
}

#[test]
fn late_duplicate_and_misplaced_inputs_change_nothing() {
    for (script, expected) in [
        ("start commit1A", "OutOfStep"),
        ("start reveal1A", "OutOfStep"),
        ("start fail1", "OutOfStep"),
        ("propose", "OutOfStep"),
        ("start propose propose", "Duplicate"),
        ("start propose reveal1A", "OutOfStep"),
        ("start propose commit1A commit1A", "Duplicate"),
        ("start propose commit9A", "NotInCommittee"),
        ("start propose slow9", "NotInCommittee"),
        ("start propose slow1 slow1", "Duplicate"),
        ("start propose failstranger1", "Stale"),
        ("start propose fail9", "NotInCommittee"),
        ("start failstranger0", "Stale"),
        ("start propose slow1 commit1A", "Duplicate"),
        ("start propose olddeadline", "Stale"),
        ("start propose@1", "Stale"),
        ("start propose votes DDDDD commit1A@0", "Stale"),
        ("start propose votes DDDDD deadline@0", "Stale"),
        ("start propose votes AAAAA reveal1A@0", "Stale"),
        ("start propose votes AAAAA deadline@0", "Stale"),
        ("start propose commit0A commit1A commit2A commit3A deadline reveal4A", "OutOfStep"),
        (
            "start propose commit0A commit1A commit2A commit3A deadline reveal1A reveal1A",
            "Duplicate",
        ),
    ] {
        check(FIVE_OF_EIGHT, script, expected);
    }
}

#[test]
fn a_commitment_after_its_deadline_is_stale() {
    check(FIVE_OF_EIGHT, "start propose commit0A commit1A commit2D deadline commit3A", "Stale");
}

#[test]
fn an_early_quorum_decides_when_the_outcome_is_certain() {
    let early = Setting { early_quorum: true, ..FIVE_OF_EIGHT };
    let script = "start propose commit0A commit1A commit2A";
    check(early, script, "REVEALING0 ask-reveals:0,1,2 Revealing:25s");
    check(early, &format!("{script} reveal0A reveal1A reveal2A"), "=ACCEPTED AAANN");
    check(early, &format!("{script} reveal0A commit3D"), "ask-reveals:3");
    check(early, "start propose votes DDD", "PROPOSING1 ask-leader Proposing:10s");
}

#[test]
fn leader_only_decides_without_votes() {
    let only = Setting { mode: ExecutionMode::LeaderOnly, ..FIVE_OF_EIGHT };
    check(only, "start propose", "Proposing:10s =ACCEPTED A");
    assert!(!decision(only, "start propose").has_window);
    check(only, "start deadline", "=LEADER_TIMEOUT -");
}

#[test]
fn a_self_validating_leader_runs_its_own_receipt_again() {
    let own = Setting { mode: ExecutionMode::LeaderSelfValidator, ..FIVE_OF_EIGHT };
    check(own, "start propose", "COMMITTING0 ask-all Committing:20s");
    check(own, "start propose votes A", "=ACCEPTED A");
}

#[test]
fn without_validators_nothing_can_be_agreed() {
    check(Setting { validators: 0, ..FIVE_OF_EIGHT }, "start", "=UNDETERMINED");
}

#[test]
fn a_small_network_gives_a_small_committee() {
    check(Setting { validators: 3, ..FIVE_OF_EIGHT }, "start propose votes AAD", "=ACCEPTED AAD");
}

fn decision(setting: Setting, script: &str) -> Decision {
    let mut round = round(setting);
    let mut decided = None;
    for (index, word) in words(script).iter().enumerate() {
        let now = Timestamp::from_millis(i64::try_from(index).unwrap());
        let input = input(word, &round);
        for effect in round.apply(&input, now).unwrap_or_default() {
            if let Effect::Decide(decision) = effect {
                decided = Some(*decision);
            }
        }
    }
    decided.unwrap()
}

#[test]
fn a_decision_carries_its_whole_history() {
    let decision = decision(FIVE_OF_EIGHT, "start propose votes DDDDD propose votes AAAAA");
    let statuses: BTreeMap<u32, String> = decision
        .announced
        .iter()
        .map(|step| (step.sequence, format!("{}{}", step.status, step.rotation)))
        .collect();
    let statuses: Vec<String> = statuses.into_values().collect();
    let expected =
        ["PROPOSING0", "COMMITTING0", "REVEALING0", "PROPOSING1", "COMMITTING1", "REVEALING1"];
    assert_eq!(statuses, expected);
    assert!(decision.has_window);

    let [first, second] = &decision.rotations[..] else { panic!("two turns") };
    assert_eq!(first.seats[1].validator, second.seats[0].validator, "the next seat leads");
    assert_ne!(first.draw.seed, second.draw.seed);
    let joined = second.seats[4].validator;
    assert!(first.seats.iter().all(|seat| seat.validator != joined), "somebody new joins");
    assert!(first.leader_receipt.is_some() && first.seats[2].commitment.is_some());
}
