//! Models and run contexts, as bodies and answers have them.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::actors::messages::{ModelsError, Trust};
use crate::api::error::ApiError;
use crate::api::input::Fields;
use crate::api::server::Api;
use crate::domain::{FieldFault, InvalidField, ModelChoice, NodeModels, RunContext};

/// A model and how it is reached. In a body, only `provider` and `model` are needed where the
/// provider is known (`GET /v1/providers`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "provider": "openai", "model": "gpt-4o" }))]
pub struct ModelView {
    /// Who runs it.
    pub provider: String,
    /// Its name.
    pub model: String,
    /// Sampling: `temperature`, `max_tokens`, `use_max_completion_tokens`.
    #[schema(value_type = Option<Object>)]
    pub config: Map<String, Json>,
    /// How it is spoken to: `openai-compatible`, `anthropic`, `google`, `ollama`, `custom`,
    /// `scripted` or `simulated`.
    #[schema(value_type = Option<String>)]
    pub plugin: Json,
    /// `api_url`, `api_key_env_var`, and mocks: `mocks`, `mock_response`, `mock_web_response`.
    #[schema(value_type = Option<Object>)]
    pub plugin_config: Map<String, Json>,
}

impl From<ModelChoice> for ModelView {
    fn from(choice: ModelChoice) -> Self {
        let ModelChoice { provider, model, config, plugin, plugin_config } = choice;
        Self { provider, model, config, plugin: serde_json::json!(plugin), plugin_config }
    }
}

/// Whom a node asks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "provider": "openai", "model": "gpt-4o", "fallback": { "provider": "simulated", "model": "simulated" }
}))]
pub struct ModelsView {
    /// Who is asked first.
    #[serde(flatten)]
    #[schema(inline)]
    pub primary: ModelView,
    /// Who is asked when that one gives no answer.
    pub fallback: Option<ModelView>,
}

impl From<&NodeModels> for ModelsView {
    fn from(models: &NodeModels) -> Self {
        let NodeModels { primary, fallback } = models.clone();
        Self { primary: primary.into(), fallback: fallback.map(ModelView::from) }
    }
}

/// How a transaction or call is to be run, when not as the network would.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "genvm_datetime": "2024-01-01T00:00:00Z" }))]
pub struct ContextBody {
    /// Who judges, in place of the network's validators: at most 100.
    pub validators: Option<Vec<ContextValidatorBody>>,
    /// What the contract's clock shows: an ISO 8601 instant.
    pub genvm_datetime: Option<String>,
}

/// A validator that exists for one transaction or call: its models, and its weight.
#[derive(Debug, ToSchema)]
pub struct ContextValidatorBody {
    /// Its weight in the draws, 1 by default.
    #[schema(minimum = 1)]
    pub stake: Option<u64>,
    /// Whom its node asks.
    #[serde(flatten)]
    #[schema(inline)]
    pub models: ModelsView,
}

/// The refusal of something below the field `place`.
pub(super) fn refusal(error: ModelsError, place: &str) -> ApiError {
    match error {
        ModelsError::Store(error) => error.into(),
        ModelsError::Invalid(error) => {
            let InvalidField { fault, field, reason, valid } =
                if place.is_empty() { error } else { error.within(place) };
            let code = match fault {
                FieldFault::Missing => "missing_field",
                FieldFault::Unknown => "unknown_field",
                FieldFault::Invalid => "invalid_field",
            };
            let message = format!("`{field}`: {reason}");
            ApiError::new(StatusCode::BAD_REQUEST, code, message).at(field).valid(valid)
        }
    }
}

/// Takes the field `models`.
pub(super) async fn take_models(
    fields: &mut Fields,
    api: &Api,
) -> Result<Option<NodeModels>, ApiError> {
    let Some(json) = fields.take("models") else { return Ok(None) };
    let models = api.handles.read_models(&json).await;
    models.map(Some).map_err(|error| refusal(error, "models"))
}

/// Reads the field `context`: where access is guarded, who has not the admin key cannot lead the
/// network's keys to other addresses than those of its providers.
pub(super) async fn read_context(
    json: Option<Json>,
    api: &Api,
    request: &HttpRequest,
) -> Result<Option<Arc<RunContext>>, ApiError> {
    let Some(json) = json else { return Ok(None) };
    let is_operator = api.settings.access.admit_admin(request).is_ok();
    let trust = if is_operator { Trust::Operator } else { Trust::Anybody };
    let context = api.handles.read_context(&json, trust).await;
    context.map_err(|error| refusal(error, "context"))
}
