//! `/api/explorer`: what the public explorer of GenLayer Studio asks (`reference/clients.md`
//! section 8). Answers have its field names, and errors its shape.

mod addresses;
mod stats;
mod transactions;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError, web};
use serde_json::{Value as Json, json};

use super::error::ApiError;
use super::input::Fields;
use crate::domain::ledger::StoreError;

/// Items of a page, at most.
const PAGE_MAX: u64 = 100;
/// The last page that can be asked for.
const PAGES_MAX: u64 = 1_000_000;

/// The answer of every handler.
type Answer = Result<HttpResponse, Detail>;

/// A refusal as the explorer reads it.
#[derive(Debug)]
struct Detail(ApiError);

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Detail {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({ "detail": self.0.to_string() }))
    }
}

impl From<ApiError> for Detail {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Detail {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// Adds every route to an application.
pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.route("/api/explorer/stats", web::get().to(stats::all))
        .route("/api/explorer/stats/counts", web::get().to(stats::counts))
        .route("/api/explorer/transactions", web::get().to(transactions::list))
        .route("/api/explorer/transactions/{hash}", web::get().to(transactions::one))
        .route("/api/explorer/validators", web::get().to(addresses::validators))
        .route("/api/explorer/providers", web::get().to(addresses::providers))
        .route("/api/explorer/contracts", web::get().to(addresses::contracts))
        .route("/api/explorer/address/{address}", web::get().to(addresses::one));
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageOf {
    page: u64,
    limit: u64,
}

impl PageOf {
    fn read(query: &mut Fields) -> Result<Self, ApiError> {
        Ok(Self {
            page: query.integer("page", 1..=PAGES_MAX)?.unwrap_or(1),
            limit: query.integer("limit", 1..=PAGE_MAX)?.unwrap_or(20),
        })
    }

    const fn skip(self) -> u64 {
        (self.page - 1).saturating_mul(self.limit)
    }

    fn size(self) -> usize {
        usize::try_from(self.limit).unwrap_or(1)
    }

    fn of_total(self, total: u64) -> Json {
        json!({
            "page": self.page,
            "limit": self.limit,
            "total": total,
            "totalPages": total.div_ceil(self.limit),
        })
    }
}
