//! Every message that crosses an actor's boundary.
//!
//! Requests are imperative and MUST be answered by the receiver; facts are in the past tense and
//! need no answer. `(hash, attempt, rotation, seat)` makes every late or duplicate copy of a fact
//! recognisable, and the receiver ignores it. All are owned values: no references, no addresses of
//! concrete actors.

mod blocks;
mod clock;
mod explorer;
mod keys;
mod models;
mod round;
mod snapshots;

use actix::Message;

pub use self::blocks::{
    AddBlock, CountReceived, GetBlock, GetEnvelope, GetHead, ListBlocks, ListLogs, OpenSignedAppeal,
};
pub use self::clock::{
    ChangeClock, ChangeFinalityWindow, FollowClock, GetFinalityWindow, WindowsMoved,
};
pub use self::explorer::{ListOfAddress, SearchContracts, SearchTransactions, SumLedger};
pub use self::keys::{CreateApiKey, CreateTier, DeleteApiKey, FindApiKey, ListTiers};
pub use self::models::{
    ChangeProviders, ChangeValidators, DeleteValidators, GetElectorate, ListProviders,
    ListValidators, ModelsError, Trust,
};
pub use self::round::{
    ConsensusFinished, Dismiss, ExecutionTimedOut, LeaderProposed, NodeFailed, RevealVote,
    VoteCommitted, VoteRevealed, WindowOpened,
};
pub use self::snapshots::{
    CreateSnapshot, DeleteSnapshot, DeleteSnapshots, FollowGeneration, GetLastRestoration,
    ImportSnapshot, IsOutdated, ListSnapshots, ReadSnapshotPiece, RenewStore, Renewed,
    RestoreSnapshot, RestoreTables,
};
use super::events::EventStream;
use crate::domain;
use crate::domain::ledger::{
    AccountRecord, Announcement, Claim, ContractRecord, ContractView, Decision, DueTransaction,
    Events, NewTransaction, Page, PendingTransaction, Persisted, Position, ReadOnlyCall,
    StateVersion, StatusCounts, StoreError, Submitted, Supply, TransactionFilter,
    TransactionRecord,
};
use crate::domain::{
    Address, AppealKind, Code, Event, Execution, LintReport, PageKey, Status, Timestamp, TxHash,
};

// ---- api → store -------------------------------------------------------------------------------

/// Store a transaction. Answered after it is durable; idempotent by hash and idempotency key.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Submitted, StoreError>")]
pub struct SubmitTransaction(pub NewTransaction);

/// Challenge a decision. Answered, with the kind of appeal, after it is durable.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<AppealKind, StoreError>")]
pub struct OpenAppeal {
    /// Which transaction.
    pub hash: TxHash,
    /// Who challenges.
    pub appellant: Address,
}

/// Withdraw a transaction that waits. Answered after it is durable.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct CancelTransaction(pub TxHash);

/// Read one transaction with the consensus over it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<TransactionRecord>, StoreError>")]
pub struct GetTransaction(pub TxHash);

/// Read transactions, newest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Page<TransactionRecord>, StoreError>")]
pub struct ListTransactions {
    /// Which.
    pub filter: TransactionFilter,
    /// Older than this place; `None` starts with the newest.
    pub before: Option<Position>,
    /// How many at most.
    pub limit: usize,
}

/// Read one contract.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<ContractRecord>, StoreError>")]
pub struct GetContract(pub Address);

/// Read contracts in the order of their deployment.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Page<ContractRecord>, StoreError>")]
pub struct ListContracts {
    /// After this place; `None` starts with the first.
    pub after: Option<Position>,
    /// How many at most.
    pub limit: usize,
}

/// Read one contract's code and state, for a read-only call.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<ContractView>, StoreError>")]
pub struct ViewContract {
    /// Which.
    pub address: Address,
    /// Accepted or finalized.
    pub version: StateVersion,
}

/// Read some pages of a contract's state, in the order asked for; absent pages are empty.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<domain::Page>, StoreError>")]
pub struct ReadPages {
    /// Which contract.
    pub address: Address,
    /// Accepted or finalized.
    pub version: StateVersion,
    /// Which pages.
    pub keys: Vec<PageKey>,
}

/// Read a contract's state in page order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<(PageKey, domain::Page)>, StoreError>")]
pub struct ListPages {
    /// Which contract.
    pub address: Address,
    /// Accepted or finalized.
    pub version: StateVersion,
    /// After this page; `None` starts with the first.
    pub after: Option<PageKey>,
    /// How many at most.
    pub limit: usize,
}

/// Read one account; unknown accounts are empty ones.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<AccountRecord, StoreError>")]
pub struct GetAccount(pub Address);

/// Read events after a cursor, oldest first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Events, StoreError>")]
pub struct ListEvents {
    /// The last event already known; 0 for none.
    pub after: i64,
    /// How many at most.
    pub limit: usize,
}

/// Read the cursor of the newest event; 0 before the first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<i64, StoreError>")]
pub struct GetLastCursor;

/// Count transactions by status.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<StatusCounts, StoreError>")]
pub struct CountStatuses;

/// Add up all money (law 5).
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Supply, StoreError>")]
pub struct AuditSupply;

// ---- crawler, queue, consensus, finality, heartbeat → store --------------------------------------

/// Read waiting transactions in the order in which they were accepted.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<PendingTransaction>, StoreError>")]
pub struct ListPending {
    /// Of this queue only.
    pub queue: Option<Address>,
    /// After this place.
    pub after: Position,
    /// How many at most.
    pub limit: usize,
}

