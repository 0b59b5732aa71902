//! What decisions do to states and money, and how that is taken back.

use std::time::Duration;

use super::commit::Undone;
use super::entry::{Effect, Passing};
use super::queue::QueueModel;
use super::rounds::is_sent_at_once;
use super::{Entry, Model, plus};
use crate::domain::{
    Address, Amount, Event, Execution, Payload, Phase, Status, Transaction, TxHash,
};
use crate::simulation::contract::{self, PAGE};
use crate::simulation::laws::{Broken, Law};

impl Model {
    pub(super) fn balance(&self, account: Address) -> Amount {
        self.balances.get(&account).copied().unwrap_or(Amount::ZERO)
    }

    fn set_balance(&mut self, account: Address, balance: Amount) {
        self.balances.insert(account, balance);
        self.commit.accounts.insert(account);
    }

    fn credit(&mut self, account: Address, value: Amount) {
        if !value.is_zero() {
            self.set_balance(account, plus(self.balance(account), value));
        }
    }

    fn debit(&mut self, account: Address, value: Amount) -> Result<(), Broken> {
        let balance = self.balance(account);
        let rest = balance.checked_sub(value).ok_or_else(|| {
            Law::MONEY.broken(format!("{account} has {balance} and was to give {value}"))
        })?;
        if !value.is_zero() {
            self.set_balance(account, rest);
        }
        Ok(())
    }

    /// From now on a transaction holds `value`.
    pub(super) fn hold(&mut self, hash: TxHash, value: Amount) {
        if let Some(entry) = self.entries.get_mut(&hash) {
            self.locked = plus(self.locked.saturating_sub(entry.locked), value);
            entry.locked = value;
        }
    }

    fn give_back(&mut self, hash: TxHash) {
        let Some(entry) = self.entries.get(&hash) else { return };
        let (from, locked) = (entry.transaction.from, entry.locked);
        self.hold(hash, Amount::ZERO);
        if let Some(from) = from {
            self.credit(from, locked);
        }
    }

    /// The value of calls and deploys leaves the sender at once; what it lacks is minted. Answers
    /// with what the transaction holds.
    pub(super) fn take_from_sender(&mut self, entry: &Entry) -> Result<Amount, Broken> {
        let value = entry.transaction.value;
        let Some(from) = entry.transaction.from else { return Ok(Amount::ZERO) };
        if value.is_zero() || entry.is_transfer() {
            return Ok(Amount::ZERO);
        }
        let balance = self.balance(from);
        let missing = value.saturating_sub(balance);
        Law::MONEY.unless(missing.is_zero() || self.sandbox_mint, || {
            format!("{from} has {balance} and was allowed to send {value}")
        })?;
        self.minted = plus(self.minted, missing);
        self.set_balance(from, balance.saturating_sub(value));
        Ok(value)
    }

