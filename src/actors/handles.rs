//! What the API may ask of the running network: methods, no actors.

mod chain;
mod explorer;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::broadcast::Receiver;

use super::catalog::Catalog;
use super::clock::NetworkClock;
use super::events::Events;
use super::messages::{
    AuditSupply, CallContract, CancelTransaction, ChangeClock, ChangeFinalityWindow, CountStatuses,
    DescribeCode, DescribeContract, GetAccount, GetContract, GetFinalityWindow, GetLastCursor,
    GetTransaction, LintContract, ListContracts, ListEvents, ListPages, ListTransactions,
    ListValidators, OpenAppeal, ReadError, ReadPages, SubmitTransaction, Subscribe, ViewContract,
    WakeUp, WindowsMoved,
};
use super::permits::{PermitReport, Permits};
use super::reader::Reader;
use super::renewal::Gate;
use super::settings::NetworkSettings;
use super::store::Store;
use super::system::Root;
use super::tell;
use crate::domain::ledger::{
    AccountRecord, ContractRecord, ContractView, NewTransaction, Page, Position, ReadOnlyCall,
    StateVersion, StatusCounts, StoreError, Submitted, Supply, TransactionFilter,
    TransactionRecord, ValidatorRecord,
};
use crate::domain::{
    Address, AppealKind, Clock, ClockChange, ClockReading, Code, Event, Execution, LintReport,
    PageKey, Timestamp, TxHash,
};

/// Everything the API may ask of the running network. Cheap to clone, usable from any thread.
#[derive(Debug, Clone)]
pub struct Handles {
    pub(super) gate: Gate,
    pub(super) events: Addr<Events>,
    pub(super) root: Addr<Root>,
    pub(super) permits: Vec<Permits>,
    pub(super) settings: Arc<NetworkSettings>,
    pub(super) clock: NetworkClock,
    pub(super) catalog: Catalog,
}

impl Handles {
    pub(super) async fn ask<M, T>(&self, message: M) -> Result<T, StoreError>
    where
        M: Message<Result = Result<T, StoreError>> + Send + 'static,
        T: Send + 'static,
        Store: Handler<M>,
        <Store as Actor>::Context: ToEnvelope<Store, M>,
    {
        let present = self.gate.read().await;
        present.store.send(message).await.unwrap_or(Err(StoreError::Closed))
    }

    /// The reader of the present generation. A call may take long, and a restore need not wait.
    async fn reader(&self) -> Addr<Reader> {
        self.gate.read().await.reader.clone()
    }

    /// The settings the network runs with.
    pub fn settings(&self) -> &NetworkSettings {
        &self.settings
    }

    /// The present instant of the network.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the network's clock and the wall show.
    pub fn clock(&self) -> ClockReading {
        self.clock.reading()
    }

    /// Turns the network's clock, here and in every process of the network.
    pub async fn change_clock(&self, change: ClockChange) -> Result<ClockReading, StoreError> {
        self.ask(ChangeClock(change)).await
    }

    /// How long a decision can be appealed.
    pub async fn finality_window(&self) -> Result<Duration, StoreError> {
        self.ask(GetFinalityWindow).await
    }

    /// Changes how long a decision can be appealed, also for those that are not final yet.
    pub async fn change_finality_window(&self, window: Duration) -> Result<(), StoreError> {
        self.ask(ChangeFinalityWindow(window)).await?;
        tell(&self.root.clone().recipient(), WindowsMoved);
        Ok(())
    }

    /// What runs at the same time, and how much of it may.
    pub fn permits(&self) -> Vec<PermitReport> {
        self.permits.iter().map(Permits::report).collect()
    }

    /// How many facts found their receiver gone since the process started.
    pub fn dropped_messages(&self) -> u64 {
        super::dropped_messages()
    }

    /// Stores a transaction and lets the crawler know.
    pub async fn submit(&self, transaction: NewTransaction) -> Result<Submitted, StoreError> {
        let submitted = self.ask(SubmitTransaction(transaction)).await?;
        tell(&self.root.clone().recipient(), WakeUp);
        Ok(submitted)
    }

    /// Challenges a decision; answers with the kind of appeal.
    pub async fn open_appeal(
        &self,
        hash: TxHash,
        appellant: Address,
    ) -> Result<AppealKind, StoreError> {
        self.ask(OpenAppeal { hash, appellant }).await
    }