/// Take a waiting transaction for this process: compare-and-set from PENDING.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Claim, StoreError>")]
pub struct ClaimTransaction(pub TxHash);

/// Execute a transfer, which needs no consensus. Idempotent.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Status, StoreError>")]
pub struct ExecuteTransfer(pub TxHash);

/// Store a decision with all its effects. A second identical one is answered `AlreadyStored`, and
/// one that was overtaken `Stale`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Persisted, StoreError>")]
pub struct PersistDecision(pub Box<Decision>);

/// A step of a round was reached. Written with the next batch; covered by the decision when that
/// comes first, so it may be lost in a crash.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StepReached(pub Announcement);

/// Give a transaction back whose attempt crashed: it waits again under the next attempt, or is
/// CANCELED after too many.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Status, StoreError>")]
pub struct RequeueTransaction {
    /// Which.
    pub hash: TxHash,
    /// The attempt that crashed.
    pub attempt: u32,
    /// Why, in words.
    pub cause: String,
}

/// Nobody works on a claimed transaction any more, and nobody gave it back: whoever would have is
/// dead too. From the claim to its store, which gives it back as a crashed attempt.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ClaimLapsed {
    /// Which.
    pub hash: TxHash,
    /// The attempt that ended.
    pub attempt: u32,
}

/// Note why a transaction waits.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct ExplainWaiting {
    /// Which.
    pub hash: TxHash,
    /// Why, in words.
    pub reason: String,
}

/// Read decided transactions whose window has closed, earlier ones of a contract first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<DuePage, StoreError>")]
pub struct ListDue {
    /// The present instant.
    pub now: Timestamp,
    /// After this one; `None` starts with the first.
    pub after: Option<DueTransaction>,
    /// How many at most.
    pub limit: usize,
}

/// What is due, and when the next window closes.
#[derive(Debug, Clone, Default)]
pub struct DuePage {
    /// Due now.
    pub due: Vec<DueTransaction>,
    /// When something else will be.
    pub next_at: Option<Timestamp>,
}

/// Make a decided transaction final. Answers false when it is already, or not due yet.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct Finalize(pub TxHash);

/// Show a sign of life, and take over the work of owners who show none.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<TxHash>, StoreError>")]
pub struct BeatHeart;

/// Write everything that waits, fold the log away and close the database.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct CloseStore;

// ---- to the crawler ------------------------------------------------------------------------------

/// There is new work behind the crawler's cursor. Many of them become one look.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WakeUp;

/// Work that was passed before is waiting again: look from the beginning.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LookAgain;

/// A queue that refused transactions has room again, after the last one it took.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct QueueHasRoom {
    /// Whose queue.
    pub queue: Address,
}

/// A queue has nothing to do. The crawler lets go of it, unless it has sent it more than `taken`.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct QueueIdle {
    /// Whose queue.
    pub queue: Address,
    /// How many transactions were ever offered to it.
    pub offered: u64,
}

// ---- crawler → queue -----------------------------------------------------------------------------

/// Queue a waiting transaction. Answered at once.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Enqueued, EnqueueRejected>")]
pub struct Enqueue {
    /// Which.
    pub transaction: PendingTransaction,
    /// Nothing that waits in the store lies between it and what the queue took last.
    pub resumes: bool,
}

/// A queue took a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It waits behind `depth - 1` others.
    Accepted {
        /// Transactions in the queue now.
        depth: usize,
    },
    /// It was there already; nothing changed.
    AlreadyQueued,
}

/// A queue did not take a transaction, which stays PENDING in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnqueueRejected {
    /// No room; the queue reports [`QueueHasRoom`] later.
    Full {
        /// How many it holds.
        capacity: usize,
    },
    /// It is shutting down.
    Draining,
}

// ---- events and reading --------------------------------------------------------------------------

/// These events are durable. From the store's writer to the events actor, in order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct EventsCommitted(pub Vec<Event>);

/// The database is shared: read its events, because other processes write some of them.
///
/// Answered once it is known where to start; every later event is published.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct FollowStore {
    /// Reads events.
    pub events: actix::Recipient<ListEvents>,
    /// Reads the cursor to start from.
    pub newest: actix::Recipient<GetLastCursor>,
}

/// Follow events from now on.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "EventStream")]
pub struct Subscribe;

/// Run a contract on the present state, and store nothing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Execution, ReadError>")]
pub struct CallContract(pub ReadOnlyCall);

/// Describe the public methods of a deployed contract.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<serde_json::Value, ReadError>")]
pub struct DescribeContract(pub Address);

/// Describe the public methods of source that is not deployed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<serde_json::Value, ReadError>")]
pub struct DescribeCode(pub Code);

/// Look for mistakes in source that is not deployed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<LintReport, ReadError>")]
pub struct LintContract(pub Code);

/// Why a read-only call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many calls run already.
    #[error("{limit} read-only calls run already")]
    Busy {
        /// How many may run.
        limit: usize,
    },
    /// The call took too long.
    #[error("the call took longer than {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// The node's machinery failed.
    #[error("the call could not be run: {0}")]
    Infrastructure(String),
    /// The contract's code cannot be described.
    #[error("the contract's code is not valid: {0}")]
    InvalidContract(String),
}

// ---- shutdown ------------------------------------------------------------------------------------

/// Take nothing new, finish what runs, then answer. Whoever asked stops waiting at its deadline,
/// after which the rest is recovered on the next start.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;
