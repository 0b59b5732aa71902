//! The one shape of every refusal.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::actors::messages::ReadError;
use crate::domain::Timestamp;
use crate::domain::ledger::StoreError;

/// Bytes of a message, at most: it may quote what was sent, or what a contract raised.
const MESSAGE_BYTES_MAX: usize = 4_096;
/// Bytes of a field's name, at most.
const FIELD_BYTES_MAX: usize = 200;

/// What every refused request is answered with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable name of the kind of error; never changes its meaning.
    #[schema(example = "invalid_field")]
    pub code: &'static str,
    /// One sentence for people, naming the bad value.
    pub message: String,
    /// The field, parameter or header that is to blame.
    #[schema(example = "value")]
    pub field: Option<String>,
    /// What would be valid there.
    pub valid: Option<String>,
    /// More, by kind of error.
    #[schema(value_type = Option<Object>)]
    pub details: Option<Json>,
}

/// A refusal on its way to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError(Box<Refusal>);

#[derive(Debug, Clone, PartialEq)]
struct Refusal {
    status: StatusCode,
    detail: ErrorDetail,
    retry_after_secs: Option<u64>,
}

impl ApiError {
    /// A refusal with a stable code.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = clipped(message.into(), MESSAGE_BYTES_MAX);
        let detail = ErrorDetail { code, message, field: None, valid: None, details: None };
        Self(Box::new(Refusal { status, detail, retry_after_secs: None }))
    }

    /// A field with a value that cannot be.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>, valid: &str) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, "invalid_field", message);
        error.at(field).valid(valid)
    }

    /// A field that must be there.
    pub fn missing(field: &str, valid: &str) -> Self {
        let message = format!("the field `{field}` is missing");
        Self::new(StatusCode::BAD_REQUEST, "missing_field", message).at(field).valid(valid)
    }

    /// A field that does not belong there.
    pub fn unexpected(field: &str, why: &str) -> Self {
        let message = format!("the field `{field}` does not belong here: {why}");
        Self::new(StatusCode::BAD_REQUEST, "unexpected_field", message).at(field)
    }

    /// There is no such thing.
    pub fn not_found(what: &str, name: &impl fmt::Display) -> Self {
        let code = match what {
            "contract" => "contract_not_found",
            "transaction" => "transaction_not_found",
            "validator" => "validator_not_found",
            "provider" => "provider_not_found",
            "snapshot" => "snapshot_not_found",
            _ => "not_found",
        };
        Self::new(StatusCode::NOT_FOUND, code, format!("there is no {what} `{name}`"))
    }

    /// Too much of something runs already.
    pub fn busy(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(1)
    }

    /// What went wrong, in its parts.
    pub(super) fn detail(&self) -> &ErrorDetail {
        &self.0.detail
    }

    /// Names the field to blame.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.detail.field = Some(clipped(field.into(), FIELD_BYTES_MAX));
        self
    }

    /// Says what would be valid.
    #[must_use]
    pub fn valid(mut self, valid: impl Into<String>) -> Self {
        self.0.detail.valid = Some(valid.into());
        self
    }

    /// Adds more.
    #[must_use]
    pub fn details(mut self, details: Json) -> Self {
        self.0.detail.details = Some(details);
        self
    }

    /// Says when to come back, in seconds.
    #[must_use]
    pub fn retry_after(mut self, secs: u64) -> Self {
        self.0.retry_after_secs = Some(secs);
        self
    }

    /// The refusal that stands for a bare status of the framework.
    pub fn of_status(status: StatusCode, what: &str) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => {
                ("route_not_found", format!("there is no route `{what}`; see /docs"))
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", format!("`{what}` does not know this method"))
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large".into()),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "the body must be application/json".into())
            }
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request took too long".into()),
            status if status.is_client_error() => {
                ("bad_request", "the request is malformed".into())
            }
            _ => ("internal_error", "the server failed; its log says why".into()),
        };
        Self::new(status, code, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        if let Some(secs) = self.0.retry_after_secs {
            response.insert_header((header::RETRY_AFTER, secs.to_string()));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(ErrorBody { error: self.0.detail.clone() })
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        let conflict = |code, message: String| Self::new(StatusCode::CONFLICT, code, message);
        match error {
            StoreError::NotFound { what, name } => Self::not_found(what, &name),
            StoreError::AlreadyExists { what: "provider", .. } => {
                Self::new(StatusCode::CONFLICT, "provider_exists", message)
                    .at("model")
                    .valid("a model that is not known, or PUT /v1/providers/{id}")
            }
            StoreError::AlreadyExists { what: "tier" | "key", .. } => {
                conflict("already_exists", message)
            }
            // Besides, only validators are made under a given name.
            StoreError::AlreadyExists { .. } => {
                Self::new(StatusCode::CONFLICT, "validator_exists", message)
                    .at("address")
                    .valid("an address that is no validator's")
            }
            StoreError::Nonce { next, .. } => {
                Self::new(StatusCode::CONFLICT, "nonce_conflict", message)
                    .at("nonce")
                    .valid(next.to_string())
            }
            StoreError::IdempotencyKeyReused(_) => {
                Self::new(StatusCode::CONFLICT, "idempotency_key_reused", message)
                    .at("Idempotency-Key")
                    .valid("a key that was not used before, or the body it was used with")
            }
            StoreError::InsufficientFunds { balance, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "insufficient_funds", message)
                    .at("value")
                    .valid(format!("0 to {balance}"))
            }
            StoreError::Overflow(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "amount_overflow", message).at("value")
            }
            StoreError::NotAnAccount(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_an_account", message)
                    .at("from")
                    .valid("an account, which can sign")
            }
            StoreError::NotDeployer { .. } => {
                Self::new(StatusCode::FORBIDDEN, "not_deployer", message).at("from")
            }
            StoreError::AppealRefused { .. } => conflict("appeal_refused", message),
            StoreError::NoFinalityWindow(_) => conflict("no_finality_window", message),
            StoreError::NotPending { .. } => conflict("not_pending", message),
            StoreError::Full { .. } => conflict("full", message),
            StoreError::Stale { .. } | StoreError::IllegalStatusChange(_) => {
                conflict("status_conflict", message)
            }
            StoreError::Clock(refused) => {
                Self::new(StatusCode::CONFLICT, "clock_conflict", message).at("now").valid(format!(
                    "an integer from {} to {}",
                    refused.shown.as_millis(),
                    Timestamp::LAST.as_millis()
                ))
            }
            StoreError::Busy { .. } => Self::busy("store_busy", message),
            StoreError::Snapshot(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "snapshot_refused", message)
            }
            StoreError::Restored => Self::busy("network_restored", message),
            StoreError::Closed => Self::busy("shutting_down", "the network is shutting down"),
            StoreError::Database { operation, .. } => {
                log::error!(target: "api", "{message}");
                let short = format!("the database failed while {operation}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", short)
            }
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let message = error.to_string();
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Busy { .. } => Self::busy("too_many_calls", message),
            ReadError::TimedOut { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "call_timed_out", message)
            }
            ReadError::Infrastructure(_) => {
                log::error!(target: "api", "{message}");
                let short = "the call could not be run; the server's log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", short)
            }
            ReadError::InvalidContract(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_contract", message)
            }
        }
    }
}

/// The beginning of a text that is too long.
fn clipped(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    let kept = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_said_stays_in_the_log() {
        let error = StoreError::Database { operation: "reading", reason: "secret path".into() };
        let error = ApiError::from(error);
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
