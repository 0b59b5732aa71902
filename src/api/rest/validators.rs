//! Validators: who may judge, and with what weight.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use utoipa::ToSchema;

use super::submission::INTEGER_MAX;
use super::{Answer, no_query, path_address, required};
use crate::api::error::ApiError;
use crate::api::input::{Body, Fields};
use crate::api::server::Api;
use crate::domain::ledger::{ValidatorChange, ValidatorRecord};
use crate::domain::{Address, Stake, keccak256};

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
    /// When it joined, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

impl From<ValidatorRecord> for ValidatorView {
    fn from(record: ValidatorRecord) -> Self {
        let validator = record.validator;
        let created_at = record.created_at.as_millis();
        Self { address: validator.address, stake: validator.stake, created_at }
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

/// Another weight.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "stake": 20 }))]
pub struct ChangeValidatorBody {
    /// The new weight.
    #[schema(value_type = u64, minimum = 1)]
    pub stake: Stake,
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
    let body =
        CreateValidatorBody { stake: stake(&mut fields)?, address: fields.address("address")? };
    fields.finish()?;
    check_room(&api, 1).await?;
    let change = ValidatorChange::Create { address: body.address, stake: body.stake };
    let created = ValidatorView::from(api.handles.change_validators(change).await?);
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
        let change = ValidatorChange::Create { address: None, stake };
        validators.push(ValidatorView::from(api.handles.change_validators(change).await?));
    }
    Ok(HttpResponse::Created().json(ValidatorsView { validators }))
}

/// Change a validator's stake. Administrative.
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
    let body = ChangeValidatorBody { stake: stake(&mut fields)? };
    fields.finish()?;
    let change = ValidatorChange::SetStake { address, stake: body.stake };
    let changed = api.handles.change_validators(change).await?;
    Ok(HttpResponse::Ok().json(ValidatorView::from(changed)))
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
    let removed = api.handles.change_validators(ValidatorChange::Delete { address }).await?;
    Ok(HttpResponse::Ok().json(ValidatorView::from(removed)))
}
