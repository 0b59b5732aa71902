//! JSON-RPC 2.0 itself: bodies, batches, notifications and ids.

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::answer::{Answer, RpcError};
use super::definition::{Args, Caller, Gate};
use super::{document, methods};
use crate::api::error::ApiError;
use crate::api::input::{body_within_limits, read_json};
use crate::api::server::Api;

/// Where calls are posted to.
pub(in crate::api) const PATH: &str = "/api";

/// Calls of one batch, at most.
const BATCH_MAX: usize = 100;

/// One call, as it was written.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    id: Option<&'a RawValue>,
}

/// A field that is there, be it null: a call without an id is a notification, one with the id null
/// is not.
fn given<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// One answer; a result of nothing is an explicit null.
#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RpcError>,
    id: Option<&'a RawValue>,
}

impl<'a> Response<'a> {
    fn to(id: Option<&'a RawValue>, answer: Answer) -> Self {
        let (result, error) = match answer {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: "2.0", result, error, id }
    }
}

/// `POST /api`.
pub(in crate::api) async fn serve(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let caller = Caller { is_admin: has_admin_key(&api, &request), api };
    let body = match body_within_limits(&caller.api, &request, payload.into_inner()).await {
        Ok(body) => body,
        Err(error) => return refused_body(&error),
    };
    match answer_body(&caller, &body).await {
        Some(text) => HttpResponse::Ok().content_type("application/json").body(text),
        None => HttpResponse::NoContent().finish(),
    }
}

/// `GET /openrpc.json`.
pub(in crate::api) async fn discover() -> HttpResponse {
    HttpResponse::Ok().json(document::openrpc())
}

/// The admin key may come as a bearer token or as the header Studio's clients send.
pub(super) fn has_admin_key(api: &Api, request: &HttpRequest) -> bool {
    let access = &api.settings.access;
    let key = request.headers().get("x-api-key").and_then(|value| value.to_str().ok());
    access.admit_admin(request).is_ok() || key.is_some_and(|key| access.admits_key(key))
}

/// What is answered to whoever may not call now: the refusal, framed as an answer.
pub(in crate::api) fn refusal(error: ApiError) -> HttpResponse {
    let plain = error.error_response();
    let mut answer = HttpResponse::build(plain.status());
    if let Some(wait) = plain.headers().get(header::RETRY_AFTER) {
        answer.insert_header((header::RETRY_AFTER, wait));
    }
    answer.json(Response::to(None, Err(error.into())))
}

/// A body that is no JSON-RPC matter: too large, too slow.
fn refused_body(error: &ApiError) -> HttpResponse {
    let refused = RpcError::new(RpcError::INVALID_REQUEST, error.to_string());
    HttpResponse::build(error.status_code())
        .insert_header((header::CONNECTION, "close"))
        .json(Response::to(None, Err(refused)))
}

/// The answer to a body; none when it holds notifications only.
pub(super) async fn answer_body(caller: &Caller, body: &[u8]) -> Option<String> {
    let invalid =
        |code, message: &str| text_of(&Response::to(None, Err(RpcError::new(code, message))));
    let depth_max = caller.api.settings.json_depth_max;
    let outer = match read_json(body, depth_max) {
        Ok(outer) => outer,
        Err(error) => return Some(invalid(RpcError::PARSE, &format!("Parse error: {error}"))),
    };
    let Ok(text) = std::str::from_utf8(body) else {
        return Some(invalid(RpcError::PARSE, "Parse error: the body is not UTF-8"));
    };
    match outer {
        Json::Object(_) => answer_one(caller, text).await,
        Json::Array(calls) if calls.is_empty() => {
            Some(invalid(RpcError::INVALID_REQUEST, "Invalid request: the batch is empty"))
        }
        Json::Array(calls) if calls.len() > BATCH_MAX => {
            let message = format!(
                "Invalid request: the batch has {} calls, and at most {BATCH_MAX} may come at once",
                calls.len()
            );
            Some(invalid(RpcError::INVALID_REQUEST, &message))
        }
        Json::Array(_) => answer_batch(caller, text).await,
        _ => {
            let message = "Invalid request: expected an object, or an array of objects";
            Some(invalid(RpcError::INVALID_REQUEST, message))
        }
    }
}

