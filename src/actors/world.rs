//! The network as a running contract may look at it: its own state beyond what was sent along, and
//! other contracts and accounts.

use std::sync::Arc;

use actix::Recipient;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::messages::{GetAccount, ReadPages, ViewContract};
use crate::domain::ledger::{SharedViews, StateVersion, StoreError};
use crate::domain::{Address, Amount, Page, PageKey, Pages};
use crate::execution::{ExecutionError, OtherContract, PageSource, World};

/// What reads the network's state.
#[derive(Debug, Clone)]
pub struct StatePorts {
    /// Reads code and state of a contract.
    pub view: Recipient<ViewContract>,
    /// Reads state that was not sent along.
    pub pages: Recipient<ReadPages>,
    /// Reads what somebody has.
    pub accounts: Recipient<GetAccount>,
}

fn infrastructure(error: &StoreError) -> ExecutionError {
    ExecutionError::Infrastructure(error.to_string())
}

/// Everybody but the running contract, seen the same by all nodes that share `views`.
#[derive(Debug)]
pub struct NetworkWorld {
    state: StatePorts,
    views: SharedViews,
}

impl NetworkWorld {
    /// The network through `state`; what it told before is in `views`.
    pub const fn new(state: StatePorts, views: SharedViews) -> Self {
        Self { state, views }
    }
}

impl World for NetworkWorld {
    fn contract(
        &self,
        address: Address,
        version: StateVersion,
    ) -> BoxFuture<'static, Result<Option<OtherContract>, ExecutionError>> {
        let (state, views) = (self.state.clone(), self.views.clone());
        async move {
            let view = if let Some(view) = views.contract(address, version) {
                view
            } else {
                let found = state.view.send(ViewContract { address, version }).await;
                let found = found
                    .unwrap_or(Err(StoreError::Closed))
                    .map_err(|error| infrastructure(&error))?;
                views.keep_contract(address, version, found)
            };
            Ok(view.map(|view| OtherContract {
                code: view.record.code,
                balance: view.record.balance,
                snapshot: view.snapshot,
                pages: Arc::new(VersionPages {
                    contract: address,
                    version,
                    overlay: Arc::default(),
                    store: state.pages,
                }),
            }))
        }
        .boxed()
    }

    fn balance(&self, address: Address) -> BoxFuture<'static, Result<Amount, ExecutionError>> {
        let (accounts, views) = (self.state.accounts.clone(), self.views.clone());
        async move {
            if let Some(balance) = views.balance(address) {
                return Ok(balance);
            }
            let found = accounts.send(GetAccount(address)).await;
            let found =
                found.unwrap_or(Err(StoreError::Closed)).map_err(|error| infrastructure(&error))?;
            Ok(views.keep_balance(address, found.balance))
        }
        .boxed()
    }
}

/// One version of a contract's state as a source of pages.
#[derive(Debug)]
pub struct VersionPages {
    /// Which contract.
    pub contract: Address,
    /// Accepted or finalized.
    pub version: StateVersion,
    /// Pages that are to be seen otherwise.
    pub overlay: Arc<Pages>,
    /// Who reads.
    pub store: Recipient<ReadPages>,
}

impl PageSource for VersionPages {
    fn read(&self, keys: Vec<PageKey>) -> BoxFuture<'static, Result<Vec<Page>, ExecutionError>> {
        let overlay = Arc::clone(&self.overlay);
        let asked = keys.clone();
        let request = ReadPages { address: self.contract, version: self.version, keys };
        let answer = self.store.send(request);
        Box::pin(async move {
            let answer = answer.await.unwrap_or(Err(StoreError::Closed));
            let stored =
                answer.map_err(|error| ExecutionError::Infrastructure(error.to_string()))?;
            let seen = |(key, page)| overlay.get(&key).cloned().unwrap_or(page);
            Ok(asked.into_iter().zip(stored).map(seen).collect())
        })
    }
}
