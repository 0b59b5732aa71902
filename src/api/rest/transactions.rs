//! Reading transactions.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::submission::is_quickly_written;
use super::{Answer, cursor_of, page_cursor, page_limit, path_hash};
use crate::api::error::ApiError;
use crate::api::input::Fields;
use crate::api::server::Api;
use crate::domain::calldata::Value;
use crate::domain::ledger::{TransactionFilter, TransactionRecord};
use crate::domain::{
    Address, Amount, AppealKind, Bytes, Code, Digest, Event, ExecutionMode, Payload, PayloadKind,
    Status, Timestamp, Trigger, TxHash, to_json,
};

/// How long a read waits when the request does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// Bytes of calldata that are shown in lists.
const LISTED_CALLDATA_BYTES_MAX: usize = 1_024;

/// A transaction and what became of it. Instants are milliseconds since the Unix epoch.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionView {
    /// Its name.
    #[schema(value_type = String)]
    pub hash: TxHash,
    /// `transfer`, `deploy`, `call` or `upgrade`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: PayloadKind,
    /// Where it is in its life.
    #[schema(value_type = String, example = "ACCEPTED")]
    pub status: Status,
    /// Who sent it; null for nobody.
    #[schema(value_type = Option<String>)]
    pub from: Option<Address>,
    /// Who receives; null for deploys and burns.
    #[schema(value_type = Option<String>)]
    pub to: Option<Address>,
    /// The contract it deploys or calls.
    #[schema(value_type = Option<String>)]
    pub contract: Option<Address>,
    /// Value that moves with it, as a decimal string.
    #[schema(value_type = String)]
    pub value: Amount,
    /// The sender's number for it.
    pub nonce: u64,
    /// Requested size of the committee.
    pub validators: u16,
    /// How often the leader may be replaced.
    pub rotations_max: u8,
    /// Who executes.
    #[schema(value_type = String, example = "NORMAL")]
    pub mode: ExecutionMode,
    /// Deploys: Keccak-256 of the code.
    #[schema(value_type = Option<String>)]
    pub code_hash: Option<Digest>,
    /// Deploys and calls: encoded method and arguments; in lists only up to 1024 bytes.
    #[schema(value_type = Option<String>)]
    pub calldata: Option<Bytes>,
    /// The same in the JSON notation of calldata; null when it has none.
    #[schema(value_type = Option<Object>)]
    pub call: Option<Json>,
    /// The attempt it is in; grows with every crash and every undo.
    pub attempt: u32,
    /// When it was accepted into the store.
    pub submitted_at: i64,
    /// When it was decided.
    pub decided_at: Option<i64>,
    /// When its finality window closes.
    pub final_from: Option<i64>,
    /// When it became final.
    pub finalized_at: Option<i64>,
    /// Why it waits, or why it ended as it did.
    pub reason: Option<String>,
    /// The appeal that is open: `validators`, `leader`, `leader_timeout` or `validators_timeout`.
    #[schema(value_type = Option<String>)]
    pub appeal: Option<AppealKind>,
    /// The transaction whose contract sent this one; in single reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub triggered_by: Option<TxHash>,
    /// What it sent this one on: `accepted` or `finalized`; in single reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub triggered_on: Option<Trigger>,
    /// The transactions that its contract sent, oldest first; in single reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub triggered: Vec<TxHash>,
    /// What the last leader produced (`outcome`, `result`, `stdout`, `stderr`, …); in single
    /// reads, once decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<Json>,
    /// Every round over it (`rounds`: `phase`, `status`, `rotations`, …) and every appeal
    /// (`appeals`), oldest first; in single reads, once decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub consensus: Option<Json>,
    /// How it is run, when not as the network would; not in lists.
    #[schema(value_type = Option<super::models::ContextBody>)]
    pub context: Option<Json>,
}

/// A page of transactions.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionsView {
    /// Newest first.
    pub transactions: Vec<TransactionView>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Calldata in its JSON notation, where it has one that can be written quickly.
