//! What an explorer may ask.

use super::Handles;
use crate::actors::messages::{ListOfAddress, SearchContracts, SearchTransactions, SumLedger};
use crate::domain::ledger::{StoreError, TransactionRecord};
use crate::domain::{
    AddressSearch, ContractSearch, ContractSummary, LedgerSums, TransactionSearch,
    TransactionsFound,
};

impl Handles {
    /// Transactions that fit, and how many.
    pub async fn search_transactions(
        &self,
        search: TransactionSearch,
    ) -> Result<TransactionsFound, StoreError> {
        self.ask(SearchTransactions(search)).await
    }

    /// Transactions of one address, newest first, with what became of them.
    pub async fn transactions_of_address(
        &self,
        search: AddressSearch,
    ) -> Result<Vec<TransactionRecord>, StoreError> {
        self.ask(ListOfAddress(search)).await
    }

    /// Contracts that fit, and how many.
    pub async fn search_contracts(
        &self,
        search: ContractSearch,
    ) -> Result<(Vec<ContractSummary>, u64), StoreError> {
        self.ask(SearchContracts(search)).await
    }

    /// Sums over the whole ledger.
    pub async fn ledger_sums(&self) -> Result<LedgerSums, StoreError> {
        self.ask(SumLedger).await
    }
}
