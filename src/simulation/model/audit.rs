//! Adding up: money after every commit that could move it, everything else at the end.

use super::commit::compare_page;
use super::{Model, unreadable};
use crate::domain::ledger::StateVersion;
use crate::domain::{Amount, Status};
use crate::simulation::laws::{Broken, Law};
use crate::storage::{self, Connection};

/// Undecided transactions up to which the whole ledger is added up after every movement of money.
const AUDIT_UNDECIDED_MAX: usize = 64;
/// With more of them, every so many movements.
const AUDIT_EVERY: u64 = 64;

impl Model {
    /// Law 5: the accounts that may have changed, one by one; and the whole ledger added up, after
    /// every movement while few transactions wait (their locked values are added up too) and after
    /// some of them otherwise.
    pub(super) fn compare_money(&mut self, conn: &mut Connection) -> Result<(), Broken> {
        if self.commit.accounts.is_empty() {
            return Ok(());
        }
        for account in &self.commit.accounts {
            let stored = storage::account_get(conn, *account).map_err(unreadable)?;
            let stored = stored.map_or(Amount::ZERO, |record| record.balance);
            let expected = self.balance(*account);
            Law::MONEY.unless(stored == expected, || {
                format!("{account} has {stored}, and should have {expected}")
            })?;
        }
        self.movements += 1;
        let is_due =
            self.undecided <= AUDIT_UNDECIDED_MAX || self.movements.is_multiple_of(AUDIT_EVERY);
        if is_due { self.compare_supply(conn) } else { Ok(()) }
    }

    fn compare_supply(&self, conn: &mut Connection) -> Result<(), Broken> {
        let supply = storage::supply(conn).map_err(unreadable)?;
        Law::MONEY
            .unless(supply.is_conserved(), || format!("the ledger does not add up: {supply:?}"))?;
        let (minted, locked) = (self.minted, self.locked);
        Law::MONEY.unless(supply.minted == minted, || {
            format!("{} were minted, and should have been {minted}", supply.minted)
        })?;
        Law::MONEY.unless(supply.locked == locked, || {
            format!("transactions hold {}, and should hold {locked}", supply.locked)
        })
    }

    /// The end of a run: everything is decided, and the tables say what the model says.
    pub(in crate::simulation) fn compare_all(&self, conn: &mut Connection) -> Result<(), Broken> {
        self.compare_supply(conn)?;
        let mut counts = storage::status_counts(conn).map_err(unreadable)?;
        counts.retain(|(_, count)| *count > 0);
        let mut expected: Vec<(Status, u64)> = Vec::new();
        for status in Status::ALL {
            let count = self.entries.values().filter(|entry| entry.status == status).count();
            if count > 0 {
                expected.push((status, u64::try_from(count).unwrap_or(u64::MAX)));
            }
        }
        counts.sort();
        Law::NOTHING_LOST.unless(counts == expected, || {
            format!("the store counts {counts:?}, and should count {expected:?}")
        })?;
        for (address, queue) in &self.queues {
            if let Some(last) = queue.decided.last().or(queue.waiting.first()) {
                let last = self.order.get(*last).map(ToString::to_string).unwrap_or_default();
                return Err(Law::NOTHING_LOST.broken(format!("`{last}` never became final")));
            }
            for version in [StateVersion::Accepted, StateVersion::Finalized] {
                compare_page(conn, *address, version, queue.accepted())?;
            }
        }
        Ok(())
    }
}
