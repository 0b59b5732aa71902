//! What an execution produced, as Studio's receipts have it (`reference/studio.md` section 4.4).

use serde_json::{Map, Value as Json, json};

use super::{base64, put};
use crate::domain::{
    Address, Bytes, EmittedMessage, Execution, ExecutionOutcome, MessageBody, StateDelta, Trigger,
    U256, from_json,
};

/// Bytes of printed text that a receipt shows, at most.
const OUTPUT_CHARS_MAX: usize = 5_000;

/// The first byte of a result says how the execution ended (`reference/studio.md` section 7.1).
const RETURN: u8 = 0;
const ROLLBACK: u8 = 1;
const CONTRACT_ERROR: u8 = 2;

/// What a receipt says of one execution, wherever that is read from.
pub(super) struct Produced {
    result: Vec<u8>,
    pub(super) pending: Vec<Json>,
    pub(super) block_outputs: Map<String, Json>,
    stdout: String,
    stderr: String,
    cost_micros: u64,
    disagreed: Option<u64>,
}

/// A result as one byte for how it ended, and its value or error.
fn result_bytes(outcome: &ExecutionOutcome) -> Vec<u8> {
    let (code, payload): (u8, &[u8]) = match outcome {
        ExecutionOutcome::Return(bytes) => (RETURN, bytes),
        ExecutionOutcome::UserError(text) => (ROLLBACK, text.as_bytes()),
        ExecutionOutcome::VmError(text) => (CONTRACT_ERROR, text.as_bytes()),
    };
    [&[code], payload].concat()
}

/// The receipt of an execution that was only simulated.
pub(in crate::api::rpc) fn execution(
    execution: &Execution,
    calldata: &Bytes,
    node: &Json,
    state: Json,
) -> Json {
    let outputs = execution.block_outputs.iter().enumerate();
    let produced = Produced {
        result: result_bytes(&execution.outcome),
        pending: execution.messages.iter().map(pending).collect(),
        block_outputs: outputs.map(|(i, it)| (i.to_string(), base64(it).into())).collect(),
        stdout: execution.stdout.clone(),
        stderr: execution.stderr.clone(),
        cost_micros: execution.cost.elapsed_micros,
        disagreed: execution.disagreed_block.map(u64::from),
    };
    let mut receipt = produced.receipt(calldata, "leader", node.clone());
    if let Some(object) = receipt.as_object_mut() {
        let hash = (!execution.state.0.is_empty()).then(|| digest_of(&execution.state));
        object.insert("contract_state".into(), state);
        object.insert("contract_state_hash".into(), hash.into());
        object.insert("vote".into(), Json::Null);
    }
    receipt
}

fn digest_of(state: &StateDelta) -> String {
    state.digest().to_string()
}

impl Produced {
    /// From the record of a consensus.
    pub(super) fn of_record(receipt: &Json) -> Self {
        let text = |name: &str| receipt.get(name).and_then(Json::as_str).unwrap_or_default();
        let list = |name: &str| receipt.get(name).and_then(Json::as_array).cloned();
        let outputs = list("block_outputs").unwrap_or_default();
        let outputs = outputs.iter().enumerate();
        let cost = receipt.get("cost").and_then(|cost| cost.get("elapsed_micros"));
        Self {
            result: recorded_result(receipt),
            pending: list("messages").unwrap_or_default().iter().map(recorded_pending).collect(),
            block_outputs: outputs
                .map(|(index, output)| (index.to_string(), base64(&block_output(output)).into()))
                .collect(),
            stdout: text("stdout").to_owned(),
            stderr: text("stderr").to_owned(),
            cost_micros: cost.and_then(Json::as_u64).unwrap_or_default(),
            disagreed: receipt.get("disagreed_block").and_then(Json::as_u64),
        }
    }

    /// What there is of a leader whose time ran out.
    pub(super) fn timed_out() -> Self {
        Self {
            result: [&[CONTRACT_ERROR], b"timeout".as_slice()].concat(),
            pending: Vec::new(),
            block_outputs: Map::new(),
            stdout: String::new(),
            stderr: "CONSENSUS_LEADER_EXEC_TIMEOUT: the leader's time ran out".to_owned(),
            cost_micros: 0,
            disagreed: None,
        }
    }

    pub(super) fn receipt(&self, calldata: &Bytes, mode: &str, node: Json) -> Json {
        let is_success = self.result.first() == Some(&RETURN);
        let mut receipt = json!({
            "vote": null,
            "execution_result": if is_success { "SUCCESS" } else { "ERROR" },
            "result": base64(&self.result),
            "calldata": base64(calldata),
            "gas_used": 0,
            "mode": mode,
            "contract_state": {},
            "contract_state_hash": null,
            "node_config": null,
            "eq_outputs": self.block_outputs,
            "pending_transactions": self.pending,
            "genvm_result": {
                "stdout": cut(&self.stdout),
                "stderr": cut(&self.stderr),
                "error_code": null,
                "raw_error": null,
                "error_description": if is_success { Json::Null } else { self.words() },
            },
            "processing_time": self.cost_micros / 1_000,
            "nondet_disagree": self.disagreed,
            "execution_stats": null,
            "error": if is_success { Json::Null } else { self.words() },
        });
        put(&mut receipt, "node_config", node);
        receipt
    }

