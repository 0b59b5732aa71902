//! The reader: runs calls and rehearses transactions, and describes contracts; nothing it does is
//! stored.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, Recipient, ResponseFuture};

use super::messages::{
    CallContract, DescribeCode, DescribeContract, GetElectorate, LintContract, ReadError,
    ViewContract,
};
use super::node::bounded_execution;
use super::permits::Permits;
use super::world::{NetworkWorld, StatePorts, VersionPages};
use crate::domain::ledger::{
    CallEntry, ContractView, Electorate, ReadOnlyCall, SharedViews, Snapshot, StateVersion,
    StoreError,
};
use crate::domain::{
    Address, Amount, Clock, Code, Digest, Execution, LintReport, NodeModels, RunContext, keccak256,
};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, Message, Role};

/// What the reader needs.
#[derive(Debug, Clone)]
pub struct ReaderPorts {
    /// Reads the network's state.
    pub state: StatePorts,
    /// Knows the validators.
    pub electorate: Recipient<GetElectorate>,
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
    /// Elapsed time of one call that only reads.
    pub time_limit: Duration,
    /// Elapsed time of one that does what a transaction would.
    pub rehearsal_time_limit: Duration,
}

/// What a call starts from.
struct Start {
    code: Code,
    entry: Entry,
    balance: Amount,
    snapshot: Snapshot,
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
        if let Some(view) = self.stored(address, version).await? {
            return Ok(view);
        }
        // Before its deploy is final a contract has its code, and a final state of zeros: clients
        // that ask for it do not find an address without a contract.
        if version == StateVersion::Finalized
            && let Some(view) = self.stored(address, StateVersion::Accepted).await?
        {
            let nothing = Snapshot { pages: Arc::default(), complete: true };
            return Ok(ContractView { snapshot: nothing, ..view });
        }
        let name = address.to_string();
        Err(ReadError::Store(StoreError::NotFound { what: "contract", name }))
    }

    async fn stored(
        &self,
        address: Address,
        version: StateVersion,
    ) -> Result<Option<ContractView>, StoreError> {
        let answer = self.state.view.send(ViewContract { address, version }).await;
        answer.unwrap_or(Err(StoreError::Closed))
    }

    async fn call(&self, call: ReadOnlyCall) -> Result<Execution, ReadError> {
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        let seed = keccak256(&[b"agora:read", self.network_seed.as_bytes()]);
        let (node, models) = self.node(call.context.as_deref(), &seed).await?;
        let start = self.start(&call).await?;
        let is_view = call.entry == CallEntry::View;
        let asked_for = call.context.as_ref().and_then(|context| context.now);
        let balance = start.balance.checked_add(call.value);
        let request = ExecutionRequest {
            node,
            models,
            role: if is_view { Role::Reader } else { Role::Leader },
            code: start.code,
            entry: start.entry,
            calldata: call.calldata,
            message: Message {
                contract: call.contract,
                sender: call.from,
                origin: call.origin,
                value: call.value,
                balance: balance.unwrap_or(Amount::MAX),
                chain_id: self.chain_id,
                at: asked_for.unwrap_or_else(|| self.clock.now().into()),
            },
            snapshot: start.snapshot,
            pages: Arc::new(VersionPages {
                contract: call.contract,
                version: call.version,
                overlay: Arc::default(),
                store: self.state.pages.clone(),
            }),
            world: Arc::new(NetworkWorld::new(self.state.clone(), SharedViews::default())),
            seed,
            time_limit: if is_view { self.time_limit } else { self.rehearsal_time_limit },
        };
        Ok(bounded_execution(&self.executor, request).await?)
    }

    /// Whose node runs a call, and whom it asks: the first validator there is.
    async fn node(
        &self,
        context: Option<&RunContext>,
        seed: &Digest,
    ) -> Result<(Address, Option<Arc<NodeModels>>), ReadError> {
        let own = context.and_then(|context| Electorate::of_context(context, seed));
        let electorate = match own {
            Some(own) => own,
            None => self.electorate.send(GetElectorate).await.unwrap_or(Err(StoreError::Closed))?,
        };
        let first = electorate.first.unwrap_or(Address::ZERO);
        Ok((first, electorate.models.get(&first).cloned()))
    }

    async fn start(&self, call: &ReadOnlyCall) -> Result<Start, ReadError> {
        if let CallEntry::Constructor(source) = &call.entry {
            return Ok(Start {
                code: Code::new(source.clone()),
                entry: Entry::Constructor,
                balance: Amount::ZERO,
                snapshot: Snapshot { complete: true, ..Snapshot::default() },
            });
        }
        let view = self.view(call.contract, call.version).await?;
        Ok(Start {
            code: view.record.code,
            entry: Entry::Method,
            balance: view.record.balance,
            snapshot: view.snapshot,
        })
    }

    /// See [`Self::describe_code`].
    async fn describe(&self, address: Address) -> Result<serde_json::Value, ReadError> {
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        let view = self.view(address, StateVersion::Accepted).await?;
        let schema = self.executor.schema(view.record.code).await?;
        schema.map_err(ReadError::InvalidContract)
    }

    /// Loading foreign source is as much work as a call, and counts as one.
    async fn describe_code(&self, code: Code) -> Result<serde_json::Value, ReadError> {
        let limit = self.calls.report().limit;
        let _permit = self.calls.try_acquire().ok_or(ReadError::Busy { limit })?;
        let schema = self.executor.schema(code).await?;
        schema.map_err(ReadError::InvalidContract)
    }

    /// See [`Self::describe_code`].
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
        Box::pin(async move { ports.call(message.0).await })
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
        Box::pin(async move { ports.describe_code(message.0).await })
    }
}

impl Handler<LintContract> for Reader {
    type Result = ResponseFuture<Result<LintReport, ReadError>>;

    fn handle(&mut self, message: LintContract, _: &mut Context<Self>) -> Self::Result {
        let ports = self.ports.clone();
        Box::pin(async move { ports.lint(message).await })
    }
}
