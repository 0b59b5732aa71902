//! Rounds: claims, decisions on their way, the steps of a transaction's life, and appeals.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entry::{Expected, Lie, Passing, Sent};
use super::{Entry, Model, Progress, unknown};
use crate::domain::ledger::Decision;
use crate::domain::{
    Address, AppealKind, EmittedMessage, Event, ExecutionMode, MessageBody, Payload, Phase,
    Profile, Status, Transaction, Trigger, TxHash, Vote,
};
use crate::protocol::{invariants, selection};
use crate::simulation::laws::{Broken, Law};

impl Model {
    /// A consensus works on this attempt.
    pub(in crate::simulation) fn claimed(&mut self, hash: TxHash, attempt: u32) {
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.claimed = entry.claimed.max(Some(attempt));
        }
    }

    /// A decision passes on its way to the store: the laws that it alone can break. Answers with
    /// the children that come with it, now or once it is final.
    pub(in crate::simulation) fn decided(
        &mut self,
        decision: &Decision,
    ) -> Result<Vec<TxHash>, Broken> {
        let hash = decision.hash;
        let Some(entry) = self.entries.get(&hash) else { return Err(unknown(hash)) };
        let mode = entry.transaction.rules.mode;
        invariants::check_decision(decision, mode, self.profile)?;
        self.check_draw(decision, entry)?;
        check_leaders(decision, entry)?;
        self.check_lies(decision)?;
        let has_window = mode.has_finality_window() && self.profile == Profile::Studio;
        Law::FINALITY.unless(decision.has_window == has_window, || {
            format!("the decision over `{hash}` opens the wrong kind of window")
        })?;
        let children = self.expect_children(decision);
        let leaders = decision.rotations.iter().filter_map(|rotation| rotation.seats.first());
        let passing = Passing {
            attempt: decision.attempt,
            phase: decision.phase,
            status: decision.status,
            receipt: decision.receipt.clone(),
            decided_at: decision.decided_at,
            rotations: u32::try_from(decision.rotations.len()).unwrap_or(u32::MAX),
            leaders: leaders.map(|seat| seat.validator).collect(),
            has_window: decision.has_window,
        };
        self.passing.entry(hash).or_default().push(passing);
        Ok(children)
    }

    /// A node reveals another vote than it committed to.
    pub(in crate::simulation) fn lied(&mut self, lie: Lie) {
        self.lies.insert(lie);
    }

    /// Section 3: a reveal that contradicts its commitment is no vote.
    fn check_lies(&self, decision: &Decision) -> Result<(), Broken> {
        for rotation in &decision.rotations {
            for seat in &rotation.seats {
                let lie = Lie {
                    transaction: decision.hash,
                    attempt: decision.attempt,
                    rotation: rotation.rotation,
                    validator: seat.validator,
                };
                let counts =
                    !matches!(seat.vote, None | Some(Vote::Idle | Vote::NotVoted | Vote::Timeout));
                Law::SAME_EFFECTS.unless(!(counts && self.lies.contains(&lie)), || {
                    let voter = seat.validator;
                    format!("a vote of {voter} counts that it never committed to")
                })?;
            }
        }
        Ok(())
    }

    /// Anybody can draw the first committee again (section 2, law 6).
    fn check_draw(&self, decision: &Decision, entry: &Entry) -> Result<(), Broken> {
        let Some(first) = decision.rotations.first() else { return Ok(()) };
        if decision.phase != Phase::Initial {
            return Ok(());
        }
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

    /// The receipt's messages may become transactions from now on.
    fn expect_children(&mut self, decision: &Decision) -> Vec<TxHash> {
        let mut children = Vec::new();
        let Some(parent) = self.entries.get(&decision.hash) else { return children };
        for (name, message) in messages_of(decision) {
            let transaction = child_of(&parent.transaction, name, message);
            let (parent, attempt, on) = (decision.hash, decision.attempt, message.trigger());
            let sent = Some(Sent { parent, attempt, on });
            self.expected.insert(name, Expected { transaction, sent });
            children.push(name);
        }
        children
    }

    pub(super) fn changed(
        &mut self,
        event: &Event,
        to: Status,
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(entry) = self.entries.get_mut(&hash) else { return Err(unknown(hash)) };
        let from = entry.status;
        let is_judged = entry.appealed_at.is_some() || self.commit.closed.contains_key(&hash);
        let is_legal = from.change_to(to).is_ok()
            || (from == Status::Pending && to == Status::Pending)
            || (is_judged && from.resume_as(to).is_ok())
            // Withdrawn with its parent, which `check_commit` demands.
            || (entry.sent.is_some() && to == Status::Canceled && from.awaits_finality());
        Law::DECIDED_ONCE.unless(is_legal, || format!("`{hash}` went from {from} to {to}"))?;
        Law::EVENTS.unless(event.at >= entry.last_event_at, || {
            format!("`{hash}` is {to} before the event that precedes it")
        })?;
        (entry.status, entry.last_event_at) = (to, event.at);
        let is_resumed = entry.appealed_at.is_some() && to.awaits_finality();
        let is_transfer = entry.is_transfer();
        match to {
            Status::Pending => {
                self.waits_again(event);
                Ok(())
            }
            Status::Proposing | Status::Committing | Status::Revealing => {
                self.in_flight(event.address, hash)
            }
            Status::Canceled => {
                progress.decided.push((hash, to));
                self.canceled(event);
                Ok(())
            }
            Status::Finalized if from != Status::Pending => {
                progress.finalized.push(hash);
                self.finalized(event)
            }
            _ if is_transfer => {
                progress.decided.push((hash, to));
                self.transferred(event, to)
            }
            // The round over its appeal crashed; the appeal waits for another one.
            _ if is_resumed => {
                self.leaves_flight(event.address, hash);
                Ok(())
            }
            _ => {
                progress.decided.push((hash, to));
                self.settled(event, to)
            }
        }
    }

    fn in_flight(&mut self, address: Address, hash: TxHash) -> Result<(), Broken> {
        let place = self.entries.get(&hash).map(|entry| entry.place);
        let queue = self.queues.entry(address).or_default();
        let other = queue.in_flight.replace(hash);
        Law::ORDER.unless(other.is_none_or(|other| other == hash), || {
            format!("`{hash}` is in flight beside another one of the queue of {address}")
        })?;
        let is_turn = place.is_some_and(|place| {
            queue.decided.contains(&place) || queue.waiting.first() == Some(&place)
        });
        Law::ORDER.unless(is_turn, || {
            format!("`{hash}` is in flight before its turn in the queue of {address}")
        })
    }

    pub(super) fn leaves_flight(&mut self, address: Address, hash: TxHash) {
        let queue = self.queues.entry(address).or_default();
        if queue.in_flight == Some(hash) {
            queue.in_flight = None;
        }
    }

    /// It waits again: its round crashed, or its decision was undone.
    fn waits_again(&mut self, event: &Event) {
        let (hash, address) = (event.transaction, event.address);
        if let Some(passed) = self.passed(event, Status::Pending) {
            self.commit.overturned.insert(hash);
            self.count_round(hash, &passed);
        }
        self.leaves_flight(address, hash);
        let Some(entry) = self.entries.get_mut(&hash) else { return };
        entry.outdate();
        let place = entry.place;
        let queue = self.queues.entry(address).or_default();
        if queue.decided.remove(&place) {
            queue.waiting.insert(place);
            self.undecided += 1;
            self.undo(hash);
        }
    }

    /// Takes the decision that passed the port and is stored now.
    pub(super) fn passed(&mut self, event: &Event, status: Status) -> Option<Passing> {
        let attempts_from = self.entries.get(&event.transaction)?.attempts_from;
        let passing = self.passing.get_mut(&event.transaction)?;
        let is_this = |it: &Passing| {
            it.status == status && it.decided_at == event.at && it.attempt >= attempts_from
        };
        let found = passing.iter().position(is_this)?;
        let passed = passing.swap_remove(found);
        passing.retain(|other| other.attempt > passed.attempt);
        Some(passed)
    }

    pub(super) fn count_round(&mut self, hash: TxHash, passed: &Passing) {
        if let Some(entry) = self.entries.get_mut(&hash) {
            entry.rounds += 1;
            entry.rotations += passed.rotations.saturating_sub(1);
            if !passed.phase.is_revote() {
                entry.led.extend(&passed.leaders);
            }
        }
    }

    /// A round has decided it.
    fn settled(&mut self, event: &Event, to: Status) -> Result<(), Broken> {
        let (hash, address) = (event.transaction, event.address);
        self.leaves_flight(address, hash);
        let closed = self.commit.closed.get(&hash).copied();
        let Some(passed) = self.passed(event, to) else {
            // An appeal whose rounds crashed too often has failed without a decision.
            return Law::EFFECTS_ONCE.unless(closed == Some(false), || {
                format!("`{hash}` is {to}, which no round that counts has decided")
            });
        };
        self.count_round(hash, &passed);
        let Some(entry) = self.entries.get_mut(&hash) else { return Ok(()) };
        let queue = self.queues.entry(address).or_default();
        if !queue.decided.contains(&entry.place) {
            let is_turn = queue.waiting.first() == Some(&entry.place);
            Law::ORDER.unless(is_turn, || {
                format!("`{hash}` is {to} before its turn in the queue of {address}")
            })?;
            queue.waiting.remove(&entry.place);
            queue.decided.insert(entry.place);
            self.undecided = self.undecided.saturating_sub(1);
        }
        entry.decision = Some(to);
        if closed != Some(false) {
            entry.decided_at = Some(event.at);
            entry.window.decided_at = event.at;
            (entry.window.appeals_failed, entry.window.appeal_time) = (0, Duration::ZERO);
            entry.window.is_open_to_appeals = passed.has_window;
        }
        let is_upheld = passed.phase.is_revote() && passed.phase.has_failed_with(to);
        if is_upheld { Ok(()) } else { self.take_effect(event, to, passed) }
    }

    /// Somebody challenges a decision.
    pub(super) fn appealed(&mut self, event: &Event, kind: AppealKind) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(entry) = self.entries.get_mut(&hash) else { return Err(unknown(hash)) };
        let is_open_to =
            AppealKind::against(entry.status) == Some(kind) && entry.appealed_at.is_none();
        Law::DECIDED_ONCE.unless(is_open_to, || {
            format!("a {kind} appeal was opened over `{hash}`, which is {}", entry.status)
        })?;
        entry.outdate();
        entry.appeals += 1;
        entry.appealed_at = Some(event.at);
        Ok(())
    }

    /// A challenge was decided.
    pub(super) fn appeal_closed(&mut self, event: &Event, successful: bool) -> Result<(), Broken> {
        let hash = event.transaction;
        let Some(entry) = self.entries.get_mut(&hash) else { return Err(unknown(hash)) };
        let Some(opened_at) = entry.appealed_at.take() else {
            return Err(Law::EVENTS.broken(format!("an appeal over `{hash}` closed unopened")));
        };
        self.commit.closed.insert(hash, successful);
        if successful {
            entry.appeals_successful += 1;
        } else {
            entry.window.appeals_failed += 1;
            entry.window.appeal_time += event.at.since(opened_at);
        }
        Ok(())
    }
}

