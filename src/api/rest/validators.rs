//! Validators: who may judge, with what weight, and whom their nodes ask.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use utoipa::ToSchema;

use super::models::{ModelsView, refusal, take_models};
use super::submission::INTEGER_MAX;
use super::{Answer, no_query, path_address, required};
use crate::api::error::ApiError;
use crate::api::input::{Body, Fields};
use crate::api::server::Api;
use crate::domain::ledger::{ValidatorChange, ValidatorRecord};
use crate::domain::{Address, NodeModels, Stake, keccak256};

/// Validators there may be, at most: more would make every draw slow, as it weighs them all.
const VALIDATORS_MAX: usize = 10_000;
const STAKE: &str = "an integer from 1 to 9223372036854775807";

/// A validator.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidatorView {
    /// Its name.
    #[schema(value_type = String)]
    pub address: Address,
    /// Its weight in every draw.
    #[schema(value_type = u64)]
    pub stake: Stake,
    /// Whom its node asks; null for whom the network's settings name.
    pub models: Option<ModelsView>,
    /// When it joined, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

impl From<ValidatorRecord> for ValidatorView {
    fn from(record: ValidatorRecord) -> Self {
        let validator = record.validator;
        Self {
            address: validator.address,
            stake: validator.stake,
            models: record.models.as_deref().map(ModelsView::from),
            created_at: record.created_at.as_millis(),
        }
    }
}

/// All validators.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidatorsView {
    /// In address order.
    pub validators: Vec<ValidatorView>,
}

/// A new validator.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "stake": 10 }))]
pub struct CreateValidatorBody {
    /// Its weight.
    #[schema(value_type = u64, minimum = 1)]
    pub stake: Stake,
    /// Its name; without it, one is derived from the network's seed.
    #[schema(value_type = Option<String>)]
    pub address: Option<Address>,
    /// Whom its node asks; without it, whom the network's settings name.
    #[schema(value_type = Option<ModelsView>)]
    pub models: Option<NodeModels>,
}

/// Some new validators with drawn stakes.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "count": 3, "stake_min": 1, "stake_max": 10 }))]
pub struct RandomValidatorsBody {
    /// How many.
    #[schema(minimum = 1, maximum = 100)]
    pub count: u64,
    /// The least stake.
    #[schema(minimum = 1)]
    pub stake_min: u64,
    /// The largest stake.
    #[schema(minimum = 1)]
    pub stake_max: u64,
}

/// Another weight, other models, or both.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "stake": 20 }))]
pub struct ChangeValidatorBody {
    /// The new weight.
    #[schema(value_type = Option<u64>, minimum = 1)]
    pub stake: Option<Stake>,
    /// Whom its node asks from now on.
    #[schema(value_type = Option<ModelsView>)]
    pub models: Option<NodeModels>,
}

fn stake(fields: &mut Fields) -> Result<Stake, ApiError> {
    let stake = required(fields, "stake", 1..=INTEGER_MAX)?;
    Stake::try_from(stake).map_err(|error| ApiError::invalid("stake", error.to_string(), STAKE))
}

/// List all validators.
#[utoipa::path(get, path = "/v1/validators", tag = "validators",
    responses((status = 200, description = "All validators", body = ValidatorsView)))]
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let validators = api.handles.validators().await?;
    let validators = validators.into_iter().map(ValidatorView::from).collect();
    Ok(HttpResponse::Ok().json(ValidatorsView { validators }))
}

/// Read one validator.
#[utoipa::path(get, path = "/v1/validators/{address}", tag = "validators",
    params(("address" = String, Path, description = "The validator")),
    responses((status = 200, description = "The validator", body = ValidatorView)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    no_query(&request)?;
    let address = path_address(&address)?;
    let validators = api.handles.validators().await?;
    let found = validators.into_iter().find(|record| record.validator.address == address);
    let found = found.ok_or_else(|| ApiError::not_found("validator", &address))?;
    Ok(HttpResponse::Ok().json(ValidatorView::from(found)))
}

/// Refuses more validators than there may be, and counts those there are.
async fn check_room(api: &Api, more: usize) -> Result<Vec<ValidatorRecord>, ApiError> {
    let present = api.handles.validators().await?;
    if present.len().saturating_add(more) <= VALIDATORS_MAX {
        return Ok(present);
    }
    let message = format!("there are {} validators already", present.len());
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_validators", message)
        .valid(format!("at most {VALIDATORS_MAX}")))
}

