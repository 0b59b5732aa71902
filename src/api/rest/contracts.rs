//! Contracts: code, schema, state and read-only calls.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::models::read_context;
use super::submission::call_data;
use super::transactions::notation;
use super::{Answer, cursor_of, no_query, page_cursor, page_limit, path_address};
use crate::api::error::ApiError;
use crate::api::input::{Body, Fields, invalid, plain_integer};
use crate::api::server::Api;
use crate::domain::ledger::{ContractRecord, ReadOnlyCall, StateVersion};
use crate::domain::{
    Address, Amount, Cost, Digest, Execution, ExecutionOutcome, PageKey, SlotId, TxHash,
};

/// A contract on the network.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContractDetails {
    /// Where it is.
    #[schema(value_type = String)]
    pub address: Address,
    /// What it has, as a decimal string.
    #[schema(value_type = String)]
    pub balance: Amount,
    /// Keccak-256 of its code.
    #[schema(value_type = String)]
    pub code_hash: Digest,
    /// Bytes of its code.
    pub code_bytes: usize,
    /// The transaction that deployed it.
    #[schema(value_type = String)]
    pub deployed_by: TxHash,
    /// When, in milliseconds since the Unix epoch.
    pub deployed_at: i64,
}

/// A page of contracts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContractsView {
    /// In the order of their deployment.
    pub contracts: Vec<ContractDetails>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A contract's code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeView {
    /// The contract.
    #[schema(value_type = String)]
    pub address: Address,
    /// Keccak-256 of the code.
    #[schema(value_type = String)]
    pub code_hash: Digest,
    /// The Python source.
    pub code: String,
}

/// A part of a contract's state.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateView {
    /// `accepted` or `finalized`.
    #[schema(value_type = String)]
    pub version: StateVersion,
    /// Pages that are not zero, by slot and index.
    pub pages: Vec<PageView>,
    /// Send it as `cursor` for the next pages; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of a storage slot.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    /// The slot.
    #[schema(value_type = String)]
    pub slot: SlotId,
    /// Number of the page within the slot; pages have 1024 bytes.
    pub index: u32,
    /// Its bytes without trailing zeros, as `0x` and hexadecimal digits.
    pub data: String,
}

/// A read-only call.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "method": "get", "args": ["key"] }))]
pub struct ReadBody {
    /// The method.
    #[schema(min_length = 1, max_length = 200)]
    pub method: String,
    /// Positional arguments, in the JSON notation of calldata.
    #[schema(value_type = Option<Vec<Object>>)]
    pub args: Option<Vec<Json>>,
    /// Named arguments, in the JSON notation of calldata.
    #[schema(value_type = Option<Object>)]
    pub kwargs: Option<Map<String, Json>>,
    /// Who asks; nobody by default.
    #[schema(value_type = Option<String>)]
    pub from: Option<Address>,
    /// The state to read: `accepted` (default) or `finalized`.
    #[schema(value_type = Option<String>, pattern = "^(accepted|finalized)$")]
    pub version: StateVersion,
    /// How it is run, when not as the network would: by the first of these validators, at this
    /// time.
    #[schema(value_type = Option<super::models::ContextBody>)]
    pub context: Option<Json>,
}

/// What a read-only call returned.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadView {
    /// The value, in the JSON notation of calldata.
    #[schema(value_type = Object)]
    pub result: Json,
    /// What the contract printed.
    pub stdout: String,
    /// What it used.
    #[schema(value_type = Object)]
    pub cost: Cost,
}

impl From<ContractRecord> for ContractDetails {
    fn from(record: ContractRecord) -> Self {
        Self {
            address: record.address,
            balance: record.balance,
            code_hash: record.code.hash,
            code_bytes: record.code.source.len(),
            deployed_by: record.deployed_by,
            deployed_at: record.deployed_at.as_millis(),
        }
    }
}

