//! Why the store refuses.

use super::{Address, Amount, Profile, Status, TxHash};

/// Why the store refused, or could not do, what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("no {what} `{name}`")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// How it was named.
        name: String,
    },
    /// There is one already.
    #[error("there is a {what} `{name}` already")]
    AlreadyExists {
        /// Kind of thing.
        what: &'static str,
        /// How it is named.
        name: String,
    },
    /// There are as many as there may be.
    #[error("there are {limit} {what} already, and no more are kept")]
    Full {
        /// Kind of thing.
        what: &'static str,
        /// How many there may be.
        limit: i64,
    },
    /// The transaction moved on: the asker is late, or was replaced by another owner.
    #[error("transaction `{hash}` is {found} in attempt {found_attempt}, not in attempt {attempt}")]
    Stale {
        /// The transaction.
        hash: TxHash,
        /// The attempt the asker works on.
        attempt: u32,
        /// The status found.
        found: Status,
        /// The attempt found.
        found_attempt: u32,
    },
    /// The status graph has no such edge.
    #[error(transparent)]
    IllegalStatusChange(#[from] super::IllegalStatusChange),
    /// The nonce was used for another transaction, or leaves a gap.
    #[error("nonce {given} of `{account}` cannot be used: the next one is {next}")]
    Nonce {
        /// The sender.
        account: Address,
        /// The nonce it sent.
        given: u64,
        /// The nonce it should send.
        next: u64,
    },
    /// An idempotency key came back with another body.
    #[error("idempotency key `{0}` was used for a different transaction")]
    IdempotencyKeyReused(String),
    /// The sender cannot pay the value, and top-ups are switched off.
    #[error("`{account}` has {balance} and cannot pay {needed}")]
    InsufficientFunds {
        /// The sender.
        account: Address,
        /// What it has.
        balance: Amount,
        /// What it must pay.
        needed: Amount,
    },
    /// Money would exceed 2²⁵⁶ − 1.
    #[error("the balance of `{0}` would exceed 2^256 - 1")]
    Overflow(Address),
    /// A contract has no key, so nothing can be submitted in its name.
    #[error("`{0}` is a contract, and contracts sign nothing")]
    NotAnAccount(Address),
    /// Somebody wants to replace the code of a contract that is not theirs.
    #[error("`{account}` did not deploy `{contract}`: only who did may upgrade it")]
    NotDeployer {
        /// The contract.
        contract: Address,
        /// The sender.
        account: Address,
    },
    /// A decision cannot be appealed, or not now.
    #[error("transaction `{hash}` cannot be appealed: {reason}")]
    AppealRefused {
        /// The transaction.
        hash: TxHash,
        /// Why not, in words.
        reason: String,
    },
    /// There is no window to change where there are no appeals.
    #[error("profile `{0}` has no finality window: what is decided is final")]
    NoFinalityWindow(Profile),
    /// A transaction cannot be withdrawn any more.
    #[error("transaction `{hash}` is {found} and cannot be withdrawn: only what is PENDING can")]
    NotPending {
        /// The transaction.
        hash: TxHash,
        /// The status found.
        found: Status,
    },
    /// The clock cannot be set like that.
    #[error(transparent)]
    Clock(#[from] super::ClockOutOfRange),
    /// Too much waits for the store already.
    #[error("the store is busy ({in_flight} of {limit} requests)")]
    Busy {
        /// Requests waiting.
        in_flight: usize,
        /// How many may wait.
        limit: usize,
    },
    /// The database failed, or holds something that cannot be.
    #[error("the database failed while {operation}: {reason}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A snapshot cannot be read, made or restored.
    #[error("{0}")]
    Snapshot(String),
    /// The network was set back to a snapshot: the asker belongs to what it was before.
    #[error("the network was restored from a snapshot meanwhile; ask again")]
    Restored,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}
