//! Executions of which nothing is stored.

use std::sync::Arc;

use super::ledger::StateVersion;
use super::{Address, Amount, Bytes, RunContext};

/// One execution of which nothing is stored, kept apart from submissions: a question, or the
/// rehearsal of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOnlyCall {
    /// What of the contract is run, and what it may do.
    pub entry: CallEntry,
    /// The contract; of a constructor, where it would be.
    pub contract: Address,
    /// Method and arguments.
    pub calldata: Bytes,
    /// Who asks; the zero address when nobody is named.
    pub from: Address,
    /// Who would have signed the transaction at the root; mostly who asks.
    pub origin: Address,
    /// Value that would come along; nobody pays it.
    pub value: Amount,
    /// The state it starts from.
    pub version: StateVersion,
    /// How it is run, when not as the network would: by the first of these validators, at this
    /// time.
    pub context: Option<Arc<RunContext>>,
}

/// What of a contract is run, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEntry {
    /// A method that cannot write, send or emit anything.
    View,
    /// A method as in a transaction.
    Method,
    /// The constructor of this code, on empty storage, as in a transaction.
    Constructor(Bytes),
}

impl ReadOnlyCall {
    /// The question of nobody to a contract, as things are now.
    pub fn view(contract: Address, calldata: Bytes) -> Self {
        Self {
            entry: CallEntry::View,
            contract,
            calldata,
            from: Address::ZERO,
            origin: Address::ZERO,
            value: Amount::ZERO,
            version: StateVersion::Accepted,
            context: None,
        }
    }

    /// The same, asked by `from`.
    #[must_use]
    pub fn asked_by(self, from: Address) -> Self {
        Self { from, origin: from, ..self }
    }
}
