//! Submitting transactions.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::models::read_context;
use super::{Answer, no_query};
use crate::api::access::{check_signature, signature_required};
use crate::api::error::ApiError;
use crate::api::input::{ADDRESS, AMOUNT, Body, Fields, invalid};
use crate::api::server::Api;
use crate::domain::calldata::Value;
use crate::domain::ledger::{NewTransaction, Submitted};
use crate::domain::{
    Address, Amount, Bytes, ExecutionMode, Payload, PayloadKind, Signature, Transaction,
    TransactionRules, TxHash, from_json,
};

/// Bytes of a method's name, at most.
const METHOD_BYTES_MAX: usize = 200;
/// How much decimal notation one request may cost: the squares of the digits of its integers,
/// because converting them takes that long. Room for one of 8000 digits, or for 10 000 of 256 bits.
const NOTATION_COST_MAX: u64 = 64_000_000;
/// The largest nonce and stake: what both databases store exactly.
pub(super) const INTEGER_MAX: u64 = i64::MAX.unsigned_abs();

const CALLDATA: &str = "`0x` and the hexadecimal digits of valid calldata";
const NOTATION: &str = "JSON values; integers are written as numbers up to 2^64 - 1 or \
    {\"$int\": \"…\"}, addresses {\"$address\": \"0x…\"}, bytes \
    {\"$bytes\": \"0x…\"}; no fractions";

/// A transaction to submit. Which fields belong to it depends on `type`.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "type": "call", "from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "to": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "method": "set", "args": ["key", "value"]
}))]
pub struct SubmissionBody {
    /// What it does.
    #[schema(rename = "type", value_type = String, pattern = "^(transfer|deploy|call|upgrade)$")]
    pub kind: PayloadKind,
    /// Who sends. Null mints (transfers) or sends as nobody (deploys and calls without value);
    /// transfers must say which.
    #[schema(value_type = Option<String>)]
    pub from: Option<Address>,
    /// Who receives: the contract of a call or upgrade; null burns a transfer. Not for deploys.
    #[schema(value_type = Option<String>)]
    pub to: Option<Address>,
    /// Value that moves with it: a decimal string, a number or a `0x` string. Transfers need it.
    #[schema(value_type = Option<String>)]
    pub value: Option<Amount>,
    /// Deploys and upgrades: the Python source.
    pub code: Option<String>,
    /// Calls: the method.
    #[schema(min_length = 1, max_length = 200)]
    pub method: Option<String>,
    /// Deploys and calls: positional arguments, in the JSON notation of calldata.
    #[schema(value_type = Option<Vec<Object>>)]
    pub args: Option<Vec<Json>>,
    /// Deploys and calls: named arguments, in the JSON notation of calldata.
    #[schema(value_type = Option<Object>)]
    pub kwargs: Option<Map<String, Json>>,
    /// Deploys and calls: encoded calldata, in place of `method`, `args` and `kwargs`.
    #[schema(value_type = Option<String>)]
    pub calldata: Option<Bytes>,
    /// The sender's number for this transaction; without it, the network counts.
    pub nonce: Option<u64>,
    /// Deploys and calls: size of the committee, 5 by default.
    #[schema(minimum = 1, maximum = 1000)]
    pub validators: Option<u16>,
    /// Deploys and calls: how often the leader may be replaced, 3 by default.
    #[schema(minimum = 0, maximum = 100)]
    pub rotations_max: Option<u8>,
    /// Deploys and calls: who executes.
    #[schema(value_type = Option<String>, pattern = "^(NORMAL|LEADER_ONLY|LEADER_SELF_VALIDATOR)$")]
    pub mode: Option<ExecutionMode>,
    /// Deploys and calls: how it is run, when not as the network would: judged by validators of its
    /// own, with models of their own, at another time. Not part of the hash, and so not signed.
    #[schema(value_type = Option<super::models::ContextBody>)]
    pub context: Option<Json>,
    /// The sender's EIP-191 `personal_sign` signature over the 32 bytes of the transaction's hash
    /// (`POST /v1/transactions/hash`), as `0x` and r, s, v. Needs `from` and `nonce`. Required
    /// where access is guarded; checked wherever it is given.
    #[schema(value_type = Option<String>)]
    pub signature: Option<Signature>,
}

/// A transaction that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmittedView {
    /// Its name.
    #[schema(value_type = String, example = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    pub hash: TxHash,
    /// Where a deploy will put its contract.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// The sender's number for it.
    pub nonce: u64,
    /// It had been accepted before; nothing happened now.
    pub duplicate: bool,
}

