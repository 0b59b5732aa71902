//! One transaction as the model knows it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::{
    Address, Amount, EmittedMessage, LeaderReceipt, PayloadKind, Phase, Status, Timestamp,
    Transaction, Trigger, TxHash,
};

/// A transaction that may be stored.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) transaction: Transaction,
    /// The decision that sends it; none for what clients send.
    pub(super) sent: Option<Sent>,
}

/// How a contract sent a transaction.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulation) struct Sent {
    pub(super) parent: TxHash,
    /// The parent's attempt whose decision sends it.
    pub(super) attempt: u32,
    pub(super) on: Trigger,
}

/// A vote that was revealed and is not the one that was committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Lie {
    pub(in crate::simulation) transaction: TxHash,
    pub(in crate::simulation) attempt: u32,
    pub(in crate::simulation) rotation: u8,
    pub(in crate::simulation) validator: Address,
}

/// What a decision did.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) attempt: u32,
    /// What it sends, each with the name of its child.
    pub(super) messages: Vec<(TxHash, EmittedMessage)>,
}

/// A decision on its way to the store.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) attempt: u32,
    pub(super) phase: Phase,
    pub(super) status: Status,
    pub(super) receipt: Option<LeaderReceipt>,
    pub(super) decided_at: Timestamp,
    pub(super) rotations: u32,
    pub(super) leaders: Vec<Address>,
    pub(super) has_window: bool,
}

/// A finality window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) decided_at: Timestamp,
    pub(super) appeals_failed: u32,
    /// Time in which failed appeals were judged.
    pub(super) appeal_time: Duration,
    pub(super) is_open_to_appeals: bool,
}

/// One transaction.
#[derive(Debug)]
pub(in crate::simulation) struct Entry {
    pub(in crate::simulation) transaction: Transaction,
    pub(super) place: usize,
    pub(super) sent: Option<Sent>,
    pub(in crate::simulation) status: Status,
    pub(in crate::simulation) decision: Option<Status>,
    pub(in crate::simulation) is_wrong: bool,
    pub(in crate::simulation) rounds: u32,
    pub(in crate::simulation) rotations: u32,
    pub(in crate::simulation) appeals: u32,
    pub(in crate::simulation) appeals_successful: u32,
    pub(in crate::simulation) submitted_at: Timestamp,
    pub(in crate::simulation) decided_at: Option<Timestamp>,
    pub(in crate::simulation) finalized_at: Option<Timestamp>,
    pub(super) last_event_at: Timestamp,
    /// Value it holds.
    pub(super) locked: Amount,
    pub(super) effect: Option<Effect>,
    /// When the appeal was opened that is open.
    pub(super) appealed_at: Option<Timestamp>,
    pub(super) window: Window,
    /// Who led a round since the transaction last started afresh.
    pub(super) led: BTreeSet<Address>,
    /// The last attempt that a consensus worked on.
    pub(super) claimed: Option<u32>,
    /// Decisions of earlier attempts are stale.
    pub(super) attempts_from: u32,
}

impl Entry {
    pub(super) fn new(
        transaction: Transaction,
        place: usize,
        submitted_at: Timestamp,
        sent: Option<Sent>,
    ) -> Self {
        Self {
            transaction,
            place,
            sent,
            status: Status::Pending,
            decision: None,
            is_wrong: false,
            rounds: 0,
            rotations: 0,
            appeals: 0,
            appeals_successful: 0,
            submitted_at,
            decided_at: None,
            finalized_at: None,
            last_event_at: submitted_at,
            locked: Amount::ZERO,
            effect: None,
            appealed_at: None,
            window: Window::default(),
            led: BTreeSet::new(),
            claimed: None,
            attempts_from: 0,
        }
    }

    pub(super) fn is_transfer(&self) -> bool {
        self.transaction.payload.kind() == PayloadKind::Transfer
    }

    /// Whoever works on it works in vain.
    pub(super) fn outdate(&mut self) {
        self.attempts_from = self.claimed.map_or(0, |attempt| attempt + 1).max(self.attempts_from);
    }
}
