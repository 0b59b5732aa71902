//! A transaction and what became of it, as Studio writes it (`reference/studio.md` section 4.4).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::history::{has_ended_without_receipt, history};
use super::status::{execution_result, result_of, status_code, vote_of};
use super::{base64, iso8601, plain, put, seconds, upgrade};
use crate::domain::ledger::TransactionRecord;
use crate::domain::{
    Address, AppealKind, Bytes, Digest, ExecutionMode, Payload, PayloadKind, Status, Timestamp,
    keccak256,
};

/// What a transaction's view needs besides its record.
#[derive(Debug, Default)]
pub(in crate::api::rpc) struct TransactionContext {
    /// How each validator reaches models, by address.
    pub(in crate::api::rpc) nodes: BTreeMap<Address, Json>,
    /// The present instant.
    pub(in crate::api::rpc) now: Timestamp,
    /// The state of the contract, where it was asked for.
    pub(in crate::api::rpc) state: Option<Json>,
}

impl TransactionContext {
    /// The configuration of the validator of a seat.
    pub(super) fn node(&self, seat: &Json) -> Json {
        let address = seat.get("validator").cloned().unwrap_or(Json::Null);
        let known = address.as_str().and_then(|address| address.parse::<Address>().ok());
        let mut node = known.and_then(|address| self.nodes.get(&address).cloned());
        let node = node.get_or_insert_with(|| json!({}));
        if let Some(node) = node.as_object_mut() {
            node.insert("address".into(), address);
            node.insert("stake".into(), seat.get("stake").cloned().unwrap_or(Json::Null));
        }
        node.take()
    }
}

/// The last leader's turn on record.
pub(super) fn last_turn(record: &TransactionRecord) -> Option<&Json> {
    let rounds = record.consensus.as_ref()?.get("rounds")?.as_array()?;
    rounds.iter().rev().find_map(|round| round.get("rotations")?.as_array()?.last())
}

fn seats(turn: Option<&Json>) -> Vec<&Json> {
    let seats = turn.and_then(|turn| turn.get("committee")).and_then(Json::as_array);
    seats.into_iter().flatten().collect()
}

fn vote(seat: &Json) -> Option<&str> {
    seat.get("vote").and_then(Json::as_str)
}

/// A transaction as `eth_getTransactionByHash` answers it.
pub(in crate::api::rpc) fn transaction(
    record: &TransactionRecord,
    context: &TransactionContext,
) -> Json {
    let mut view = Map::new();
    for part in [
        identity(record),
        progress(record, context),
        appeals(record),
        consensus(record, context),
        testnet(record, context),
        ethereum(record),
    ] {
        if let Json::Object(part) = part {
            view.extend(part);
        }
    }
    let mut view = Json::Object(view);
    upgrade::tell(&mut view, record);
    view
}

fn contract(record: &TransactionRecord) -> Option<Address> {
    let is_transfer = record.transaction.payload.kind() == PayloadKind::Transfer;
    (!is_transfer).then(|| record.transaction.queue_address())
}

fn calldata(record: &TransactionRecord) -> Bytes {
    match &record.transaction.payload {
        Payload::Deploy { calldata, .. } | Payload::Call { calldata } => calldata.clone(),
        Payload::Transfer | Payload::Upgrade { .. } => Bytes::new(),
    }
}