async fn contract(api: &Api, address: Address) -> Result<ContractRecord, ApiError> {
    let record = api.handles.contract(address).await?;
    record.ok_or_else(|| ApiError::not_found("contract", &address))
}

fn version(fields: &mut Fields) -> Result<StateVersion, ApiError> {
    let Some(value) = fields.take("version") else { return Ok(StateVersion::default()) };
    match value.as_str() {
        Some("accepted") => Ok(StateVersion::Accepted),
        Some("finalized") => Ok(StateVersion::Finalized),
        _ => Err(invalid("version", &value, "accepted or finalized")),
    }
}

/// List contracts in the order of their deployment.
#[utoipa::path(get, path = "/v1/contracts", tag = "contracts",
    params(("limit" = Option<u32>, Query, description = "Items of the page: 1 to 100, 50 by default"),
        ("cursor" = Option<String>, Query, description = "The next_cursor of the page before")),
    responses((status = 200, description = "A page", body = ContractsView)))]
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    let mut query = Fields::of_query(&request)?;
    let limit = page_limit(&mut query, &api)?;
    let after = page_cursor(&mut query)?;
    query.finish()?;
    let page = api.handles.contracts(after, limit).await?;
    Ok(HttpResponse::Ok().json(ContractsView {
        contracts: page.items.into_iter().map(ContractDetails::from).collect(),
        next_cursor: page.next.map(cursor_of),
    }))
}

/// Read a contract.
#[utoipa::path(get, path = "/v1/contracts/{address}", tag = "contracts",
    params(("address" = String, Path, description = "The contract")),
    responses((status = 200, description = "The contract", body = ContractDetails)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    no_query(&request)?;
    let record = contract(&api, path_address(&address)?).await?;
    Ok(HttpResponse::Ok().json(ContractDetails::from(record)))
}

/// Read a contract's code, as JSON or as plain text.
#[utoipa::path(get, path = "/v1/contracts/{address}/code", tag = "contracts",
    params(("address" = String, Path, description = "The contract"),
        ("format" = Option<String>, Query, description = "`json` or `text`; without it, the header Accept decides")),
    responses((status = 200, description = "The code", content(
        (CodeView = "application/json"), (String = "text/plain")))))]
pub(super) async fn code(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    let address = path_address(&address)?;
    let mut query = Fields::of_query(&request)?;
    let format = query.take("format");
    query.finish()?;
    let is_text = match &format {
        None => prefers_text(&request),
        Some(format) => match format.as_str() {
            Some("text") => true,
            Some("json") => false,
            _ => return Err(invalid("format", format, "json or text")),
        },
    };
    let code = contract(&api, address).await?.code;
    let text = String::from_utf8_lossy(&code.source).into_owned();
    Ok(if is_text {
        HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
    } else {
        HttpResponse::Ok().json(CodeView { address, code_hash: code.hash, code: text })
    })
}

/// Does the client ask for text and not for JSON?
fn prefers_text(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.into_iter().find_map(|kind| match kind {
        "text/plain" | "text/*" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    }) == Some(true)
}

/// Describe a contract's public methods.
#[utoipa::path(get, path = "/v1/contracts/{address}/schema", tag = "contracts",
    params(("address" = String, Path, description = "The contract")),
    responses((status = 200, description = "Constructor and methods with their parameters", body = Object)))]
pub(super) async fn schema(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    no_query(&request)?;
    Ok(HttpResponse::Ok().json(api.handles.schema(path_address(&address)?).await?))
}

/// Read a contract's raw state, page by page.
#[utoipa::path(get, path = "/v1/contracts/{address}/state", tag = "contracts",
    params(("address" = String, Path, description = "The contract"),
        ("version" = Option<String>, Query, description = "accepted (default) or finalized"),
        ("limit" = Option<u32>, Query, description = "Pages: 1 to 100, 50 by default"),
        ("cursor" = Option<String>, Query, description = "The next_cursor of the answer before")),
    responses((status = 200, description = "Some pages", body = StateView)))]
