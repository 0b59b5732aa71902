//! Snapshots of the whole network: make, restore, delete, and carry as files.

use std::fs::File;
use std::io::Write;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, no_query, path_part};
use crate::api::error::ApiError;
use crate::api::server::Api;
use crate::domain::SnapshotRecord;

/// What a snapshot's file is.
const MEDIA_TYPE: &str = "application/gzip";

/// A snapshot of the network.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotView {
    /// Its number; later ones have greater ones.
    pub id: i64,
    /// When it was made, in milliseconds since the Unix epoch on the network's clock.
    pub created_at: i64,
    /// How many transactions it holds.
    pub transactions: u64,
    /// Bytes of its file.
    pub bytes: u64,
}

/// Every snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotsView {
    /// Oldest first.
    pub snapshots: Vec<SnapshotView>,
}

/// How many snapshots were deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedView {
    /// How many.
    pub deleted: u64,
}

impl From<SnapshotRecord> for SnapshotView {
    fn from(record: SnapshotRecord) -> Self {
        let SnapshotRecord { id, created_at, transactions, bytes } = record;
        Self { id, created_at: created_at.as_millis(), transactions, bytes }
    }
}

/// Make a snapshot. Administrative.
///
/// It holds everything: state, transactions, money, validators, settings, the seed and the clock.
#[utoipa::path(post, path = "/v1/snapshots", tag = "snapshots", security(("admin_key" = [])),
    responses((status = 201, description = "Made", body = SnapshotView)))]
pub(super) async fn create(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let made = api.handles.create_snapshot().await?;
    Ok(HttpResponse::Created().json(SnapshotView::from(made)))
}

/// List all snapshots. Administrative.
#[utoipa::path(get, path = "/v1/snapshots", tag = "snapshots", security(("admin_key" = [])),
    responses((status = 200, description = "All, oldest first", body = SnapshotsView)))]
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let snapshots = api.handles.snapshots().await?;
    let snapshots = snapshots.into_iter().map(SnapshotView::from).collect();
    Ok(HttpResponse::Ok().json(SnapshotsView { snapshots }))
}

/// Set the network back to a snapshot. Administrative.
///
/// Whatever runs is stopped, what came after is gone, and later snapshots are deleted. Transactions
/// that were being decided when it was made wait again. Other requests wait meanwhile. Cursors of
/// events go on; the event `network_restored` tells everybody who listens.
#[utoipa::path(post, path = "/v1/snapshots/{id}/restore", tag = "snapshots",
    security(("admin_key" = [])), params(("id" = i64, Path, description = "The snapshot")),
    responses((status = 200, description = "Restored", body = SnapshotView)))]
pub(super) async fn restore(api: Data<Api>, request: HttpRequest, id: Path<String>) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let id = path_id(&id)?;
    if !api.handles.restore_snapshot(id).await? {
        return Err(unknown(id));
    }
    Ok(HttpResponse::Ok().json(SnapshotView::from(found(&api, id).await?)))
}

/// Delete a snapshot. Administrative. Answers with what it was.
#[utoipa::path(delete, path = "/v1/snapshots/{id}", tag = "snapshots",
    security(("admin_key" = [])), params(("id" = i64, Path, description = "The snapshot")),
    responses((status = 200, description = "Deleted", body = SnapshotView)))]
pub(super) async fn delete(api: Data<Api>, request: HttpRequest, id: Path<String>) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let id = path_id(&id)?;
    let snapshot = found(&api, id).await?;
    if !api.handles.delete_snapshot(id).await? {
        return Err(unknown(id));
    }
    Ok(HttpResponse::Ok().json(SnapshotView::from(snapshot)))
}

/// Delete every snapshot. Administrative.
#[utoipa::path(delete, path = "/v1/snapshots", tag = "snapshots", security(("admin_key" = [])),
    responses((status = 200, description = "Deleted", body = DeletedView)))]
pub(super) async fn delete_all(api: Data<Api>, request: HttpRequest) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let deleted = api.handles.delete_snapshots().await?;
    Ok(HttpResponse::Ok().json(DeletedView { deleted }))
}

