//! The checker: a small model of the network, written a second time and fed by what was committed,
//! which says after every commit whether the store still agrees with it.
//!
//! The model learns what may happen from four sources, and believes none of the store's tables:
//! submissions are announced by the workload before they are sent ([`Model::expect`]), claims by
//! the port that spawns the consensus ([`Model::claimed`]), decisions, with the children they send,
//! by the port they pass on their way to the store ([`Model::decided`]), and everything else by the
//! committed events ([`Model::apply`]).
//!
//! Where the store undoes a decision by the inverse it kept, the model keeps the state after every
//! decision that counts and drops those that do not count any more. So both agree exactly when the
//! Law of undo holds (protocol section 4).

mod audit;
mod commit;
mod effects;
mod entry;
mod queue;
mod rounds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::laws::{Broken, Law};
use super::scenario::Scenario;
use crate::domain::ledger::StoreError;
use crate::domain::{
    Address, Amount, Digest, Event, EventKind, PayloadKind, Profile, Status, Transaction, TxHash,
    Validator,
};
use crate::storage::Connection;
use commit::Commit;
use entry::{Expected, Passing};
use queue::QueueModel;

pub(super) use entry::{Entry, Lie};

/// A contract's page; empty before its first change.
pub(super) type State = Vec<u8>;

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    network_seed: Digest,
    validators: Arc<Vec<Validator>>,
    profile: Profile,
    finality_window: Duration,
    sandbox_mint: bool,
    /// What may be stored: clients have sent it, or a decision on its way sends it.
    expected: BTreeMap<TxHash, Expected>,
    pub(super) entries: BTreeMap<TxHash, Entry>,
    /// In the order of acceptance; a transaction's place is its index.
    pub(super) order: Vec<TxHash>,
    queues: BTreeMap<Address, QueueModel>,
    balances: BTreeMap<Address, Amount>,
    minted: Amount,
    /// Value that transactions hold.
    locked: Amount,
    /// Decisions on their way to the store.
    passing: BTreeMap<TxHash, Vec<Passing>>,
    lies: BTreeSet<Lie>,
    pub(super) cursor: i64,
    /// Transactions that are not final.
    pub(super) open: usize,
    pub(super) undecided: usize,
    /// What the present commit changed.
    commit: Commit,
    movements: u64,
}

/// What a commit changed that others wait for.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Decided now, with the status; again, when an appeal has failed.
    pub(super) decided: Vec<(TxHash, Status)>,
    /// Final now.
    pub(super) finalized: Vec<TxHash>,
}

impl Model {
    pub(super) fn new(
        scenario: &Scenario,
        network_seed: Digest,
        validators: Arc<Vec<Validator>>,
        accounts: &[(Address, Amount)],
    ) -> Self {
        let minted = accounts.iter().fold(Amount::ZERO, |sum, (_, has)| plus(sum, *has));
        Self {
            network_seed,
            validators,
            profile: scenario.network.profile,
            finality_window: scenario.network.finality_window,
            sandbox_mint: scenario.network.sandbox_mint,
            expected: BTreeMap::new(),
            entries: BTreeMap::new(),
            order: Vec::new(),
            queues: BTreeMap::new(),
            balances: accounts.iter().copied().collect(),
            minted,
            locked: Amount::ZERO,
            passing: BTreeMap::new(),
            lies: BTreeSet::new(),
            cursor: 0,
            open: 0,
            undecided: 0,
            commit: Commit::default(),
            movements: 0,
        }
    }

    /// A client is about to send this.
    pub(super) fn expect(&mut self, transaction: Transaction) {
        self.expected.insert(transaction.hash, Expected { transaction, sent: None });
    }

    /// It was refused, or came a second time.
    pub(super) fn expect_no_more(&mut self, hash: &TxHash) {
        self.expected.remove(hash);
    }

    /// Is there a deploy to `address` that was not given up?
    pub(super) fn may_have_contract(&self, address: Address) -> bool {
        self.entries.values().any(|entry| {
            let is_deploy = entry.transaction.payload.kind() == PayloadKind::Deploy;
            let is_there = is_deploy && entry.status != Status::Canceled;
            is_there && entry.transaction.queue_address() == address
        })
    }

    /// Events were committed: moves the model on, and compares the store with it.
    pub(super) fn apply(
        &mut self,
        conn: &mut Connection,
        events: &[Event],
    ) -> Result<Progress, Broken> {
        let mut progress = Progress::default();
        self.commit = Commit::default();
        for event in events {
            Law::EVENTS.unless(event.cursor == self.cursor + 1, || {
                format!("cursor {} follows {}", event.cursor, self.cursor)
            })?;
            self.cursor = event.cursor;
            match &event.kind {
                EventKind::TransactionSubmitted => self.submitted(event)?,
                EventKind::StatusChanged { status, .. } => {
                    self.changed(event, *status, &mut progress)?;
                }
                EventKind::AppealOpened { kind, .. } => self.appealed(event, *kind)?,
                EventKind::AppealClosed { successful, .. } => {
                    self.appeal_closed(event, *successful)?;
                }
                EventKind::NetworkRestored { snapshot } => {
                    let broken = format!("snapshot {snapshot} was restored, and nobody asked");
                    return Err(Law::EVENTS.broken(broken));
                }
            }
        }
        self.check_commit()?;
        self.compare_pages(conn)?;
        self.compare_money(conn)?;
        Ok(progress)
    }

    /// A transaction was stored: a client's, or one that a contract sent.
    fn submitted(&mut self, event: &Event) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(Expected { transaction, sent }) = self.expected.remove(&hash) else {
            return Err(Law::EVENTS.broken(format!("`{hash}` was stored, and nobody sent it")));
        };
        let queue = transaction.queue_address();
        Law::EVENTS.unless(event.address == queue, || {
            format!("`{hash}` is in the queue of {}, not of {queue}", event.address)
        })?;
        let entry = Entry::new(transaction, self.order.len(), event.at, sent);
        let (place, value) = (entry.place, entry.transaction.value);
        let holds = if let Some(sent) = sent {
            self.commit.born.push((hash, sent));
            value
        } else {
            self.take_from_sender(&entry)?
        };
        let twice = self.entries.insert(hash, entry).is_some();
        Law::DECIDED_ONCE.unless(!twice, || format!("`{hash}` was stored twice"))?;
        self.hold(hash, holds);
        self.order.push(hash);
        self.queues.entry(queue).or_default().waiting.insert(place);
        self.open += 1;
        self.undecided += 1;
        Ok(())
    }
}

fn plus(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(Amount::MAX)
}

fn unknown(hash: TxHash) -> Broken {
    Law::EVENTS.broken(format!("`{hash}` was never stored"))
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
pub(super) fn unreadable(error: StoreError) -> Broken {
    Law::EVENTS.broken(format!("the store cannot be read: {error}"))
}
