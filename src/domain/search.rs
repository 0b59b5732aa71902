//! What an explorer asks: searches with totals, and sums over the whole ledger.

use std::collections::BTreeMap;

use alloy_primitives::hex;

use super::ledger::{Position, TransactionRecord};
use super::{Address, Amount, PayloadKind, Status, Timestamp};

/// Digits of the longest name, a hash.
const DIGITS_MAX: usize = 64;

/// How the hashes or addresses that are looked for begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexPrefix {
    /// Hexadecimal digits, without `0x`.
    digits: String,
}

impl HexPrefix {
    /// Reads up to 64 digits, with `0x` or without; none of anything else.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let is_one =
            digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self { digits: digits.to_owned() })
    }

    /// Does every name begin so?
    pub const fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// The least and the greatest name of `length` bytes that begin so; none where this is longer
    /// than they are.
    pub fn range(&self, length: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let missing = (2 * length).checked_sub(self.digits.len())?;
        let filled_with = |digit: &str| hex::decode(self.digits.clone() + &digit.repeat(missing));
        Some((filled_with("0").ok()?, filled_with("f").ok()?))
    }
}

impl From<Address> for HexPrefix {
    fn from(address: Address) -> Self {
        Self { digits: hex::encode(address.as_bytes()) }
    }
}

/// Which transactions are looked for; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionSearch {
    /// In one of these statuses; in any when empty.
    pub statuses: Vec<Status>,
    /// From or to this account or contract.
    pub address: Option<Address>,
    /// With a hash, a sender or a recipient that begins so.
    pub named: Option<HexPrefix>,
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
    /// With an address that begins so.
    pub named: Option<HexPrefix>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_a_range_of_names() {
        let range = |text, length| HexPrefix::read(text).unwrap().range(length);
        let some = |least: &[u8], greatest: &[u8]| Some((least.to_vec(), greatest.to_vec()));
        assert_eq!(range("0xAb", 2), some(&[0xab, 0], &[0xab, 0xff]));
        assert_eq!(range("abc", 2), some(&[0xab, 0xc0], &[0xab, 0xcf]), "half a byte");
        assert_eq!(range("0Xabcd", 2), some(&[0xab, 0xcd], &[0xab, 0xcd]));
        assert_eq!(range("0x", 1), some(&[0], &[0xff]));
        assert_eq!(range("abcde", 2), None, "longer than the names");
        let address = Address::new([7; 20]);
        assert_eq!(HexPrefix::from(address).range(20), some(&[7; 20], &[7; 20]));
    }

    #[test]
    fn what_is_no_prefix_is_none() {
        for text in ["hello", "0xg", "0x0x1", " 12", "é", "-1", &"0".repeat(DIGITS_MAX + 1)] {
            assert_eq!(HexPrefix::read(text), None, "{text}");
        }
        assert!(HexPrefix::read(&"0".repeat(DIGITS_MAX)).is_some());
    }
}
