//! Rounds of appeals and of the founding document's rules, as scripts like those of
//! `round_tests`.

use super::round_tests::{FIVE_OF_EIGHT, Setting, check};
use crate::domain::{AppealKind, ExecutionMode, Profile};

fn appeal(kind: AppealKind) -> Setting {
    Setting { validators: 16, appeal: Some(kind), ..FIVE_OF_EIGHT }
}

#[test]
fn a_validators_appeal_asks_seven_newcomers_about_the_receipt_at_hand() {
    let appeal = appeal(AppealKind::Validators);
    check(appeal, "start", "COMMITTING0 ask-all Committing:20s");
    check(appeal, "start propose", "Duplicate");
}

#[test]
fn a_validators_appeal_fails_only_by_a_majority_that_agrees() {
    let appeal = appeal(AppealKind::Validators);
    for (votes, expected) in [
        ("AAAAAAA", "=ACCEPTED AAAAAAA"),
        ("AAAADDD", "=ACCEPTED AAAADDD"),
        ("AAADDDD", "=PENDING AAADDDD"),
        ("AAATTVD", "=PENDING AAATTVD"),
        // E24: a timeout majority overturns too.
        ("TTTTTTT", "=PENDING TTTTTTT"),
        ("VVVVVVV", "=PENDING VVVVVVV"),
    ] {
        check(appeal, &format!("start votes {votes}"), expected);
    }
    check(appeal, "start deadline", "REVEALING0 =PENDING IIIIIII");
}

#[test]
fn a_validators_timeout_appeal_fails_only_by_a_majority_that_times_out() {
    let appeal = appeal(AppealKind::ValidatorsTimeout);
    for (votes, expected) in [
        ("TTTTTTT", "=VALIDATORS_TIMEOUT TTTTTTT"),
        ("TTTTAAA", "=VALIDATORS_TIMEOUT TTTTAAA"),
        ("TTTAAAA", "=PENDING TTTAAAA"),
        ("DDDDDDD", "=PENDING DDDDDDD"),
        ("TTTDDDA", "=PENDING TTTDDDA"),
    ] {
        check(appeal, &format!("start votes {votes}"), expected);
    }
}

#[test]
fn a_leader_appeal_is_a_whole_round_with_eleven_seats_and_rotations() {
    let appeal = Setting { rotations_max: 1, ..appeal(AppealKind::Leader) };
    check(appeal, "start", "PROPOSING0 ask-leader Proposing:10s");
    let script = "start propose votes DDDDDDDDDDD propose votes";
    check(appeal, &format!("{script} AAAAAAAAAAA"), "=ACCEPTED DDDDDDDDDDD AAAAAAAAAAA");
    check(appeal, &format!("{script} AAAAADDDDDD"), "=UNDETERMINED DDDDDDDDDDD AAAAADDDDDD");
    check(appeal, "start deadline", "=LEADER_TIMEOUT -----------");
}

#[test]
fn a_leader_timeout_appeal_lets_the_next_seat_lead_and_one_newcomer_join() {
    let appeal = Setting { validators: 6, ..appeal(AppealKind::LeaderTimeout) };
    check(appeal, "start propose votes AAAAA", "=ACCEPTED AAAAA");
    check(appeal, "start deadline", "=LEADER_TIMEOUT -----");
    check(appeal, "start propose votes TTTTT", "=VALIDATORS_TIMEOUT TTTTT");
}

#[test]
fn an_early_quorum_ends_a_revote_too() {
    let early = Setting { early_quorum: true, ..appeal(AppealKind::Validators) };
    let four = "start commit0A commit1A commit2A commit3A reveal0A reveal1A reveal2A reveal3A";
    check(early, four, "=ACCEPTED AAAANNN");
}

#[test]
fn a_failed_node_is_replaced_in_a_revote_at_any_seat() {
    let appeal = Setting { validators: 13, ..appeal(AppealKind::Validators) };
    check(appeal, "start fail0 votes AAAAAAA", "=ACCEPTED AAAAAAA!1");
    check(appeal, "start fail2 fail3", "ask:2");
}

const ORIGIN: Setting = Setting { profile: Profile::Origin, ..FIVE_OF_EIGHT };

#[test]
fn the_founding_document_accepts_with_half_of_the_committee_rounded_down() {
    // `scenarios.md` 1: n → the agreeing votes that suffice, the leader's automatic one included.
    for (size, needed) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3), (8, 4), (9, 4)] {
        let origin = Setting { validators: 12, size, ..ORIGIN };
        for agreeing in 1..=size {
            let votes: String =
                (0..size).map(|seat| if seat < agreeing { 'A' } else { 'D' }).collect();
            let status = if agreeing >= needed { "ACCEPTED" } else { "UNDETERMINED" };
            check(origin, &format!("start propose votes {votes}"), &format!("={status} {votes}"));
        }
    }
}

#[test]
fn the_founding_documents_leader_agrees_whatever_it_says() {
    check(ORIGIN, "start propose votes DADDD", "=ACCEPTED DADDD");
    check(ORIGIN, "start proposeblocks", "COMMITTING0 ask-validators Committing:20s");
}

#[test]
fn the_founding_document_knows_no_rotation_and_no_timeout_status() {
    check(ORIGIN, "start propose votes ADDDD", "=UNDETERMINED ADDDD");
    check(ORIGIN, "start propose votes ATTTT", "=UNDETERMINED ATTTT");
    check(ORIGIN, "start deadline", "=UNDETERMINED -----");
    check(ORIGIN, "start slow0", "=UNDETERMINED -----");
    check(ORIGIN, "start fail0", "=UNDETERMINED -----!1");
    check(ORIGIN, "start propose fail3 deadline", "=UNDETERMINED IIIII!1");
}

#[test]
fn the_founding_document_awaits_every_vote_even_with_an_early_quorum() {
    let early = Setting { early_quorum: true, ..ORIGIN };
    check(early, "start propose commit0A commit1A commit2A", "Committing:20s");
    let only = Setting { mode: ExecutionMode::LeaderOnly, ..ORIGIN };
    check(only, "start propose", "=ACCEPTED A");
}