/// Download a snapshot as a file. Administrative, because the file holds the network's seed.
///
/// It can be imported into this network, by any agora with the same tables, on either database, and
/// `agora snapshot fork` makes a network of its own of it.
#[utoipa::path(get, path = "/v1/snapshots/{id}/export", tag = "snapshots",
    security(("admin_key" = [])), params(("id" = i64, Path, description = "The snapshot")),
    responses((status = 200, description = "The file", body = String, content_type = "application/gzip")))]
pub(super) async fn export(api: Data<Api>, request: HttpRequest, id: Path<String>) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let id = path_id(&id)?;
    let snapshot = found(&api, id).await?;
    let name = format!("attachment; filename=\"agora-snapshot-{id}.gz\"");
    let pieces = futures_util::stream::unfold(0, move |number| {
        let api = api.clone();
        async move {
            let piece = api.handles.snapshot_piece(id, number).await.transpose()?;
            // A reader whose file ends early knows: its length was told.
            Some((piece.map(Bytes::from), number + 1))
        }
    });
    let body = actix_web::body::SizedStream::new(snapshot.bytes, Box::pin(pieces));
    Ok(HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        // It is compressed already.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(body))
}

/// Keep an exported file as a snapshot of this network. Administrative.
///
/// The file is read to its end first: one that is truncated or damaged, of other tables or of
/// another network is refused, and nothing changes. To go to it, restore the snapshot.
#[utoipa::path(post, path = "/v1/snapshots/import", tag = "snapshots",
    security(("admin_key" = [])),
    request_body(content = String, content_type = "application/gzip", description = "The file"),
    responses((status = 201, description = "Kept", body = SnapshotView)))]
pub(super) async fn import(api: Data<Api>, request: HttpRequest, file: Payload) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    check_media_type(&request)?;
    let file = received(&api, file).await?;
    let kept = api.handles.import_snapshot(file).await?;
    Ok(HttpResponse::Created().json(SnapshotView::from(kept)))
}

fn path_id(text: &str) -> Result<i64, ApiError> {
    path_part(text, "id", "the number of a snapshot")
}

fn unknown(id: i64) -> ApiError {
    ApiError::not_found("snapshot", &id)
}

async fn found(api: &Api, id: i64) -> Result<SnapshotRecord, ApiError> {
    api.handles.snapshot(id).await?.ok_or_else(|| unknown(id))
}

fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE);
    let given = given.map_or("", |value| value.to_str().unwrap_or("?"));
    if [MEDIA_TYPE, "application/octet-stream"].contains(&given) {
        return Ok(());
    }
    let message = format!("the body cannot be read as `{given}`");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
        .at("Content-Type")
        .valid(MEDIA_TYPE))
}

/// The body as a file without a name.
async fn received(api: &Api, mut payload: Payload) -> Result<File, ApiError> {
    let limit = api.settings.snapshot_bytes_max;
    let (mut file, mut bytes) = (tempfile::tempfile().map_err(|error| unwritten(&error))?, 0_u64);
    loop {
        let next = tokio::time::timeout(api.settings.body_timeout, payload.next()).await;
        let next = next.map_err(|elapsed| {
            let message = format!("the file did not arrive in time: {elapsed}");
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
        })?;
        let Some(piece) = next else { return Ok(file) };
        let piece = piece.map_err(|error| {
            let message = format!("the file did not arrive: {error}");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", message)
        })?;
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if bytes > limit {
            let message = format!("the file is larger than {limit} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
        }
        // A disk may be slow, and this thread serves others.
        let written = actix_web::web::block(move || file.write_all(&piece).map(|()| file)).await;
        let written = written.map_err(std::io::Error::other).and_then(|written| written);
        file = written.map_err(|error| unwritten(&error))?;
    }
}

fn unwritten(error: &std::io::Error) -> ApiError {
    log::error!(target: "api", "a snapshot that was sent cannot be kept: {error}");
    let message = "the file could not be kept; the server's log says why";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
}
