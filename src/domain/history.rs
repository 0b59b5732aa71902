//! The record of a consensus: every rotation, whole, so that anybody can check it.

use serde::{Deserialize, Serialize};

use super::{Address, Commitment, Digest, LeaderReceipt, Seat, Stake, Timestamp, Vote};

/// How one rotation's committee came about: enough to draw it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawRecord {
    /// The seed of this rotation's draw.
    pub seed: Digest,
}

/// What one seat did in a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRecord {
    /// Who sat there.
    pub validator: Address,
    /// With what weight.
    pub stake: Stake,
    /// What it committed to, if it did.
    pub commitment: Option<Commitment>,
    /// What was counted for it; `None` before the votes were due.
    pub vote: Option<Vote>,
}

/// Provable misconduct, or the failure of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Two different commitments from one seat.
    DoubleCommitment {
        /// The seat.
        seat: Seat,
        /// The one that counted first.
        first: Commitment,
        /// The one that contradicts it.
        second: Commitment,
    },
    /// A revealed vote that does not open the seat's commitment.
    WrongReveal {
        /// The seat.
        seat: Seat,
        /// What it had committed to.
        commitment: Commitment,
        /// What it claimed to have voted.
        claimed: Vote,
    },
    /// The node itself failed: its provider is down, or it crashed.
    NodeFailed {
        /// The seat.
        seat: Seat,
        /// Who sat there; somebody else took the seat if anybody was left.
        validator: Address,
        /// Why, in words.
        cause: String,
    },
}

/// One leader's turn, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRecord {
    /// 0-based number of the leader's turn.
    pub rotation: u8,
    /// How the committee was drawn.
    pub draw: DrawRecord,
    /// The committee in seat order, the leader first.
    pub seats: Vec<SeatRecord>,
    /// What the leader produced, if it did.
    pub leader_receipt: Option<LeaderReceipt>,
    /// What went wrong on the way.
    pub evidence: Vec<Evidence>,
    /// When the leader was asked.
    pub started_at: Timestamp,
    /// When the turn ended.
    pub ended_at: Option<Timestamp>,
}
