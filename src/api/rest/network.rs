//! The network as a whole.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::{Answer, no_query, required};
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::server::Api;
use crate::domain::Amount;

/// The longest finality window: a year, as for the command line.
const FINALITY_WINDOW_MAX_MS: u64 = 31_536_000_000;

/// The network.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetworkView {
    /// Part of every transaction's hash.
    pub chain_id: u64,
    /// Version of Agora.
    pub version: &'static str,
    /// `open`, or `guarded`: submissions must be signed and changes need the admin key.
    pub access: &'static str,
    /// The network's clock, in milliseconds since the Unix epoch.
    pub now: i64,
    /// Cursor of the newest event.
    pub last_event: i64,
    /// All money.
    pub supply: SupplyView,
    /// What it runs with; durations in milliseconds.
    #[schema(value_type = Object)]
    pub settings: Json,
}

/// All money; decimal strings.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupplyView {
    /// Everything ever minted.
    #[schema(value_type = String)]
    pub minted: Amount,
    /// Everything ever burned.
    #[schema(value_type = String)]
    pub burned: Amount,
    /// Sum of all balances.
    #[schema(value_type = String)]
    pub balances: Amount,
    /// Value of calls and deploys that are not decided yet.
    #[schema(value_type = String)]
    pub locked: Amount,
    /// Balances and locked value are what was minted and not burned.
    pub conserved: bool,
}

/// How long a decision can be appealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "milliseconds": 5_000 }))]
pub struct FinalityWindow {
    /// Zero makes decisions final at once.
    #[schema(minimum = 0, maximum = 31_536_000_000_u64)]
    pub milliseconds: u64,
}

/// Read chain id, settings, supply and clock.
#[utoipa::path(get, path = "/v1/network", tag = "network",
    responses((status = 200, description = "The network", body = NetworkView)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let supply = api.handles.supply().await?;
    let last_event = api.handles.last_cursor().await?;
    let finality_window = api.handles.finality_window().await?;
    let settings = api.handles.settings();
    Ok(HttpResponse::Ok().json(NetworkView {
        chain_id: settings.chain_id,
        version: env!("CARGO_PKG_VERSION"),
        access: api.settings.access.name(),
        now: api.handles.now().as_millis(),
        last_event,
        supply: SupplyView {
            minted: supply.minted,
            burned: supply.burned,
            balances: supply.balances,
            locked: supply.locked,
            conserved: supply.is_conserved(),
        },
        // Neither the seed nor what derives from it: whoever has it has every key.
        settings: json!({
            "leader_timeout": millis(settings.timeouts.leader),
            "validators_timeout": millis(settings.timeouts.validators),
            "reveal_timeout": millis(settings.timeouts.reveal),
            "read_timeout": millis(settings.read_timeout),
            "finality_window": millis(finality_window),
            "profile": settings.profile,
            "early_quorum": settings.early_quorum,
            "sandbox_mint": settings.sandbox_mint,
            "attempts_max": settings.attempts_max,
            "consensus_max": settings.consensus_max,
            "executions_max": settings.executions_max,
        }),
    }))
}

/// Change how long decisions can be appealed. Administrative.
///
/// It holds at once, in every process of the network, and for decisions that are not final yet:
/// their windows are measured anew from the moment of their decision. Refused under profile
/// `origin`, which has no window.
#[utoipa::path(put, path = "/v1/network/finality-window", tag = "network",
    security(("admin_key" = [])), request_body = FinalityWindow,
    responses((status = 200, description = "Changed", body = FinalityWindow)))]
pub(super) async fn change_finality_window(
    api: Data<Api>,
    request: HttpRequest,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let mut fields = body?.0;
    let milliseconds = required(&mut fields, "milliseconds", 0..=FINALITY_WINDOW_MAX_MS)?;
    fields.finish()?;
    api.handles.change_finality_window(Duration::from_millis(milliseconds)).await?;
    Ok(HttpResponse::Ok().json(FinalityWindow { milliseconds }))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
