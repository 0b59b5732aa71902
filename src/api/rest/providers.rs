//! Providers: the models that are known by name.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::models::{ModelView, refusal};
use super::{Answer, no_query};
use crate::api::error::ApiError;
use crate::api::input::{Body, plain_integer};
use crate::api::server::Api;
use crate::domain::ModelChoice;
use crate::domain::ledger::{ProviderChange, ProviderRecord};

/// A model that is known by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderView {
    /// Its number.
    pub id: i64,
    /// The model.
    #[serde(flatten)]
    #[schema(inline)]
    pub model: ModelView,
    /// Agora brought it along, and nobody changed it.
    pub is_default: bool,
    /// Its provider can be asked: its key is there, or it needs none and answers.
    pub is_available: bool,
    /// It answered when it was last asked, an hour ago at most.
    pub is_model_available: bool,
}

impl From<ProviderRecord> for ProviderView {
    fn from(record: ProviderRecord) -> Self {
        let ProviderRecord { id, choice, is_default, is_available, is_model_available } = record;
        Self { id, model: choice.into(), is_default, is_available, is_model_available }
    }
}

/// Every model that is known by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvidersView {
    /// By number.
    pub providers: Vec<ProviderView>,
}

/// The number of a model that is known by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderIdView {
    /// The number; null after a reset.
    pub id: Option<i64>,
}

/// List the models that are known by name.
///
/// Those whose key is there are asked for a word, unless they were in the last hour; this takes
/// three seconds at most, and who answers later is shown next time.
#[utoipa::path(get, path = "/v1/providers", tag = "providers",
    responses((status = 200, description = "All of them", body = ProvidersView)))]
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let providers = api.handles.providers().await?;
    let providers = providers.into_iter().map(ProviderView::from).collect();
    Ok(HttpResponse::Ok().json(ProvidersView { providers }))
}

fn path_id(text: &str) -> Result<i64, ApiError> {
    let id = plain_integer(text).and_then(|id| i64::try_from(id).ok());
    id.ok_or_else(|| {
        let message = format!("`{text}` is no number of a provider");
        ApiError::invalid("id", message, "the `id` of one of GET /v1/providers")
    })
}

async fn choice(api: &Api, body: Result<Body, ApiError>) -> Result<ModelChoice, ApiError> {
    let choice = api.handles.read_choice(&Json::Object(body?.0.into_values())).await;
    choice.map_err(|error| refusal(error, ""))
}

async fn changed(api: &Api, change: ProviderChange) -> Result<ProviderIdView, ApiError> {
    let id = api.handles.change_providers(change).await.map_err(|error| refusal(error, ""))?;
    Ok(ProviderIdView { id })
}

/// Add a model that is known by name. Administrative.
#[utoipa::path(post, path = "/v1/providers", tag = "providers", security(("admin_key" = [])),
    request_body(content = ModelView, example = json!({
        "provider": "openai", "model": "gpt-new"
    })),
    responses((status = 201, description = "Added", body = ProviderIdView)))]
pub(super) async fn add(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let choice = choice(&api, body).await?;
    Ok(HttpResponse::Created().json(changed(&api, ProviderChange::Add(choice)).await?))
}

/// Change a model that is known by name. Administrative.
#[utoipa::path(put, path = "/v1/providers/{id}", tag = "providers",
    security(("admin_key" = [])),
    request_body(content = ModelView, example = json!({
        "provider": "openai", "model": "gpt-newer"
    })),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, description = "Changed", body = ProviderIdView)))]
pub(super) async fn update(
    api: Data<Api>,
    request: HttpRequest,
    id: Path<String>,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let id = path_id(&id)?;
    let choice = choice(&api, body).await?;
    Ok(HttpResponse::Ok().json(changed(&api, ProviderChange::Update { id, choice }).await?))
}

/// Forget a model that is known by name. Administrative.
#[utoipa::path(delete, path = "/v1/providers/{id}", tag = "providers",
    security(("admin_key" = [])),
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, description = "Forgotten", body = ProviderIdView)))]
pub(super) async fn delete(api: Data<Api>, request: HttpRequest, id: Path<String>) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let id = path_id(&id)?;
    Ok(HttpResponse::Ok().json(changed(&api, ProviderChange::Delete { id }).await?))
}

/// Go back to the models that Agora brings along. Administrative.
#[utoipa::path(post, path = "/v1/providers/reset", tag = "providers",
    security(("admin_key" = [])),
    responses((status = 200, description = "Done", body = ProviderIdView)))]
pub(super) async fn reset(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    Ok(HttpResponse::Ok().json(changed(&api, ProviderChange::Reset).await?))
}
