//! The HTTP server: what every request passes.

use std::io;
use std::net::TcpListener;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{App, Error, HttpResponse, HttpServer, ResponseError, web};
use tokio::time::Instant;

use super::error::ApiError;
use super::limits::{ApiSettings, Limits};
use super::metrics::Metrics;
use super::rate::{Rates, Requester};
use super::{openapi, origins, rest, rpc};
use crate::actors::handles::Handles;

/// What handlers work with; one for all workers.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) handles: Handles,
    pub(super) settings: ApiSettings,
    pub(super) limits: Limits,
    pub(super) rates: Rates,
    pub(super) metrics: Metrics,
    pub(super) rpc: rpc::RpcState,
    /// The OpenAPI document, written once.
    pub(super) openapi: String,
}

impl Api {
    /// Counts one request of a client, or refuses it.
    pub(super) async fn count(&self, requester: &Requester) -> Result<(), ApiError> {
        self.rates.count(requester, &self.settings.access, &self.handles).await
    }
}

/// Serves the network behind `handles` on `listener`, until the server is told to stop.
///
/// Signals are left to the caller. The server runs as soon as the future it returns is polled.
pub fn start(listener: TcpListener, handles: Handles, settings: ApiSettings) -> io::Result<Server> {
    let api = web::Data::new(Api {
        limits: Limits::new(&settings),
        rates: Rates::new(settings.requests_per_second),
        metrics: Metrics::new().map_err(io::Error::other)?,
        openapi: openapi::document_json().map_err(io::Error::other)?,
        rpc: rpc::RpcState::new(),
        handles,
        settings,
    });
    let settings = api.settings.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .wrap(Compress::default())
            .wrap(origins::cors(&api.settings))
            .wrap(from_fn(watch))
            .configure(rest::configure)
    })
    .disable_signals()
    .workers(settings.workers.max(1))
    .max_connections(settings.connections_max.max(1))
    .keep_alive(settings.keep_alive)
    .client_request_timeout(settings.head_timeout)
    .shutdown_timeout(settings.shutdown_timeout_secs)
    .listen(listener)?;
    Ok(server.run())
}

/// Paths that are asked by machines again and again, and have no rate limit.
const WITHOUT_RATE_LIMIT: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Around every request: rate limit, pages of others, measurement, and the one shape of errors.
async fn watch<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let api = request.app_data::<web::Data<Api>>().cloned();
    let Some(api) = api else { return Ok(next.call(request).await?.map_into_left_body()) };
    let method = known_method(request.method().as_str());
    let response = match admit(&api, &request).await {
        Ok(()) => shaped(next.call(request).await?),
        Err(refused) => {
            let answer = refusal(&request, refused);
            request.into_response(answer).map_into_right_body()
        }
    };
    let route = response.request().match_pattern();
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    api.metrics.answered(method, &route, response.status().as_u16(), started.elapsed());
    Ok(with_safe_headers(response))
}

/// The methods that are measured by name; clients must not be able to invent label values.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    known.into_iter().find(|known| *known == method).unwrap_or("other")
}

async fn admit(api: &Api, request: &ServiceRequest) -> Result<(), ApiError> {
    if WITHOUT_RATE_LIMIT.contains(&request.path()) {
        return Ok(());
    }
    let address = request.peer_addr().map(|peer| peer.ip());
    api.count(&Requester::new(address, request.headers())).await?;
    origins::admit(&api.settings, request)
}

/// What is answered to a request that may not be made, in the words of whom it was made to.
fn refusal(request: &ServiceRequest, refused: ApiError) -> HttpResponse {
    let is_call = request.method() == Method::POST && request.path() == rpc::PATH;
    if is_call { rpc::refusal(refused) } else { refused.error_response() }
}

/// Gives errors of the framework and its middleware the shape of all others.
fn shaped<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|value| value.as_bytes() == b"application/json");
    if !is_error || is_json {
        return response.map_into_left_body();
    }
    let (request, bare) = response.into_parts();
    let allowed = bare.headers().get(header::ALLOW);
    let mut error = ApiError::of_status(status, request.path());
    if let Some(allowed) = allowed.and_then(|value| value.to_str().ok()) {
        error = error.valid(allowed);
    }
    let mut answer = error.error_response();
    for (name, value) in bare.headers() {
        let describes_body = name == header::CONTENT_TYPE
            || name == header::CONTENT_LENGTH
            || name == header::CONTENT_ENCODING;
        if !describes_body {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, answer).map_into_right_body()
}

fn with_safe_headers<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
