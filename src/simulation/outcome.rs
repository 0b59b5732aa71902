//! What one run of a scenario measured: plain values, from which every report is made.

use serde::Serialize;

use crate::domain::{Digest, PayloadKind, Status};

/// One run of a scenario under one seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunOutcome {
    /// The seed everything random of the run derives from.
    pub seed: u64,
    /// Every transaction that was accepted into the store, in the order of acceptance.
    pub transactions: Vec<TransactionOutcome>,
    /// Events of the network: stored changes that subscribers can learn of.
    pub events: u64,
    /// How long the run took on the network's clock, in milliseconds.
    pub virtual_ms: u64,
    /// Keccak-256 of the trace: equal for equal scenario, seed and program.
    pub trace_digest: Digest,
}

/// What became of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionOutcome {
    /// What it does.
    pub kind: PayloadKind,
    /// Where it was when the run ended.
    pub status: Status,
    /// The last decision about it; `None` for those that never had one.
    pub decision: Option<Status>,
    /// The accepted result is not the one an honest execution gives.
    pub is_wrong: bool,
    /// Consensus rounds over it: one, one more for every appeal and every time it ran again.
    pub rounds: u32,
    /// Leaders that were replaced, in all rounds.
    pub rotations: u32,
    /// Appeals that were opened.
    pub appeals: u32,
    /// Appeals that overturned the decision.
    pub appeals_successful: u32,
    /// When it was submitted, in milliseconds of the network's clock since the start of the run.
    pub submitted_ms: u64,
    /// When it was last decided.
    pub decided_ms: Option<u64>,
    /// When it became final.
    pub finalized_ms: Option<u64>,
}
