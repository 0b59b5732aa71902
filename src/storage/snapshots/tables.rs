//! The one list of tables: what a snapshot holds, and what a restore leaves alone.
//!
//! Whoever adds a table or a column adds it here; `tests/store/snapshots.rs` compares the list with
//! the schema of both databases.

/// What a column holds, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON number.
    Integer,
    /// A JSON string.
    Text,
    /// A JSON string of lower-case hexadecimal digits.
    Bytes,
}

/// A table of the ledger.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, the primary key's first.
    pub columns: &'static [(&'static str, Form)],
    /// How many columns its primary key has.
    pub key: usize,
}

use Form::{Bytes, Integer, Text};

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Form)]) -> Table {
    Table { name, columns, key }
}

/// What a snapshot holds. A table comes after those it refers to: they are filled in this order,
/// and emptied in the opposite one.
pub static RESTORED: &[Table] = &[
    table(
        "network",
        1,
        &[
            ("id", Integer),
            ("seed", Bytes),
            ("chain_id", Integer),
            ("created_at", Integer),
            ("minted", Text),
            ("burned", Text),
            ("validators_created", Integer),
            ("finality_window", Integer),
            ("clock_revision", Integer),
            ("clock_offset", Integer),
            ("clock_frozen_at", Integer),
        ],
    ),
    table("codes", 1, &[("hash", Bytes), ("source", Bytes)]),
    table(
        "transactions",
        1,
        &[
            ("position", Integer),
            ("hash", Bytes),
            ("kind", Text),
            ("sender", Bytes),
            ("recipient", Bytes),
            ("queue_address", Bytes),
            ("value", Text),
            ("nonce", Integer),
            ("code_hash", Bytes),
            ("calldata", Bytes),
            ("validators", Integer),
            ("rotations_max", Integer),
            ("mode", Text),
            ("idempotency_key", Text),
            ("status", Text),
            ("attempt", Integer),
            ("announced", Integer),
            ("owner", Text),
            ("submitted_at", Integer),
            ("decided_at", Integer),
            ("final_from", Integer),
            ("finalized_at", Integer),
            ("reason", Text),
            ("locked", Text),
            ("crashes", Integer),
            ("chain_from", Integer),
            ("effective_attempt", Integer),
            ("appeal", Text),
            ("appeals_failed", Integer),
            ("appeal_millis", Integer),
            ("block", Integer),
        ],
    ),
    table(
        "decisions",
        2,
        &[
            ("position", Integer),
            ("attempt", Integer),
            ("phase", Text),
            ("status", Text),
            ("decided_at", Integer),
            ("balance_before", Text),
            ("code_before", Bytes),
            ("writes", Bytes),
            ("inverse", Bytes),
            ("receipt", Bytes),
            ("consensus", Text),
        ],
    ),
    table(
        "children",
        1,
        &[("position", Integer), ("parent", Integer), ("triggered_on", Text), ("origin", Bytes)],
    ),
    table(
        "appeals",
        2,
        &[
            ("position", Integer),
            ("attempt", Integer),
            ("kind", Text),
            ("appellant", Bytes),
            ("opened_at", Integer),
            ("closed_at", Integer),
            ("successful", Integer),
        ],
    ),
    table(
        "contracts",
        1,
        &[
            ("address", Bytes),
            ("position", Integer),
            ("code_hash", Bytes),
            ("deployed_by", Bytes),
            ("deployed_at", Integer),
            ("finalized_at", Integer),
            ("final_code_hash", Bytes),
        ],
    ),
    table(
        "contract_storage",
        3,
        &[
            ("contract", Bytes),
            ("slot", Bytes),
            ("page", Integer),
            ("accepted", Bytes),
            ("finalized", Bytes),
        ],
    ),
    table("accounts", 1, &[("address", Bytes), ("balance", Text), ("nonce", Integer)]),
    table(
        "validators",
        1,
        &[
            ("address", Bytes),
            ("stake", Integer),
            ("number", Integer),
            ("created_at", Integer),
            ("models", Text),
        ],
    ),
    table("providers", 1, &[("id", Integer), ("choice", Text)]),
    table("run_contexts", 1, &[("position", Integer), ("context", Text)]),
    table(
        "logs",
        2,
        &[
            ("block", Integer),
            ("place", Integer),
            ("position", Integer),
            ("address", Bytes),
            ("topic0", Bytes),
            ("topic1", Bytes),
            ("topic2", Bytes),
            ("topic3", Bytes),
            ("data", Bytes),
        ],
    ),
    table(
        "envelopes",
        1,
        &[("hash", Bytes), ("subject", Bytes), ("signer", Bytes), ("body", Text)],
    ),
];

/// What a restore leaves as it is. None of them may refer to a table that is restored.
///
/// Cursors of events never go back (law 10), nor do the numbers of blocks, by which clients wait;
/// processes live on whatever the network is set back
/// to, a key that was taken away stays away, and snapshots are not part of themselves.
pub static KEPT: &[&str] = &[
    "api_keys",
    "api_tiers",
    "blocks",
    "outbox",
    "owners",
    "snapshot_counters",
    "snapshots",
    "snapshot_chunks",
];

impl Table {
    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }

    /// The names of its primary key's columns.
    pub(super) fn keys(&self) -> &'static [(&'static str, Form)] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }
}
