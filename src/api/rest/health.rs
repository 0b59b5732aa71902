//! Is the process well, and what is it doing?

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Answer, no_query};
use crate::api::error::ApiError;
use crate::api::server::Api;

/// How long the store may take to show that it answers.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of the process.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthView {
    /// Always `ok`: a process that is not does not answer.
    pub status: &'static str,
    /// Version of Agora.
    pub version: &'static str,
    /// `open` or `guarded`.
    pub access: &'static str,
    /// The network's clock, in milliseconds since the Unix epoch.
    pub now: i64,
    /// What runs at the same time, and how much of it may.
    pub permits: Vec<PermitView>,
    /// Other limits, by name.
    #[schema(value_type = Object)]
    pub limits: Json,
    /// Sandbox, database, ….
    #[schema(value_type = Object)]
    pub details: Json,
}

/// How many of something run.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermitView {
    /// What is limited.
    pub name: &'static str,
    /// Running now.
    pub in_use: usize,
    /// At most.
    pub limit: usize,
}

/// The network is ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyView {
    /// Always `ready`.
    pub status: &'static str,
    /// Cursor of the newest event.
    pub last_event: i64,
}

const LANDING: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Agora</title></head><body>
<h1>Agora</h1><p>A local GenLayer network. This is its HTTP interface.</p>
<ul><li><a href="/docs/">Documentation, to try out</a></li>
<li><a href="/openapi.json">OpenAPI 3.1 document</a></li>
<li><a href="/v1/network">The network</a></li>
<li><a href="/v1/transactions">Transactions</a></li>
<li><a href="/v1/contracts">Contracts</a></li>
<li><a href="/v1/validators">Validators</a></li>
<li><a href="/health">Health</a> and <a href="/metrics">metrics</a></li></ul>
</body></html>
"#;

/// Links to everything else.
#[utoipa::path(get, path = "/", tag = "service",
    responses((status = 200, description = "A page with links", body = String, content_type = "text/html")))]
pub async fn landing() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(LANDING)
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn openapi(api: Data<Api>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(api.openapi.clone())
}

/// Leads to the documentation.
#[utoipa::path(get, path = "/docs", tag = "service",
    responses((status = 308, description = "The documentation is at /docs/")))]
pub(super) async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// Is the process alive, and what is it doing?
#[utoipa::path(get, path = "/health", tag = "service",
    responses((status = 200, description = "Alive", body = HealthView)))]
pub(super) async fn health(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let reports = api.handles.permits().into_iter();
    let reports = reports.map(|report| (report.name, report.in_use, report.limit));
    let permits = reports.chain(api.limits.usage());
    let settings = api.handles.settings();
    Ok(HttpResponse::Ok().json(HealthView {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        access: api.settings.access.name(),
        now: api.handles.now().as_millis(),
        permits: permits.map(|(name, in_use, limit)| PermitView { name, in_use, limit }).collect(),
        limits: serde_json::json!({
            "body_bytes_max": api.settings.body_bytes_max,
            "page_max": api.settings.page_max,
            "json_depth_max": api.settings.json_depth_max,
            "requests_per_second": api.settings.requests_per_second,
            "wait_max_secs": api.settings.wait_max.as_secs(),
            "queue_depth_max": settings.queue_depth_max,
            "store_in_flight_max": settings.store_in_flight_max,
            "batch_max": settings.batch_max,
            "event_buffer": settings.event_buffer,
        }),
        details: api.settings.details.now(),
    }))
}

/// Can the network do its work now?
#[utoipa::path(get, path = "/ready", tag = "service",
    responses((status = 200, description = "Ready", body = ReadyView)))]
pub(super) async fn ready(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let not_ready = |why: String| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", why).retry_after(1)
    };
    match tokio::time::timeout(READY_TIMEOUT, api.handles.last_cursor()).await {
        Ok(Ok(last_event)) => {
            Ok(HttpResponse::Ok().json(ReadyView { status: "ready", last_event }))
        }
        Ok(Err(error)) => {
            log::warn!(target: "api", "not ready: {error}");
            Err(not_ready("the store cannot be read".into()))
        }
        Err(_elapsed) => Err(not_ready("the store does not answer".into())),
    }
}

/// Measurements in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(api: Data<Api>, request: HttpRequest) -> Answer {
    no_query(&request)?;
    let text = api.metrics.render(&api.handles, &api.limits).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
