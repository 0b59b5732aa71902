//! What the network's store is asked and what it answers: plain values, no database.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::views::SharedViews;

use super::{
    Address, Amount, AppealKind, Code, Digest, Envelope, Event, Inclusion, LeaderReceipt,
    LogRecord, Moment, Pages, PastRound, Payload, PayloadKind, Phase, Profile, RotationRecord,
    RunContext, Status, Timestamp, Transaction, TransactionRules, Trigger, TxHash, Validator,
};

pub use super::call::{CallEntry, ReadOnlyCall};
pub use super::electorate::{Electorate, Models, ValidatorChange, ValidatorRecord};
pub use super::provider::{ProviderChange, ProviderEntry, ProviderRecord};
pub use super::store_error::StoreError;

/// A transaction as it arrives, before the store accepts and names it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTransaction {
    /// Who sends; `None` mints.
    pub from: Option<Address>,
    /// Who receives; `None` for deploys and burns.
    pub to: Option<Address>,
    /// Value that moves with it.
    pub value: Amount,
    /// What it does.
    pub payload: Payload,
    /// The sender's number for it; `None` lets the store count.
    pub nonce: Option<u64>,
    /// What the sender asks of the consensus.
    pub rules: TransactionRules,
    /// Repeating a submission under the same key has no second effect.
    pub idempotency_key: Option<String>,
    /// The signed bytes it came in, whose hash is its name; without them its fields name it.
    pub envelope: Option<Box<Envelope>>,
    /// How it is run, when not as the network would.
    pub context: Option<Arc<RunContext>>,
}

impl NewTransaction {
    /// A transaction that asks for nothing beyond what it does: the store counts, and the
    /// consensus is as by default.
    pub fn new(
        from: Option<Address>,
        to: Option<Address>,
        value: Amount,
        payload: Payload,
    ) -> Self {
        Self {
            from,
            to,
            value,
            payload,
            nonce: None,
            rules: TransactionRules::default(),
            idempotency_key: None,
            envelope: None,
            context: None,
        }
    }
}

/// The store's answer to a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The transaction's name.
    pub hash: TxHash,
    /// The contract a deploy will put on the network.
    pub contract: Option<Address>,
    /// The nonce it took.
    pub nonce: u64,
    /// It had been stored before; nothing happened now.
    pub duplicate: bool,
}

/// A place in the order in which the store accepted transactions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub i64);

/// A transaction that waits for its turn: just enough to queue it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingTransaction {
    /// When it was accepted, relative to all others.
    pub position: Position,
    /// Its name.
    pub hash: TxHash,
    /// The queue it belongs to.
    pub queue: Address,
    /// Transfers need no consensus.
    pub kind: PayloadKind,
}

/// The pages of one contract that are sent along with a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Pages by key; absent pages are zero when `complete`, and unknown otherwise.
    pub pages: Arc<Pages>,
    /// `pages` is the whole state.
    pub complete: bool,
}

/// Everything a consensus needs to decide one transaction.
#[derive(Debug, Clone)]
pub struct ConsensusJob {
    /// What to decide.
    pub transaction: Arc<Transaction>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// What the contract's clock shows: when it was submitted, unless its sender asked for another
    /// time.
    pub contract_now: Moment,
    /// Number of this attempt; grows with every crash, every appeal and every undo.
    pub attempt: u32,
    /// Why the round runs.
    pub phase: Phase,
    /// The rounds that led here, oldest first.
    pub past: Vec<PastRound>,
    /// The receipt at hand, when it is to be judged again.
    pub receipt: Option<LeaderReceipt>,
    /// Who signed the transaction at the root of this one.
    pub origin: Address,
    /// The contract it runs on.
    pub contract: Address,
    /// The contract's balance before the transaction.
    pub contract_balance: Amount,
    /// The contract's code; `None` when there is no such contract.
    pub code: Option<Code>,
    /// The accepted state it runs on: as of its place in the order of its contract.
    pub snapshot: Snapshot,
    /// Pages that later decisions changed since, as the transaction has to see them; they come
    /// before those of the accepted state.
    pub overlay: Arc<Pages>,
    /// Everybody who may sit in its committee, in address order.
    pub validators: Arc<Vec<Validator>>,
    /// Whom their nodes ask, as far as they have models of their own.
    pub models: Models,
    /// Other contracts and accounts as the first of its nodes saw them.
    pub views: SharedViews,
    /// Keeps the claim for as long as anybody works on the job.
    pub hold: Hold,
}