/// Calls of a batch run one after the other, so that a client may rely on their order.
async fn answer_batch(caller: &Caller, text: &str) -> Option<String> {
    let calls: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.extend(answer_one(caller, call.get()).await);
    }
    if answers.is_empty() { None } else { Some(format!("[{}]", answers.join(","))) }
}

async fn answer_one(caller: &Caller, text: &str) -> Option<String> {
    let Ok(request) = serde_json::from_str::<Request<'_>>(text) else {
        let message = "Invalid request: expected an object with `jsonrpc`, `method` and `id`";
        let error = RpcError::new(RpcError::INVALID_REQUEST, message);
        return Some(text_of(&Response::to(None, Err(error))));
    };
    let id = request.id.filter(|id| is_id(id));
    let answer = match request.check() {
        Ok(method) => run(caller, &method, request.params).await,
        Err(error) => return Some(text_of(&Response::to(id, Err(error)))),
    };
    request.id.map(|_| text_of(&Response::to(id, answer)))
}

impl Request<'_> {
    /// The method's name, if the call is one.
    fn check(&self) -> Result<String, RpcError> {
        let refuse = |message: &str| RpcError::new(RpcError::INVALID_REQUEST, message);
        let version = self.jsonrpc.and_then(|it| serde_json::from_str::<String>(it.get()).ok());
        if version.as_deref() != Some("2.0") {
            return Err(refuse("Invalid request: `jsonrpc` must be \"2.0\""));
        }
        if self.id.is_some_and(|id| !is_id(id)) {
            return Err(refuse("Invalid request: `id` must be a string, a number or null"));
        }
        let method = self.method.and_then(|method| serde_json::from_str(method.get()).ok());
        method.ok_or_else(|| refuse("Invalid request: `method` must be a string"))
    }
}

fn is_id(id: &RawValue) -> bool {
    let text = id.get();
    text == "null"
        || text.starts_with(['"', '-'])
        || text.starts_with(|it: char| it.is_ascii_digit())
}

async fn run(caller: &Caller, method: &str, params: Option<&RawValue>) -> Answer {
    let Some(definition) = methods::find(method) else {
        let name: String = method.chars().take(120).collect();
        let message = format!("Method not found: {name}");
        return Err(RpcError::new(RpcError::METHOD_NOT_FOUND, message));
    };
    let args = Args::bind(definition, params)?;
    let mut caller = caller.clone();
    if let Some(key) = args.text("admin_key").ok().flatten() {
        caller.is_admin |= caller.api.settings.access.admits_key(&key);
    }
    if definition.gate == Gate::Admin && !caller.is_admin {
        let message = "Forbidden: this method needs the admin key";
        let valid = "the parameter `admin_key`, the header X-API-Key, or Authorization: Bearer";
        return Err(
            RpcError::new(RpcError::REFUSED, message).with(serde_json::json!({ "valid": valid }))
        );
    }
    (definition.run)(caller, args).await
}

fn text_of(response: &Response<'_>) -> String {
    serde_json::to_string(response).unwrap_or_else(|error| {
        log::error!(target: "api", "an answer could not be written: {error}");
        format!(
            r#"{{"jsonrpc":"2.0","error":{{"code":{},"message":"Internal error"}},"id":null}}"#,
            RpcError::INTERNAL
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strings_numbers_and_null() {
        for (text, is_valid) in [
            ("1", true),
            ("-1", true),
            ("\"a\"", true),
            ("null", true),
            ("[]", false),
            ("true", false),
        ] {
            let id: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(is_id(id), is_valid, "{text}");
        }
    }

    #[test]
    fn a_result_of_nothing_is_an_explicit_null() {
        let id: &RawValue = serde_json::from_str("7").unwrap();
        let text = text_of(&Response::to(Some(id), Ok(Json::Null)));
        assert_eq!(text, r#"{"jsonrpc":"2.0","result":null,"id":7}"#);
    }
}
