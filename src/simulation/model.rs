//! The checker: a small model of the network, written a second time and fed by what was committed,
//! which says after every commit whether the store still agrees with it.
//!
//! The model learns what may happen from three sources, and believes none of the store's tables:
//! submissions are announced by the workload before they are sent ([`Model::expect`]), decisions
//! by the port they pass on their way to the store ([`Model::decided`]), and everything else by
//! the committed events ([`Model::apply`]). The pages of a contract and the balances of an account
//! are compared after every commit that may have changed them.
//!
//! What will learn of appeals and children, by name: [`Model::submitted`] (a hash that no client
//! announced must be a child that a decision created), [`Model::reopened`] (a decided transaction
//! returns to its queue) and [`super::appeals::appeal_policy`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::contract::{self, PAGE};
use super::laws::{Broken, Law};
use super::scenario::Scenario;
use crate::domain::ledger::{Decision, StateVersion, StoreError};
use crate::domain::{
    Address, Amount, Digest, Event, EventKind, ExecutionMode, LeaderReceipt, Payload, PayloadKind,
    Status, Timestamp, Transaction, TxHash, Validator,
};
use crate::protocol::{invariants, selection};
use crate::storage::{self, Connection};

/// A contract's page; empty before its first change.
pub(super) type State = Vec<u8>;

/// Undecided transactions up to which the whole ledger is added up after every movement of money.
const AUDIT_UNDECIDED_MAX: usize = 64;
/// With more of them, every so many movements.
const AUDIT_EVERY: u64 = 64;

/// One transaction as the model knows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) transaction: Transaction,
    pub(super) status: Status,
    pub(super) attempt: u32,
    pub(super) decision: Option<Status>,
    pub(super) is_wrong: bool,
    pub(super) rounds: u32,
    pub(super) rotations: u32,
    pub(super) submitted_at: Timestamp,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) finalized_at: Option<Timestamp>,
    final_from: Timestamp,
    last_event_at: Timestamp,
    /// The contract's page after it.
    state_after: Option<State>,
}

/// A queue address: a contract, or an account for transfers.
#[derive(Debug, Default)]
struct QueueModel {
    undecided: VecDeque<TxHash>,
    in_flight: Option<TxHash>,
    /// Decided and not final, with the end of each window.
    unfinal: VecDeque<TxHash>,
    is_deployed: bool,
    accepted: State,
}

/// A decision on its way to the store.
#[derive(Debug)]
struct Passing {
    status: Status,
    receipt: Option<LeaderReceipt>,
    decided_at: Timestamp,
    rotations: usize,
}

/// The model.
#[derive(Debug)]
pub(super) struct Model {
    network_seed: Digest,
    validators: Arc<Vec<Validator>>,
    finality_window: std::time::Duration,
    sandbox_mint: bool,
    expected: BTreeMap<TxHash, Transaction>,
    pub(super) entries: BTreeMap<TxHash, Entry>,
    /// In the order of acceptance.
    pub(super) order: Vec<TxHash>,
    queues: BTreeMap<Address, QueueModel>,
    balances: BTreeMap<Address, Amount>,
    minted: Amount,
    passing: BTreeMap<(TxHash, u32), Passing>,
    pub(super) cursor: i64,
    /// Transactions that are not final.
    pub(super) open: usize,
    pub(super) undecided: usize,
    /// What the present commit changed.
    touched: BTreeSet<Address>,
    movements: u64,
}