/// What was sent.
fn identity(record: &TransactionRecord) -> Json {
    let transaction = &record.transaction;
    let nonce = record.envelope.as_ref().map_or(transaction.nonce, |envelope| envelope.nonce);
    let (kind, data) = match &transaction.payload {
        Payload::Transfer => (0, json!({})),
        Payload::Deploy { code, calldata } => {
            let (code, calldata) = (base64(code), base64(calldata));
            let address = contract(record);
            let data = json!({
                "contract_address": address, "contract_code": code, "calldata": calldata,
            });
            (1, data)
        }
        Payload::Call { calldata } => (2, json!({ "calldata": base64(calldata) })),
        Payload::Upgrade { .. } => (3, Json::Null),
    };
    let envelope = record.envelope.as_ref();
    json!({
        "hash": transaction.hash,
        "from_address": transaction.from,
        "to_address": contract(record).or(transaction.to),
        "type": kind,
        "value": plain(transaction.value),
        "data": data,
        "nonce": nonce,
        "gaslimit": nonce,
        "r": envelope.map(|it| it.r),
        "s": envelope.map(|it| it.s),
        "v": envelope.map(|it| u64::from(it.y_parity)),
        "leader_only": transaction.rules.mode == ExecutionMode::LeaderOnly,
        "execution_mode": transaction.rules.mode.name(),
        "config_rotation_rounds": transaction.rules.rotations_max,
        "num_of_initial_validators": transaction.rules.validators,
        "origin_address": transaction.from,
        "created_at": iso8601(record.submitted_at),
        "fees": null,
    })
}

/// Where it is.
fn progress(record: &TransactionRecord, context: &TransactionContext) -> Json {
    let turn = last_turn(record);
    let (result, result_name) = result(record);
    let receipt = turn.and_then(|turn| turn.get("leader_receipt")).filter(|it| !it.is_null());
    let (execution, execution_name) = match turn {
        Some(turn) if has_ended_without_receipt(turn) => (2, "FINISHED_WITH_ERROR"),
        _ => execution_result(receipt),
    };
    json!({
        "status": record.status.name(),
        "result": result,
        "result_name": result_name,
        "txExecutionResult": execution,
        "txExecutionResultName": execution_name,
        "triggered_by": record.parent.map(|(hash, _)| hash),
        "triggered_on": record.parent.map(|(_, trigger)| trigger.name()),
        "triggered_transactions": record.children,
        "rotation_count": rotation_count(turn),
        "last_vote_timestamp": record.decided_at.map(seconds),
        "timestamp_awaiting_finalization": record.decided_at.map(seconds),
        "current_timestamp": seconds(context.now).to_string(),
        "value_credited": is_credited(record, turn),
        "reason": record.reason,
        "contract_snapshot": null,
        "sim_config": null,
        "blocked_at": null,
        "worker_id": null,
    })
}

/// Has the recipient got the money that came along? Where the decision does not stand, or the call
/// failed, it goes back.
fn is_credited(record: &TransactionRecord, turn: Option<&Json>) -> bool {
    let is_accepted = matches!(record.status, Status::Accepted | Status::Finalized);
    if record.transaction.value.is_zero() || !is_accepted {
        return false;
    }
    if record.transaction.payload.kind() == PayloadKind::Transfer {
        return record.reason.is_none();
    }
    let receipt = turn.and_then(|turn| turn.get("leader_receipt"));
    result(record).1 == "MAJORITY_AGREE" && execution_result(receipt).0 == 1
}

fn rotation_count(turn: Option<&Json>) -> u64 {
    turn.and_then(|turn| turn.get("rotation")).and_then(Json::as_u64).unwrap_or(0)
}

/// What the votes come to; a leader that decides alone agrees with itself.
fn result(record: &TransactionRecord) -> (u8, &'static str) {
    let is_alone = record.transaction.rules.mode == ExecutionMode::LeaderOnly;
    let is_fine = matches!(record.status, Status::Accepted | Status::Finalized);
    if is_alone && is_fine {
        return (6, "MAJORITY_AGREE");
    }
    let seats = seats(last_turn(record));
    let votes: Vec<&str> = seats.iter().map(|seat| vote(seat).unwrap_or("not_voted")).collect();
    result_of(&votes)
}

