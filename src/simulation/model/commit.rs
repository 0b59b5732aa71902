//! One commit as a whole: what is undone is undone with all that rests on it and nothing else, and
//! what is sent is there.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Sent;
use super::{Model, unreadable};
use crate::domain::ledger::StateVersion;
use crate::domain::{Address, Digest, Status, Trigger, TxHash};
use crate::simulation::contract::PAGE;
use crate::simulation::laws::{Broken, Law};
use crate::storage::{self, Connection};

/// What one commit changed.
#[derive(Debug, Default)]
pub(super) struct Commit {
    /// Accounts whose balance changed.
    pub(super) accounts: BTreeSet<Address>,
    /// Contracts whose accepted page may have changed.
    pub(super) accepted: BTreeSet<Address>,
    /// The last transaction of a contract that became final.
    pub(super) finalized: BTreeMap<Address, usize>,
    /// Children that were stored.
    pub(super) born: Vec<(TxHash, Sent)>,
    /// Children that have to be there now.
    pub(super) due: Vec<TxHash>,
    /// Decided before, and not any more.
    pub(super) undone: Vec<Undone>,
    /// Accepted in a round that was not their first.
    pub(super) accepted_again: Vec<TxHash>,
    /// Overturned by a round of their own.
    pub(super) overturned: BTreeSet<TxHash>,
    /// Appeals that were closed, and whether they succeeded.
    pub(super) closed: BTreeMap<TxHash, bool>,
}

/// A decision that does not count any more.
#[derive(Debug)]
pub(super) struct Undone {
    pub(super) hash: TxHash,
    /// What it had sent; empty when it had no effects.
    pub(super) children: Vec<TxHash>,
    pub(super) was_accepted: bool,
}

impl Model {
    /// What can only be said when all events of a commit are known.
    pub(super) fn check_commit(&mut self) -> Result<(), Broken> {
        self.check_children()?;
        self.check_undone()?;
        self.outdate_rounds();
        Ok(())
    }

    /// Children come with what sends them, and all of them do.
    fn check_children(&self) -> Result<(), Broken> {
        for (hash, sent) in &self.commit.born {
            let parent = self.entries.get(&sent.parent);
            let sends = parent.is_some_and(|parent| {
                let is_effective =
                    parent.effect.as_ref().is_some_and(|it| it.attempt == sent.attempt);
                is_effective && (sent.on == Trigger::Accepted || parent.status == Status::Finalized)
            });
            Law::EFFECTS_ONCE.unless(sends, || {
                format!("`{hash}` was stored, and `{}` did not send it", sent.parent)
            })?;
        }
        let lost = self.commit.due.iter().find(|hash| !self.entries.contains_key(*hash));
        Law::NOTHING_LOST.unless(lost.is_none(), || {
            let lost = lost.map(ToString::to_string).unwrap_or_default();
            format!("`{lost}` was sent by a contract, and never stored")
        })
    }

    /// Undone is what rests on a decision that does not count any more, all of it, and nothing else.
    fn check_undone(&self) -> Result<(), Broken> {
        for undone in &self.commit.undone {
            self.check_cause(undone.hash)?;
            for child in &undone.children {
                let is_there =
                    self.entries.get(child).is_some_and(|child| child.status != Status::Canceled);
                Law::EFFECTS_ONCE.unless(!is_there, || {
                    format!("`{child}` stays, and `{}`, which sent it, was undone", undone.hash)
                })?;
            }
        }
        let accepted = self.commit.undone.iter().filter(|undone| undone.was_accepted);
        let changed = accepted.map(|undone| &undone.hash).chain(&self.commit.accepted_again);
        for hash in changed {
            let Some(entry) = self.entries.get(hash) else { continue };
            let queue = self.queues.get(&entry.transaction.queue_address());
            let later = queue.and_then(|queue| queue.decided.range(entry.place + 1..).next());
            Law::EFFECTS_ONCE.unless(later.is_none(), || {
                let later = later.and_then(|place| self.order.get(*place));
                let later = later.map(ToString::to_string).unwrap_or_default();
                format!("`{later}` stays decided on a state that `{hash}` changed under it")
            })?;
        }
        Ok(())
    }

    /// Why was it undone? By its own appeal, with what sent it, or because of one before it.
    fn check_cause(&self, hash: TxHash) -> Result<(), Broken> {
        let Some(entry) = self.entries.get(&hash) else { return Ok(()) };
        let is_undone = |it: &TxHash| self.commit.undone.iter().any(|undone| undone.hash == *it);
        let queue = entry.transaction.queue_address();
        let is_before = |it: &TxHash| {
            self.entries
                .get(it)
                .is_some_and(|it| it.transaction.queue_address() == queue && it.place < entry.place)
        };
        let undone = self.commit.undone.iter().map(|undone| &undone.hash);
        let mut before = undone.chain(&self.commit.accepted_again);
        let has_cause = self.commit.overturned.contains(&hash)
            || entry.sent.is_some_and(|sent| is_undone(&sent.parent))
            || before.any(is_before);
        Law::DECIDED_ONCE
            .unless(has_cause, || format!("`{hash}` was undone, and nothing asked for that"))
    }

    /// Rounds that began on a state which was undone since end in vain.
    fn outdate_rounds(&mut self) {
        for undone in &self.commit.undone {
            let Some(entry) = self.entries.get(&undone.hash) else { continue };
            let Some(queue) = self.queues.get(&entry.transaction.queue_address()) else { continue };
            for place in &queue.waiting {
                let waiting = self.order.get(*place).and_then(|hash| self.entries.get_mut(hash));
                if let Some(waiting) = waiting {
                    waiting.outdate();
                }
            }
        }
    }

    /// The stored pages of the contracts that changed are the model's.
    pub(super) fn compare_pages(&self, conn: &mut Connection) -> Result<(), Broken> {
        for contract in &self.commit.accepted {
            let expected = self.queues.get(contract).map_or(&[][..], |queue| queue.accepted());
            compare_page(conn, *contract, StateVersion::Accepted, expected)?;
        }
        for (contract, place) in &self.commit.finalized {
            let queue = self.queues.get(contract);
            let expected = queue.map_or(&[][..], |queue| queue.state_after(*place));
            compare_page(conn, *contract, StateVersion::Finalized, expected)?;
        }
        Ok(())
    }
}

pub(super) fn compare_page(
    conn: &mut Connection,
    contract: Address,
    version: StateVersion,
    expected: &[u8],
) -> Result<(), Broken> {
    let pages = storage::contract_pages(conn, contract, version, &[PAGE]).map_err(unreadable)?;
    let stored = pages.first().map_or(&[][..], |page| page);
    Law::EFFECTS_ONCE.unless(stored == expected, || {
        let (stored, expected) = (short(stored), short(expected));
        format!("the {version:?} state of {contract} is {stored}, not {expected}")
    })
}

fn short(state: &[u8]) -> String {
    match Digest::from_slice(state) {
        Some(digest) => digest.to_string().chars().take(10).collect(),
        None => format!("{} bytes", state.len()),
    }
}
