//! What an explorer asks: searches with totals, and sums over the whole ledger. They read much, and
//! run on a reader's connection, so that nobody waits for them.

use std::collections::BTreeMap;

use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Connection;
use super::conditions::Addressee;
use super::failure::During;
use super::queries::record;
use super::rows::{TransactionRow, address, number, parsed};
use super::schema::{accounts, appeals, codes, contracts, transactions, validators};
use super::transactions::limit_column;
use crate::domain::ledger::StoreError;
use crate::domain::{
    Amount, ContractOrder, ContractSearch, ContractSummary, LedgerSums, PayloadKind, Timestamp,
    TransactionSearch, TransactionsFound,
};

const DAY_MILLIS: i64 = 86_400_000;
const DAYS: i64 = 14;

/// A condition on transactions with everything a search may ask.
macro_rules! searched {
    ($query:expr, $search:expr) => {{
        let (mut query, search) = ($query, $search);
        if !search.statuses.is_empty() {
            let names: Vec<&str> = search.statuses.iter().map(|status| status.name()).collect();
            query = query.filter(transactions::status.eq_any(names));
        }
        if let Some(wanted) = search.address {
            let wanted = wanted.as_bytes().to_vec();
            query = query.filter(
                transactions::sender.eq(wanted.clone()).or(Addressee.eq(wanted).nullable()),
            );
        }
        if let Some(hash) = search.hash {
            query = query.filter(transactions::hash.eq(hash.as_bytes().to_vec()));
        }
        if let Some(from) = search.from {
            query = query.filter(transactions::submitted_at.ge(from.as_millis()));
        }
        if let Some(to) = search.to {
            query = query.filter(transactions::submitted_at.le(to.as_millis()));
        }
        query
    }};
}

/// A page of the transactions that fit, newest first, and how many fit in all.
pub fn transaction_search(
    conn: &mut Connection,
    search: &TransactionSearch,
) -> Result<TransactionsFound, StoreError> {
    const OPERATION: &str = "searching transactions";
    let all = searched!(transactions::table.select(count_star()).into_boxed(), search);
    let total: i64 = all.get_result(conn).during(OPERATION)?;
    let page = transactions::table
        .left_join(codes::table)
        .select((TransactionRow::as_select(), codes::source.nullable()))
        .order(transactions::position.desc())
        .offset(i64::try_from(search.skip).unwrap_or(i64::MAX))
        .limit(limit_column(search.limit))
        .into_boxed();
    let rows: Vec<(TransactionRow, Option<Vec<u8>>)> =
        searched!(page, search).load(conn).during(OPERATION)?;
    let items = rows.into_iter().map(|(row, code)| record(row, code));
    Ok(TransactionsFound { items: items.collect::<Result<_, _>>()?, total: number(total)? })
}

/// A page of the contracts that fit, and how many fit in all.
pub fn contract_search(
    conn: &mut Connection,
    search: &ContractSearch,
) -> Result<(Vec<ContractSummary>, u64), StoreError> {
    const OPERATION: &str = "searching contracts";
    let mut query = contracts::table
        .left_join(accounts::table.on(accounts::address.eq(contracts::address)))
        .select((contracts::address, contracts::deployed_at, accounts::balance.nullable()))
        .into_boxed();
    if let Some(wanted) = search.address {
        query = query.filter(contracts::address.eq(wanted.as_bytes().to_vec()));
    }
    let rows: Vec<(Vec<u8>, i64, Option<String>)> = query.load(conn).during(OPERATION)?;
    let received = received(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for (bytes, created, balance) in rows {
        let (count, updated) = received.get(&bytes).copied().unwrap_or((0, created));
        found.push(ContractSummary {
            address: address(&bytes)?,
            balance: balance.as_deref().map(parsed).transpose()?.unwrap_or(Amount::ZERO),
            transactions: number(count)?,
            created_at: Timestamp::from_millis(created),
            updated_at: Timestamp::from_millis(updated.max(created)),
        });
    }
    found.sort_by_key(|contract| {
        let key = match search.order {
            ContractOrder::Transactions => i64::try_from(contract.transactions).unwrap_or(i64::MAX),
            ContractOrder::Created => contract.created_at.as_millis(),
            ContractOrder::Updated => contract.updated_at.as_millis(),
        };
        (key, contract.address)
    });
    if !search.ascending {
        found.reverse();
    }
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(search.skip).unwrap_or(usize::MAX);
    Ok((found.into_iter().skip(skip).take(search.limit).collect(), total))
}

/// How many transactions every address was sent, and when the last of them came.
fn received(conn: &mut Connection) -> Result<BTreeMap<Vec<u8>, (i64, i64)>, StoreError> {
    let rows: Vec<(Vec<u8>, i64, Option<i64>)> = transactions::table
        .group_by(transactions::queue_address)
        .select((transactions::queue_address, count_star(), max(transactions::submitted_at)))
        .load(conn)
        .during("counting what contracts received")?;
    Ok(rows.into_iter().map(|(at, count, last)| (at, (count, last.unwrap_or(0)))).collect())
}

/// Sums over the whole ledger as of `now`.
pub fn ledger_sums(conn: &mut Connection, now: Timestamp) -> Result<LedgerSums, StoreError> {
    const OPERATION: &str = "adding up the ledger";
    let statuses: Vec<(String, i64)> = transactions::table
        .group_by(transactions::status)
        .select((transactions::status, count_star()))
        .load(conn)
        .during(OPERATION)?;
    let kinds: Vec<(String, i64)> = transactions::table
        .group_by(transactions::kind)
        .select((transactions::kind, count_star()))
        .load(conn)
        .during(OPERATION)?;
    let appealed: Vec<i64> =
        appeals::table.select(appeals::position).distinct().load(conn).during(OPERATION)?;
    let contracts: i64 =
        contracts::table.select(count_star()).get_result(conn).during(OPERATION)?;
    let validators: i64 =
        validators::table.select(count_star()).get_result(conn).during(OPERATION)?;
    let today = now.as_millis().div_euclid(DAY_MILLIS);
    let last_day: i64 = transactions::table
        .filter(transactions::submitted_at.gt(now.as_millis().saturating_sub(DAY_MILLIS)))
        .select(count_star())
        .get_result(conn)
        .during(OPERATION)?;
    let day = diesel::dsl::sql::<BigInt>("submitted_at / 86400000");
    let days: Vec<(i64, i64)> = transactions::table
        .filter(transactions::submitted_at.ge((today - DAYS + 1).saturating_mul(DAY_MILLIS)))
        .group_by(day.clone())
        .select((day, count_star()))
        .load(conn)
        .during(OPERATION)?;
    let mut sums = LedgerSums {
        appealed: u64::try_from(appealed.len()).unwrap_or(u64::MAX),
        contracts: number(contracts)?,
        validators: number(validators)?,
        last_day: number(last_day)?,
        ..LedgerSums::default()
    };
    for (status, count) in statuses {
        sums.by_status.insert(parsed(&status)?, number(count)?);
    }
    for (kind, count) in kinds {
        sums.by_kind.push((parsed::<PayloadKind>(&kind)?, number(count)?));
    }
    for (day, count) in days {
        sums.by_day.push((day, number(count)?));
    }
    sums.by_day.sort_unstable();
    Ok(sums)
}
