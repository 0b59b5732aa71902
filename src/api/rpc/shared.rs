//! Shapes that the explorer's REST shares with JSON-RPC.

use serde_json::{Value as Json, json};

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
pub(in crate::api) fn validator_view(record: &ValidatorRecord) -> Json {
    json!({
        "address": record.validator.address,
        "stake": record.validator.stake,
        "created_at": views::iso8601(record.created_at),
    })
}

/// Providers as `sim_getProvidersAndModels` has them.
pub(in crate::api) async fn provider_views(_api: &Api) -> Result<Vec<Json>, ApiError> {
    Ok(Vec::new())
}
