//! The routes: one table, one file per noun.

pub mod accounts;
pub mod appeals;
pub mod clock;
pub mod contracts;
pub mod events;
pub mod health;
pub mod lint;
pub mod models;
pub mod network;
pub mod providers;
pub mod snapshots;
pub mod submission;
pub mod transactions;
pub mod validators;

use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Route, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::error::ApiError;
use super::input::Fields;
use super::server::Api;
use super::{explorer, rpc};
use crate::domain::ledger::Position;

/// The answer of every handler.
type Answer = Result<HttpResponse, ApiError>;

/// One route.
struct Endpoint {
    method: Method,
    path: &'static str,
    route: fn(Route) -> Route,
}

impl Endpoint {
    const fn new(method: Method, path: &'static str, route: fn(Route) -> Route) -> Self {
        Self { method, path, route }
    }
}

/// Every route, in the order in which they are matched.
static ENDPOINTS: [Endpoint; 48] = [
    Endpoint::new(Method::GET, "/", |route| route.to(health::landing)),
    Endpoint::new(Method::GET, "/openapi.json", |route| route.to(health::openapi)),
    Endpoint::new(Method::GET, "/docs", |route| route.to(health::docs)),
    Endpoint::new(Method::GET, "/health", |route| route.to(health::health)),
    Endpoint::new(Method::GET, "/ready", |route| route.to(health::ready)),
    Endpoint::new(Method::GET, "/metrics", |route| route.to(health::metrics)),
    Endpoint::new(Method::POST, "/v1/transactions/hash", |route| route.to(submission::hash)),
    Endpoint::new(Method::POST, "/v1/transactions", |route| route.to(submission::submit)),
    Endpoint::new(Method::GET, "/v1/transactions", |route| route.to(transactions::list)),
    Endpoint::new(Method::GET, "/v1/transactions/{hash}", |route| route.to(transactions::get)),
    Endpoint::new(Method::POST, "/v1/transactions/{hash}/appeal", |route| {
        route.to(appeals::appeal)
    }),
    Endpoint::new(Method::POST, "/v1/transactions/{hash}/cancel", |route| {
        route.to(appeals::cancel)
    }),
    Endpoint::new(Method::GET, "/v1/transactions/{hash}/events", |route| {
        route.to(events::of_transaction)
    }),
    Endpoint::new(Method::GET, "/v1/events", |route| route.to(events::of_network)),
    Endpoint::new(Method::GET, "/v1/contracts", |route| route.to(contracts::list)),
    Endpoint::new(Method::POST, "/v1/contracts/lint", |route| route.to(lint::lint)),
    Endpoint::new(Method::GET, "/v1/contracts/{address}", |route| route.to(contracts::get)),
    Endpoint::new(Method::GET, "/v1/contracts/{address}/code", |route| route.to(contracts::code)),
    Endpoint::new(Method::GET, "/v1/contracts/{address}/schema", |route| {
        route.to(contracts::schema)
    }),
    Endpoint::new(Method::GET, "/v1/contracts/{address}/state", |route| route.to(contracts::state)),
    Endpoint::new(Method::POST, "/v1/contracts/{address}/read", |route| route.to(contracts::read)),
    Endpoint::new(Method::GET, "/v1/accounts/{address}", |route| route.to(accounts::get)),
    Endpoint::new(Method::POST, "/v1/accounts/{address}/faucet", |route| {
        route.to(accounts::faucet)
    }),
    Endpoint::new(Method::GET, "/v1/validators", |route| route.to(validators::list)),
    Endpoint::new(Method::POST, "/v1/validators", |route| route.to(validators::create)),
    Endpoint::new(Method::POST, "/v1/validators/random", |route| route.to(validators::random)),
    Endpoint::new(Method::GET, "/v1/validators/{address}", |route| route.to(validators::get)),
    Endpoint::new(Method::PUT, "/v1/validators/{address}", |route| route.to(validators::change)),
    Endpoint::new(Method::DELETE, "/v1/validators/{address}", |route| route.to(validators::delete)),
    Endpoint::new(Method::GET, "/v1/providers", |route| route.to(providers::list)),
    Endpoint::new(Method::POST, "/v1/providers", |route| route.to(providers::add)),
    Endpoint::new(Method::POST, "/v1/providers/reset", |route| route.to(providers::reset)),
    Endpoint::new(Method::PUT, "/v1/providers/{id}", |route| route.to(providers::update)),
    Endpoint::new(Method::DELETE, "/v1/providers/{id}", |route| route.to(providers::delete)),
    Endpoint::new(Method::GET, "/v1/network", |route| route.to(network::get)),
    Endpoint::new(Method::PUT, "/v1/network/finality-window", |route| {
        route.to(network::change_finality_window)
    }),
    Endpoint::new(Method::GET, "/v1/clock", |route| route.to(clock::get)),
    Endpoint::new(Method::PUT, "/v1/clock", |route| route.to(clock::set)),
    Endpoint::new(Method::POST, "/v1/clock/advance", |route| route.to(clock::advance)),
    Endpoint::new(Method::POST, "/v1/clock/freeze", |route| route.to(clock::freeze)),
    Endpoint::new(Method::POST, "/v1/clock/release", |route| route.to(clock::release)),
    Endpoint::new(Method::GET, "/v1/snapshots", |route| route.to(snapshots::list)),
    Endpoint::new(Method::POST, "/v1/snapshots", |route| route.to(snapshots::create)),
    Endpoint::new(Method::DELETE, "/v1/snapshots", |route| route.to(snapshots::delete_all)),
    Endpoint::new(Method::POST, "/v1/snapshots/import", |route| route.to(snapshots::import)),
    Endpoint::new(Method::DELETE, "/v1/snapshots/{id}", |route| route.to(snapshots::delete)),
    Endpoint::new(Method::POST, "/v1/snapshots/{id}/restore", |route| route.to(snapshots::restore)),
    Endpoint::new(Method::GET, "/v1/snapshots/{id}/export", |route| route.to(snapshots::export)),
];