/// What was challenged.
fn appeals(record: &TransactionRecord) -> Json {
    let all = record.consensus.as_ref().and_then(|it| it.get("appeals")).and_then(Json::as_array);
    let failed = all.into_iter().flatten();
    let failed = failed.filter(|appeal| appeal.get("successful") == Some(&Json::Bool(false)));
    let opened = all.and_then(|all| all.last()).and_then(|last| last.get("opened_at"));
    let opened =
        opened.and_then(Json::as_i64).map(|millis| seconds(Timestamp::from_millis(millis)));
    let is = |kind: AppealKind| record.appeal == Some(kind);
    json!({
        "appealed": record.appeal.is_some(),
        "appeal_failed": failed.count(),
        "appeal_undetermined": is(AppealKind::Leader),
        "appeal_leader_timeout": is(AppealKind::LeaderTimeout),
        "appeal_validators_timeout": is(AppealKind::ValidatorsTimeout),
        "timestamp_appeal": opened,
        "appeal_processing_time": 0,
        "leader_timeout_validators": null,
    })
}

/// Receipts and votes.
fn consensus(record: &TransactionRecord, context: &TransactionContext) -> Json {
    let calldata = calldata(record);
    let turn = last_turn(record);
    let history = history(record, &calldata, context);
    // The last turn of all is the one that counts.
    let turns = history.get("consensus_results").and_then(Json::as_array);
    let last = turns.and_then(|turns| turns.last());
    let data = last.zip(turn).map(|(last, turn)| {
        let votes: Map<String, Json> = seats(Some(turn))
            .iter()
            .filter_map(|seat| {
                let address = seat.get("validator")?.as_str()?;
                Some((address.to_owned(), Json::from(vote(seat)?)))
            })
            .collect();
        let part =
            |name: &str| last.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
        let mut leader = part("leader_result");
        if let (Some(state), Some(first)) = (&context.state, leader.first_mut()) {
            put(first, "contract_state", state.clone());
        }
        let mut data = json!({ "votes": votes, "leader_receipt": null, "validators": null });
        put(&mut data, "leader_receipt", Json::from(leader));
        put(&mut data, "validators", Json::from(part("validator_results")));
        data
    });
    let mut consensus = json!({ "consensus_data": null, "consensus_history": null });
    put(&mut consensus, "consensus_data", data.unwrap_or_default());
    put(&mut consensus, "consensus_history", history);
    consensus
}

/// The same as the testnets' consensus contract tells it.
fn testnet(record: &TransactionRecord, context: &TransactionContext) -> Json {
    let transaction = &record.transaction;
    let turn = last_turn(record);
    let leader = seats(turn).first().and_then(|seat| seat.get("validator")).cloned();
    let queue_type = match record.status {
        Status::Pending => "1",
        Status::Accepted => "2",
        Status::Undetermined => "3",
        _ => "0",
    };
    let rounds = record.consensus.as_ref().and_then(|it| it.get("rounds")).and_then(Json::as_array);
    let rounds = rounds.map_or(0, Vec::len);
    json!({
        "sender": transaction.from,
        "recipient": contract(record).or(transaction.to),
        "tx_id": transaction.hash,
        "tx_slot": "0",
        "created_timestamp": seconds(record.submitted_at).to_string(),
        "random_seed": Digest::new([0; 32]),
        "tx_data": null,
        "tx_execution_hash": execution_hash(record),
        "eq_blocks_outputs": eq_outputs(turn),
        "messages": messages(turn),
        "queue_type": queue_type,
        "queue_position": "0",
        "activator": transaction.from,
        "last_leader": leader,
        "read_state_block_range": {
            "activation_block": "0", "processing_block": "0", "proposal_block": "0",
        },
        "num_of_rounds": rounds.max(1).to_string(),
        "last_round": last_round(record, turn, rounds),
        "status_code": status_code(record.status),
        "finality_at": record.final_from.map(seconds),
        "finalized_at": record.finalized_at.map(seconds),
        "current_block_time": seconds(context.now),
    })
}

fn execution_hash(record: &TransactionRecord) -> Json {
    let receipt = last_turn(record).and_then(|turn| turn.get("leader_receipt"));
    let receipt = receipt.filter(|receipt| !receipt.is_null());
    let text = receipt.map(std::string::ToString::to_string);
    text.map_or(Json::Null, |text| json!(keccak256(&[b"agora:receipt", text.as_bytes()])))
}