    /// A transfer was executed, or could not be paid.
    pub(super) fn transferred(&mut self, event: &Event, to: Status) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        let queue = self.queues.entry(address).or_default();
        Law::ORDER.unless(queue.waiting.pop_first() == Some(entry.place), || {
            format!("`{hash}` is {to} before its turn in the queue of {address}")
        })?;
        self.undecided = self.undecided.saturating_sub(1);
        entry.decided_at = Some(event.at);
        let is_paid = to == Status::Finalized;
        if is_paid {
            entry.finalized_at = Some(event.at);
            self.open = self.open.saturating_sub(1);
        } else {
            queue.decided.insert(entry.place);
            entry.decision = Some(to);
            entry.window.decided_at = event.at;
            entry.window.is_open_to_appeals = entry.transaction.rules.mode.has_finality_window();
        }
        let is_sent = entry.sent.is_some();
        let (from, recipient) = (entry.transaction.from, entry.transaction.to);
        let value = entry.transaction.value;
        let balance = from.map_or(Amount::MAX, |from| self.balance(from));
        let can_pay = is_sent || balance >= value;
        Law::MONEY.unless(can_pay == is_paid, || {
            format!("a transfer of {value} from a balance of {balance} ended {to}")
        })?;
        if !is_paid {
            return Ok(());
        }
        if is_sent {
            self.hold(hash, Amount::ZERO);
        } else if let Some(from) = from {
            self.debit(from, value)?;
        }
        if let Some(recipient) = recipient {
            self.credit(recipient, value);
        }
        Ok(())
    }

    /// The effects of a decision: exactly those of the one that passed the port.
    pub(super) fn take_effect(
        &mut self,
        event: &Event,
        to: Status,
        passed: Passing,
    ) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        self.commit.accepted.insert(address);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        Law::EFFECTS_ONCE.unless(entry.effect.is_none(), || {
            format!("`{hash}` is decided again, and its effects were not undone")
        })?;
        let receipt = passed.receipt.filter(|_| to == Status::Accepted);
        let Some(receipt) = receipt else {
            entry.is_wrong = false;
            return Ok(());
        };
        if passed.phase != Phase::Initial {
            self.commit.accepted_again.push(hash);
        }
        let queue = self.queues.entry(address).or_default();
        entry.is_wrong = is_wrong(entry, queue, &receipt);
        if !receipt.outcome.is_success() {
            return Ok(());
        }
        let before = queue.state_before(entry.place).cloned().unwrap_or_default();
        let page = receipt.state.0.get(&PAGE).map_or(before, |page| page.to_vec());
        queue.states.insert(entry.place, page);
        let number = (0_u32..).zip(&receipt.messages);
        let name = |number| Transaction::hash_of_child(&hash, passed.attempt, number);
        let messages: Vec<_> =
            number.map(|(number, message)| (name(number), message.clone())).collect();
        let (mut sent, mut waiting) = (Amount::ZERO, Amount::ZERO);
        for (child, message) in &messages {
            sent = plus(sent, message.value);
            if is_sent_at_once(message) {
                self.commit.due.push(*child);
            } else {
                waiting = plus(waiting, message.value);
            }
        }
        let paid = entry.locked;
        entry.effect = Some(Effect { attempt: passed.attempt, messages });
        self.credit(address, paid);
        self.debit(address, sent)?;
        self.hold(hash, waiting);
        Ok(())
    }

    /// The decision does not count any more: its value is with the transaction again, and whatever
    /// it sent is withdrawn by itself.
    pub(super) fn undo(&mut self, hash: TxHash) {
        let Some(entry) = self.entries.get_mut(&hash) else { return };
        entry.appealed_at = None;
        let was_accepted = entry.decision == Some(Status::Accepted);
        (entry.decision, entry.decided_at, entry.is_wrong) = (None, None, false);
        if !self.commit.overturned.contains(&hash) {
            entry.led.clear();
        }
        let effect = entry.effect.take();
        let (address, place) = (entry.transaction.queue_address(), entry.place);
        let (held, value) = (entry.locked, entry.transaction.value);
        let sent_now = |effect: &Effect| {
            let messages = effect.messages.iter();
            messages
                .filter(|(_, message)| is_sent_at_once(message))
                .map(|(name, _)| *name)
                .collect()
        };
        let undone = Undone {
            hash,
            children: effect.as_ref().map(sent_now).unwrap_or_default(),
            was_accepted,
        };
        self.commit.undone.push(undone);
        self.commit.accepted.insert(address);
        if effect.is_none() {
            return;
        }
        if let Some(queue) = self.queues.get_mut(&address) {
            queue.states.remove(&place);
        }
        // Children give back theirs in events of their own, before or after this one.
        let balance = plus(self.balance(address), held);
        self.set_balance(address, balance.saturating_sub(value));
        self.hold(hash, value);
    }

    /// Given up, canceled by its sender, or withdrawn with what sent it.
    pub(super) fn canceled(&mut self, event: &Event) {
        let (hash, address) = (event.transaction, event.address);
        self.leaves_flight(address, hash);
        let Some(entry) = self.entries.get_mut(&hash) else { return };
        entry.outdate();
        let place = entry.place;
        let queue = self.queues.entry(address).or_default();
        if queue.decided.remove(&place) {
            self.undo(hash);
        } else if queue.waiting.remove(&place) {
            self.undecided = self.undecided.saturating_sub(1);
        }
        self.open = self.open.saturating_sub(1);
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.decided_at = Some(event.at);
        }
        self.give_back(hash);
    }

    pub(super) fn finalized(&mut self, event: &Event) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        let Some(entry) = self.entries.get(&hash) else { return Ok(()) };
        let place = entry.place;
        let closes_at = entry.window.decided_at.after(self.window(entry));
        let queue = self.queues.entry(address).or_default();
        let is_first = queue.decided.pop_first() == Some(place)
            && queue.waiting.first().is_none_or(|first| *first > place);
        Law::FINALITY.unless(is_first, || {
            format!("`{hash}` is FINALIZED before an earlier one of {address}")
        })?;
        let parent = entry.sent.and_then(|sent| self.entries.get(&sent.parent));
        let is_parent_final = parent.is_none_or(|parent| parent.status == Status::Finalized);
        Law::FINALITY.unless(is_parent_final && entry.appealed_at.is_none(), || {
            format!("`{hash}` is FINALIZED before what sent it, or while it is appealed")
        })?;
        Law::FINALITY.unless(event.at >= closes_at, || {
            let early = closes_at.since(event.at);
            format!("`{hash}` is FINALIZED {early:?} before its window closes")
        })?;
        queue.forget_before(place);
        self.open = self.open.saturating_sub(1);
        let is_transfer = entry.is_transfer();
        let sends: Option<Vec<TxHash>> = entry
            .effect
            .as_ref()
            .map(|effect| effect.messages.iter().map(|(name, _)| *name).collect());
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.finalized_at = Some(event.at);
        }
        if !is_transfer {
            self.commit.finalized.insert(address, place);
        }
        match sends {
            Some(children) => {
                self.commit.due.extend(children);
                self.hold(hash, Amount::ZERO);
            }
            None => self.give_back(hash),
        }
        Ok(())
    }

    /// How long its window is: a fifth shorter after every failed appeal, and stopped meanwhile.
    fn window(&self, entry: &Entry) -> Duration {
        if !entry.window.is_open_to_appeals {
            return Duration::ZERO;
        }
        let failed = entry.window.appeals_failed;
        let shorter = |window: u128, _| window * 4 / 5;
        let millis = (0..failed).fold(self.finality_window.as_millis(), shorter);
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)) + entry.window.appeal_time
    }
}

/// Is the accepted receipt another one than an honest execution gives?
fn is_wrong(entry: &Entry, queue: &QueueModel, receipt: &Execution) -> bool {
    let state = queue.state_before(entry.place);
    match right_result(&entry.transaction, state.map(Vec::as_slice)) {
        Some(right) => !receipt.has_same_effects_as(&right),
        // A call of no contract can only fail.
        None => receipt.outcome.is_success(),
    }
}

/// What an honest execution on `state` gives; `None` when there is no contract.
fn right_result(transaction: &Transaction, state: Option<&[u8]>) -> Option<Execution> {
    let seed = contract::seed_of(&transaction.hash);
    let value = transaction.value;
    match &transaction.payload {
        Payload::Deploy { calldata, .. } => Some(contract::honest(&[], &seed, calldata, value)),
        Payload::Call { calldata } => {
            state.map(|state| contract::honest(state, &seed, calldata, value))
        }
        Payload::Transfer | Payload::Upgrade { .. } => None,
    }
}
