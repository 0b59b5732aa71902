//! Contracts, validators, accounts and providers.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value as Json, json};

use super::transactions::{read, row};
use super::{Answer, PageOf};
use crate::api::error::ApiError;
use crate::api::input::{Fields, invalid};
use crate::api::rpc;
use crate::api::server::Api;
use crate::domain::ledger::{ContractRecord, ValidatorRecord};
use crate::domain::{
    Address, ContractOrder, ContractSearch, ContractSummary, HexPrefix, TransactionSearch,
};

/// Transactions that an address is shown with, at most.
const SHOWN: usize = 50;

/// `GET /api/explorer/validators`.
pub(super) async fn validators(api: Data<Api>, request: HttpRequest) -> Answer {
    let mut query = Fields::of_query(&request)?;
    let limit = query.integer("limit", 1..=10_000)?.unwrap_or(10_000);
    let term = query.text("search", 0..=200)?.unwrap_or_default().to_lowercase();
    query.finish()?;
    let all = api.handles.validators().await?;
    let found = all.iter().map(|record| rpc::validator_view(&api, record));
    let found = found.filter(|view| view.to_string().to_lowercase().contains(&term));
    let found: Vec<Json> = found.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    Ok(HttpResponse::Ok().json(json!({ "validators": found })))
}

/// `GET /api/explorer/providers`.
pub(super) async fn providers(api: Data<Api>) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "providers": rpc::provider_views(&api).await? })))
}

/// `GET /api/explorer/contracts`.
pub(super) async fn contracts(api: Data<Api>, request: HttpRequest) -> Answer {
    let mut query = Fields::of_query(&request)?;
    let page = PageOf::read(&mut query)?;
    let order = match query.text("sort_by", 0..=40)?.as_deref() {
        None | Some("" | "tx_count") => ContractOrder::Transactions,
        Some("created_at") => ContractOrder::Created,
        Some("updated_at") => ContractOrder::Updated,
        Some(other) => {
            let valid = "tx_count, created_at or updated_at";
            return Err(invalid("sort_by", &Json::from(other), valid).into());
        }
    };
    let ascending = match query.text("sort_order", 0..=40)?.as_deref() {
        None | Some("" | "desc") => false,
        Some("asc") => true,
        Some(other) => return Err(invalid("sort_order", &Json::from(other), "asc or desc").into()),
    };
    let term = query.text("search", 0..=200)?.filter(|term| !term.trim().is_empty());
    query.finish()?;
    let (skip, limit) = (page.skip(), page.size());
    let (found, total) = match term.map(|term| HexPrefix::read(term.trim())) {
        // No address begins so.
        Some(None) => (Vec::new(), 0),
        named => {
            let search = ContractSearch { named: named.flatten(), order, ascending, skip, limit };
            api.handles.search_contracts(search).await?
        }
    };
    let states: Vec<Json> = found.iter().map(summary).collect();
    let pagination = page.of_total(total);
    Ok(HttpResponse::Ok().json(json!({ "states": states, "pagination": pagination })))
}

fn summary(contract: &ContractSummary) -> Json {
    json!({
        "id": contract.address,
        "balance": rpc::plain(contract.balance),
        "updated_at": rpc::iso8601(contract.updated_at),
        "created_at": rpc::iso8601(contract.created_at),
        "tx_count": contract.transactions,
    })
}

/// `GET /api/explorer/address/{address}`: a contract, a validator or an account.
pub(super) async fn one(api: Data<Api>, address: Path<String>) -> Answer {
    let address: Address = address.parse().map_err(|error: crate::domain::ParseHashError| {
        ApiError::invalid("address", error.to_string(), "`0x` and 40 hexadecimal digits")
    })?;
    if let Some(record) = api.handles.contract(address).await? {
        return contract(&api, record).await;
    }
    let validators = api.handles.validators().await?;
    let found = validators.iter().find(|record| record.validator.address == address);
    if let Some(found) = found {
        return Ok(validator(&api, found));
    }
    account(&api, address).await
}

fn validator(api: &Api, record: &ValidatorRecord) -> HttpResponse {
    let view = rpc::validator_view(api, record);
    HttpResponse::Ok().json(
        json!({ "type": "VALIDATOR", "address": record.validator.address, "validator": view }),
    )
}

fn transactions_of(address: Address) -> TransactionSearch {
    TransactionSearch { address: Some(address), limit: SHOWN, ..TransactionSearch::default() }
}

async fn contract(api: &Api, record: ContractRecord) -> Answer {
    let found = api.handles.search_transactions(transactions_of(record.address)).await?;
    let named = Some(record.address.into());
    let search = ContractSearch { named, limit: 1, ..ContractSearch::default() };
    let (summaries, _) = api.handles.search_contracts(search).await?;
    let deploy = read(api, record.deployed_by).await?;
    let rows: Vec<Json> = found.items.iter().map(|record| row(api, record)).collect();
    Ok(HttpResponse::Ok().json(json!({
        "type": "CONTRACT",
        "address": record.address,
        "state": summaries.first().map(summary),
        "tx_count": found.total,
        "transactions": rows,
        "contract_code": String::from_utf8_lossy(&record.code.source),
        "creator_info": {
            "creator_address": deploy.transaction.from,
            "deployment_tx_hash": record.deployed_by,
            "creation_timestamp": rpc::iso8601(record.deployed_at),
        },
    })))
}

async fn account(api: &Api, address: Address) -> Answer {
    let account = api.handles.account(address).await?;
    let found = api.handles.search_transactions(transactions_of(address)).await?;
    if found.total == 0 && account.balance.is_zero() && account.nonce == 0 {
        return Err(ApiError::not_found("address", &address).into());
    }
    let newest = found.items.first().map(|record| rpc::iso8601(record.submitted_at));
    let first = TransactionSearch {
        skip: found.total.saturating_sub(1),
        limit: 1,
        ..transactions_of(address)
    };
    let first = api.handles.search_transactions(first).await?.items;
    let oldest = first.first().map(|record| rpc::iso8601(record.submitted_at));
    let rows: Vec<Json> = found.items.iter().map(|record| row(api, record)).collect();
    Ok(HttpResponse::Ok().json(json!({
        "type": "ACCOUNT",
        "address": address,
        "balance": rpc::plain(account.balance),
        "tx_count": found.total,
        "first_tx_time": oldest,
        "last_tx_time": newest,
        "transactions": rows,
    })))
}
