//! The reader: runs read-only calls and describes contracts; nothing it does is stored.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};

use super::messages::{
    CallContract, DescribeCode, DescribeContract, LintContract, ReadError, ViewContract,
};
use super::permits::Permits;
use super::world::{NetworkWorld, StatePorts, VersionPages};
use crate::domain::ledger::{ContractView, SharedViews, StateVersion, StoreError};
use crate::domain::{Address, Amount, Clock, Digest, Execution, LintReport, keccak256};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, Message, Role};

/// What the reader needs.
#[derive(Debug, Clone)]
pub struct ReaderPorts {
    /// Reads the network's state.
    pub state: StatePorts,
    /// Runs contracts.
    pub executor: Arc<dyn Executor>,
    /// How many calls may run.
    pub calls: Permits,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The network.
    pub chain_id: u64,
    /// Everything random derives from it.
    pub network_seed: Digest,
    /// Elapsed time of one call.
    pub time_limit: Duration,
}

/// Runs read-only calls.
#[derive(Debug)]
pub struct Reader {
    ports: ReaderPorts,
}

impl Reader {
    /// A reader.
    pub fn new(ports: ReaderPorts) -> Self {
        Self { ports }
    }
}

impl Actor for Reader {
    type Context = Context<Self>;
}

impl ReaderPorts {
    async fn view(
        &self,
        address: Address,
        version: StateVersion,
    ) -> Result<ContractView, ReadError> {
        let answer = self.state.view.send(ViewContract { address, version }).await;
        let view = answer.unwrap_or(Err(StoreError::Closed))?;
        let name = address.to_string();
        view.ok_or(ReadError::Store(StoreError::NotFound { what: "contract", name }))
    }

    async fn call(&self, call: CallContract) -> Result<Execution, ReadError> {
        let call = call.0;
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        let view = self.view(call.contract, call.version).await?;
        let request = ExecutionRequest {
            node: Address::ZERO,
            role: Role::Reader,
            code: view.record.code,
            entry: Entry::Method,
            calldata: call.calldata,
            message: Message {
                contract: call.contract,
                sender: call.from,
                origin: call.from,
                value: Amount::ZERO,
                balance: view.record.balance,
                chain_id: self.chain_id,
                at: self.clock.now(),
            },
            snapshot: view.snapshot,
            pages: Arc::new(VersionPages {
                contract: call.contract,
                version: call.version,
                overlay: Arc::default(),
                store: self.state.pages.clone(),
            }),
            world: Arc::new(NetworkWorld::new(self.state.clone(), SharedViews::default())),
            seed: keccak256(&[b"agora:read", self.network_seed.as_bytes()]),
            time_limit: self.time_limit,
        };
        Ok(self.executor.execute(request).await?)
    }

    async fn describe(&self, address: Address) -> Result<serde_json::Value, ReadError> {
        let view = self.view(address, StateVersion::Accepted).await?;
        let schema = self.executor.schema(view.record.code).await?;
        schema.map_err(ReadError::InvalidContract)
    }

    async fn describe_code(&self, message: DescribeCode) -> Result<serde_json::Value, ReadError> {
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        self.executor.schema(message.0).await?.map_err(ReadError::InvalidContract)
    }

    /// Loading foreign source is as much work as a call, and counts as one.
    async fn lint(&self, message: LintContract) -> Result<LintReport, ReadError> {
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        Ok(self.executor.lint(message.0).await?)
    }
}

impl From<ExecutionError> for ReadError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::TimedOut { limit_ms } => Self::TimedOut { limit_ms },
            ExecutionError::Infrastructure(cause) => Self::Infrastructure(cause),
        }
    }
}

impl Handler<CallContract> for Reader {
    type Result = ResponseFuture<Result<Execution, ReadError>>;

    fn handle(&mut self, message: CallContract, _: &mut Context<Self>) -> Self::Result {
        let ports = self.ports.clone();
        Box::pin(async move { ports.call(message).await })
    }
}

impl Handler<DescribeContract> for Reader {
    type Result = ResponseFuture<Result<serde_json::Value, ReadError>>;

    fn handle(&mut self, message: DescribeContract, _: &mut Context<Self>) -> Self::Result {
        let ports = self.ports.clone();
        Box::pin(async move { ports.describe(message.0).await })
    }
}

impl Handler<DescribeCode> for Reader {
    type Result = ResponseFuture<Result<serde_json::Value, ReadError>>;

    fn handle(&mut self, message: DescribeCode, _: &mut Context<Self>) -> Self::Result {
        let ports = self.ports.clone();
        Box::pin(async move { ports.describe_code(message).await })
    }
}

impl Handler<LintContract> for Reader {
    type Result = ResponseFuture<Result<LintReport, ReadError>>;

    fn handle(&mut self, message: LintContract, _: &mut Context<Self>) -> Self::Result {
        let ports = self.ports.clone();
        Box::pin(async move { ports.lint(message).await })
    }
}