/// Something that is let go when the last copy of it is dropped.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn std::any::Any + Send + Sync>>);

impl Hold {
    /// Keeps `what`.
    pub fn on(what: impl std::any::Any + Send + Sync) -> Self {
        Self(Some(Arc::new(what)))
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Hold(held)" } else { "Hold(nothing)" })
    }
}

/// The store's answer to a claim.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The transaction is the asker's to decide.
    Claimed(Box<ConsensusJob>),
    /// It is not waiting (any more): nothing to do.
    NotPending(Status),
    /// An earlier transaction of the same queue is in flight, here or in another process.
    Blocked,
    /// Nobody has stake; the transaction keeps waiting and says why.
    NoValidators,
}

/// What a round over a transaction ended in, with everything that must be stored with it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The transaction.
    pub hash: TxHash,
    /// The attempt that decided it.
    pub attempt: u32,
    /// Why the round ran.
    pub phase: Phase,
    /// One of the four decided statuses, or PENDING when an appeal overturned the one there was.
    pub status: Status,
    /// Every step of the attempt; those that were not recorded yet are recorded with the decision.
    pub announced: Vec<Announcement>,
    /// Every leader's turn.
    pub rotations: Vec<RotationRecord>,
    /// The receipt that was decided upon.
    pub receipt: Option<LeaderReceipt>,
    /// What the receipt was made from.
    pub basis: Basis,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// It can be appealed for as long as its finality window is open; otherwise it is final as
    /// soon as all before it are.
    pub has_window: bool,
}

/// What an execution starts from besides the state: kept, so that it can be judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basis {
    /// The contract's balance before the transaction.
    pub balance: Amount,
    /// The contract's code, if there was one.
    pub code: Option<Digest>,
}

impl Decision {
    /// An appeal failed: what was decided before stands, and so do its effects.
    pub fn is_upheld(&self) -> bool {
        self.phase.is_revote() && self.phase.has_failed_with(self.status)
    }

    /// An appeal overturned the decision: the transaction waits for another round.
    pub fn is_overturned(&self) -> bool {
        self.status == Status::Pending
    }
}

/// What became of a decision that was handed to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persisted {
    /// Stored now.
    Stored {
        /// Transactions that wait again, because what they rest on was undone.
        requeued: usize,
        /// When its finality window closes; `None` when it is not decided any more.
        final_from: Option<Timestamp>,
    },
    /// The same decision had been stored before; nothing changed.
    AlreadyStored,
}

/// A step of a round that was announced while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// The transaction.
    pub hash: TxHash,
    /// The queue it is in.
    pub queue: Address,
    /// The attempt that runs.
    pub attempt: u32,
    /// The leader's turn.
    pub rotation: u8,
    /// PROPOSING, COMMITTING or REVEALING.
    pub status: Status,
    /// When it was reached.
    pub at: Timestamp,
    /// 0-based number of this step within the attempt; a step that was recorded before is skipped.
    pub sequence: u32,
}

/// A decided transaction whose window may be closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueTransaction {
    /// Its name.
    pub hash: TxHash,
    /// Its place in the order.
    pub position: Position,
    /// When its window closes.
    pub final_from: Timestamp,
}

/// A page of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<Position>,
}

/// Which transactions to list, newest first; every field that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// In this status.
    pub status: Option<Status>,
    /// Of this kind.
    pub kind: Option<PayloadKind>,
    /// From this account.
    pub from: Option<Address>,
    /// To this account or contract, deploys of it included.
    pub to: Option<Address>,
}

