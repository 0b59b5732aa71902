//! Answers from a table instead of a contract, for tests, benchmarks and scenarios.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{ExecutionError, ExecutionRequest, Executor};
use crate::domain::{Bytes, Code, Execution, ExecutionOutcome};

type Script = dyn Fn(&ExecutionRequest) -> Result<Execution, ExecutionError> + Send + Sync;

/// An executor whose answers come from a function, at once.
#[derive(Clone)]
pub struct Scripted {
    script: Arc<Script>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    /// Answers every request with `script`.
    pub fn new<F>(script: F) -> Self
    where
        F: Fn(&ExecutionRequest) -> Result<Execution, ExecutionError> + Send + Sync + 'static,
    {
        Self { script: Arc::new(script) }
    }

    /// Returns the calldata it was given and changes nothing.
    pub fn echo() -> Self {
        Self::new(|request| {
            Ok(Execution::ending(ExecutionOutcome::Return(request.calldata.clone())))
        })
    }

    /// Answers by calldata; an unlisted one is a machine error that names it.
    pub fn table(answers: BTreeMap<Bytes, Execution>) -> Self {
        Self::new(move |request| {
            Ok(answers.get(&request.calldata).cloned().unwrap_or_else(|| {
                let unlisted = format!("no scripted answer for {}", request.calldata);
                Execution::ending(ExecutionOutcome::VmError(unlisted))
            }))
        })
    }
}

impl Executor for Scripted {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        ready((self.script)(&request)).boxed()
    }

    fn schema(
        &self,
        _code: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        ready(Ok(Ok(
            serde_json::json!({ "ctor": { "params": [], "kwparams": {} }, "methods": {} }),
        )))
        .boxed()
    }
}