/// Outputs of non-deterministic blocks as one RLP list.
fn eq_outputs(turn: Option<&Json>) -> Json {
    let outputs =
        turn.and_then(|turn| turn.get("leader_receipt")?.get("block_outputs")?.as_array());
    let outputs: Vec<Bytes> = outputs
        .into_iter()
        .flatten()
        .map(|output| Bytes::from(super::execution::block_output(output)))
        .collect();
    Json::from(format!("0x{}", alloy_primitives::hex::encode(alloy_rlp::encode(&outputs))))
}

fn messages(turn: Option<&Json>) -> Json {
    let messages = turn.and_then(|turn| turn.get("leader_receipt")?.get("messages")?.as_array());
    let messages = messages.into_iter().flatten().map(|message| {
        let field = |name: &str| message.get(name).cloned().unwrap_or(Json::Null);
        json!({
            "messageType": if field("kind") == "transfer" { "1" } else { "0" },
            "recipient": field("to"),
            "value": field("value"),
            "data": super::execution::recorded_calldata(message),
            "onAcceptance": field("on") == "accepted",
        })
    });
    messages.collect()
}

fn last_round(record: &TransactionRecord, turn: Option<&Json>, rounds: usize) -> Json {
    let seats = seats(turn);
    let votes: Vec<(u8, &str)> = seats.iter().map(|seat| vote_of(vote(seat))).collect();
    let given = votes.iter().filter(|(code, _)| *code != 0).count();
    let members: Vec<Json> =
        seats.iter().filter_map(|seat| seat.get("validator")).cloned().collect();
    let commitments: Vec<Json> =
        seats.iter().map(|seat| seat.get("commitment").cloned().unwrap_or(Json::Null)).collect();
    let left = u64::from(record.transaction.rules.rotations_max);
    let left = left.saturating_sub(rotation_count(turn));
    json!({
        "round": rounds.saturating_sub(1).to_string(),
        "leader_index": "0",
        "votes_committed": given.to_string(),
        "votes_revealed": given.to_string(),
        "appeal_bond": "0",
        "rotations_left": left.to_string(),
        "result": result(record).0,
        "round_validators": members,
        "validator_votes_hash": commitments,
        "validator_votes": votes.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        "validator_votes_name": votes.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
    })
}

/// What Ethereum's own clients look for.
fn ethereum(record: &TransactionRecord) -> Json {
    let inclusion = record.inclusion;
    let envelope = record.envelope.as_ref();
    json!({
        "blockHash": inclusion.map(|it| it.block.hash),
        "blockNumber": inclusion.map(|it| super::quantity(it.block.number)),
        "transactionIndex": inclusion.map(|it| super::quantity(it.index)),
        "from": record.transaction.from,
        "to": envelope.and_then(|it| it.to).or(record.transaction.to),
        "gas": super::quantity(envelope.map_or(0, |it| it.gas_limit)),
        "gasPrice": "0x0",
        "input": "0x",
        "chainId": envelope.and_then(|it| it.chain_id).map(super::quantity),
    })
}

/// The names of the testnets, and without the heavy parts unless `full`.
pub(in crate::api::rpc) fn studio_names(mut view: Json, full: bool) -> Json {
    let Some(fields) = view.as_object_mut() else { return view };
    for (old, new) in [
        ("hash", "tx_id"),
        ("from_address", "sender"),
        ("to_address", "recipient"),
        ("config_rotation_rounds", "initial_rotations"),
        ("created_at", "created_timestamp"),
    ] {
        if let Some(value) = fields.shift_remove(old) {
            fields.insert(new.into(), value);
        }
    }
    if !full {
        for heavy in
            ["consensus_data", "consensus_history", "data", "eq_blocks_outputs", "messages"]
        {
            fields.shift_remove(heavy);
        }
    }
    view
}