/// The hash a transaction will have.
#[derive(Debug, Serialize, ToSchema)]
pub struct HashView {
    /// What to sign, with EIP-191 `personal_sign` over these 32 bytes.
    #[schema(value_type = String)]
    pub hash: TxHash,
    /// Where a deploy will put its contract.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// The nonce it covers.
    pub nonce: u64,
}

/// Submit a transaction.
///
/// Answered when it is durable; what becomes of it is told by `GET /v1/transactions/{hash}`. A
/// repetition with the same `Idempotency-Key`, or of the same signed transaction, is answered as
/// the first time with `duplicate: true` and has no second effect.
#[utoipa::path(post, path = "/v1/transactions", tag = "transactions",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 200 printable ASCII characters")),
    request_body = SubmissionBody,
    responses((status = 202, description = "Accepted", body = SubmittedView,
        headers(("Location" = String, description = "Where to read it")))))]
pub(super) async fn submit(api: Data<Api>, request: HttpRequest, body: Body) -> Answer {
    no_query(&request)?;
    let idempotency_key = idempotency_key(&request)?;
    let mut body = SubmissionBody::read(body.0)?;
    let context = body.context.take();
    let (mut transaction, signature) = body.into_transaction()?;
    check_signed(&api, &transaction, signature.as_ref())?;
    transaction.context = read_context(context, &api, &request).await?;
    transaction.idempotency_key = idempotency_key;
    store(&api, transaction).await
}

/// Compute the hash of a transaction, to sign it.
///
/// Takes the same body, with `from` and `nonce` and without `signature`, and stores nothing. Sign
/// the 32 bytes of the answer's `hash` with EIP-191 `personal_sign` and submit the body with that
/// `signature`.
#[utoipa::path(post, path = "/v1/transactions/hash", tag = "transactions",
    request_body(content = SubmissionBody, example = json!({
        "type": "transfer", "from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "to": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "value": "1000", "nonce": 0
    })),
    responses((status = 200, description = "The hash", body = HashView)))]
pub(super) async fn hash(api: Data<Api>, request: HttpRequest, body: Body) -> Answer {
    no_query(&request)?;
    let (new, signature) = SubmissionBody::read(body.0)?.into_transaction()?;
    if signature.is_some() {
        return Err(ApiError::unexpected("signature", "this route tells what to sign"));
    }
    let named = named(&api, &new)?;
    let is_deploy = named.payload.kind() == PayloadKind::Deploy;
    Ok(HttpResponse::Ok().json(HashView {
        hash: named.hash,
        contract: is_deploy.then(|| named.queue_address()),
        nonce: named.nonce,
    }))
}

/// Hands a transaction to the network and answers with its name.
pub(super) async fn store(api: &Api, transaction: NewTransaction) -> Answer {
    let _permit = api.limits.submission()?;
    let Submitted { hash, contract, nonce, duplicate } = api.handles.submit(transaction).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, format!("/v1/transactions/{hash}")))
        .json(SubmittedView { hash, contract, nonce, duplicate }))
}

/// The transaction as it will be named: only possible with a sender and a nonce.
fn named(api: &Api, new: &NewTransaction) -> Result<Transaction, ApiError> {
    let Some(from) = new.from else { return Err(ApiError::missing("from", ADDRESS)) };
    let nonce = new.nonce.ok_or_else(|| {
        ApiError::missing("nonce", "the `nonce` of GET /v1/accounts/{from}: a signature covers it")
    })?;
    let mut transaction = Transaction {
        hash: TxHash::new([0; 32]),
        from: Some(from),
        to: new.to,
        value: new.value,
        payload: new.payload.clone(),
        nonce,
        rules: new.rules,
    };
    transaction.hash = Transaction::hash_of(api.handles.settings().chain_id, &transaction);
    Ok(transaction)
}

fn check_signed(
    api: &Api,
    new: &NewTransaction,
    signature: Option<&Signature>,
) -> Result<(), ApiError> {
    let Some(signature) = signature else {
        let is_required = api.settings.access.requires_signatures();
        return if is_required { Err(signature_required()) } else { Ok(()) };
    };
    let Some(from) = new.from else { return Err(ApiError::missing("from", ADDRESS)) };
    check_signature(from, &named(api, new)?.hash, signature)
}

/// A contract's source.
fn source(code: Option<String>) -> Result<Bytes, ApiError> {
    let code = code.ok_or_else(|| ApiError::missing("code", "Python source"))?;
    if code.trim().is_empty() {
        return Err(ApiError::invalid("code", "the code is empty", "Python source"));
    }
    Ok(Bytes::from(code.into_bytes()))
}

