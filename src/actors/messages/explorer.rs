//! What an explorer asks of the store.

use actix::Message;

use crate::domain::ledger::{StoreError, TransactionRecord};
use crate::domain::{
    AddressSearch, ContractSearch, ContractSummary, LedgerSums, TransactionSearch,
    TransactionsFound,
};

/// Find transactions.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TransactionsFound, StoreError>")]
pub struct SearchTransactions(pub TransactionSearch);

/// Find the transactions of an address.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<TransactionRecord>, StoreError>")]
pub struct ListOfAddress(pub AddressSearch);

/// Find contracts, and count them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(Vec<ContractSummary>, u64), StoreError>")]
pub struct SearchContracts(pub ContractSearch);

/// Add up the whole ledger.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<LedgerSums, StoreError>")]
pub struct SumLedger;
