//! The rounds over a transaction, as Studio's history has them.

use serde_json::{Map, Value as Json, json};

use super::execution::Produced;
use super::put;
use super::transaction::TransactionContext;
use crate::domain::ledger::TransactionRecord;
use crate::domain::{Bytes, Timestamp};

/// Who answers, with Studio, for a contract that is not there (`reference/studio.md` section 1.12).
const NO_CONTRACT: &str = "contract_not_found_handler";

/// All rounds, oldest first: one entry for every leader's turn.
pub(super) fn history(
    record: &TransactionRecord,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Json {
    let rounds = record.consensus.as_ref().and_then(|it| it.get("rounds")?.as_array());
    let mut results = Vec::new();
    for round in rounds.into_iter().flatten() {
        let rotations = round.get("rotations").and_then(Json::as_array);
        let count = rotations.map_or(0, Vec::len);
        for (index, rotation) in rotations.into_iter().flatten().enumerate() {
            let end = round.get("status").filter(|_| index + 1 == count);
            results.push(turn(rotation, end, calldata, context));
        }
    }
    let seconds = |at: Timestamp| at_seconds(&json!(at.as_millis()));
    if let Some(first) = results.first_mut().and_then(|turn| turn.get_mut("monitoring")) {
        put(first, "PENDING", json!(seconds(record.submitted_at)));
    }
    let mut current = json!({});
    if let Some(at) = record.finalized_at {
        put(&mut current, "FINALIZED", json!(seconds(at)));
    }
    let mut history = json!({ "consensus_results": null, "current_status_changes": [] });
    put(&mut history, "current_monitoring", current);
    put(&mut history, "consensus_results", Json::from(results));
    history
}

fn turn(
    rotation: &Json,
    end: Option<&Json>,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Json {
    let leader = receipts_of_leader(rotation, calldata, context);
    // Without a receipt there was nothing to vote on.
    let has_voted = rotation.get("leader_receipt").is_some_and(|receipt| !receipt.is_null());
    let steps: &[&str] =
        if has_voted { &["PROPOSING", "COMMITTING", "REVEALING"] } else { &["PROPOSING"] };
    let mut steps: Vec<Json> = steps.iter().copied().map(Json::from).collect();
    steps.extend(end.cloned());
    let mut monitoring = Map::new();
    let mut told = |status: &str, at: Option<&Json>| {
        if let Some(seconds) = at.and_then(at_seconds) {
            monitoring.insert(status.to_owned(), json!(seconds));
        }
    };
    told("PROPOSING", rotation.get("started_at"));
    told(end.and_then(Json::as_str).unwrap_or("REVEALING"), rotation.get("ended_at"));
    let mut turn = json!({
        "consensus_round": rotation.get("consensus_round"),
        "leader_result": null,
        "validator_results": null,
        "status_changes": steps,
        "monitoring": monitoring,
    });
    if !leader.is_empty() {
        put(&mut turn, "leader_result", Json::from(leader));
    }
    put(&mut turn, "validator_results", Json::from(validators(rotation, calldata, context)));
    turn
}

fn seats(rotation: &Json) -> impl Iterator<Item = &Json> {
    rotation.get("committee").and_then(Json::as_array).into_iter().flatten()
}

/// What the leader produced, and the same again as it voted: two entries once it has.
fn receipts_of_leader(
    rotation: &Json,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Vec<Json> {
    let Some(seat) = seats(rotation).next() else { return Vec::new() };
    let Some(produced) = produced(rotation) else {
        let ended = has_ended_without_receipt(rotation).then(Produced::timed_out);
        let receipt = ended.map(|it| it.receipt(calldata, "leader", context.node(seat)));
        return receipt.into_iter().collect();
    };
    if produced.found_no_contract() {
        return vec![produced.receipt(calldata, "leader", json!({ "address": NO_CONTRACT }))];
    }
    let led = produced.receipt(calldata, "leader", context.node(seat));
    let Some(vote) = seat.get("vote").filter(|vote| !vote.is_null()) else { return vec![led] };
    let mut voted = produced.receipt(calldata, "validator", context.node(seat));
    put(&mut voted, "vote", vote.clone());
    vec![led, voted]
}

/// Did the time of this turn's leader run out?
pub(super) fn has_ended_without_receipt(rotation: &Json) -> bool {
    let is_there = |name: &str| rotation.get(name).is_some_and(|field| !field.is_null());
    is_there("ended_at") && !is_there("leader_receipt")
}

/// Seconds since 1970, of milliseconds.
fn at_seconds(millis: &Json) -> Option<f64> {
    millis.as_f64().map(|millis| millis / 1_000.0)
}

/// What the other seats did.
fn validators(rotation: &Json, calldata: &Bytes, context: &TransactionContext) -> Vec<Json> {
    let Some(mut produced) = produced(rotation).filter(|it| !it.found_no_contract()) else {
        return Vec::new();
    };
    // A validator's own prints and outputs are not on record: those of the leader are.
    produced.block_outputs = Map::new();
    produced.pending = Vec::new();
    let validators = seats(rotation).skip(1).map(|seat| {
        let mut result = produced.receipt(calldata, "validator", context.node(seat));
        put(&mut result, "vote", seat.get("vote").cloned().unwrap_or_default());
        result
    });
    validators.collect()
}

/// What the record of a turn says its leader produced.
fn produced(rotation: &Json) -> Option<Produced> {
    let receipt = rotation.get("leader_receipt").filter(|receipt| !receipt.is_null());
    receipt.map(Produced::of_record)
}
