//! The numbers and names by which clients know statuses, votes and results.

use serde_json::Value as Json;

use crate::domain::Status;

/// The number that clients have for a status (`reference/clients.md` section 5).
pub(in crate::api::rpc) const fn status_code(status: Status) -> u8 {
    match status {
        Status::Pending => 1,
        Status::Proposing => 2,
        Status::Committing => 3,
        Status::Revealing => 4,
        Status::Accepted => 5,
        Status::Undetermined => 6,
        Status::Finalized => 7,
        Status::Canceled => 8,
        Status::ValidatorsTimeout => 12,
        Status::LeaderTimeout => 13,
    }
}

/// What a set of votes comes to: number and name.
pub(super) fn result_of(votes: &[&str]) -> (u8, &'static str) {
    let is_majority = |vote: &str| {
        votes.iter().filter(|given| **given == vote).count().saturating_mul(2) > votes.len()
    };
    if is_majority("agree") {
        (6, "MAJORITY_AGREE")
    } else if is_majority("disagree") {
        (7, "MAJORITY_DISAGREE")
    } else if is_majority("timeout") {
        (3, "TIMEOUT")
    } else if is_majority("deterministic_violation") {
        (4, "DETERMINISTIC_VIOLATION")
    } else {
        (5, "NO_MAJORITY")
    }
}

/// The number and the name of one vote.
pub(super) fn vote_of(vote: Option<&str>) -> (u8, &'static str) {
    match vote {
        Some("agree") => (1, "AGREE"),
        Some("disagree") => (2, "DISAGREE"),
        Some("timeout") => (3, "TIMEOUT"),
        Some("deterministic_violation") => (4, "DETERMINISTIC_VIOLATION"),
        Some("idle") => (5, "IDLE"),
        _ => (0, "NOT_VOTED"),
    }
}

/// How an execution ended, as the transaction shows it.
pub(super) fn execution_result(receipt: Option<&Json>) -> (u8, &'static str) {
    match receipt.and_then(|receipt| receipt.get("outcome")).and_then(Json::as_str) {
        Some("return") => (1, "FINISHED_WITH_RETURN"),
        Some(_) => (2, "FINISHED_WITH_ERROR"),
        None => (0, "NOT_VOTED"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_needs_more_than_half() {
        assert_eq!(result_of(&["agree", "agree", "disagree"]).1, "MAJORITY_AGREE");
        assert_eq!(result_of(&["agree", "disagree"]).1, "NO_MAJORITY");
        assert_eq!(result_of(&[]).1, "NO_MAJORITY");
        assert_eq!(result_of(&["timeout"]).0, 3);
    }
}
