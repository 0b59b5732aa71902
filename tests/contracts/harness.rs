//! A contract under test: its state is carried from call to call, as the store would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agora::domain::calldata::Value;
use agora::domain::ledger::Snapshot;
use agora::domain::{
    Address, Amount, Bytes, Code, Digest, Execution, ExecutionOutcome, Moment, Page, PageKey, Pages,
};
use agora::execution::nondeterminism::Services;
use agora::execution::python::{PythonExecutor, PythonSettings};
use agora::execution::{
    Entry, ExecutionError, ExecutionRequest, Executor, Message, NoWorld, PageSource, Role,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Settings of tests: the real binary, small memory, few workers.
pub(crate) fn settings(workers_max: usize) -> PythonSettings {
    PythonSettings {
        workers_max,
        memory_limit_bytes: 192 << 20,
        ..PythonSettings::new(env!("CARGO_BIN_EXE_agora").into())
    }
}

/// An executor of one worker, so that whatever a contract leaves behind meets the next job.
pub(crate) fn executor() -> PythonExecutor {
    PythonExecutor::start(settings(1), Services::none()).unwrap()
}

/// Pages that are not sent along, and how often somebody asked.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    pub(crate) pages: Pages,
    pub(crate) asked: Mutex<Vec<PageKey>>,
    pub(crate) times: Mutex<usize>,
}

impl PageSource for Remote {
    fn read(&self, keys: Vec<PageKey>) -> BoxFuture<'static, Result<Vec<Page>, ExecutionError>> {
        let pages = keys.iter().map(|key| self.pages.get(key).cloned().unwrap_or_default());
        let pages = pages.collect();
        self.asked.lock().unwrap().extend(keys);
        *self.times.lock().unwrap() += 1;
        std::future::ready(Ok(pages)).boxed()
    }
}

/// An address of twenty equal bytes.
pub(crate) fn account(byte: u8) -> Address {
    Address::from_slice(&[byte; 20]).unwrap()
}

pub(crate) fn text(text: &str) -> Value {
    Value::from(text)
}

pub(crate) fn int(value: i64) -> Value {
    Value::from(value)
}

/// A request to run code on empty storage.
pub(crate) fn request(source: &str, method: Option<&str>, args: Vec<Value>) -> ExecutionRequest {
    ExecutionRequest {
        node: Address::ZERO,
        models: None,
        role: Role::Leader,
        code: Code::new(Bytes::copy_from_slice(source.as_bytes())),
        entry: if method.is_some() { Entry::Method } else { Entry::Constructor },
        calldata: Value::call(method, args, BTreeMap::new()).encode().into(),
        message: Message {
            contract: account(0xcc),
            sender: account(0xaa),
            origin: account(0xaa),
            value: Amount::default(),
            balance: Amount::default(),
            chain_id: 61_999,
            at: Moment::from_micros(1_700_000_000_123_456),
        },
        snapshot: Snapshot { pages: Arc::default(), complete: true },
        pages: Arc::new(Remote::default()),
        world: Arc::new(NoWorld),
        seed: Digest::new([7; 32]),
        time_limit: Duration::from_secs(20),
    }
}

/// A contract with its state.
pub(crate) struct Contract {
    executor: PythonExecutor,
    pub(crate) code: Code,
    pub(crate) state: Pages,
    pub(crate) sender: Address,
    pub(crate) value: Amount,
    pub(crate) balance: Amount,
}

impl Contract {
    /// Runs the constructor, which must succeed.
    pub(crate) async fn deploy(executor: &PythonExecutor, source: &str, args: Vec<Value>) -> Self {
        let mut contract = Self {
            executor: executor.clone(),
            code: Code::new(Bytes::copy_from_slice(source.as_bytes())),
            state: Pages::new(),
            sender: account(0xaa),
            value: Amount::ZERO,
            balance: Amount::ZERO,
        };
        let execution = contract.run(None, args).await;
        assert!(execution.outcome.is_success(), "{execution:?}");
        contract
    }

    /// A request against the present state.
    pub(crate) fn request(&self, method: Option<&str>, args: Vec<Value>) -> ExecutionRequest {
        let mut request = ExecutionRequest { code: self.code.clone(), ..request("", method, args) };
        request.message.sender = self.sender;
        (request.message.value, request.message.balance) = (self.value, self.balance);
        request.snapshot.pages = Arc::new(self.state.clone());
        request
    }

    /// Runs a method and applies what it changed.
    pub(crate) async fn run(&mut self, method: Option<&str>, args: Vec<Value>) -> Execution {
        let execution = self.executor.execute(self.request(method, args)).await.unwrap();
        self.apply(&execution);
        execution
    }

    /// Keeps what an execution changed.
    pub(crate) fn apply(&mut self, execution: &Execution) {
        self.code = execution.code.clone().unwrap_or_else(|| self.code.clone());
        for (key, page) in &execution.state.0 {
            assert_ne!(self.state.get(key).cloned().unwrap_or_default(), *page, "no change");
            if page.is_empty() {
                self.state.remove(key);
            } else {
                self.state.insert(*key, page.clone());
            }
        }
    }

    /// Runs a method that must return, and gives back what.
    pub(crate) async fn call(&mut self, method: &str, args: Vec<Value>) -> Value {
        let execution = self.run(Some(method), args).await;
        returned(&execution)
    }
}

/// What an execution returned; anything else fails the test.
pub(crate) fn returned(execution: &Execution) -> Value {
    match &execution.outcome {
        ExecutionOutcome::Return(data) => Value::decode(data).unwrap(),
        other => panic!("{other:?}: {}", execution.stderr),
    }
}
