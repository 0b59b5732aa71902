//! Replacing a contract's code, as Studio tells of it (`reference/studio.md` section 1.12): it asks
//! no validator, so it knows two ends, final and failed.

use serde_json::{Value as Json, json};

use super::put;
use super::status::{execution_result, status_code};
use super::transaction::last_turn;
use crate::domain::ledger::TransactionRecord;
use crate::domain::{Payload, PayloadKind, Status};

/// The status that clients are told.
///
/// An upgrade cannot be appealed, so a client that waits for finality has nothing to wait for once
/// it is accepted; one whose code cannot be read counts as canceled.
pub(in crate::api::rpc) fn told_status(record: &TransactionRecord) -> Status {
    let is_upgrade = record.transaction.payload.kind() == PayloadKind::Upgrade;
    match record.status {
        Status::Accepted | Status::Finalized if is_upgrade => match error(record) {
            Some(_) => Status::Canceled,
            None => Status::Finalized,
        },
        status => status,
    }
}

/// Why its code is not that of the contract.
fn error(record: &TransactionRecord) -> Option<&str> {
    let receipt = last_turn(record)?.get("leader_receipt").filter(|receipt| !receipt.is_null())?;
    let is_failed = execution_result(Some(receipt)).0 != 1;
    is_failed.then(|| receipt.get("result").and_then(Json::as_str).unwrap_or_default())
}

/// Puts what became of an upgrade where Studio has it; any other view stays as it is.
pub(super) fn tell(view: &mut Json, record: &TransactionRecord) {
    let Payload::Upgrade { code } = &record.transaction.payload else { return };
    put(view, "data", json!({ "new_code": String::from_utf8_lossy(code) }));
    let status = told_status(record);
    put(view, "status", status.name().into());
    put(view, "status_code", status_code(status).into());
    if !record.status.is_decided() {
        return;
    }
    let result = match error(record) {
        Some(error) => json!({ "upgrade_result": "failed", "error": error }),
        None => json!({
            "upgrade_result": "success", "contract_address": record.transaction.to,
        }),
    };
    put(view, "consensus_data", result);
}
