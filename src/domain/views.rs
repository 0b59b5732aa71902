//! What one round saw of contracts and accounts that are not its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ledger::{ContractView, StateVersion};
use super::{Address, Amount};

/// Other contracts and accounts as the first who asked saw them; everybody who shares this sees
/// the same, whatever happens to them meanwhile.
#[derive(Debug, Clone, Default)]
pub struct SharedViews(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    contracts: BTreeMap<(Address, StateVersion), Option<ContractView>>,
    balances: BTreeMap<Address, Amount>,
}

impl SharedViews {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen of a contract, when somebody looked; the inner `None` is that there is none.
    pub fn contract(
        &self,
        address: Address,
        version: StateVersion,
    ) -> Option<Option<ContractView>> {
        self.seen().contracts.get(&(address, version)).cloned()
    }

    /// Keeps what was seen of a contract, unless somebody was faster; answers what is kept.
    pub fn keep_contract(
        &self,
        address: Address,
        version: StateVersion,
        view: Option<ContractView>,
    ) -> Option<ContractView> {
        self.seen().contracts.entry((address, version)).or_insert(view).clone()
    }

    /// What somebody had, when it was asked.
    pub fn balance(&self, address: Address) -> Option<Amount> {
        self.seen().balances.get(&address).copied()
    }

    /// Keeps what somebody has, unless somebody else was faster; answers what is kept.
    pub fn keep_balance(&self, address: Address, balance: Amount) -> Amount {
        *self.seen().balances.entry(address).or_insert(balance)
    }
}
