//! The views of JSON-RPC as the explorer's REST shows them.

use serde_json::Value as Json;

use super::views::{self, TransactionContext};
use crate::api::error::ApiError;
use crate::api::server::Api;
use crate::domain::ledger::{TransactionRecord, ValidatorRecord};

/// A transaction as `eth_getTransactionByHash` has it.
pub(in crate::api) fn transaction_view(api: &Api, record: &TransactionRecord) -> Json {
    let context = TransactionContext { now: api.handles.now(), ..TransactionContext::default() };
    views::transaction(record, &context)
}

/// A validator as `sim_getValidator` has it.
pub(in crate::api) fn validator_view(api: &Api, record: &ValidatorRecord) -> Json {
    let otherwise = api.handles.models_by_settings(&record.validator.address);
    views::validator(record, &otherwise)
}

/// Providers as `sim_getProvidersAndModels` has them.
pub(in crate::api) async fn provider_views(api: &Api) -> Result<Vec<Json>, ApiError> {
    let providers = api.handles.providers().await?;
    Ok(providers.iter().map(views::provider).collect())
}
