//! Runs for the tests of reports.

use crate::domain::{PayloadKind, Status, keccak256};
use crate::simulation::outcome::{RunOutcome, TransactionOutcome};

pub(super) fn run(seed: u64, transactions: Vec<TransactionOutcome>) -> RunOutcome {
    let trace_digest = keccak256(&[&seed.to_be_bytes()]);
    RunOutcome { seed, transactions, events: 10, virtual_ms: 2_000, trace_digest }
}

/// Submitted at the start and never decided.
pub(super) fn pending() -> TransactionOutcome {
    TransactionOutcome {
        kind: PayloadKind::Transfer,
        status: Status::Pending,
        decision: None,
        is_wrong: false,
        rounds: 0,
        rotations: 0,
        appeals: 0,
        appeals_successful: 0,
        submitted_ms: 0,
        decided_ms: None,
        finalized_ms: None,
    }
}

/// Accepted after `took_ms`, final a second later.
pub(super) fn accepted(kind: PayloadKind, took_ms: u64) -> TransactionOutcome {
    TransactionOutcome {
        kind,
        status: Status::Finalized,
        decision: Some(Status::Accepted),
        rounds: 1,
        decided_ms: Some(took_ms),
        finalized_ms: Some(took_ms + 1_000),
        ..pending()
    }
}

/// Undetermined after three rotations.
pub(super) fn undetermined(kind: PayloadKind, took_ms: u64) -> TransactionOutcome {
    let decision = Some(Status::Undetermined);
    TransactionOutcome { decision, rotations: 3, ..accepted(kind, took_ms) }
}

/// Everything as large as it can be.
pub(super) fn huge() -> RunOutcome {
    let transaction = TransactionOutcome {
        rounds: u32::MAX,
        rotations: u32::MAX,
        appeals: u32::MAX,
        appeals_successful: u32::MAX,
        decided_ms: Some(u64::MAX),
        finalized_ms: Some(u64::MAX),
        ..accepted(PayloadKind::Call, 0)
    };
    RunOutcome { events: u64::MAX, virtual_ms: u64::MAX, ..run(u64::MAX, vec![transaction; 2]) }
}