/// A transaction with what became of it.
#[derive(Debug, Clone)]
pub struct TransactionRecord {
    /// Its place in the order.
    pub position: Position,
    /// What was submitted.
    pub transaction: Transaction,
    /// Where it is in its life.
    pub status: Status,
    /// The attempt it is in.
    pub attempt: u32,
    /// When it was accepted into the store.
    pub submitted_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When its finality window closes.
    pub final_from: Option<Timestamp>,
    /// When it became final.
    pub finalized_at: Option<Timestamp>,
    /// Why it waits, or why it ended as it did, in words.
    pub reason: Option<String>,
    /// The appeal that is open.
    pub appeal: Option<AppealKind>,
    /// Who sent it and when, if a contract did; only in single reads.
    pub parent: Option<(TxHash, Trigger)>,
    /// What it sent, oldest first; only in single reads.
    pub children: Vec<TxHash>,
    /// How it is run, when not as the network would; only in single reads.
    pub context: Option<Arc<RunContext>>,
    /// Every round over it as JSON, oldest first (see [`super::RotationRecord`]); only in single
    /// reads.
    pub consensus: Option<serde_json::Value>,
    /// The block it was accepted in; only in single reads.
    pub inclusion: Option<Inclusion>,
    /// What the decision that stands told the outside world; only in single reads.
    pub logs: Vec<LogRecord>,
    /// The signed bytes it came in, if it came so; only in single reads.
    pub envelope: Option<Box<Envelope>>,
}

/// A contract on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractRecord {
    /// Where it is.
    pub address: Address,
    /// Its code.
    pub code: Code,
    /// The transaction that deployed it.
    pub deployed_by: TxHash,
    /// When that was decided.
    pub deployed_at: Timestamp,
    /// Its place in the order of deployment decisions.
    pub position: Position,
    /// Its balance.
    pub balance: Amount,
}

/// Which of a contract's two states is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateVersion {
    /// Effects of all accepted transactions.
    #[default]
    Accepted,
    /// Effects of finalized transactions only.
    Finalized,
}

/// A contract's code and state, ready to be read or called.
#[derive(Debug, Clone)]
pub struct ContractView {
    /// The contract.
    pub record: ContractRecord,
    /// The state asked for.
    pub snapshot: Snapshot,
}

/// An account's money and its number of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountRecord {
    /// The account.
    pub address: Address,
    /// What it has.
    pub balance: Amount,
    /// The nonce of its next transaction.
    pub nonce: u64,
}

/// Totals of the whole ledger (law 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// Everything ever minted.
    pub minted: Amount,
    /// Everything ever burned.
    pub burned: Amount,
    /// Sum of all balances.
    pub balances: Amount,
    /// Sum of the value of calls that are not decided yet.
    pub locked: Amount,
}

impl Supply {
    /// Σ balances + Σ locked = Σ minted − Σ burned.
    pub fn is_conserved(&self) -> bool {
        let held = self.balances.checked_add(self.locked);
        held.is_some() && held == self.minted.checked_sub(self.burned)
    }
}

/// How many transactions are in each status, for metrics and health.
pub type StatusCounts = Vec<(Status, u64)>;

/// Events after a cursor, oldest first.
pub type Events = Vec<Event>;

/// What the first start of a network writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Everything random derives from it.
    pub seed: Digest,
    /// Part of every transaction's hash.
    pub chain_id: u64,
    /// Validators of the start, in address order.
    pub validators: Vec<Validator>,
    /// Accounts with money of the start; the money counts as minted.
    pub accounts: Vec<(Address, Amount)>,
    /// Whose rules it starts with.
    pub profile: Profile,
    /// How long a decision can be appealed, until that is changed; the profile may know no
    /// appeals, and then there is no window.
    pub finality_window: Duration,
    /// When.
    pub at: Timestamp,
}
