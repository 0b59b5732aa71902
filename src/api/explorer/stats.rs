//! Sums over the network.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Map, Value as Json, json};

use super::Answer;
use crate::api::rpc;
use crate::api::server::Api;
use crate::domain::{LedgerSums, PayloadKind, Status, Timestamp, TransactionSearch};

/// Transactions that are shown as recent.
const RECENT: usize = 10;
/// Days whose transactions are counted, today included; those without any count too.
const DAYS_SHOWN: i64 = 14;
const DAY_MILLIS: i64 = 86_400_000;

fn total(sums: &LedgerSums) -> u64 {
    sums.by_status.values().sum()
}

fn of_kind(sums: &LedgerSums, kind: PayloadKind) -> u64 {
    sums.by_kind.iter().filter(|(known, _)| *known == kind).map(|(_, count)| count).sum()
}

/// `GET /api/explorer/stats`.
pub(super) async fn all(api: Data<Api>) -> Answer {
    let sums = api.handles.ledger_sums().await?;
    let search = TransactionSearch { limit: RECENT, ..TransactionSearch::default() };
    let recent = api.handles.search_transactions(search).await?;
    let recent: Vec<Json> =
        recent.items.iter().map(|record| rpc::transaction_view(&api, record)).collect();
    let by_status: Map<String, Json> = sums
        .by_status
        .iter()
        .map(|(status, count)| (status.name().to_owned(), json!(count)))
        .collect();
    let today = api.handles.now().as_millis() / DAY_MILLIS;
    let volume = (today - DAYS_SHOWN + 1..=today).map(|day| {
        let date = rpc::iso8601(Timestamp::from_millis(day.saturating_mul(DAY_MILLIS)));
        let count = sums.by_day.iter().find(|(known, _)| *known == day).map_or(0, |(_, it)| *it);
        json!({ "date": date.get(..10), "count": count })
    });
    let finalized = sums.by_status.get(&Status::Finalized).copied().unwrap_or(0);
    Ok(HttpResponse::Ok().json(json!({
        "totalTransactions": total(&sums),
        "transactionsByStatus": by_status,
        "transactionsByType": {
            "deploy": of_kind(&sums, PayloadKind::Deploy),
            "call": of_kind(&sums, PayloadKind::Call),
        },
        "totalValidators": sums.validators,
        "totalContracts": sums.contracts,
        "appealedTransactions": sums.appealed,
        "finalizedTransactions": finalized,
        "avgTps24h": per_second(sums.last_day),
        "txVolume14d": volume.collect::<Vec<_>>(),
        "recentTransactions": recent,
    })))
}

/// A day's transactions per second, to four places.
fn per_second(in_a_day: u64) -> f64 {
    let ten_thousandths = in_a_day.saturating_mul(10_000) / 86_400;
    f64::from(u32::try_from(ten_thousandths).unwrap_or(u32::MAX)) / 10_000.0
}

/// `GET /api/explorer/stats/counts`.
pub(super) async fn counts(api: Data<Api>) -> Answer {
    let sums = api.handles.ledger_sums().await?;
    Ok(HttpResponse::Ok().json(json!({
        "totalTransactions": total(&sums),
        "totalValidators": sums.validators,
        "totalContracts": sums.contracts,
    })))
}
