//! The record of a consensus as JSON, the way clients read it.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::domain::calldata::Value;
use crate::domain::{
    Address, Bytes, Commitment, Cost, Digest, EmittedMessage, Evidence, Execution,
    ExecutionOutcome, MessageBody, RotationRecord, Seat, SeatRecord, Stake, Timestamp, Vote,
    to_json,
};

/// Bytes of printed text that are kept of one execution and stream.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

#[derive(Serialize)]
struct ConsensusJson<'a> {
    rotations: Vec<RotationJson<'a>>,
}

#[derive(Serialize)]
struct RotationJson<'a> {
    rotation: u8,
    draw_seed: &'a Digest,
    committee: Vec<SeatJson<'a>>,
    leader_receipt: Option<ReceiptJson>,
    evidence: &'a [Evidence],
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct SeatJson<'a> {
    seat: Seat,
    validator: &'a Address,
    stake: Stake,
    commitment: Option<&'a Commitment>,
    vote: Option<Vote>,
}

#[derive(Serialize)]
struct ReceiptJson {
    outcome: &'static str,
    result: Json,
    state_digest: Digest,
    pages_written: usize,
    /// The code that the contract gave itself, which the contract shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_hash: Option<Digest>,
    messages: Vec<Json>,
    block_outputs: Vec<Json>,
    stdout: String,
    stderr: String,
    cost: Cost,
}

/// Writes the record of a consensus.
pub(super) fn encode(rotations: &[RotationRecord]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&ConsensusJson { rotations: rotations.iter().map(rotation).collect() })
}

fn rotation(record: &RotationRecord) -> RotationJson<'_> {
    RotationJson {
        rotation: record.rotation,
        draw_seed: &record.draw.seed,
        committee: record.seats.iter().enumerate().map(seat).collect(),
        leader_receipt: record.leader_receipt.as_deref().map(receipt),
        evidence: &record.evidence,
        started_at: record.started_at,
        ended_at: record.ended_at,
    }
}

fn seat((index, record): (usize, &SeatRecord)) -> SeatJson<'_> {
    SeatJson {
        seat: Seat::at(index),
        validator: &record.validator,
        stake: record.stake,
        commitment: record.commitment.as_ref(),
        vote: record.vote,
    }
}

fn receipt(execution: &Execution) -> ReceiptJson {
    let (outcome, result) = match &execution.outcome {
        ExecutionOutcome::Return(bytes) => ("return", notation(bytes)),
        ExecutionOutcome::UserError(text) => ("user_error", Json::from(capped(text))),
        ExecutionOutcome::VmError(code) => ("vm_error", Json::from(capped(code))),
    };
    ReceiptJson {
        outcome,
        result,
        state_digest: execution.state.digest(),
        pages_written: execution.state.0.len(),
        code_hash: execution.code.as_ref().map(|code| code.hash),
        messages: execution.messages.iter().map(message).collect(),
        block_outputs: execution.block_outputs.iter().map(block_output).collect(),
        stdout: capped(&execution.stdout),
        stderr: capped(&execution.stderr),
        cost: execution.cost,
    }
}

/// A message without its code, which its own transaction has.
fn message(message: &EmittedMessage) -> Json {
    let (kind, to, calldata) = match &message.body {
        MessageBody::Call { to, calldata } => ("call", Some(to), Some(calldata)),
        MessageBody::Deploy { calldata, .. } => ("deploy", None, Some(calldata)),
        MessageBody::Transfer { to } => ("transfer", Some(to), None),
    };
    json!({
        "kind": kind,
        "on": message.trigger().name(),
        "to": to,
        "value": message.value,
        "call": calldata.map(notation),
    })
}

/// The output of a non-deterministic block: one byte for how it ended, then its value or error.
fn block_output(output: &Bytes) -> Json {
    let Some((kind, payload)) = output.split_first() else { return Json::Null };
    let text = || capped(&String::from_utf8_lossy(payload));
    match kind {
        0 => json!({ "return": notation(&Bytes::copy_from_slice(payload)) }),
        1 => json!({ "user_error": text() }),
        2 => json!({ "vm_error": text() }),
        _ => json!({ "$bytes": output.to_string() }),
    }
}

/// Calldata in its JSON notation; bytes that are none as they are.
fn notation(bytes: &Bytes) -> Json {
    Value::decode(bytes)
        .map_or_else(|_| json!({ "$bytes": bytes.to_string() }), |value| to_json(&value))
}

/// The beginning of a text that is too long, with a note.
fn capped(text: &str) -> String {
    if text.len() <= OUTPUT_BYTES_MAX {
        return text.to_owned();
    }
    let kept = text.get(..text.floor_char_boundary(OUTPUT_BYTES_MAX)).unwrap_or_default();
    format!("{kept}\n… {} more bytes", text.len() - kept.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_output_is_cut_at_a_character() {
        let text = "ä".repeat(OUTPUT_BYTES_MAX);
        let cut = capped(&text);
        assert!(cut.ends_with("more bytes") && cut.len() < OUTPUT_BYTES_MAX + 40, "{}", cut.len());
        assert_eq!(capped("ä"), "ä");
    }
}
