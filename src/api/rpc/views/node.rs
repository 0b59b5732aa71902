//! Validators, providers and how nodes reach models, as Studio writes them.

use serde_json::{Map, Value as Json, json};

use super::iso8601;
use crate::domain::ledger::{ProviderRecord, ValidatorRecord};
use crate::domain::{Address, ModelChoice, NodeModels, Stake};

/// The fields of a choice.
fn choice(choice: &ModelChoice) -> Map<String, Json> {
    let mut fields = Map::new();
    fields.insert("provider".into(), json!(choice.provider));
    fields.insert("model".into(), json!(choice.model));
    fields.insert("config".into(), json!(choice.config));
    fields.insert("plugin".into(), json!(choice.plugin));
    fields.insert("plugin_config".into(), json!(choice.plugin_config));
    fields
}

/// The configuration of a node, as receipts have it.
pub(in crate::api::rpc) fn node(
    address: Address,
    stake: Stake,
    models: Option<&NodeModels>,
) -> Json {
    let simulated = NodeModels::only(ModelChoice::simulated());
    let models = models.unwrap_or(&simulated);
    let mut fields = choice(&models.primary);
    fields.insert("address".into(), json!(address));
    fields.insert("stake".into(), json!(stake));
    fields.insert("primary_model".into(), Json::Object(choice(&models.primary)));
    let secondary = models.fallback.as_ref().map(|fallback| Json::Object(choice(fallback)));
    fields.insert("secondary_model".into(), secondary.unwrap_or(Json::Null));
    Json::Object(fields)
}

/// A validator as `sim_getValidator` has it; `otherwise` is whom it asks by the settings.
pub(in crate::api) fn validator(record: &ValidatorRecord, otherwise: &NodeModels) -> Json {
    let models = record.models.as_deref().unwrap_or(otherwise);
    let mut fields = choice(&models.primary);
    fields.insert("id".into(), json!(record.number));
    fields.insert("address".into(), json!(record.validator.address));
    fields.insert("stake".into(), json!(record.validator.stake));
    fields.insert("created_at".into(), json!(iso8601(record.created_at)));
    fields.insert("fallback_validator".into(), Json::Null);
    Json::Object(fields)
}

/// A provider's model as `sim_getProvidersAndModels` has it.
pub(in crate::api) fn provider(record: &ProviderRecord) -> Json {
    let mut fields = choice(&record.choice);
    fields.insert("id".into(), json!(record.id));
    fields.insert("is_available".into(), json!(record.is_available));
    fields.insert("is_model_available".into(), json!(record.is_model_available));
    fields.insert("is_default".into(), json!(record.is_default));
    Json::Object(fields)
}