    /// Withdraws a transaction that waits for its first round.
    pub async fn cancel(&self, hash: TxHash) -> Result<(), StoreError> {
        self.ask(CancelTransaction(hash)).await
    }

    /// One transaction with the consensus over it.
    pub async fn transaction(&self, hash: TxHash) -> Result<Option<TransactionRecord>, StoreError> {
        self.ask(GetTransaction(hash)).await
    }

    /// Transactions, newest first.
    pub async fn transactions(
        &self,
        filter: TransactionFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<TransactionRecord>, StoreError> {
        self.ask(ListTransactions { filter, before, limit }).await
    }

    /// One contract.
    pub async fn contract(&self, address: Address) -> Result<Option<ContractRecord>, StoreError> {
        self.ask(GetContract(address)).await
    }

    /// Contracts in the order of their deployment.
    pub async fn contracts(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Page<ContractRecord>, StoreError> {
        self.ask(ListContracts { after, limit }).await
    }

    /// One contract's code and state.
    pub async fn contract_view(
        &self,
        address: Address,
        version: StateVersion,
    ) -> Result<Option<ContractView>, StoreError> {
        self.ask(ViewContract { address, version }).await
    }

    /// A contract's state in page order.
    pub async fn contract_pages(
        &self,
        address: Address,
        version: StateVersion,
        after: Option<PageKey>,
        limit: usize,
    ) -> Result<Vec<(PageKey, crate::domain::Page)>, StoreError> {
        self.ask(ListPages { address, version, after, limit }).await
    }

    /// Some pages of a contract's state; absent ones are empty.
    pub async fn pages(
        &self,
        address: Address,
        version: StateVersion,
        keys: Vec<PageKey>,
    ) -> Result<Vec<crate::domain::Page>, StoreError> {
        self.ask(ReadPages { address, version, keys }).await
    }

    /// Runs a contract on the present state, and stores nothing.
    pub async fn call(&self, call: ReadOnlyCall) -> Result<Execution, ReadError> {
        let answer = self.reader().await.send(CallContract(call)).await;
        answer.unwrap_or(Err(ReadError::Store(StoreError::Closed)))
    }

    /// Describes the public methods of a contract.
    pub async fn schema(&self, address: Address) -> Result<serde_json::Value, ReadError> {
        let answer = self.reader().await.send(DescribeContract(address)).await;
        answer.unwrap_or(Err(ReadError::Store(StoreError::Closed)))
    }

    /// Describes the public methods of source that is not deployed.
    pub async fn schema_of_code(&self, code: Code) -> Result<serde_json::Value, ReadError> {
        let answer = self.reader().await.send(DescribeCode(code)).await;
        answer.unwrap_or(Err(ReadError::Store(StoreError::Closed)))
    }

    /// Looks for mistakes in source that is not deployed.
    pub async fn lint(&self, code: Code) -> Result<LintReport, ReadError> {
        let answer = self.reader().await.send(LintContract(code)).await;
        answer.unwrap_or(Err(ReadError::Store(StoreError::Closed)))
    }

    /// One account; unknown accounts are empty ones.
    pub async fn account(&self, address: Address) -> Result<AccountRecord, StoreError> {
        self.ask(GetAccount(address)).await
    }

    /// All validators, in address order.
    pub async fn validators(&self) -> Result<Vec<ValidatorRecord>, StoreError> {
        self.ask(ListValidators).await
    }

    /// Events after a cursor, oldest first.
    pub async fn events_after(&self, after: i64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.ask(ListEvents { after, limit }).await
    }

    /// The cursor of the newest event; 0 before the first.
    pub async fn last_cursor(&self) -> Result<i64, StoreError> {
        self.ask(GetLastCursor).await
    }

    /// Follows events from now on.
    pub async fn subscribe(&self) -> Result<Receiver<Arc<Event>>, StoreError> {
        let answer = self.events.send(Subscribe).await;
        answer.map(|stream| stream.0).ok().ok_or(StoreError::Closed)
    }

    /// Counts transactions by status.
    pub async fn status_counts(&self) -> Result<StatusCounts, StoreError> {
        self.ask(CountStatuses).await
    }

    /// Adds up all money.
    pub async fn supply(&self) -> Result<Supply, StoreError> {
        self.ask(AuditSupply).await
    }
}