/// Method and path of every route, in the order in which they are matched.
pub fn routes() -> impl Iterator<Item = (Method, &'static str)> {
    ENDPOINTS.iter().map(|endpoint| (endpoint.method.clone(), endpoint.path))
}

/// Adds every route to an application.
pub(super) fn configure(app: &mut web::ServiceConfig) {
    let mut paths: Vec<&str> = Vec::new();
    for path in ENDPOINTS.iter().map(|endpoint| endpoint.path) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        let mut resource = web::resource(path);
        for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.path == path) {
            resource = resource.route((endpoint.route)(web::method(endpoint.method.clone())));
            if endpoint.method == Method::GET && !path.ends_with("/events") {
                resource = resource.route((endpoint.route)(web::head()));
            }
        }
        app.service(resource);
    }
    explorer::configure(app);
    app.service(web::resource(rpc::PATH).route(web::post().to(rpc::serve)));
    for path in ["/ws", "/socket.io", "/socket.io/"] {
        app.route(path, web::get().to(rpc::connect));
    }
    app.route("/openrpc.json", web::get().to(rpc::discover));
    app.service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")));
    app.default_service(web::to(no_such_route));
}

async fn no_such_route(request: HttpRequest) -> Answer {
    Err(ApiError::of_status(StatusCode::NOT_FOUND, request.path()))
}

/// Reads a part of the path.
fn path_part<T>(text: &str, name: &str, valid: &str) -> Result<T, ApiError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| ApiError::invalid(name, error.to_string(), valid))
}

/// Reads the address in the path.
fn path_address(text: &str) -> Result<crate::domain::Address, ApiError> {
    path_part(text, "address", "`0x` and 40 hexadecimal digits")
}

/// Reads the hash in the path.
fn path_hash(text: &str) -> Result<crate::domain::TxHash, ApiError> {
    path_part(text, "hash", "`0x` and 64 hexadecimal digits")
}

/// Takes an integer that must be there.
fn required(
    fields: &mut Fields,
    name: &'static str,
    bounds: RangeInclusive<u64>,
) -> Result<u64, ApiError> {
    let valid = format!("an integer from {} to {}", bounds.start(), bounds.end());
    fields.integer(name, bounds)?.ok_or_else(|| ApiError::missing(name, &valid))
}

/// Refuses every query parameter.
fn no_query(request: &HttpRequest) -> Result<(), ApiError> {
    Fields::of_query(request)?.finish()
}

/// How many items of a list are wanted.
fn page_limit(query: &mut Fields, api: &Api) -> Result<usize, ApiError> {
    let most = u64::try_from(api.settings.page_max.max(1)).unwrap_or(u64::MAX);
    let limit = query.integer("limit", 1..=most)?.unwrap_or(most.min(50));
    Ok(usize::try_from(limit).unwrap_or(1))
}

/// Reads the cursor of a list, as [`cursor_of`] wrote it.
fn page_cursor(query: &mut Fields) -> Result<Option<Position>, ApiError> {
    let valid = "the `next_cursor` of an earlier page";
    let Some(cursor) = query.text("cursor", 1..=32)? else { return Ok(None) };
    let position = cursor.strip_prefix('p').and_then(super::input::plain_integer);
    let position = position.and_then(|position| i64::try_from(position).ok());
    let position = position.map(|position| Some(Position(position)));
    position.ok_or_else(|| {
        ApiError::invalid("cursor", format!("`{cursor}` is not a cursor of this list"), valid)
    })
}

/// Writes the cursor of a list.
fn cursor_of(position: Position) -> String {
    format!("p{}", position.0)
}
