//! What many methods ask the network.

use std::time::Duration;

use actix_web::web::Data;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::answer::{Answer, RpcError};
use super::views::{self, TransactionContext};
use crate::api::server::Api;
use crate::domain::ledger::{NewTransaction, TransactionRecord};
use crate::domain::{EventKind, TxHash};

/// How long a transfer is waited for.
const SETTLING_MAX: Duration = Duration::from_secs(5);

/// On whose behalf a method runs.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) api: Data<Api>,
    /// Access is open, or the admin key was given.
    pub(super) is_admin: bool,
}

impl Caller {
    /// The number of the newest block.
    pub(super) async fn head(&self) -> Result<u64, RpcError> {
        Ok(self.api.handles.head().await?.map_or(0, |head| head.number))
    }

    /// The same, for somebody who may be waiting for it to grow: the chain then does, soon after
    /// the answer, so that no read waits for a write.
    pub(super) async fn head_while_waiting(&self) -> Result<u64, RpcError> {
        let head = self.head().await?;
        if self.api.rpc.growth.is_overdue(head, Instant::now()) {
            let api = self.api.clone();
            actix_web::rt::spawn(async move {
                if let Err(error) = api.handles.add_block().await {
                    log::warn!(target: "api", "no block could be added: {error}");
                }
            });
        }
        Ok(head)
    }

    /// A transaction that must exist, with the status that clients are told.
    pub(super) async fn transaction(&self, hash: TxHash) -> Result<TransactionRecord, RpcError> {
        let record = self.api.handles.transaction(hash).await?;
        let mut record = record.ok_or_else(|| RpcError::not_found("transaction", &hash))?;
        record.status = views::told_status(&record);
        Ok(record)
    }

    /// Submits a transfer and waits, for a short while, until its money has moved: clients read
    /// the balance right after.
    pub(super) async fn transfer(&self, transfer: NewTransaction) -> Result<TxHash, RpcError> {
        let mut events = self.api.handles.subscribe().await?;
        let submitted = {
            // Not while it waits below: a blocked queue would take the place of everybody else.
            let _permit = self.api.limits.submission()?;
            self.api.handles.submit(transfer).await?
        };
        let hash = submitted.hash;
        let settled = async {
            loop {
                match events.recv().await {
                    Ok(event) if event.concerns(hash) && is_end(&event.kind) => return,
                    Ok(_) => {}
                    // What was missed may have been it; nothing depends on having waited.
                    Err(_) => return,
                }
            }
        };
        if !submitted.duplicate {
            let _waited = tokio::time::timeout(SETTLING_MAX, settled).await;
        }
        Ok(hash)
    }

    /// What the view of a transaction needs besides its record.
    pub(super) async fn transaction_context(&self) -> Result<TransactionContext, RpcError> {
        let electorate = self.api.handles.electorate().await?;
        let nodes = electorate.validators.iter().map(|validator| {
            let address = validator.address;
            let otherwise = self.api.handles.models_by_settings(&address);
            let models = electorate.models.get(&address).unwrap_or(&otherwise);
            (address, views::node(address, validator.stake, Some(models)))
        });
        let nodes = nodes.collect();
        Ok(TransactionContext { nodes, now: self.api.handles.now(), state: None })
    }

    /// The configuration of the node that runs calls: that of the first validator.
    pub(super) async fn first_node(&self) -> Result<Json, RpcError> {
        let electorate = self.api.handles.electorate().await?;
        let first = electorate.first.ok_or_else(|| {
            let message = "there are no validators: create one with sim_createValidator";
            RpcError::new(RpcError::NO_VALIDATORS, message)
        })?;
        let own = electorate.validators.iter().find(|validator| validator.address == first);
        let otherwise = self.api.handles.models_by_settings(&first);
        let models = electorate.models.get(&first).unwrap_or(&otherwise);
        Ok(own.map_or(Json::Null, |own| views::node(first, own.stake, Some(models))))
    }

    /// A transaction as `eth_getTransactionByHash` answers it.
    pub(super) async fn transaction_view(&self, hash: TxHash) -> Answer {
        let record = self.transaction(hash).await?;
        Ok::<Json, RpcError>(views::transaction(&record, &self.transaction_context().await?))
    }
}

/// Is this the end of a transfer?
const fn is_end(kind: &EventKind) -> bool {
    match kind {
        EventKind::StatusChanged { status, .. } => status.is_decided(),
        EventKind::NetworkRestored { .. } => true,
        _ => false,
    }
}