/// Reads the header that makes repetitions harmless.
pub(super) fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    const NAME: &str = "Idempotency-Key";
    let mut given = request.headers().get_all(NAME);
    let Some(value) = given.next() else { return Ok(None) };
    let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
    let key = value.to_str().unwrap_or_default();
    let is_valid = (1..=200).contains(&key.len()) && value.as_bytes().iter().all(is_printable);
    if !is_valid || given.next().is_some() {
        let message = format!("the header `{NAME}` is not valid");
        return Err(ApiError::invalid(NAME, message, "once, 1 to 200 printable ASCII characters"));
    }
    Ok(Some(key.to_owned()))
}

impl SubmissionBody {
    /// Reads every field and refuses those that do not belong to the type.
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let valid = "transfer, deploy, call or upgrade";
        let kind = fields.parsed("type", valid)?.ok_or_else(|| ApiError::missing("type", valid))?;
        match kind {
            PayloadKind::Transfer => {
                let foreign = [
                    "code",
                    "method",
                    "args",
                    "kwargs",
                    "calldata",
                    "validators",
                    "rotations_max",
                    "mode",
                    "context",
                ];
                fields.refuse(&foreign, "a transfer runs no contract")?;
                for name in ["from", "to"] {
                    if !fields.has(name) {
                        let valid = format!("{ADDRESS}, or null for nobody");
                        return Err(ApiError::missing(name, &valid));
                    }
                }
            }
            PayloadKind::Deploy => {
                fields.refuse(&["to"], "the network chooses where a deploy goes")?;
                fields.refuse(&["method"], "a deploy runs the constructor")?;
            }
            PayloadKind::Call => fields.refuse(&["code"], "a call has no code")?,
            PayloadKind::Upgrade => {
                let foreign = [
                    "method",
                    "args",
                    "kwargs",
                    "calldata",
                    "value",
                    "validators",
                    "rotations_max",
                    "mode",
                    "context",
                ];
                fields.refuse(&foreign, "an upgrade only replaces the code")?;
            }
        }
        let body = Self {
            kind,
            from: fields.address("from")?,
            to: fields.address("to")?,
            value: fields.amount("value")?,
            code: fields.text("code", 1..=usize::MAX)?,
            method: fields.text("method", 1..=METHOD_BYTES_MAX)?,
            args: fields.array("args")?,
            kwargs: fields.object("kwargs")?,
            calldata: encoded(&mut fields)?,
            nonce: fields.integer("nonce", 0..=INTEGER_MAX)?,
            validators: narrow(fields.integer("validators", 1..=1_000)?),
            rotations_max: narrow(fields.integer("rotations_max", 0..=100)?),
            mode: mode(&mut fields)?,
            context: fields.take("context"),
            signature: fields.parsed("signature", "`0x` and 130 hexadecimal digits (r, s, v)")?,
        };
        fields.finish()?;
        Ok(body)
    }

    /// What the network understands, and the signature.
    fn into_transaction(self) -> Result<(NewTransaction, Option<Signature>), ApiError> {
        self.check_parties()?;
        let rules = TransactionRules::default();
        let rules = TransactionRules {
            validators: self.validators.unwrap_or(rules.validators),
            rotations_max: self.rotations_max.unwrap_or(rules.rotations_max),
            mode: self.mode.unwrap_or(rules.mode),
        };
        let payload = match self.kind {
            PayloadKind::Transfer => Payload::Transfer,
            PayloadKind::Upgrade => Payload::Upgrade { code: source(self.code)? },
            PayloadKind::Deploy => {
                let code = source(self.code)?;
                let calldata = call_data(None, self.args, self.kwargs, self.calldata)?;
                Payload::Deploy { code, calldata }
            }
            PayloadKind::Call => {
                if self.method.is_none() && self.calldata.is_none() {
                    return Err(ApiError::missing("method", "a method's name, or `calldata`"));
                }
                let calldata =
                    call_data(self.method.as_deref(), self.args, self.kwargs, self.calldata)?;
                Payload::Call { calldata }
            }
        };
        let value = self.value.unwrap_or_default();
        let transaction = NewTransaction {
            nonce: self.nonce,
            rules,
            ..NewTransaction::new(self.from, self.to, value, payload)
        };
        Ok((transaction, self.signature))
    }

    /// Who and how much must fit the type.
    fn check_parties(&self) -> Result<(), ApiError> {
        let is_transfer = self.kind == PayloadKind::Transfer;
        if is_transfer && self.value.is_none() {
            return Err(ApiError::missing("value", AMOUNT));
        }
        let has_contract = matches!(self.kind, PayloadKind::Call | PayloadKind::Upgrade);
        if has_contract && self.to.is_none() {
            return Err(ApiError::missing("to", ADDRESS));
        }
        if self.from.is_some() {
            return Ok(());
        }
        if is_transfer && self.to.is_none() {
            let message = "a transfer from nobody to nobody moves nothing";
            return Err(ApiError::invalid("to", message, ADDRESS));
        }
        if !is_transfer && self.value.is_some_and(|value| !value.is_zero()) {
            let message = "nobody has no value to send";
            return Err(ApiError::invalid("value", message, "0, or name a sender in `from`"));
        }
        if self.nonce.is_some() {
            return Err(ApiError::unexpected("nonce", "nobody's transactions are not numbered"));
        }
        Ok(())
    }
}

