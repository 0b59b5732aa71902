//! The views of JSON-RPC as the explorer's REST shows them.

use serde_json::Value as Json;

use super::views::{self, TransactionContext};
use crate::api::error::ApiError;
use crate::api::server::Api;
use crate::domain::BlockId;
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

/// Providers as `sim_getProvidersAndModels` has them, and since when: nobody notes when one was added,
/// so all are as old as the network.
pub(in crate::api) async fn provider_views(api: &Api) -> Result<Vec<Json>, ApiError> {
    let providers = api.handles.providers().await?;
    let first = api.handles.block(BlockId::Number(0)).await?;
    let since = views::iso8601(first.map_or_else(|| api.handles.now(), |first| first.block.at));
    let dated = providers.iter().map(|provider| {
        let mut view = views::provider(provider);
        for field in ["created_at", "updated_at"] {
            views::put(&mut view, field, Json::from(since.as_str()));
        }
        view
    });
    Ok(dated.collect())
}