pub(super) fn notation(bytes: &Bytes) -> Option<Json> {
    let value = Value::decode(bytes).ok().filter(is_quickly_written)?;
    Some(to_json(&value))
}

impl From<TransactionRecord> for TransactionView {
    fn from(record: TransactionRecord) -> Self {
        let transaction = record.transaction;
        let kind = transaction.payload.kind();
        let contract = (kind != PayloadKind::Transfer).then(|| transaction.queue_address());
        let (code_hash, calldata) = match transaction.payload {
            Payload::Transfer => (None, None),
            Payload::Deploy { code, calldata } => (Some(Code::new(code).hash), Some(calldata)),
            Payload::Call { calldata } => (None, Some(calldata)),
            Payload::Upgrade { code } => (Some(Code::new(code).hash), None),
        };
        let rounds = record.consensus.as_ref().and_then(|json| json.get("rounds"));
        let round = rounds.and_then(Json::as_array).and_then(|rounds| rounds.last());
        let rotations = round.and_then(|round| round.get("rotations"));
        let last = rotations.and_then(Json::as_array).and_then(|rotations| rotations.last());
        let receipt = last.and_then(|last| last.get("leader_receipt")).filter(|r| !r.is_null());
        Self {
            hash: transaction.hash,
            kind,
            status: record.status,
            from: transaction.from,
            to: transaction.to,
            contract,
            value: transaction.value,
            nonce: transaction.nonce,
            validators: transaction.rules.validators,
            rotations_max: transaction.rules.rotations_max,
            mode: transaction.rules.mode,
            code_hash,
            call: calldata.as_ref().and_then(notation),
            calldata,
            attempt: record.attempt,
            submitted_at: record.submitted_at.as_millis(),
            decided_at: record.decided_at.map(Timestamp::as_millis),
            final_from: record.final_from.map(Timestamp::as_millis),
            finalized_at: record.finalized_at.map(Timestamp::as_millis),
            reason: record.reason,
            appeal: record.appeal,
            triggered_by: record.parent.map(|(hash, _)| hash),
            triggered_on: record.parent.map(|(_, trigger)| trigger),
            triggered: record.children,
            receipt: receipt.cloned(),
            consensus: record.consensus,
            context: record.context.map(|context| context.to_json()),
        }
    }
}

impl TransactionView {
    /// The view of a list: without what may be large.
    fn in_list(record: TransactionRecord) -> Self {
        let mut view = Self { receipt: None, consensus: None, ..Self::from(record) };
        if view.calldata.as_ref().is_some_and(|bytes| bytes.len() > LISTED_CALLDATA_BYTES_MAX) {
            view.calldata = None;
            view.call = None;
        }
        view
    }
}

/// Until when a read waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Until the transaction is decided, whatever the decision.
    Decided,
    /// Until nothing can change any more.
    Final,
}

impl Wait {
    /// A decision that is challenged is not what anybody waits for.
    fn is_over(self, record: &TransactionRecord) -> bool {
        match self {
            Self::Decided => record.status.is_decided() && record.appeal.is_none(),
            Self::Final => record.status.is_terminal(),
        }
    }

    fn read(query: &mut Fields) -> Result<Option<Self>, ApiError> {
        let valid = "ACCEPTED, DECIDED or FINALIZED";
        let Some(value) = query.take("wait") else { return Ok(None) };
        match value.as_str() {
            Some("ACCEPTED" | "DECIDED") => Ok(Some(Self::Decided)),
            Some("FINALIZED") => Ok(Some(Self::Final)),
            _ => Err(crate::api::input::invalid("wait", &value, valid)),
        }
    }
}