fn narrow<T: TryFrom<u64>>(number: Option<u64>) -> Option<T> {
    number.and_then(|number| number.try_into().ok())
}

fn encoded(fields: &mut Fields) -> Result<Option<Bytes>, ApiError> {
    let Some(value) = fields.take("calldata") else { return Ok(None) };
    let text = value.as_str().filter(|text| text.starts_with("0x"));
    let bytes = text.and_then(|text| text.parse().ok());
    bytes.map(Some).ok_or_else(|| invalid("calldata", &value, CALLDATA))
}

fn mode(fields: &mut Fields) -> Result<Option<ExecutionMode>, ApiError> {
    let Some(value) = fields.take("mode") else { return Ok(None) };
    let valid = "NORMAL, LEADER_ONLY or LEADER_SELF_VALIDATOR";
    let mode = serde_json::from_value(value.clone()).ok();
    mode.map(Some).ok_or_else(|| invalid("mode", &value, valid))
}

/// Encodes a method with its arguments, or checks calldata that is encoded already.
pub(super) fn call_data(
    method: Option<&str>,
    args: Option<Vec<Json>>,
    kwargs: Option<Map<String, Json>>,
    calldata: Option<Bytes>,
) -> Result<Bytes, ApiError> {
    let Some(calldata) = calldata else {
        let args = args.unwrap_or_default();
        let mut budget = NOTATION_COST_MAX;
        let args = args.iter().enumerate();
        let args = args.map(|(index, json)| argument(&format!("args[{index}]"), json, &mut budget));
        let args = args.collect::<Result<Vec<_>, _>>()?;
        let kwargs = kwargs.unwrap_or_default();
        let kwargs = kwargs.iter().map(|(name, json)| {
            Ok((name.clone(), argument(&format!("kwargs.{name}"), json, &mut budget)?))
        });
        let kwargs = kwargs.collect::<Result<BTreeMap<_, _>, ApiError>>()?;
        return Ok(Value::call(method, args, kwargs).encode().into());
    };
    let others =
        [("method", method.is_some()), ("args", args.is_some()), ("kwargs", kwargs.is_some())];
    if let Some((name, _)) = others.iter().find(|(_, is_given)| *is_given) {
        return Err(ApiError::unexpected(name, "`calldata` stands in its place"));
    }
    let value = Value::decode(&calldata)
        .map_err(|error| ApiError::invalid("calldata", error.to_string(), CALLDATA))?;
    if !is_quickly_written(&value) {
        let message = "the integers in it are too large";
        return Err(ApiError::invalid("calldata", message, "integers of 8000 digits in all"));
    }
    Ok(calldata)
}

fn argument(field: &str, json: &Json, budget: &mut u64) -> Result<Value, ApiError> {
    let left = budget.checked_sub(reading_cost(json));
    let Some(left) = left else {
        let message = format!("the integers up to `{field}` are too large");
        return Err(ApiError::invalid(field, message, "integers of 8000 digits in all"));
    };
    *budget = left;
    from_json(json).map_err(|error| ApiError::invalid(field, error.to_string(), NOTATION))
}

fn squared(digits: usize) -> u64 {
    let digits = u64::try_from(digits).unwrap_or(u64::MAX);
    digits.saturating_mul(digits)
}

/// What it costs to read the integers of some arguments.
fn reading_cost(json: &Json) -> u64 {
    match json {
        Json::Array(items) => items.iter().map(reading_cost).fold(0, u64::saturating_add),
        Json::Object(entries) => {
            let costs = entries.iter().map(|(key, value)| match value {
                Json::String(digits) if key == "$int" => squared(digits.len()),
                other => reading_cost(other),
            });
            costs.fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

/// What it costs to write the integers of a value in decimal.
fn writing_cost(value: &Value) -> u64 {
    match value {
        // Seven bits a byte are two digits and a bit.
        Value::Integer(_) => squared(value.encode().len().saturating_mul(2)),
        Value::Array(items) => items.iter().map(writing_cost).fold(0, u64::saturating_add),
        Value::Map(entries) => entries.values().map(writing_cost).fold(0, u64::saturating_add),
        _ => 0,
    }
}

/// Can the JSON notation of `value` be written without keeping everybody waiting?
pub(super) fn is_quickly_written(value: &Value) -> bool {
    writing_cost(value) <= NOTATION_COST_MAX
}
