//! The rounds over a transaction, as Studio's history has them.

use serde_json::{Value as Json, json};

use super::execution;
use super::transaction::TransactionContext;
use crate::domain::Bytes;

/// All rounds, oldest first: one entry for every leader's turn.
pub(super) fn history(
    consensus: Option<&Json>,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Json {
    let rounds = consensus.and_then(|it| it.get("rounds")).and_then(Json::as_array);
    let mut results = Vec::new();
    for round in rounds.into_iter().flatten() {
        let rotations = round.get("rotations").and_then(Json::as_array);
        let count = rotations.map_or(0, Vec::len);
        for (index, rotation) in rotations.into_iter().flatten().enumerate() {
            let end = round.get("status").filter(|_| index + 1 == count);
            results.push(turn(rotation, end, calldata, context));
        }
    }
    json!({
        "consensus_results": results,
        "current_status_changes": [],
        "current_monitoring": {},
    })
}

fn turn(
    rotation: &Json,
    end: Option<&Json>,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Json {
    let leader = receipts_of_leader(rotation, calldata, context);
    let steps = ["PROPOSING", "COMMITTING", "REVEALING"].map(Json::from);
    let mut steps = steps.to_vec();
    steps.extend(end.cloned());
    json!({
        "consensus_round": rotation.get("consensus_round"),
        "leader_result": if leader.is_empty() { Json::Null } else { Json::from(leader) },
        "validator_results": validators(rotation, calldata, context),
        "status_changes": steps,
        "monitoring": {
            "started_at": rotation.get("started_at"),
            "ended_at": rotation.get("ended_at"),
        },
    })
}

fn seats(rotation: &Json) -> impl Iterator<Item = &Json> {
    rotation.get("committee").and_then(Json::as_array).into_iter().flatten()
}

/// What the leader produced, and the same again as it voted: two entries once it has.
pub(super) fn receipts_of_leader(
    rotation: &Json,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Vec<Json> {
    let receipt = rotation.get("leader_receipt").filter(|receipt| !receipt.is_null());
    let (Some(receipt), Some(seat)) = (receipt, seats(rotation).next()) else { return Vec::new() };
    let node = context.node(seat);
    let led = execution::recorded(receipt, calldata, "leader", &node);
    let Some(vote) = seat.get("vote").filter(|vote| !vote.is_null()) else { return vec![led] };
    let mut voted = execution::recorded(receipt, calldata, "validator", &node);
    set_vote(&mut voted, vote);
    vec![led, voted]
}

/// What the other seats did.
pub(super) fn validators(
    rotation: &Json,
    calldata: &Bytes,
    context: &TransactionContext,
) -> Vec<Json> {
    let receipt = rotation.get("leader_receipt").filter(|receipt| !receipt.is_null());
    let Some(receipt) = receipt else { return Vec::new() };
    let validators = seats(rotation).skip(1).map(|seat| {
        let mut result = execution::recorded(receipt, calldata, "validator", &context.node(seat));
        set_vote(&mut result, seat.get("vote").unwrap_or(&Json::Null));
        // A validator's own prints and outputs are not on record: those of the leader are.
        if let Some(result) = result.as_object_mut() {
            result.insert("eq_outputs".into(), json!({}));
            result.insert("pending_transactions".into(), json!([]));
        }
        result
    });
    validators.collect()
}

fn set_vote(receipt: &mut Json, vote: &Json) {
    if let Some(receipt) = receipt.as_object_mut() {
        receipt.insert("vote".into(), vote.clone());
    }
}
