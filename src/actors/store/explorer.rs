//! What an explorer asks.

use actix::{Context, Handler};

use super::{Answer, Store};
use crate::actors::messages::{ListOfAddress, SearchContracts, SearchTransactions, SumLedger};
use crate::domain::ledger::TransactionRecord;
use crate::domain::{Clock, ContractSummary, LedgerSums, TransactionsFound};
use crate::storage;

impl Handler<SearchTransactions> for Store {
    type Result = Answer<TransactionsFound>;

    fn handle(&mut self, message: SearchTransactions, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::transaction_search(conn, &message.0))
    }
}

impl Handler<ListOfAddress> for Store {
    type Result = Answer<Vec<TransactionRecord>>;

    fn handle(&mut self, message: ListOfAddress, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::transaction_list_of_address(conn, &message.0))
    }
}

impl Handler<SearchContracts> for Store {
    type Result = Answer<(Vec<ContractSummary>, u64)>;

    fn handle(&mut self, message: SearchContracts, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::contract_search(conn, &message.0))
    }
}

impl Handler<SumLedger> for Store {
    type Result = Answer<LedgerSums>;

    fn handle(&mut self, _: SumLedger, _: &mut Context<Self>) -> Self::Result {
        let now = self.clock.now();
        self.read(move |conn| storage::ledger_sums(conn, now))
    }
}
