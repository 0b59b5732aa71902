//! The simulated executor: the contracts of [`super::contract`], as each validator's conduct has
//! it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};

use super::conduct::Act;
use super::contract::{self, PAGE};
use super::trace::About;
use super::world::World;
use crate::domain::{Code, Execution};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, Role};

/// Runs simulated contracts.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) world: Arc<World>,
}

impl Simulated {
    fn begin(&self, request: &ExecutionRequest) -> (Act, Duration) {
        let mut guard = self.world.lock();
        let state = &mut *guard;
        let (act, delay) = state.conduct.act(&request.node);
        let does = match &act {
            Act::Honest if delay.is_zero() => return (act, delay),
            Act::Honest if delay > request.time_limit => "runs out of time",
            Act::Honest => return (act, delay),
            Act::Wrong { .. } => "finds a wrong result",
            Act::Collude { .. } => "colludes",
            Act::Silent => "stays silent",
            Act::Crash => "panics",
            Act::Lazy => "agrees unseen",
        };
        let transaction = state.by_seed.get(&request.seed).copied();
        let about = About { transaction, rotation: None };
        let actor = format!("node {}", state.conduct.number(&request.node));
        let now = state.now_ms();
        state.trace.line(now, about, &actor, does);
        (act, delay)
    }
}

/// What a node that acts like this finds on `state`.
fn result(act: &Act, request: &ExecutionRequest, state: &[u8]) -> Execution {
    let honest =
        || contract::honest(state, &request.seed, &request.calldata, request.message.value);
    match (act, &request.role) {
        (Act::Wrong { flavour } | Act::Collude { flavour }, _) => {
            contract::wrong(state, &request.seed, flavour)
        }
        (Act::Lazy, Role::Validator(receipt)) => (**receipt).clone(),
        _ => honest(),
    }
}

impl Executor for Simulated {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let (act, delay) = self.begin(&request);
        let is_known = request.entry == Entry::Constructor || request.snapshot.complete;
        if act == Act::Silent {
            return pending().boxed();
        }
        if delay.is_zero() && is_known && act != Act::Crash {
            let state = match request.entry {
                Entry::Constructor => &[][..],
                Entry::Method => request.snapshot.pages.get(&PAGE).map_or(&[][..], |page| page),
            };
            return ready(Ok(result(&act, &request, state))).boxed();
        }
        async move {
            if delay > request.time_limit {
                tokio::time::sleep(request.time_limit).await;
                let limit_ms = u64::try_from(request.time_limit.as_millis()).unwrap_or(u64::MAX);
                return Err(ExecutionError::TimedOut { limit_ms });
            }
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if act == Act::Crash {
                // Unwinds as a panic does, without its message.
                std::panic::resume_unwind(Box::new("the scenario wants this panic"));
            }
            let state = match request.snapshot.pages.get(&PAGE) {
                _ if request.entry == Entry::Constructor => Vec::new(),
                Some(page) => page.to_vec(),
                None if request.snapshot.complete => Vec::new(),
                None => {
                    let pages = request.pages.read(vec![PAGE]).await?;
                    pages.first().map(|page| page.to_vec()).unwrap_or_default()
                }
            };
            Ok(result(&act, &request, &state))
        }
        .boxed()
    }

    fn schema(
        &self,
        _code: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        ready(Ok(Err("simulated contracts have no schema".to_owned()))).boxed()
    }
}