/// Law 8 over all rounds: whoever led before does not lead again.
fn check_leaders(decision: &Decision, entry: &Entry) -> Result<(), Broken> {
    if decision.phase.is_revote() || decision.phase == Phase::Initial {
        return Ok(());
    }
    let leaders = decision.rotations.iter().filter_map(|rotation| rotation.seats.first());
    let again = leaders.map(|seat| seat.validator).find(|leader| entry.led.contains(leader));
    Law::SEATS.unless(again.is_none(), || {
        let leader = again.map(|leader| leader.to_string()).unwrap_or_default();
        format!("{leader} led a round over `{}` before, and leads again", decision.hash)
    })
}

/// What the receipt of a decision sends if it takes effect, with the names of the children.
pub(super) fn messages_of(decision: &Decision) -> Vec<(TxHash, &EmittedMessage)> {
    let is_effective = decision.status == Status::Accepted;
    let receipt = decision
        .receipt
        .as_deref()
        .filter(|receipt| is_effective && !decision.is_upheld() && receipt.outcome.is_success());
    let messages = receipt.map_or(&[][..], |receipt| &receipt.messages);
    let named = (0_u32..).zip(messages);
    let name = |number| Transaction::hash_of_child(&decision.hash, decision.attempt, number);
    named.map(|(number, message)| (name(number), message)).collect()
}

fn child_of(parent: &Transaction, name: TxHash, message: &EmittedMessage) -> Transaction {
    let (to, payload) = match message.body.clone() {
        MessageBody::Call { to, calldata } => (Some(to), Payload::Call { calldata }),
        MessageBody::Deploy { code, calldata, .. } => (None, Payload::Deploy { code, calldata }),
        MessageBody::Transfer { to } => (Some(to), Payload::Transfer),
    };
    Transaction {
        hash: name,
        from: Some(parent.queue_address()),
        to,
        value: message.value,
        payload,
        nonce: 0,
        rules: parent.rules,
    }
}

/// Is it sent with the decision itself?
pub(super) fn is_sent_at_once(message: &EmittedMessage) -> bool {
    message.trigger() == Trigger::Accepted
}
