//! Transactions and what became of them.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Address, Any, Flag, Hash, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::views;
use crate::domain::ledger::StateVersion;
use crate::domain::{AddressSearch, PayloadKind, Side, Status, Timestamp, TxHash};

/// Transactions that one list has, at most: each of them brings all rounds over it.
const LISTED_MAX: usize = 100;
/// Pages of a contract's state that a transaction is shown with, at most.
const STATE_PAGES_MAX: usize = 10_000;

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "eth_getTransactionByHash",
        "A transaction with all rounds over it.",
        &[needs("transaction_hash", Hash), may("sim_config", Any)],
        "a transaction",
        |caller, args| Box::pin(by_hash(caller, args)),
    ),
    Definition::new(
        "gen_getStudioTransactionByHash",
        "A transaction under the names of the testnets; without its heavy parts unless `full`.",
        &[needs("transaction_hash", Hash), may("full", Flag)],
        "a transaction",
        |caller, args| Box::pin(studio_by_hash(caller, args)),
    ),
    Definition::new(
        "gen_getTransactionStatus",
        "Where a transaction is in its life: its name for a bare hash, more for an object with `txId`.",
        &[needs("transaction_hash", Any)],
        "the name of a status, or an object with `status` and `statusCode`",
        |caller, args| Box::pin(status(caller, args)),
    ),
    Definition::new(
        "gen_getTransactionStatusDetails",
        "Where a transaction is in its life, as a name and as a number.",
        &[needs("transaction_hash", Hash)],
        "an object with `status` and `statusCode`",
        |caller, args| Box::pin(status_details(caller, args)),
    ),
    Definition::new(
        "gen_getTransactionLifecycle",
        "Where a transaction is in its life, and until when that can change.",
        &[needs("request", Any).or("params")],
        "an object with `txId`, `status`, `resultName`, `decidedAt`, `finalFrom` and `finalizedAt`",
        |caller, args| Box::pin(lifecycle(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "gen_dbg_traceTransaction",
        "What the leader of a round did: prints, traceback, outputs, time.",
        &[needs("request", Any).or("params")],
        "an object with `transaction_id`, `result_code`, `return_data`, `stdout`, `stderr`, `genvm_log`, `run_time` and `storage_proof`",
        |caller, args| Box::pin(trace(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getTransactionReceipt",
        "The receipt of a transaction, there as soon as it is stored.",
        &[needs("transaction_hash", Hash)],
        "a receipt, or null",
        |caller, args| Box::pin(receipt(caller, args)),
    )
    .differs("real blocks and the events of contracts, and an explicit null"),
    Definition::new(
        "sim_getTransactionsForAddress",
        "Transactions from and to an address, newest first, 100 at most; `before`, the hash of the last one, goes on with those before it.",
        &[needs("address", Address), may("filter", Text), may("before", Hash)],
        "an array of transactions",
        |caller, args| Box::pin(of_address(caller, args)),
    )
    .differs("100 at a time where Studio answers all; `before` is absent there"),
    Definition::new(
        "sim_updateTransactionStatus",
        "Refused: nothing but the consensus changes a status.",
        &[needs("transaction_hash", Hash), needs("new_status", Text), may("admin_key", Text)],
        "nothing",
        |_, _| {
            Box::pin(async {
                let message = "a status follows from the consensus and cannot be set; appeal, cancel, or move the clock";
                Err(RpcError::new(RpcError::REFUSED, message))
            })
        },
    )
    .admin()
    .differs("refused: a status that was made up would break every guarantee"),
];

async fn by_hash(caller: Caller, args: Args) -> Answer {
    let hash = args.required("transaction_hash", args.hash("transaction_hash")?)?;
    let config = args.json("sim_config")?;
    let wants_state = config
        .and_then(|config| config.get("include_contract_state").and_then(Json::as_bool))
        .unwrap_or(false);
    let record = caller.transaction(hash).await?;
    let mut context = caller.transaction_context().await?;
    if wants_state && record.transaction.payload.kind() != PayloadKind::Transfer {
        context.state = Some(state(&caller, record.transaction.queue_address()).await?);
    }
    Ok(views::transaction(&record, &context))
}

/// A contract's state by slot.
async fn state(caller: &Caller, contract: crate::domain::Address) -> Result<Json, RpcError> {
    let handles = &caller.api.handles;
    let pages = handles.contract_pages(contract, StateVersion::Accepted, None, STATE_PAGES_MAX);
    Ok(views::slots(pages.await?))
}

async fn studio_by_hash(caller: Caller, args: Args) -> Answer {
    let hash = args.required("transaction_hash", args.hash("transaction_hash")?)?;
    let full = args.flag("full")?.unwrap_or(true);
    Ok(views::studio_names(caller.transaction_view(hash).await?, full))
}

async fn status(caller: Caller, args: Args) -> Answer {
    let hash = named(&args, "transaction_hash", &["txId", "tx_id"])?;
    let status = caller.transaction(hash).await?.status;
    let is_bare = args.raw("transaction_hash").is_some_and(|text| text.starts_with('"'));
    Ok(if is_bare { json!(status.name()) } else { details(status) })
}

async fn status_details(caller: Caller, args: Args) -> Answer {
    let hash = args.required("transaction_hash", args.hash("transaction_hash")?)?;
    Ok(details(caller.transaction(hash).await?.status))
}

fn details(status: Status) -> Json {
    json!({ "status": status.name(), "statusCode": views::status_code(status) })
}

/// The transaction that an object or a bare hash names.
fn named(args: &Args, param: &str, fields: &[&str]) -> Result<TxHash, RpcError> {
    let request = args.json(param)?.unwrap_or(Json::Null);
    let named = fields.iter().find_map(|field| request.get(field)).unwrap_or(&request);
    let hash = named.as_str().and_then(|text| text.parse().ok());
    hash.ok_or_else(|| {
        let valid =
            format!("an object with `{}`: `0x` and 64 hexadecimal digits", fields.join("` or `"));
        RpcError::invalid(param, &named.to_string(), &valid)
    })
}

async fn lifecycle(caller: Caller, args: Args) -> Answer {
    let hash = named(&args, "request", &["txId", "txID", "transaction_hash"])?;
    let record = caller.transaction(hash).await?;
    let view = views::transaction(&record, &caller.transaction_context().await?);
    let at = |instant: Option<Timestamp>| instant.map(views::seconds);
    Ok(json!({
        "txId": hash,
        "status": record.status.name(),
        "statusCode": views::status_code(record.status),
        "resultName": view.get("result_name"),
        "executionResultName": view.get("txExecutionResultName"),
        "submittedAt": views::seconds(record.submitted_at),
        "decidedAt": at(record.decided_at),
        "finalFrom": at(record.final_from),
        "finalizedAt": at(record.finalized_at),
        "appeal": record.appeal,
        "reason": record.reason,
    }))
}

async fn trace(caller: Caller, args: Args) -> Answer {
    let hash = named(&args, "request", &["txID", "txId", "transaction_hash"])?;
    let request = args.json("request")?.unwrap_or(Json::Null);
    let round = request.get("round").and_then(Json::as_u64).unwrap_or(0);
    let view = caller.transaction_view(hash).await?;
    let rounds = view.get("consensus_history").and_then(|it| it.get("consensus_results"));
    let rounds = rounds.and_then(Json::as_array).cloned().unwrap_or_default();
    let found = usize::try_from(round).ok().and_then(|round| rounds.get(round));
    let found = found.ok_or_else(|| {
        let message = format!("{hash} has {} rounds on record, and no round {round}", rounds.len());
        RpcError::new(RpcError::NOT_FOUND, message)
    })?;
    let receipt = found.get("leader_result").and_then(|it| it.get(0)).unwrap_or(&Json::Null);
    let text = |name: &str| receipt.get("genvm_result").and_then(|it| it.get(name)).cloned();
    let result = receipt.get("result").and_then(Json::as_str).unwrap_or_default();
    let bytes = views::from_base64(result);
    let code = match receipt.get("execution_result").and_then(Json::as_str) {
        Some("SUCCESS") => 0,
        _ => 1,
    };
    Ok(json!({
        "transaction_id": hash,
        "round": round,
        "consensus_round": found.get("consensus_round"),
        "result_code": code,
        "return_data": alloy_primitives::hex::encode(bytes.get(1..).unwrap_or_default()),
        "stdout": text("stdout"),
        "stderr": text("stderr"),
        "genvm_log": [],
        "eq_outputs": receipt.get("eq_outputs"),
        "storage_proof": receipt.get("contract_state_hash"),
        "run_time": receipt.get("processing_time"),
    }))
}

async fn receipt(caller: Caller, args: Args) -> Answer {
    let hash = args.required("transaction_hash", args.hash("transaction_hash")?)?;
    let handles = &caller.api.handles;
    // The name may be that of a signed transaction which was about another one.
    let (record, about) = match handles.transaction(hash).await? {
        Some(record) => (record, None),
        None => match handles.envelope(hash).await? {
            Some(about) => (caller.transaction(about.subject).await?, Some(about)),
            None => return Ok(Json::Null),
        },
    };
    let Some(inclusion) = record.inclusion else { return Ok(Json::Null) };
    Ok(views::receipt(&record, inclusion, about.as_ref()))
}

async fn of_address(caller: Caller, args: Args) -> Answer {
    let address = args.required("address", args.address("address")?)?;
    let filter = args.text("filter")?.unwrap_or_else(|| "all".to_owned());
    let side = match filter.as_str() {
        "all" | "ALL" => Side::Either,
        "from" | "FROM" => Side::Sender,
        "to" | "TO" => Side::Recipient,
        other => return Err(RpcError::invalid("filter", other, "all, from or to")),
    };
    let before = match args.hash("before")? {
        Some(hash) => Some(caller.transaction(hash).await?.position),
        None => None,
    };
    let search = AddressSearch { address, side, before, limit: LISTED_MAX };
    let records = caller.api.handles.transactions_of_address(search).await?;
    let context = caller.transaction_context().await?;
    Ok(records.iter().map(|record| views::transaction(record, &context)).collect())
}