pub(super) async fn state(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    let address = path_address(&address)?;
    let mut query = Fields::of_query(&request)?;
    let version = version(&mut query)?;
    let limit = page_limit(&mut query, &api)?;
    let after = state_cursor(&mut query)?;
    query.finish()?;
    contract(&api, address).await?;
    let mut pages = api.handles.contract_pages(address, version, after, limit + 1).await?;
    let is_more = pages.len() > limit;
    pages.truncate(limit);
    let last = pages.last().filter(|_| is_more);
    let next_cursor = last.map(|(key, _)| format!("{}-{}", key.slot.0, key.index));
    let pages = pages.into_iter().map(|(key, page)| PageView {
        slot: key.slot,
        index: key.index,
        data: page.to_string(),
    });
    Ok(HttpResponse::Ok().json(StateView { version, pages: pages.collect(), next_cursor }))
}

fn state_cursor(query: &mut Fields) -> Result<Option<PageKey>, ApiError> {
    let Some(cursor) = query.text("cursor", 1..=80)? else { return Ok(None) };
    let key = cursor.split_once('-').and_then(|(slot, index)| {
        let slot = SlotId(slot.parse().ok()?);
        Some(PageKey { slot, index: plain_integer(index)?.try_into().ok()? })
    });
    key.map(Some).ok_or_else(|| {
        let message = format!("`{cursor}` is not a cursor of a contract's state");
        ApiError::invalid("cursor", message, "the `next_cursor` of an earlier answer")
    })
}

impl ReadBody {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let method = fields.text("method", 1..=200)?;
        let body = Self {
            method: method.ok_or_else(|| ApiError::missing("method", "a method's name"))?,
            args: fields.array("args")?,
            kwargs: fields.object("kwargs")?,
            from: fields.address("from")?,
            version: version(&mut fields)?,
            context: fields.take("context"),
        };
        fields.finish()?;
        Ok(body)
    }
}

/// Call a method that only reads.
///
/// An error of the contract is answered with 422 and the code `contract_error`: its text is the
/// message, and `details` holds the traceback.
#[utoipa::path(post, path = "/v1/contracts/{address}/read", tag = "contracts",
    params(("address" = String, Path, description = "The contract")), request_body = ReadBody,
    responses((status = 200, description = "What it returned", body = ReadView)))]
pub(super) async fn read(
    api: Data<Api>,
    request: HttpRequest,
    address: Path<String>,
    body: Body,
) -> Answer {
    no_query(&request)?;
    let contract = path_address(&address)?;
    let body = ReadBody::read(body.0)?;
    let calldata = call_data(Some(&body.method), body.args, body.kwargs, None)?;
    let call = ReadOnlyCall {
        version: body.version,
        context: read_context(body.context, &api, &request).await?,
        ..ReadOnlyCall::view(contract, calldata).asked_by(body.from.unwrap_or(Address::ZERO))
    };
    let execution = api.handles.call(call).await?;
    let (kind, message) = match &execution.outcome {
        ExecutionOutcome::Return(bytes) => {
            let result = notation(bytes).unwrap_or_else(|| json!({ "$calldata": bytes }));
            let (stdout, cost) = (execution.stdout, execution.cost);
            return Ok(HttpResponse::Ok().json(ReadView { result, stdout, cost }));
        }
        ExecutionOutcome::UserError(text) => ("user_error", text.clone()),
        ExecutionOutcome::VmError(code) => ("vm_error", code.clone()),
    };
    Err(contract_error(kind, message, &execution))
}

fn contract_error(kind: &str, message: String, execution: &Execution) -> ApiError {
    let details = json!({
        "kind": kind,
        "traceback": execution.stderr,
        "stdout": execution.stdout,
        "cost": execution.cost,
    });
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "contract_error", message).details(details)
}