    /// Was there no contract to call?
    pub(super) fn found_no_contract(&self) -> bool {
        self.result.split_first() == Some((&CONTRACT_ERROR, b"contract_not_found".as_slice()))
    }

    /// The error in words.
    fn words(&self) -> Json {
        let payload = self.result.get(1..).unwrap_or_default();
        Json::from(String::from_utf8_lossy(payload).into_owned())
    }
}

fn cut(text: &str) -> String {
    text.chars().take(OUTPUT_CHARS_MAX).collect()
}

/// Calldata from its JSON notation: it has one encoding only, so these are the bytes there were.
fn encoded(notation: &Json) -> Vec<u8> {
    from_json(notation).map(|value| value.encode()).unwrap_or_default()
}

fn recorded_result(receipt: &Json) -> Vec<u8> {
    let result = receipt.get("result").unwrap_or(&Json::Null);
    let text = || result.as_str().unwrap_or_default().as_bytes().to_vec();
    let (code, payload) = match receipt.get("outcome").and_then(Json::as_str) {
        Some("return") => (RETURN, encoded(result)),
        Some("user_error") => (ROLLBACK, text()),
        _ => (CONTRACT_ERROR, text()),
    };
    [vec![code], payload].concat()
}

pub(super) fn block_output(output: &Json) -> Vec<u8> {
    let text = |name: &str| output.get(name).and_then(Json::as_str).map(str::as_bytes);
    match (output.get("return"), text("user_error"), text("vm_error")) {
        (Some(value), _, _) => [vec![RETURN], encoded(value)].concat(),
        (_, Some(text), _) => [&[ROLLBACK], text].concat(),
        (_, _, Some(text)) => [&[CONTRACT_ERROR], text].concat(),
        _ => Vec::new(),
    }
}

/// The calldata of a message, as it was recorded.
pub(super) fn recorded_calldata(message: &Json) -> Option<String> {
    let call = message.get("call").filter(|call| !call.is_null());
    call.map(|call| base64(&encoded(call)))
}

fn recorded_pending(message: &Json) -> Json {
    let field = |name: &str| message.get(name).cloned().unwrap_or(Json::Null);
    json!({
        "address": field("to"),
        "calldata": recorded_calldata(message),
        "code": null,
        "salt_nonce": 0,
        "on": field("on"),
        "value": field("value"),
        "is_eth_send": field("kind") == "transfer",
    })
}

fn pending(message: &EmittedMessage) -> Json {
    let on = |trigger: Trigger| trigger.name();
    let (address, calldata, code, salt): (Option<Address>, _, _, _) = match &message.body {
        MessageBody::Call { to, calldata } => (Some(*to), Some(calldata), None, None),
        MessageBody::Deploy { code, calldata, salt } => (None, Some(calldata), Some(code), *salt),
        MessageBody::Transfer { to } => (Some(*to), None, None, None),
    };
    json!({
        "address": address,
        "calldata": calldata.map(|bytes| base64(bytes)),
        "code": code.map(|bytes| base64(bytes)),
        "salt_nonce": salt.unwrap_or(U256::ZERO).to_string(),
        "on": on(message.trigger()),
        "value": super::plain(message.value),
        "is_eth_send": matches!(message.body, MessageBody::Transfer { .. }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calldata::Value;

    #[test]
    fn what_was_recorded_reads_as_what_was_produced() {
        let value = Value::map([("a", Value::from(5_u64)), ("b", Value::from("x"))]);
        let receipt = json!({ "outcome": "return", "result": crate::domain::to_json(&value) });
        let outcome = ExecutionOutcome::Return(value.encode().into());
        assert_eq!(recorded_result(&receipt), result_bytes(&outcome));
        let receipt = json!({ "outcome": "user_error", "result": "no" });
        assert_eq!(recorded_result(&receipt), b"\x01no");
        assert_eq!(block_output(&json!({ "vm_error": "OOM" })), b"\x02OOM");
    }

    #[test]
    fn an_error_says_what_it_is() {
        let failed = Execution::ending(ExecutionOutcome::UserError("too poor".into()));
        let receipt = execution(&failed, &Bytes::new(), &json!({}), json!({}));
        assert_eq!(receipt["execution_result"], "ERROR");
        assert_eq!(receipt["genvm_result"]["error_description"], "too poor");
    }
}
