//! What is executed: a contract, its state, and a call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agora::domain::calldata::Value;
use agora::domain::ledger::Snapshot;
use agora::domain::{Address, Amount, Bytes, Code, Digest, Page, PageKey, Pages, Timestamp};
use agora::execution::nondeterminism::{Answer, Asker, Models, NoAnswer, Prompt, Services};
use agora::execution::python::{PythonExecutor, PythonSettings, examples};
use agora::execution::{
    Entry, ExecutionError, ExecutionRequest, Executor, Message, NoWorld, PageSource, Role,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

const LIST: &str = "from genlayer import *\n\nclass List(gl.Contract):\n    items: DynArray[u256]\n\n    \
                    def __init__(self, length: int):\n        self.items.extend(range(length))\n\n    \
                    @gl.public.view\n    def get(self, index: int) -> int:\n        \
                    return self.items[index]\n";

const ASKING: &str = "from genlayer import *\n\nclass Asks(gl.Contract):\n    def __init__(self):\n        \
                      pass\n\n    @gl.public.write\n    def go(self) -> str:\n        \
                      return gl.eq_principle.strict_eq(lambda: gl.nondet.exec_prompt('a'))\n\n    \
                      @gl.public.write\n    def nothing(self) -> None:\n        pass\n";

const REACHING: &str = "import sys\nfrom genlayer import *\n\nclass Reaches(gl.Contract):\n    \
                        def __init__(self):\n        pass\n\n    @gl.public.write\n    \
                        def nothing(self) -> None:\n        pass\n";

/// How an execution gets its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// All of it is sent along.
    Sent,
    /// Nothing is sent along unasked; always the same is read.
    Hot,
    /// As `Hot`, but always something else is read.
    Cold,
}

/// Pages in memory.
#[derive(Debug)]
struct Held(Pages);

impl PageSource for Held {
    fn read(&self, keys: Vec<PageKey>) -> BoxFuture<'static, Result<Vec<Page>, ExecutionError>> {
        let pages = keys.iter().map(|key| self.0.get(key).cloned().unwrap_or_default()).collect();
        ready(Ok(pages)).boxed()
    }
}

/// Answers at once.
#[derive(Debug)]
struct Quick;

impl Models for Quick {
    fn ask(&self, _asker: Asker, _prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        ready(Ok(Answer::Text("b".into()))).boxed()
    }
}

/// One call, again and again.
pub(crate) struct Bench {
    executor: PythonExecutor,
    request: ExecutionRequest,
    /// The argument of the call grows by this each time, within the length.
    step: Option<usize>,
}

fn executor(workers: usize) -> PythonExecutor {
    let mut settings = PythonSettings::new(env!("CARGO_BIN_EXE_agora").into());
    settings.workers_max = workers;
    let services = Services { models: Arc::new(Quick), ..Services::none() };
    PythonExecutor::start(settings, services).unwrap()
}

fn calldata(method: Option<&str>, args: Vec<Value>) -> Bytes {
    Value::call(method, args, BTreeMap::new()).encode().into()
}

fn request(source: &str) -> ExecutionRequest {
    let account = |byte| Address::new([byte; 20]);
    ExecutionRequest {
        node: Address::ZERO,
        models: None,
        role: Role::Leader,
        code: Code::new(Bytes::copy_from_slice(source.as_bytes())),
        entry: Entry::Constructor,
        calldata: Bytes::new(),
        message: Message {
            contract: account(0xcc),
            sender: account(0xaa),
            origin: account(0xaa),
            value: Amount::ZERO,
            balance: Amount::ZERO,
            chain_id: 61_127,
            at: Timestamp::from_millis(1_700_000_000_000).into(),
        },
        snapshot: Snapshot { pages: Arc::default(), complete: true },
        pages: Arc::new(Held(Pages::new())),
        world: Arc::new(NoWorld),
        seed: Digest::new([7; 32]),
        time_limit: Duration::from_mins(2),
    }
}

impl Bench {
    async fn new(source: &str, workers: usize, args: Vec<Value>, call: Bytes) -> Self {
        let executor = executor(workers);
        let mut request = request(source);
        request.calldata = calldata(None, args);
        let deployed = executor.execute(request.clone()).await.unwrap();
        assert!(deployed.outcome.is_success(), "{}", deployed.stderr);
        request.snapshot.pages = Arc::new(deployed.state.0);
        (request.entry, request.calldata) = (Entry::Method, call);
        Self { executor, request, step: None }
    }

    /// The example token's transfer.
    pub(crate) async fn token(workers: usize) -> Self {
        let token = examples().iter().find(|example| example.name == "token").unwrap().source;
        let to = Value::Address(Address::new([0xbb; 20]));
        let call = calldata(Some("transfer"), vec![to, Value::from(3_i64)]);
        let args = vec![Value::from("coin"), Value::from(1_000_000_i64)];
        Self::new(token, workers, args, call).await
    }

    /// A method that does nothing.
    pub(crate) async fn nothing(workers: usize) -> Self {
        Self::new(ASKING, workers, vec![], calldata(Some("nothing"), vec![])).await
    }

    /// A method that does nothing, in a process of its own each time.
    pub(crate) async fn alone(workers: usize) -> Self {
        Self::new(REACHING, workers, vec![], calldata(Some("nothing"), vec![])).await
    }

    /// A block whose model answers at once.
    pub(crate) async fn asking(workers: usize) -> Self {
        Self::new(ASKING, workers, vec![], calldata(Some("go"), vec![])).await
    }

    /// One item of a list.
    pub(crate) async fn list(length: i64, state: State) -> Self {
        let call = calldata(Some("get"), vec![Value::from(length / 2)]);
        let mut bench = Self::new(LIST, 1, vec![Value::from(length)], call).await;
        if state != State::Sent {
            let pages = std::mem::take(&mut bench.request.snapshot.pages);
            bench.request.pages = Arc::new(Held(Arc::unwrap_or_clone(pages)));
            bench.request.snapshot.complete = false;
        }
        bench.step = (state == State::Cold).then(|| usize::try_from(length).unwrap());
        bench
    }

    /// Runs the call; says how much CPU time the contract took, in microseconds.
    pub(crate) async fn run(&self, number: usize) -> u64 {
        let mut request = self.request.clone();
        if let Some(length) = self.step {
            let index = i64::try_from(number * 7_919 % length).unwrap();
            request.calldata = calldata(Some("get"), vec![Value::from(index)]);
        }
        let execution = self.executor.execute(request).await.unwrap();
        assert!(execution.outcome.is_success(), "{}", execution.stderr);
        execution.cost.cpu_micros
    }
}
