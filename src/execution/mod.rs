//! How a contract runs; knows nothing of consensus.
//!
//! Nodes reach contracts through one port, [`Executor`]. Production uses the sandboxed Python of
//! [`python`]; tests, benchmarks and scenarios use [`scripted`] answers.

mod embedding;
pub mod lint;
pub mod nondeterminism;
mod package;
pub mod python;
pub mod scripted;

pub use nondeterminism::Models;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::domain::ledger::{Snapshot, StateVersion};
use crate::domain::{
    Address, Amount, Bytes, Code, Digest, Execution, LeaderReceipt, LintReport, Moment, NodeModels,
    Page, PageKey,
};

/// Runs contracts.
pub trait Executor: Debug + Send + Sync {
    /// The models that contracts can ask.
    fn models(&self) -> Arc<dyn Models> {
        nondeterminism::Services::none().models
    }

    /// Runs one method, constructor or read-only call, and says what it did.
    ///
    /// Errors of the contract are results; an `Err` means that no result can be had from this
    /// node. The future ends by the request's deadline, whatever the contract does.
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>>;

    /// The public methods of `code`, as JSON in the form of `reference/studio.md` section 4.8; the
    /// inner error is the contract author's, in words for them.
    fn schema(
        &self,
        code: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>>;

    /// What a linter says of `code`: the rules of [`lint`], and where they let it pass as Python,
    /// what the executor itself says of it.
    fn lint(&self, code: Code) -> BoxFuture<'static, Result<LintReport, ExecutionError>> {
        let schema = self.schema(code.clone());
        Box::pin(lint::with_schema(code, schema))
    }
}

/// In which capacity a node executes.
#[derive(Debug, Clone)]
pub enum Role {
    /// Produces the receipt.
    Leader,
    /// Checks the leader's receipt.
    Validator(LeaderReceipt),
    /// Answers a question; nothing is stored.
    Reader,
}

/// What of the contract is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The constructor, on empty storage.
    Constructor,
    /// A public method.
    Method,
}

/// What the contract sees as `gl.message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The contract.
    pub contract: Address,
    /// Who called it.
    pub sender: Address,
    /// Who signed the transaction at the root.
    pub origin: Address,
    /// Value sent along.
    pub value: Amount,
    /// The contract's balance, the value included.
    pub balance: Amount,
    /// The network.
    pub chain_id: u64,
    /// The only clock a contract has.
    pub at: Moment,
}

/// One execution, complete: what runs, on what, for how long at most.
#[derive(Debug, Clone)]
pub struct ExecutionRequest {
    /// Which validator's node executes; the zero address where there is no validator.
    pub node: Address,
    /// Which models the node asks; those that the settings name for it when there are none.
    pub models: Option<Arc<NodeModels>>,
    /// In which capacity.
    pub role: Role,
    /// What runs.
    pub code: Code,
    /// Constructor or method.
    pub entry: Entry,
    /// Encoded method name and arguments.
    pub calldata: Bytes,
    /// What the contract sees of the transaction.
    pub message: Message,
    /// The state, or the part of it that is sent along.
    pub snapshot: Snapshot,
    /// Where pages outside an incomplete snapshot come from.
    pub pages: Arc<dyn PageSource>,
    /// Other contracts and accounts.
    pub world: Arc<dyn World>,
    /// Fixes everything that could differ between runs.
    pub seed: Digest,
    /// Elapsed time after which the execution is killed.
    pub time_limit: Duration,
}

/// Fetches pages of one contract that were not sent along.
pub trait PageSource: Debug + Send + Sync {
    /// The pages under `keys`, in their order; absent pages are empty.
    fn read(&self, keys: Vec<PageKey>) -> BoxFuture<'static, Result<Vec<Page>, ExecutionError>>;
}

/// Other contracts and accounts, as an execution may ask for them.
pub trait World: Debug + Send + Sync {
    /// The contract at an address, in one of its two states; `None` when there is none.
    fn contract(
        &self,
        address: Address,
        version: StateVersion,
    ) -> BoxFuture<'static, Result<Option<OtherContract>, ExecutionError>>;

    /// What an account or a contract has.
    fn balance(&self, address: Address) -> BoxFuture<'static, Result<Amount, ExecutionError>>;
}

/// Another contract, ready to be asked.
#[derive(Debug, Clone)]
pub struct OtherContract {
    /// What runs.
    pub code: Code,
    /// What it has.
    pub balance: Amount,
    /// Its state, or the part of it that is at hand.
    pub snapshot: Snapshot,
    /// Where the rest comes from.
    pub pages: Arc<dyn PageSource>,
}

/// A world in which there is nobody else.
#[derive(Debug, Clone, Copy)]
pub struct NoWorld;

impl World for NoWorld {
    fn contract(
        &self,
        _address: Address,
        _version: StateVersion,
    ) -> BoxFuture<'static, Result<Option<OtherContract>, ExecutionError>> {
        ready(Ok(None)).boxed()
    }

    fn balance(&self, _address: Address) -> BoxFuture<'static, Result<Amount, ExecutionError>> {
        ready(Ok(Amount::ZERO)).boxed()
    }
}

/// Why a node has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The contract did not end within its time.
    #[error("the execution took longer than {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// The node's own machinery failed; the contract is not to blame.
    #[error("the node's executor failed: {0}")]
    Infrastructure(String),
}
