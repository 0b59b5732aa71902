//! The laws of protocol section 8 as predicates, shared by tests and production.

use std::collections::BTreeSet;

use crate::domain::ledger::Decision;
use crate::domain::{ExecutionMode, Profile, RotationRecord, Status, Vote};

/// A law that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Law 7.
    #[error("law 7: accepted without the agreement of a strict majority")]
    AcceptedWithoutMajority,
    /// Law 8.
    #[error("law 8: a validator sits twice in one committee")]
    SeatedTwice,
    /// Law 8.
    #[error("law 8: a former leader leads again")]
    LedTwice,
    /// Section 1.
    #[error("section 1: a round ends in a decided status, or overturns one by a re-vote")]
    NotADecision,
}

/// Checks every law that a decision alone can break.
pub fn check_decision(
    decision: &Decision,
    mode: ExecutionMode,
    profile: Profile,
) -> Result<(), Violation> {
    let is_revote = decision.phase.is_revote();
    let is_end = match decision.status {
        Status::Pending => is_revote,
        status => status.awaits_finality() && (!is_revote || decision.is_upheld()),
    };
    if !is_end {
        return Err(Violation::NotADecision);
    }
    check_seats(&decision.rotations)?;
    let is_voted = mode != ExecutionMode::LeaderOnly && profile == Profile::Studio;
    let is_judged = !(decision.is_upheld() && decision.rotations.is_empty());
    if decision.status == Status::Accepted && is_voted && is_judged {
        check_majority(&decision.rotations)?;
    }
    Ok(())
}

/// Law 7: an ACCEPTED decision had agreement of a strict majority of its committee.
fn check_majority(rotations: &[RotationRecord]) -> Result<(), Violation> {
    let seats = rotations.last().map_or(&[][..], |rotation| &rotation.seats);
    let agree = seats.iter().filter(|seat| seat.vote == Some(Vote::Agree)).count();
    if agree * 2 > seats.len() { Ok(()) } else { Err(Violation::AcceptedWithoutMajority) }
}

/// Law 8: no validator sits twice in one committee; no former leader leads again.
fn check_seats(rotations: &[RotationRecord]) -> Result<(), Violation> {
    let mut leaders = BTreeSet::new();
    for rotation in rotations {
        let members: BTreeSet<_> = rotation.seats.iter().map(|seat| seat.validator).collect();
        if members.len() < rotation.seats.len() {
            return Err(Violation::SeatedTwice);
        }
        let leader = rotation.seats.first().map(|seat| seat.validator);
        if !leader.is_none_or(|leader| leaders.insert(leader)) {
            return Err(Violation::LedTwice);
        }
    }
    Ok(())
}