async fn changed(api: &Api, change: ValidatorChange) -> Result<ValidatorView, ApiError> {
    let record = api.handles.change_validators(change).await;
    Ok(record.map_err(|error| refusal(error, "models"))?.into())
}

/// Create a validator. Administrative.
#[utoipa::path(post, path = "/v1/validators", tag = "validators", security(("admin_key" = [])),
    request_body = CreateValidatorBody,
    responses((status = 201, description = "Created", body = ValidatorView)))]
pub(super) async fn create(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let mut fields = body?.0;
    let body = CreateValidatorBody {
        stake: stake(&mut fields)?,
        address: fields.address("address")?,
        models: take_models(&mut fields, &api).await?,
    };
    fields.finish()?;
    check_room(&api, 1).await?;
    let CreateValidatorBody { stake, address, models } = body;
    let change = ValidatorChange::Create { address, stake, models };
    let created = changed(&api, change).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/v1/validators/{}", created.address)))
        .json(created))
}

/// Create validators with drawn stakes. Administrative.
///
/// Stakes follow from the network's seed and the number of validators there are.
#[utoipa::path(post, path = "/v1/validators/random", tag = "validators",
    security(("admin_key" = [])), request_body = RandomValidatorsBody,
    responses((status = 201, description = "Created", body = ValidatorsView)))]
pub(super) async fn random(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let mut fields = body?.0;
    let body = RandomValidatorsBody {
        count: required(&mut fields, "count", 1..=100)?,
        stake_min: required(&mut fields, "stake_min", 1..=INTEGER_MAX)?,
        stake_max: required(&mut fields, "stake_max", 1..=INTEGER_MAX)?,
    };
    fields.finish()?;
    if body.stake_max < body.stake_min {
        let message = format!("`{}` is less than `stake_min`", body.stake_max);
        let valid = format!("an integer from {} to {INTEGER_MAX}", body.stake_min);
        return Err(ApiError::invalid("stake_max", message, &valid));
    }
    let present = check_room(&api, usize::try_from(body.count).unwrap_or(usize::MAX)).await?;
    let count = u64::try_from(present.len()).unwrap_or(u64::MAX);
    let seed = api.handles.settings().seed;
    let seed = keccak256(&[b"agora:random-stakes", seed.as_bytes(), &count.to_be_bytes()]);
    let mut rng = ChaCha20Rng::from_seed(*seed.as_bytes());
    let mut validators = Vec::new();
    for _ in 0..body.count {
        let stake = Stake::try_from(rng.random_range(body.stake_min..=body.stake_max));
        let stake =
            stake.map_err(|error| ApiError::invalid("stake_min", error.to_string(), STAKE))?;
        let change = ValidatorChange::Create { address: None, stake, models: None };
        validators.push(changed(&api, change).await?);
    }
    Ok(HttpResponse::Created().json(ValidatorsView { validators }))
}

/// Change a validator's stake, its models, or both. Administrative.
#[utoipa::path(put, path = "/v1/validators/{address}", tag = "validators",
    security(("admin_key" = [])), request_body = ChangeValidatorBody,
    params(("address" = String, Path, description = "The validator")),
    responses((status = 200, description = "Changed", body = ValidatorView)))]
pub(super) async fn change(
    api: Data<Api>,
    request: HttpRequest,
    address: Path<String>,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let address = path_address(&address)?;
    let mut fields = body?.0;
    let models = take_models(&mut fields, &api).await?;
    let is_needed = models.is_none() || fields.has("stake");
    let stake = if is_needed { Some(stake(&mut fields)?) } else { None };
    let body = ChangeValidatorBody { stake, models };
    fields.finish()?;
    let change = ValidatorChange::Update { address, stake: body.stake, models: body.models };
    Ok(HttpResponse::Ok().json(changed(&api, change).await?))
}

/// Remove a validator. Administrative. Answers with what it was.
#[utoipa::path(delete, path = "/v1/validators/{address}", tag = "validators",
    security(("admin_key" = [])),
    params(("address" = String, Path, description = "The validator")),
    responses((status = 200, description = "Removed", body = ValidatorView)))]
pub(super) async fn delete(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let address = path_address(&address)?;
    Ok(HttpResponse::Ok().json(changed(&api, ValidatorChange::Delete { address }).await?))
}
