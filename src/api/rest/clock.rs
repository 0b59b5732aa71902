//! The network's clock: read it, move it, hold it. For tests of windows and deadlines.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, no_query, required};
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::server::Api;
use crate::domain::ledger::StoreError;
use crate::domain::{ClockChange, ClockReading, Timestamp};

/// The last instant a clock shows, in milliseconds; the schemas below repeat it.
const LAST: u64 = Timestamp::LAST.as_millis().unsigned_abs();

/// The network's clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// What it shows, in milliseconds since the Unix epoch.
    pub now: i64,
    /// It stands still.
    pub frozen: bool,
    /// Milliseconds it shows more than the wall; less than zero when it was frozen for a while.
    pub offset_ms: i64,
    /// What the wall shows.
    pub wall: i64,
}

impl From<ClockReading> for ClockView {
    fn from(reading: ClockReading) -> Self {
        let (now, wall) = (reading.now.as_millis(), reading.wall.as_millis());
        Self { now, frozen: reading.frozen, offset_ms: now.saturating_sub(wall), wall }
    }
}

/// How far to move the clock.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "milliseconds": 60_000 }))]
pub struct AdvanceClockBody {
    /// How much more it shall show.
    #[schema(minimum = 1, maximum = 253_402_300_799_999_u64)]
    pub milliseconds: u64,
}

/// Where to set the clock.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "now": 4_102_444_800_000_u64 }))]
pub struct SetClockBody {
    /// What it shall show: not less than it shows now.
    #[schema(minimum = 0, maximum = 253_402_300_799_999_u64)]
    pub now: u64,
}

/// Read the network's clock.
#[utoipa::path(get, path = "/v1/clock", tag = "clock",
    responses((status = 200, description = "The clock", body = ClockView)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    Ok(HttpResponse::Ok().json(ClockView::from(api.handles.clock())))
}

/// Set the network's clock to a later instant. Administrative.
///
/// Deadlines and finality windows in between are over at once. A frozen clock stays frozen.
#[utoipa::path(put, path = "/v1/clock", tag = "clock", security(("admin_key" = [])),
    request_body = SetClockBody,
    responses((status = 200, description = "Set", body = ClockView)))]
pub(super) async fn set(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let mut fields = body?.0;
    let body = SetClockBody { now: required(&mut fields, "now", 0..=LAST)? };
    fields.finish()?;
    let now = Timestamp::from_millis(i64::try_from(body.now).unwrap_or(i64::MAX));
    change(&api, ClockChange::Set(now)).await
}

/// Move the network's clock forward. Administrative.
///
/// Deadlines and finality windows in between are over at once. A frozen clock stays frozen.
#[utoipa::path(post, path = "/v1/clock/advance", tag = "clock", security(("admin_key" = [])),
    request_body = AdvanceClockBody,
    responses((status = 200, description = "Moved", body = ClockView)))]
pub(super) async fn advance(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let mut fields = body?.0;
    let body = AdvanceClockBody { milliseconds: required(&mut fields, "milliseconds", 1..=LAST)? };
    fields.finish()?;
    let by = Duration::from_millis(body.milliseconds);
    match api.handles.change_clock(ClockChange::Advance(by)).await {
        Err(StoreError::Clock(refused)) => {
            let most = Timestamp::LAST.since(refused.shown).as_millis();
            let message = refused.to_string();
            Err(ApiError::new(StatusCode::CONFLICT, "clock_conflict", message)
                .at("milliseconds")
                .valid(format!("an integer from 1 to {most}")))
        }
        moved => Ok(HttpResponse::Ok().json(ClockView::from(moved?))),
    }
}

/// Hold the network's clock where it is. Administrative.
///
/// Deadlines of rounds and finality windows then wait with it; executions do not.
#[utoipa::path(post, path = "/v1/clock/freeze", tag = "clock", security(("admin_key" = [])),
    responses((status = 200, description = "Frozen", body = ClockView)))]
pub(super) async fn freeze(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    change(&api, ClockChange::Freeze).await
}

/// Let the network's clock go on from the instant it shows. Administrative.
#[utoipa::path(post, path = "/v1/clock/release", tag = "clock", security(("admin_key" = [])),
    responses((status = 200, description = "Released", body = ClockView)))]
pub(super) async fn release(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    change(&api, ClockChange::Release).await
}

async fn change(api: &Api, change: ClockChange) -> Answer {
    let reading = api.handles.change_clock(change).await?;
    Ok(HttpResponse::Ok().json(ClockView::from(reading)))
}
