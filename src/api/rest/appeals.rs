//! Challenging decisions, and withdrawing what waits.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::transactions::{TransactionView, read};
use super::{Answer, no_query, path_hash};
use crate::api::access::{check_signature, signature_required};
use crate::api::error::ApiError;
use crate::api::input::{ADDRESS, Body, Fields};
use crate::api::server::Api;
use crate::domain::{Address, AppealKind, Digest, Signature, TxHash, keccak256};

const SIGNATURE: &str = "`0x` and 130 hexadecimal digits (r, s, v)";

/// Who appeals.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" }))]
pub struct AppealBody {
    /// The account that challenges the decision; any account may.
    #[schema(value_type = String, example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
    pub from: Address,
    /// Its EIP-191 `personal_sign` signature over the 32 bytes
    /// `keccak256("agora:appeal" ‖ transaction hash ‖ attempt as 4 bytes, big endian)`, as `0x` and
    /// r, s, v. Required where access is guarded; checked wherever it is given.
    #[schema(value_type = Option<String>)]
    pub signature: Option<Signature>,
}

/// An appeal that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppealView {
    /// The transaction.
    #[schema(value_type = String)]
    pub hash: TxHash,
    /// What follows from its status: `validators` (ACCEPTED), `leader` (UNDETERMINED),
    /// `leader_timeout` or `validators_timeout`.
    #[schema(value_type = String)]
    pub appeal: AppealKind,
}

/// Appeal a decision.
///
/// Answered when it is durable. The next round over the transaction decides it: read it with
/// `wait=DECIDED`. Refused with 409 when nothing is decided or all is final, when an appeal is
/// open already, and when too few validators are left who had no seat.
#[utoipa::path(post, path = "/v1/transactions/{hash}/appeal", tag = "transactions",
    params(("hash" = String, Path, description = "The transaction")),
    request_body = AppealBody,
    responses((status = 202, description = "Opened", body = AppealView)))]
pub(super) async fn appeal(
    api: Data<Api>,
    request: HttpRequest,
    hash: Path<String>,
    body: Body,
) -> Answer {
    no_query(&request)?;
    let hash = path_hash(&hash)?;
    let mut fields = body.0;
    let from = fields.address("from")?.ok_or_else(|| ApiError::missing("from", ADDRESS))?;
    let signature = signature(&mut fields)?;
    fields.finish()?;
    let record = read(&api, hash).await?;
    let attempt = record.attempt.to_be_bytes();
    let signed = keccak256(&[b"agora:appeal", hash.as_bytes(), &attempt]);
    check(&api, Some(from), &signed, signature.as_ref())?;
    let _permit = api.limits.submission()?;
    let appeal = api.handles.open_appeal(hash, from).await?;
    Ok(HttpResponse::Accepted().json(AppealView { hash, appeal }))
}

/// The consent to a withdrawal.
#[derive(Debug, ToSchema)]
pub struct CancelBody {
    /// The sender's EIP-191 `personal_sign` signature over the 32 bytes
    /// `keccak256("agora:cancel" ‖ transaction hash)`, as `0x` and r, s, v. Required where access
    /// is guarded; checked wherever it is given.
    #[schema(value_type = Option<String>)]
    pub signature: Option<Signature>,
}

/// Withdraw a transaction that waits.
///
/// Its value goes back to its sender. Refused with 409 once a round runs on it or it is decided.
#[utoipa::path(post, path = "/v1/transactions/{hash}/cancel", tag = "transactions",
    params(("hash" = String, Path, description = "The transaction")),
    request_body(content = CancelBody, example = json!({})),
    responses((status = 200, description = "Withdrawn", body = TransactionView)))]
pub(super) async fn cancel(
    api: Data<Api>,
    request: HttpRequest,
    hash: Path<String>,
    body: Body,
) -> Answer {
    no_query(&request)?;
    let hash = path_hash(&hash)?;
    let mut fields = body.0;
    let signature = signature(&mut fields)?;
    fields.finish()?;
    let record = read(&api, hash).await?;
    let signed = keccak256(&[b"agora:cancel", hash.as_bytes()]);
    check(&api, record.transaction.from, &signed, signature.as_ref())?;
    api.handles.cancel(hash).await?;
    let record = read(&api, hash).await?;
    Ok(HttpResponse::Ok().json(TransactionView::from(record)))
}

fn signature(fields: &mut Fields) -> Result<Option<Signature>, ApiError> {
    fields.parsed("signature", SIGNATURE)
}

/// A signature must be there where it is required, and right where it is there.
fn check(
    api: &Api,
    signer: Option<Address>,
    digest: &Digest,
    signature: Option<&Signature>,
) -> Result<(), ApiError> {
    match (signature, signer) {
        (None, _) if !api.settings.access.requires_signatures() => Ok(()),
        (None, _) | (Some(_), None) => Err(signature_required()),
        (Some(signature), Some(signer)) => check_signature(signer, digest, signature),
    }
}
