//! Refusals as JSON-RPC has them.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::actors::messages::{ModelsError, ReadError};
use crate::api::error::ApiError;
use crate::domain::ledger::StoreError;

/// The answer of a method.
pub(super) type Answer = Result<Json, RpcError>;

/// Why a call has no result (`reference/studio.md` section 4.9).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RpcError {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
}

impl RpcError {
    pub(super) const PARSE: i64 = -32_700;
    pub(super) const INVALID_REQUEST: i64 = -32_600;
    pub(super) const METHOD_NOT_FOUND: i64 = -32_601;
    pub(super) const INVALID_PARAMS: i64 = -32_602;
    pub(super) const INTERNAL: i64 = -32_603;
    /// The application refused, or the contract failed.
    pub(super) const REFUSED: i64 = -32_000;
    pub(super) const NOT_FOUND: i64 = -32_001;
    pub(super) const NO_VALIDATORS: i64 = -32_002;
    /// EIP-1474: more was asked for than one may have.
    pub(super) const LIMIT_EXCEEDED: i64 = -32_005;
    pub(super) const BUSY: i64 = -32_006;
    /// The client made more requests than it may.
    pub(super) const RATE_LIMITED: i64 = -32_029;

    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// A parameter with a value that cannot be.
    pub(super) fn invalid(name: &str, given: &str, valid: &str) -> Self {
        let given: String = given.chars().take(120).collect();
        let message = format!("Invalid parameter `{name}`: `{given}` is not {valid}");
        Self::new(Self::INVALID_PARAMS, message).with(json!({ "parameter": name, "valid": valid }))
    }

    /// There is no such thing.
    pub(super) fn not_found(what: &str, name: &impl std::fmt::Display) -> Self {
        let mut title = what.to_owned();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let message = format!("{title} {name} not found");
        Self::new(Self::NOT_FOUND, message).with(json!({ what: name.to_string() }))
    }

    #[must_use]
    pub(super) fn with(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }
}

impl From<ApiError> for RpcError {
    fn from(error: ApiError) -> Self {
        let detail = error.detail();
        let code = match detail.code {
            "contract_not_found"
            | "transaction_not_found"
            | "validator_not_found"
            | "not_found" => Self::NOT_FOUND,
            "invalid_field" | "missing_field" | "unexpected_field" | "nonce_conflict" => {
                Self::INVALID_PARAMS
            }
            "store_busy" | "too_many_submissions" | "too_many_calls" | "too_many_streams" => {
                Self::BUSY
            }
            "rate_limited" | "api_key_unknown" => Self::RATE_LIMITED,
            "internal_error" => Self::INTERNAL,
            _ => Self::REFUSED,
        };
        let mut data = json!({ "code": detail.code });
        if let (Some(object), Some(valid)) = (data.as_object_mut(), &detail.valid) {
            object.insert("valid".to_owned(), valid.clone().into());
        }
        Self::new(code, detail.message.clone()).with(data)
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, name } => Self::not_found(what, &name),
            other => ApiError::from(other).into(),
        }
    }
}

impl From<ModelsError> for RpcError {
    fn from(error: ModelsError) -> Self {
        match error {
            ModelsError::Store(error) => error.into(),
            ModelsError::Invalid(error) => {
                let message = format!("Invalid parameter `{}`: {}", error.field, error.reason);
                let data = json!({ "parameter": error.field, "valid": error.valid });
                Self::new(Self::INVALID_PARAMS, message).with(data)
            }
        }
    }
}

impl From<ReadError> for RpcError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            other => ApiError::from(other).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TxHash;

    #[test]
    fn what_is_not_found_is_named() {
        let error = RpcError::not_found("transaction", &TxHash::new([1; 32]));
        assert_eq!(error.code, RpcError::NOT_FOUND);
        assert!(error.message.starts_with("Transaction 0x01"), "{}", error.message);
    }

    #[test]
    fn long_values_are_cut() {
        let error = RpcError::invalid("address", &"x".repeat(10_000), "an address");
        assert!(error.message.len() < 300);
    }
}