/// What a commit changed that others wait for.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Decided now, with the queue and the status.
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
        let minted = accounts
            .iter()
            .fold(Amount::ZERO, |sum, (_, has)| sum.checked_add(*has).unwrap_or(Amount::MAX));
        Self {
            network_seed,
            validators,
            finality_window: scenario.network.finality_window,
            sandbox_mint: scenario.network.sandbox_mint,
            expected: BTreeMap::new(),
            entries: BTreeMap::new(),
            order: Vec::new(),
            queues: BTreeMap::new(),
            balances: accounts.iter().copied().collect(),
            minted,
            passing: BTreeMap::new(),
            cursor: 0,
            open: 0,
            undecided: 0,
            touched: BTreeSet::new(),
            movements: 0,
        }
    }

    /// A client is about to send this.
    pub(super) fn expect(&mut self, transaction: Transaction) {
        self.expected.insert(transaction.hash, transaction);
    }

    /// It was refused, or came a second time.
    pub(super) fn expect_no_more(&mut self, hash: &TxHash) {
        self.expected.remove(hash);
    }

    /// The state of a contract as accepted now.
    pub(super) fn state_of(&self, contract: &Address) -> &[u8] {
        self.queues.get(contract).map_or(&[], |queue| &queue.accepted)
    }

    /// A decision passes on its way to the store: the laws that it alone can break.
    pub(super) fn decided(&mut self, decision: &Decision) -> Result<(), Broken> {
        let Some(entry) = self.entries.get(&decision.hash) else {
            return Err(
                Law::EVENTS.broken(format!("`{}` is decided and was never stored", decision.hash))
            );
        };
        invariants::check_decision(decision, entry.transaction.rules.mode)?;
        self.check_draw(decision, entry)?;
        let window = decision.final_from.since(decision.decided_at);
        Law::FINALITY.unless(window >= self.finality_window, || {
            format!(
                "the window of `{}` is {window:?}, not {:?}",
                decision.hash, self.finality_window
            )
        })?;
        self.passing.insert(
            (decision.hash, decision.attempt),
            Passing {
                status: decision.status,
                receipt: decision.receipt.clone(),
                decided_at: decision.decided_at,
                rotations: decision.rotations.len(),
            },
        );
        Ok(())
    }

    /// Anybody can draw the first committee again (section 2, law 6).
    fn check_draw(&self, decision: &Decision, entry: &Entry) -> Result<(), Broken> {
        let Some(first) = decision.rotations.first() else { return Ok(()) };
        let seed = selection::draw_seed(
            &self.network_seed,
            &decision.hash,
            decision.attempt,
            first.rotation,
        );
        let size = match entry.transaction.rules.mode {
            ExecutionMode::Normal => usize::from(entry.transaction.rules.validators),
            ExecutionMode::LeaderOnly | ExecutionMode::LeaderSelfValidator => 1,
        };
        // A leader whose node failed gave way to the next seat: compare who sits, not where.
        let drawn = selection::draw(&self.validators, &BTreeSet::new(), size, &seed);
        let drawn: BTreeSet<Address> =
            drawn.into_iter().map(|validator| validator.address).collect();
        let fails = !first.evidence.is_empty();
        let is_same = first.draw.seed == seed
            && (fails || first.seats.iter().all(|seat| drawn.contains(&seat.validator)));
        Law::SAME_EFFECTS.unless(is_same, || {
            format!("the committee of `{}` is not the one its seed draws", decision.hash)
        })
    }

    /// Events were committed: moves the model on, and compares the store with it.
    pub(super) fn apply(
        &mut self,
        conn: &mut Connection,
        events: &[Event],
    ) -> Result<Progress, Broken> {
        let mut progress = Progress::default();
        self.touched.clear();
        for event in events {
            Law::EVENTS.unless(event.cursor == self.cursor + 1, || {
                format!("cursor {} follows {}", event.cursor, self.cursor)
            })?;
            self.cursor = event.cursor;
            match &event.kind {
                EventKind::TransactionSubmitted => self.submitted(event)?,
                EventKind::StatusChanged { status, .. } => {
                    self.changed(conn, event, *status, &mut progress)?;
                }
            }
        }
        self.compare_money(conn)?;
        Ok(progress)
    }

    /// A transaction was stored. One that no client announced would be a decision's child.
    fn submitted(&mut self, event: &Event) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(transaction) = self.expected.remove(&hash) else {
            return Err(Law::EVENTS.broken(format!("`{hash}` was stored, and nobody sent it")));
        };
        let queue = transaction.queue_address();
        Law::EVENTS.unless(event.address == queue, || {
            format!("`{hash}` is in the queue of {}, not of {queue}", event.address)
        })?;
        self.lock_value(&transaction)?;
        let entry = Entry {
            transaction,
            status: Status::Pending,
            attempt: 0,
            decision: None,
            is_wrong: false,
            rounds: 0,
            rotations: 0,
            submitted_at: event.at,
            decided_at: None,
            finalized_at: None,
            final_from: Timestamp::default(),
            last_event_at: event.at,
            state_after: None,
        };
        let twice = self.entries.insert(hash, entry).is_some();
        Law::DECIDED_ONCE.unless(!twice, || format!("`{hash}` was stored twice"))?;
        self.order.push(hash);
        self.queues.entry(queue).or_default().undecided.push_back(hash);
        self.open += 1;
        self.undecided += 1;
        Ok(())
    }

    /// The value of calls and deploys leaves the sender at once; what it lacks is minted.
    fn lock_value(&mut self, transaction: &Transaction) -> Result<(), Broken> {
        let value = transaction.value;
        let Some(from) = transaction.from else { return Ok(()) };
        if value.is_zero() || transaction.payload.kind() == PayloadKind::Transfer {
            return Ok(());
        }
        let balance = self.balance(from);
        let missing = value.saturating_sub(balance);
        Law::MONEY.unless(missing.is_zero() || self.sandbox_mint, || {
            format!("{from} has {balance} and was allowed to send {value}")
        })?;
        self.minted = self.minted.checked_add(missing).unwrap_or(Amount::MAX);
        self.set_balance(from, balance.saturating_sub(value));
        Ok(())
    }

    fn balance(&self, account: Address) -> Amount {
        self.balances.get(&account).copied().unwrap_or(Amount::ZERO)
    }

    fn set_balance(&mut self, account: Address, balance: Amount) {
        self.balances.insert(account, balance);
        self.touched.insert(account);
    }

    fn credit(&mut self, account: Option<Address>, value: Amount) {
        if let Some(account) = account
            && !value.is_zero()
        {
            let balance = self.balance(account).checked_add(value).unwrap_or(Amount::MAX);
            self.set_balance(account, balance);
        }
    }

    fn changed(
        &mut self,
        conn: &mut Connection,
        event: &Event,
        to: Status,
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(entry) = self.entries.get_mut(&hash) else {
            return Err(Law::EVENTS.broken(format!("`{hash}` is {to} and was never stored")));
        };
        let from = entry.status;
        let is_requeue = to == Status::Pending;
        let is_legal = from.change_to(to).is_ok() || (from == Status::Pending && is_requeue);
        Law::DECIDED_ONCE.unless(is_legal, || format!("`{hash}` went from {from} to {to}"))?;
        Law::EVENTS.unless(event.at >= entry.last_event_at, || {
            format!("`{hash}` is {to} before the event that precedes it")
        })?;
        (entry.status, entry.last_event_at) = (to, event.at);
        match to {
            Status::Pending => self.reopened(event.address, hash),
            Status::Proposing | Status::Committing | Status::Revealing => {
                self.in_flight(event.address, hash)
            }
            Status::Finalized if from != Status::Pending => {
                progress.finalized.push(hash);
                self.finalized(conn, event)
            }
            _ => {
                progress.decided.push((hash, to));
                self.settled(conn, event, to)
            }
        }
    }

    /// It waits again, under the next attempt: after a crash now, after an appeal some day.
    fn reopened(&mut self, queue: Address, hash: TxHash) -> Result<(), Broken> {
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.attempt += 1;
        }
        let queue = self.queues.entry(queue).or_default();
        if queue.in_flight == Some(hash) {
            queue.in_flight = None;
        }
        Ok(())
    }

    fn in_flight(&mut self, address: Address, hash: TxHash) -> Result<(), Broken> {
        let queue = self.queues.entry(address).or_default();
        let other = queue.in_flight.replace(hash);
        Law::ORDER.unless(other.is_none_or(|other| other == hash), || {
            format!("`{hash}` is in flight beside another one of the queue of {address}")
        })?;
        Law::ORDER.unless(queue.undecided.front() == Some(&hash), || {
            format!("`{hash}` is in flight before its turn in the queue of {address}")
        })
    }

    /// It is decided, CANCELED, or a transfer that was executed.
    fn settled(&mut self, conn: &mut Connection, event: &Event, to: Status) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let queue = self.queues.entry(address).or_default();
        let is_turn = queue.undecided.pop_front() == Some(hash);
        Law::ORDER.unless(is_turn, || {
            format!("`{hash}` is {to} before its turn in the queue of {address}")
        })?;
        if queue.in_flight == Some(hash) {
            queue.in_flight = None;
        }
        self.undecided = self.undecided.saturating_sub(1);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        entry.decided_at = Some(event.at);
        let kind = entry.transaction.payload.kind();
        if to.is_terminal() {
            entry.finalized_at = (to == Status::Finalized).then_some(event.at);
            self.open = self.open.saturating_sub(1);
        } else {
            entry.decision = Some(to);
        }
        match (kind, to) {
            (PayloadKind::Transfer, _) => self.transferred(event, to),
            (_, Status::Canceled) => {
                let (from, value) = (entry.transaction.from, entry.transaction.value);
                self.credit(from, value);
                Ok(())
            }
            _ => self.effects(conn, event, to),
        }?;
        if to.awaits_finality() { self.opens_window(event) } else { Ok(()) }
    }

    fn transferred(&mut self, event: &Event, to: Status) -> Result<(), Broken> {
        let Some(entry) = self.entries.get(&event.transaction) else { return Ok(()) };
        let (from, recipient) = (entry.transaction.from, entry.transaction.to);
        let value = entry.transaction.value;
        let balance = from.map_or(Amount::MAX, |from| self.balance(from));
        let can_pay = balance.checked_sub(value);
        Law::MONEY.unless(can_pay.is_some() == (to == Status::Finalized), || {
            format!("a transfer of {value} from a balance of {balance} ended {to}")
        })?;
        if let (Some(rest), Some(from), Some(recipient)) = (can_pay, from, recipient)
            && from != recipient
        {
            self.set_balance(from, rest);
            self.credit(Some(recipient), value);
        }
        Ok(())
    }

    /// The effects of a decision: exactly those of the one that passed the port.
    fn effects(&mut self, conn: &mut Connection, event: &Event, to: Status) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        let passing = self.passing.remove(&(hash, entry.attempt));
        let Some(passing) = passing.filter(|passing| passing.status == to) else {
            let found = format!("`{hash}` is {to}, which its consensus did not decide");
            return Err(Law::EFFECTS_ONCE.broken(found));
        };
        Law::EVENTS.unless(event.at == passing.decided_at, || {
            format!("`{hash}` is {to} at another time than its decision says")
        })?;
        entry.rounds += 1;
        entry.rotations += u32::try_from(passing.rotations.saturating_sub(1)).unwrap_or(u32::MAX);
        let (from, value) = (entry.transaction.from, entry.transaction.value);
        let receipt = passing.receipt.filter(|_| to == Status::Accepted);
        let queue = self.queues.entry(address).or_default();
        let Some(receipt) = receipt else {
            self.credit(from, value);
            return self.compare_page(conn, address, StateVersion::Accepted, hash);
        };
        let is_deploy = entry.transaction.payload.kind() == PayloadKind::Deploy;
        let right = right_result(&entry.transaction, queue);
        entry.is_wrong = !right.is_none_or(|right| receipt.has_same_effects_as(&right))
            || (right_is_missing(queue, is_deploy) && receipt.outcome.is_success());
        if receipt.outcome.is_success() {
            queue.is_deployed |= is_deploy;
            if let Some(page) = receipt.state.0.get(&PAGE) {
                queue.accepted = page.to_vec();
            }
            self.credit(Some(address), value);
        } else {
            self.credit(from, value);
        }
        self.compare_page(conn, address, StateVersion::Accepted, hash)
    }

    fn opens_window(&mut self, event: &Event) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let queue = self.queues.entry(address).or_default();
        let state = queue.accepted.clone();
        let previous = queue.unfinal.back().copied();
        queue.unfinal.push_back(hash);
        let earliest = previous.and_then(|previous| self.entries.get(&previous));
        let earliest = earliest.map_or(Timestamp::default(), |entry| entry.final_from);
        if let Some(entry) = self.entries.get_mut(&hash) {
            let has_window = entry.transaction.rules.mode.has_finality_window();
            let window = if has_window { self.finality_window } else { std::time::Duration::ZERO };
            entry.final_from = event.at.after(window).max(earliest);
            entry.state_after = Some(state);
        }
        Ok(())
    }

    fn finalized(&mut self, conn: &mut Connection, event: &Event) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let queue = self.queues.entry(address).or_default();
        let first = queue.unfinal.pop_front();
        Law::FINALITY.unless(first == Some(hash), || {
            format!("`{hash}` is FINALIZED before an earlier one of {address}")
        })?;
        self.open = self.open.saturating_sub(1);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        entry.finalized_at = Some(event.at);
        let (final_from, is_transfer) =
            (entry.final_from, entry.transaction.payload.kind() == PayloadKind::Transfer);
        Law::FINALITY.unless(event.at >= final_from, || {
            let early = final_from.since(event.at);
            format!("`{hash}` is FINALIZED {early:?} before its window closes")
        })?;
        if is_transfer {
            return Ok(());
        }
        self.compare_page(conn, address, StateVersion::Finalized, hash)
    }

    /// The stored page of a contract is the model's.
    fn compare_page(
        &mut self,
        conn: &mut Connection,
        contract: Address,
        version: StateVersion,
        after: TxHash,
    ) -> Result<(), Broken> {
        let stored =
            storage::contract_pages(conn, contract, version, &[PAGE]).map_err(unreadable)?;
        let stored = stored.first().map_or(&[][..], |page| page);
        let expected = match version {
            StateVersion::Accepted => self.state_of(&contract),
            StateVersion::Finalized => {
                let entry = self.entries.get(&after);
                entry.and_then(|entry| entry.state_after.as_deref()).unwrap_or_default()
            }
        };
        Law::EFFECTS_ONCE.unless(stored == expected, || {
            format!(
                "after `{after}` the {version:?} state of {contract} is {}, not {}",
                short(stored),
                short(expected)
            )
        })
    }
}

/// What an honest execution on the state of `queue` gives; `None` when there is no contract.
fn right_result(transaction: &Transaction, queue: &QueueModel) -> Option<crate::domain::Execution> {
    let seed = contract::seed_of(&transaction.hash);
    match &transaction.payload {
        Payload::Deploy { calldata, .. } => Some(contract::honest(&[], &seed, calldata)),
        Payload::Call { calldata } if queue.is_deployed => {
            Some(contract::honest(&queue.accepted, &seed, calldata))
        }
        Payload::Call { .. } | Payload::Transfer => None,
    }
}

fn right_is_missing(queue: &QueueModel, is_deploy: bool) -> bool {
    !is_deploy && !queue.is_deployed
}

fn short(state: &[u8]) -> String {
    match Digest::from_slice(state) {
        Some(digest) => digest.to_string().chars().take(10).collect(),
        None => format!("{} bytes", state.len()),
    }
}

pub(super) fn unreadable(error: StoreError) -> Broken {
    Law::EVENTS.broken(format!("the store cannot be read: {error}"))
}

mod audit;
