//! What Studio's clients are told.

use serde_json::{Value as Json, json};

use super::rooms::Rooms;
use crate::api::error::ApiError;
use crate::api::rpc::answer::RpcError;
use crate::api::rpc::caller::Caller;
use crate::domain::ledger::StoreError;
use crate::domain::{Event, EventKind, PayloadKind, Status, TxHash};

/// The greeting.
pub(super) fn connect(id: &str) -> Json {
    json!({ "event": "connect", "data": { "id": id } })
}

/// A frame that was no JSON.
pub(super) fn invalid_json() -> Json {
    error("Invalid JSON")
}

/// Something that cannot be done.
pub(super) fn error(message: &str) -> Json {
    json!({ "event": "error", "data": message })
}

/// A frame that came too soon; a `call` is answered as JSON-RPC has it.
pub(super) fn refused(refused: ApiError, call: Option<&Json>) -> Json {
    let Some(call) = call else { return error(&refused.detail().message) };
    let id = call.get("id").cloned().unwrap_or(Json::Null);
    json!({ "jsonrpc": "2.0", "error": RpcError::from(refused), "id": id })
}

/// Something that happened, as Studio's log has it.
pub(super) fn push(
    name: &str,
    scope: &str,
    message: &str,
    data: &Json,
    transaction: Option<TxHash>,
) -> Json {
    json!({
        "event": name,
        "data": {
            "name": name,
            "type": "info",
            "scope": scope,
            "message": message,
            "data": data,
            "transaction_hash": transaction,
            "client_id": null,
            "account_address": null,
        },
    })
}

/// What an event of the network means to a client that is in `rooms`.
pub(super) async fn of_event(
    caller: &Caller,
    event: &Event,
    rooms: &Rooms,
) -> Result<Vec<Json>, StoreError> {
    let hash = event.transaction;
    let is_wanted = rooms.has(&hash.to_string()) || rooms.has(&event.address.to_string());
    match &event.kind {
        // Everybody hears of appeals.
        EventKind::AppealOpened { .. } | EventKind::AppealClosed { .. } => {
            let data = json!({ "hash": hash });
            Ok(vec![push("transaction_appeal_updated", "Consensus", "", &data, Some(hash))])
        }
        EventKind::StatusChanged { status, .. } if is_wanted => {
            let mut frames = vec![changed(hash, *status), step(hash, *status)];
            if *status == Status::Accepted {
                frames.extend(deployed(caller, hash).await?);
            }
            Ok(frames)
        }
        EventKind::TransactionSubmitted if is_wanted => Ok(vec![changed(hash, Status::Pending)]),
        _ => Ok(Vec::new()),
    }
}

/// What a client has missed of a transaction whose room it enters.
pub(super) async fn so_far(caller: &Caller, hash: TxHash) -> Result<Vec<Json>, StoreError> {
    let Some(record) = caller.api.handles.transaction(hash).await? else { return Ok(Vec::new()) };
    let mut frames = vec![changed(hash, record.status)];
    if record.status.is_decided() {
        frames.extend(deployed(caller, hash).await?);
    }
    Ok(frames)
}

fn changed(hash: TxHash, status: Status) -> Json {
    let data = json!({ "hash": hash, "new_status": status.name(), "status": status.name() });
    let message = format!("{} {}", hash, status.name());
    push("transaction_status_updated", "RPC", &message, &data, Some(hash))
}

/// The consensus in words.
fn step(hash: TxHash, status: Status) -> Json {
    let words = match status {
        Status::Proposing => "Executing transaction",
        Status::Accepted => "Reached consensus",
        Status::Undetermined => "Failed to reach consensus",
        Status::Finalized => "Finalized",
        Status::Canceled => "Canceled",
        Status::LeaderTimeout => "The leader ran out of time",
        Status::ValidatorsTimeout => "The validators ran out of time",
        Status::Committing => "Validators are executing",
        Status::Revealing => "Votes are revealed",
        Status::Pending => "Waiting for its turn",
    };
    push("consensus_event", "Consensus", words, &json!({ "hash": hash }), Some(hash))
}

/// Clients learn the address of a contract from this.
async fn deployed(caller: &Caller, hash: TxHash) -> Result<Option<Json>, StoreError> {
    let Some(record) = caller.api.handles.transaction(hash).await? else { return Ok(None) };
    if record.transaction.payload.kind() != PayloadKind::Deploy {
        return Ok(None);
    }
    let address = record.transaction.queue_address();
    if caller.api.handles.contract(address).await?.is_none() {
        return Ok(None);
    }
    let data = json!({ "id": address, "data": { "state": {}, "code": null } });
    Ok(Some(push("deployed_contract", "GenVM", "Contract deployed", &data, Some(hash))))
}
