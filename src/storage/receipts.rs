//! What was decided upon, stored so that it can be judged again and its messages sent later.

use serde::{Deserialize, Serialize};

use super::Connection;
use super::contracts::code;
use super::failure::During;
use crate::domain::ledger::StoreError;
use crate::domain::{
    Bytes, Digest, EmittedEvent, EmittedMessage, Execution, ExecutionOutcome, Pages, StateDelta,
};

/// A receipt without its pages, which are stored as the decision's writes, and without its code,
/// which is stored with all others.
#[derive(Serialize, Deserialize)]
struct StoredReceipt {
    outcome: ExecutionOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<EmittedMessage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<EmittedEvent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    block_outputs: Vec<Bytes>,
}

/// Writes a receipt.
pub(super) fn encode(receipt: &Execution) -> Result<Vec<u8>, StoreError> {
    let stored = StoredReceipt {
        outcome: receipt.outcome.clone(),
        code: receipt.code.as_ref().map(|code| code.hash),
        messages: receipt.messages.clone(),
        events: receipt.events.clone(),
        block_outputs: receipt.block_outputs.clone(),
    };
    serde_json::to_vec(&stored).during("storing a receipt")
}

/// Reads a receipt with the pages it wrote.
pub(super) fn decode(
    conn: &mut Connection,
    bytes: &[u8],
    pages: Pages,
) -> Result<Execution, StoreError> {
    let stored: StoredReceipt = serde_json::from_slice(bytes).during("reading a receipt")?;
    Ok(Execution {
        state: StateDelta(pages),
        code: stored.code.map(|hash| code(conn, hash)).transpose()?,
        messages: stored.messages,
        events: stored.events,
        block_outputs: stored.block_outputs,
        ..Execution::ending(stored.outcome)
    })
}
