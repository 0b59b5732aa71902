//! What an explorer asks: searches with totals, and sums over the whole ledger.
//!
//! They run on the readers' connections, which everybody shares: a slow one here is a read less
//! for the crawler. So they filter, sort and limit in the database, and along its indexes.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Connection;
use super::conditions::Addressee;
use super::failure::During;
use super::queries::judged;
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
const HASH_BYTES: usize = 32;
const ADDRESS_BYTES: usize = 20;

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
        if let Some(prefix) = search.named.as_ref().filter(|prefix| !prefix.is_empty()) {
            // Nothing lies between these.
            let none = || (vec![1], vec![0]);
            let (least, greatest) = prefix.range(HASH_BYTES).unwrap_or_else(none);
            let (first, last) = prefix.range(ADDRESS_BYTES).unwrap_or_else(none);
            query = query.filter(
                transactions::hash
                    .between(least, greatest)
                    .or(transactions::sender.between(first.clone(), last.clone()))
                    .or(Addressee.between(first, last).nullable()),
            );
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
    let items = rows.into_iter().map(|(row, code)| judged(conn, row, code));
    Ok(TransactionsFound { items: items.collect::<Result<_, _>>()?, total: number(total)? })
}

/// How many transactions a contract was sent, and when the last of them came: a walk of the
/// contract's part of the index `transactions_addressee`.
const RECEIVED: &str = "(SELECT count(*) FROM transactions \
    WHERE coalesce(transactions.recipient, transactions.queue_address) = contracts.address)";
const UPDATED: &str = "coalesce((SELECT transactions.submitted_at FROM transactions \
    WHERE coalesce(transactions.recipient, transactions.queue_address) = contracts.address \
    AND transactions.submitted_at > contracts.deployed_at \
    ORDER BY transactions.position DESC LIMIT 1), contracts.deployed_at)";

/// A page of the contracts that fit, and how many fit in all.
///
/// By default it costs a walk of the index of what every contract was sent; ordered by their age,
/// only of what those of the page were.
pub fn contract_search(
    conn: &mut Connection,
    search: &ContractSearch,
) -> Result<(Vec<ContractSummary>, u64), StoreError> {
    type Row = (Vec<u8>, i64, Option<String>, i64, i64);
    const OPERATION: &str = "searching contracts";
    let key = match search.order {
        ContractOrder::Transactions => RECEIVED,
        ContractOrder::Created => "contracts.deployed_at",
        ContractOrder::Updated => UPDATED,
    };
    let direction = if search.ascending { "ASC" } else { "DESC" };
    let order = format!("{key} {direction}, contracts.address {direction}");
    let mut all = contracts::table.select(count_star()).into_boxed();
    let mut page = contracts::table
        .left_join(accounts::table.on(accounts::address.eq(contracts::address)))
        .select((
            contracts::address,
            contracts::deployed_at,
            accounts::balance.nullable(),
            sql::<BigInt>(RECEIVED),
            sql::<BigInt>(UPDATED),
        ))
        .order(sql::<BigInt>(&order))
        .offset(i64::try_from(search.skip).unwrap_or(i64::MAX))
        .limit(limit_column(search.limit))
        .into_boxed();
    if let Some(prefix) = &search.named {
        let Some((first, last)) = prefix.range(ADDRESS_BYTES) else { return Ok((Vec::new(), 0)) };
        all = all.filter(contracts::address.between(first.clone(), last.clone()));
        page = page.filter(contracts::address.between(first, last));
    }
    let total: i64 = all.get_result(conn).during(OPERATION)?;
    let rows: Vec<Row> = page.load(conn).during(OPERATION)?;
    let found = rows.into_iter().map(|(bytes, created, balance, count, updated)| {
        Ok(ContractSummary {
            address: address(&bytes)?,
            balance: balance.as_deref().map(parsed).transpose()?.unwrap_or(Amount::ZERO),
            transactions: number(count)?,
            created_at: Timestamp::from_millis(created),
            updated_at: Timestamp::from_millis(updated),
        })
    });
    Ok((found.collect::<Result<_, StoreError>>()?, number(total)?))
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
    let day = sql::<BigInt>("submitted_at / 86400000");
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
