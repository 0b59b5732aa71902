//! Transactions, searched and one by one.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value as Json, json};

use super::{Answer, PageOf};
use crate::api::error::ApiError;
use crate::api::input::{Fields, invalid};
use crate::api::rpc;
use crate::api::server::Api;
use crate::domain::ledger::TransactionRecord;
use crate::domain::{HexPrefix, Status, Timestamp, TransactionSearch, TransactionsFound, TxHash};

const DATE: &str = "an ISO 8601 date, such as 2026-06-10 or 2026-06-10T15:45:36Z";

/// `GET /api/explorer/transactions`.
pub(super) async fn list(api: Data<Api>, request: HttpRequest) -> Answer {
    let mut query = Fields::of_query(&request)?;
    let page = PageOf::read(&mut query)?;
    let search = TransactionSearch {
        statuses: statuses(&mut query)?,
        address: query.parsed("address", "`0x` and 40 hexadecimal digits")?,
        from: date(&mut query, "from_date", "T00:00:00Z")?,
        to: date(&mut query, "to_date", "T23:59:59.999Z")?,
        skip: page.skip(),
        limit: page.size(),
        named: None,
    };
    let term = query.text("search", 0..=200)?.filter(|term| !term.trim().is_empty());
    query.finish()?;
    let found = match term.map(|term| HexPrefix::read(term.trim())) {
        // No name begins so.
        Some(None) => TransactionsFound { items: Vec::new(), total: 0 },
        named => {
            let search = TransactionSearch { named: named.flatten(), ..search };
            api.handles.search_transactions(search).await?
        }
    };
    let rows: Vec<Json> = found.items.iter().map(|record| row(&api, record)).collect();
    let pagination = page.of_total(found.total);
    Ok(HttpResponse::Ok().json(json!({ "transactions": rows, "pagination": pagination })))
}

fn statuses(query: &mut Fields) -> Result<Vec<Status>, ApiError> {
    let valid = Status::ALL.map(Status::name).join(", ");
    let Some(text) = query.text("status", 0..=400)? else { return Ok(Vec::new()) };
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names = names.map(|name| {
        // The names of the testnets that Agora never gives.
        let name = if name == "ACTIVATED" { "PENDING" } else { name };
        name.parse().ok().ok_or_else(|| invalid("status", &Json::from(name), &valid))
    });
    names.collect()
}

/// A date alone stands for its first or its last moment.
fn date(query: &mut Fields, name: &'static str, rest: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = query.text(name, 0..=40)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let whole = if text.len() == 10 { format!("{text}{rest}") } else { text.clone() };
    let whole = if whole.len() == 19 { format!("{whole}Z") } else { whole };
    let instant: Result<jiff::Timestamp, _> = whole.replace(' ', "+").parse();
    let instant = instant.ok().ok_or_else(|| invalid(name, &Json::from(text), DATE))?;
    Ok(Some(Timestamp::from_millis(instant.as_millisecond())))
}

/// A transaction as the explorer's lists have it.
pub(super) fn row(api: &Api, record: &TransactionRecord) -> Json {
    let mut row = rpc::transaction_view(api, record);
    if let Some(row) = row.as_object_mut() {
        let input = row.get("data").cloned().unwrap_or(Json::Null);
        row.insert("input_data".into(), input);
        let parent = row.get("triggered_by").cloned().unwrap_or(Json::Null);
        row.insert("triggered_by_hash".into(), parent);
        row.insert("triggered_count".into(), record.children.len().into());
    }
    row
}

/// `GET /api/explorer/transactions/{hash}`.
pub(super) async fn one(api: Data<Api>, hash: Path<String>) -> Answer {
    let hash: TxHash = hash.parse().map_err(|error: crate::domain::ParseHashError| {
        ApiError::invalid("hash", error.to_string(), "`0x` and 64 hexadecimal digits")
    })?;
    let record = read(&api, hash).await?;
    let mut triggered = Vec::new();
    for child in &record.children {
        triggered.push(row(&api, &read(&api, *child).await?));
    }
    let parent = match record.parent {
        Some((parent, _)) => row(&api, &read(&api, parent).await?),
        None => Json::Null,
    };
    Ok(HttpResponse::Ok().json(json!({
        "transaction": row(&api, &record),
        "triggeredTransactions": triggered,
        "parentTransaction": parent,
    })))
}

/// A transaction that must exist.
pub(super) async fn read(api: &Api, hash: TxHash) -> Result<TransactionRecord, ApiError> {
    let record = api.handles.transaction(hash).await?;
    record.ok_or_else(|| ApiError::not_found("transaction", &hash))
}