/// Read a transaction, at once or when it has come far enough.
///
/// With `wait`, the answer comes as soon as the transaction is decided (`ACCEPTED`, `DECIDED`) or
/// can no longer change (`FINALIZED`). `wait=ACCEPTED` also ends with every other decision, such
/// as UNDETERMINED. After `timeout` seconds the answer is the present state, with 200 as well:
/// look at `status`.
#[utoipa::path(get, path = "/v1/transactions/{hash}", tag = "transactions",
    params(("hash" = String, Path, description = "The transaction"),
        ("wait" = Option<String>, Query, description = "ACCEPTED, DECIDED or FINALIZED"),
        ("timeout" = Option<u64>, Query, description = "Seconds to wait at most; 30 by default, 60 at most unless configured otherwise")),
    responses((status = 200, description = "The transaction as it is now", body = TransactionView)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest, hash: Path<String>) -> Answer {
    let hash = path_hash(&hash)?;
    let mut query = Fields::of_query(&request)?;
    let wait = Wait::read(&mut query)?;
    let timeout = query.integer("timeout", 0..=api.settings.wait_max.as_secs())?;
    query.finish()?;
    if wait.is_none() && timeout.is_some() {
        return Err(ApiError::unexpected("timeout", "it needs `wait`"));
    }
    let record = match wait {
        None => read(&api, hash).await?,
        Some(wait) => {
            let timeout =
                timeout.map_or(WAIT_DEFAULT.min(api.settings.wait_max), Duration::from_secs);
            read_when(&api, hash, wait, timeout).await?
        }
    };
    Ok(HttpResponse::Ok().json(TransactionView::from(record)))
}

/// Reads a transaction that must exist.
pub(super) async fn read(api: &Api, hash: TxHash) -> Result<TransactionRecord, ApiError> {
    let record = api.handles.transaction(hash).await?;
    record.ok_or_else(|| ApiError::not_found("transaction", &hash))
}

async fn read_when(
    api: &Api,
    hash: TxHash,
    wait: Wait,
    timeout: Duration,
) -> Result<TransactionRecord, ApiError> {
    // Subscribed first: what happens after the first read is then heard of.
    let mut events = api.handles.subscribe().await?;
    let record = read(api, hash).await?;
    if wait.is_over(&record) || timeout.is_zero() {
        return Ok(record);
    }
    let _permit = api.limits.stream()?;
    let reached = async {
        loop {
            if !news_of(&mut events, hash).await {
                return read(api, hash).await;
            }
            let record = read(api, hash).await?;
            if wait.is_over(&record) {
                return Ok(record);
            }
        }
    };
    match tokio::time::timeout(timeout, reached).await {
        Ok(record) => record,
        Err(_elapsed) => read(api, hash).await,
    }
}

/// Waits until something may have happened to a transaction; false when nothing will any more.
async fn news_of(events: &mut Receiver<Arc<Event>>, hash: TxHash) -> bool {
    loop {
        match events.recv().await {
            Ok(event) if event.concerns(hash) => return true,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// List transactions, newest first.
#[utoipa::path(get, path = "/v1/transactions", tag = "transactions",
    params(("status" = Option<String>, Query, description = "Only in this status"),
        ("type" = Option<String>, Query, description = "Only transfer, deploy, call or upgrade"),
        ("from" = Option<String>, Query, description = "Only of this sender"),
        ("to" = Option<String>, Query, description = "Only to this account or contract, its deploy included"),
        ("limit" = Option<u32>, Query, description = "Items of the page: 1 to 100, 50 by default"),
        ("cursor" = Option<String>, Query, description = "The next_cursor of the page before")),
    responses((status = 200, description = "A page", body = TransactionsView)))]
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    let mut query = Fields::of_query(&request)?;
    let filter = TransactionFilter {
        status: query.parsed("status", &Status::ALL.map(Status::name).join(", "))?,
        kind: query.parsed("type", "transfer, deploy, call or upgrade")?,
        from: query.parsed("from", "`0x` and 40 hexadecimal digits")?,
        to: query.parsed("to", "`0x` and 40 hexadecimal digits")?,
    };
    let limit = page_limit(&mut query, &api)?;
    let before = page_cursor(&mut query)?;
    query.finish()?;
    let page = api.handles.transactions(filter, before, limit).await?;
    Ok(HttpResponse::Ok().json(TransactionsView {
        transactions: page.items.into_iter().map(TransactionView::in_list).collect(),
        next_cursor: page.next.map(cursor_of),
    }))
}
