//! Votes, and the commitments that keep them secret until everybody has voted.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hash::{Digest, keccak256};

/// What one seat says about the leader's receipt (protocol section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// The seat was not awaited, because the outcome was already certain.
    NotVoted,
    /// Re-execution gave the same result.
    Agree,
    /// The leader's non-deterministic output is not acceptable.
    Disagree,
    /// The seat's own execution ran out of time.
    Timeout,
    /// The deterministic part differs from the leader's.
    DeterministicViolation,
    /// The seat said nothing, or broke its commitment.
    Idle,
}

impl Vote {
    /// The number clients know the vote by.
    pub const fn code(self) -> u8 {
        match self {
            Self::NotVoted => 0,
            Self::Agree => 1,
            Self::Disagree => 2,
            Self::Timeout => 3,
            Self::DeterministicViolation => 4,
            Self::Idle => 5,
        }
    }
}

/// The secret that hides a vote until it is revealed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt(pub [u8; 32]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// `keccak256(vote ‖ salt)`: binds a seat to a vote without telling which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(pub Digest);

impl Commitment {
    /// The commitment to `vote` under `salt`.
    pub fn to(vote: Vote, salt: &Salt) -> Self {
        Self(keccak256(&[&[vote.code()], &salt.0]))
    }

    /// Does revealing `vote` and `salt` open this commitment?
    pub fn is_opened_by(&self, vote: Vote, salt: &Salt) -> bool {
        Self::to(vote, salt) == *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_opens_for_its_own_vote_and_salt_only() {
        let salt = Salt([7; 32]);
        let commitment = Commitment::to(Vote::Agree, &salt);
        assert!(commitment.is_opened_by(Vote::Agree, &salt));
        assert!(!commitment.is_opened_by(Vote::Disagree, &salt));
        assert!(!commitment.is_opened_by(Vote::Agree, &Salt([8; 32])));
    }
}
