//! What an explorer asks: searches with totals, and sums over the whole ledger.

use std::collections::BTreeMap;

use super::ledger::{Position, TransactionRecord};
use super::{Address, Amount, PayloadKind, Status, Timestamp, TxHash};

/// Which transactions are looked for; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionSearch {
    /// In one of these statuses; in any when empty.
    pub statuses: Vec<Status>,
    /// From or to this account or contract.
    pub address: Option<Address>,
    /// Of this name.
    pub hash: Option<TxHash>,
    /// Accepted at this instant or later.
    pub from: Option<Timestamp>,
    /// Accepted at this instant or before.
    pub to: Option<Timestamp>,
    /// How many newer ones to leave out.
    pub skip: u64,
    /// How many at most.
    pub limit: usize,
}

/// A page of what was found, newest first, and how much there is in all.
#[derive(Debug, Clone)]
pub struct TransactionsFound {
    /// The page.
    pub items: Vec<TransactionRecord>,
    /// Everything that fits.
    pub total: u64,
}

/// On which side of a transaction an address is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It sent it.
    Sender,
    /// It received it, as an account or as the contract that is called or deployed.
    Recipient,
    /// One of the two.
    Either,
}

/// Which transactions of an address are looked for, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressSearch {
    /// The account or contract.
    pub address: Address,
    /// What it has to do with them.
    pub side: Side,
    /// Accepted before the transaction with this place; the newest ones when absent.
    pub before: Option<Position>,
    /// How many at most.
    pub limit: usize,
}

/// By what contracts are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContractOrder {
    /// How many transactions were sent to them.
    #[default]
    Transactions,
    /// When they were deployed.
    Created,
    /// When they last received something.
    Updated,
}

/// Which contracts are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractSearch {
    /// The one at this address only.
    pub address: Option<Address>,
    /// By what they are ordered.
    pub order: ContractOrder,
    /// The least first.
    pub ascending: bool,
    /// How many to leave out.
    pub skip: u64,
    /// How many at most.
    pub limit: usize,
}

/// A contract as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractSummary {
    /// Where it is.
    pub address: Address,
    /// What it has.
    pub balance: Amount,
    /// How many transactions were sent to it, its deploy included.
    pub transactions: u64,
    /// When it was deployed.
    pub created_at: Timestamp,
    /// When something was last sent to it.
    pub updated_at: Timestamp,
}

/// Sums over the whole ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerSums {
    /// By status.
    pub by_status: BTreeMap<Status, u64>,
    /// By kind, as its name.
    pub by_kind: Vec<(PayloadKind, u64)>,
    /// Transactions that were ever appealed.
    pub appealed: u64,
    /// Contracts there are.
    pub contracts: u64,
    /// Validators there are.
    pub validators: u64,
    /// Transactions accepted within the last 24 hours.
    pub last_day: u64,
    /// Transactions by day, as days since 1970, for the last 14 days that had any.
    pub by_day: Vec<(i64, u64)>,
}
