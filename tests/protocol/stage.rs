//! Contracts that take their time on a network that runs the founding document's rules, and a
//! record of who ran what, when and on which state.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agora::domain::ledger::{NewTransaction, StateVersion, TransactionRecord};
use agora::domain::{
    Address, Bytes, Code, Execution, ExecutionOutcome, LeaderReceipt, Payload, Profile, StateDelta,
    Status, TxHash,
};
use agora::execution::{ExecutionError, ExecutionRequest, Executor, Role};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::world::{World, account, new_transaction, page};

/// What an execution takes whose calldata begins with `slow`.
pub const SLOW: Duration = Duration::from_secs(10);

/// One execution.
#[derive(Debug, Clone)]
pub struct Ran {
    pub node: Address,
    pub contract: Address,
    pub calldata: String,
    /// The state it found.
    pub found: String,
    /// What it judged; nothing for the leader.
    pub receipt: Option<LeaderReceipt>,
    pub since: Instant,
}

/// Runs contracts that append what they are called with to their state.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    ran: Arc<Mutex<Vec<Ran>>>,
    /// How many of the next validators will disagree.
    dissenters: Arc<Mutex<usize>>,
}

impl Stage {
    /// Everything that was executed with `calldata`.
    pub fn ran(&self, calldata: &str) -> Vec<Ran> {
        let ran = self.ran.lock().unwrap();
        ran.iter().filter(|ran| ran.calldata == calldata).cloned().collect()
    }

    pub fn dissent(&self, validators: usize) {
        *self.dissenters.lock().unwrap() = validators;
    }

    fn run(&self, request: &ExecutionRequest) -> Execution {
        let found = request.snapshot.pages.get(&page()).cloned().unwrap_or_default();
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let receipt = match &request.role {
            Role::Validator(receipt) => Some(Arc::clone(receipt)),
            Role::Leader | Role::Reader => None,
        };
        let mut execution = Execution::ending(ExecutionOutcome::Return(request.calldata.clone()));
        let state = [found.as_ref(), request.calldata.as_ref()].concat();
        execution.state = StateDelta([(page(), Bytes::from(state))].into());
        // A model was asked, and a validator that disagrees does so about its answer.
        execution.block_outputs = vec![Bytes::from_static(b"output")];
        let mut dissenters = self.dissenters.lock().unwrap();
        if receipt.is_some() && *dissenters > 0 {
            *dissenters -= 1;
            execution.disagreed_block = Some(0);
        }
        self.ran.lock().unwrap().push(Ran {
            node: request.node,
            contract: request.message.contract,
            calldata: text(&request.calldata),
            found: text(&found),
            receipt,
            since: Instant::now(),
        });
        execution
    }
}

impl Executor for Stage {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let execution = self.run(&request);
        let (is_slow, panics) =
            (request.calldata.starts_with(b"slow"), request.calldata.starts_with(b"panic"));
        async move {
            if is_slow {
                tokio::time::sleep(SLOW).await;
            }
            assert!(!panics, "the contract's node panics, as the test wants it");
            Ok(execution)
        }
        .boxed()
    }

    fn schema(
        &self,
        _: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        std::future::ready(Ok(Ok(serde_json::json!({})))).boxed()
    }
}

/// A network of `nodes` validators under profile origin, with a contract on it.
pub async fn origin(nodes: u64) -> (World, Stage) {
    staged(nodes, Profile::Origin).await
}

pub async fn staged(nodes: u64, profile: Profile) -> (World, Stage) {
    let stage = Stage::default();
    let script = Arc::default();
    let world = World::running(nodes, 3, script, stage.clone(), |settings| {
        settings.profile = profile;
    });
    (world.await, stage)
}

pub fn call(contract: Address, text: &str) -> NewTransaction {
    let calldata = Bytes::copy_from_slice(text.as_bytes());
    new_transaction(Some(contract), Payload::Call { calldata })
}

pub fn deploy(text: &str) -> NewTransaction {
    let calldata = Bytes::copy_from_slice(text.as_bytes());
    new_transaction(None, Payload::Deploy { code: Bytes::from_static(b"pass"), calldata })
}

/// Submits, and waits for nothing.
pub async fn submit(world: &World, new: NewTransaction) -> TxHash {
    world.handles.submit(new).await.unwrap().hash
}

/// Submits, and waits until it is final or withdrawn.
pub async fn run(world: &World, new: NewTransaction) -> TransactionRecord {
    let hash = submit(world, new).await;
    ended(world, hash).await
}

/// Where a transaction is right now. With the store inline, steps of rounds are written with the
/// next write: a transfer of nothing is one.
pub async fn status_now(world: &World, hash: TxHash) -> Status {
    run(world, new_transaction(Some(account(3)), Payload::Transfer)).await;
    world.record(hash).await.status
}

pub async fn ended(world: &World, hash: TxHash) -> TransactionRecord {
    world.until(hash, |record| record.status.is_terminal()).await
}

/// A second contract.
pub async fn another_contract(world: &World, text: &str) -> Address {
    let submitted = world.handles.submit(deploy(text)).await.unwrap();
    ended(world, submitted.hash).await;
    submitted.contract.unwrap()
}

pub async fn state_of(world: &World, contract: Address, version: StateVersion) -> String {
    let pages = world.handles.contract_pages(contract, version, None, 10).await.unwrap();
    let text = pages.first().map(|(_, page)| page.to_vec()).unwrap_or_default();
    String::from_utf8(text).unwrap()
}
