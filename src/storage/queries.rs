//! Reads about transactions.

use diesel::prelude::*;

use super::Connection;
use super::blocks;
use super::children;
use super::conditions::{Addressee, AwaitsFinality, Canceled, Pending, Undecided};
use super::contexts;
use super::envelopes;
use super::failure::During;
use super::history::rounds_json;
use super::logs;
use super::rows::{TransactionRow, number, parsed};
use super::schema::{codes, transactions};
use super::transactions::limit_column;
use crate::domain::ledger::{
    Page, Position, StatusCounts, StoreError, TransactionFilter, TransactionRecord,
};
use crate::domain::{Address, AddressSearch, PayloadKind, Side, Status, TxHash};

/// A row and the source of the code it brought.
type WithCode = (TransactionRow, Option<Vec<u8>>);

/// The transaction `hash` with all that became of it, every round over it included.
pub fn transaction_get(
    conn: &mut Connection,
    hash: TxHash,
) -> Result<Option<TransactionRecord>, StoreError> {
    let row: Option<WithCode> = transactions::table
        .left_join(codes::table)
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .select((TransactionRow::as_select(), codes::source.nullable()))
        .get_result(conn)
        .optional()
        .during("reading a transaction")?;
    let Some((row, code)) = row else { return Ok(None) };
    let mut record = judged(conn, row, code)?;
    record.logs = logs::of_transaction(conn, record.position)?;
    record.context = contexts::load(conn, record.position)?;
    Ok(Some(record))
}

/// A row with every round over it, its family and its place in the chain: whoever shows what the
/// consensus came to needs all of them, also in a list.
pub(super) fn judged(
    conn: &mut Connection,
    row: TransactionRow,
    code: Option<Vec<u8>>,
) -> Result<TransactionRecord, StoreError> {
    let (place, hash) = (row.block, row.hash()?);
    let mut record = record(row, code)?;
    record.inclusion = blocks::inclusion(conn, record.position, place)?;
    record.envelope = envelopes::envelope_get(conn, hash)?.map(|stored| Box::new(stored.envelope));
    record.consensus = rounds_json(conn, record.position)?;
    record.parent = children::parent(conn, record.position)?;
    record.children = children::hashes_of(conn, record.position)?;
    Ok(record)
}

/// A row alone.
fn record(row: TransactionRow, code: Option<Vec<u8>>) -> Result<TransactionRecord, StoreError> {
    Ok(TransactionRecord {
        position: Position(row.position),
        transaction: row.transaction(code)?,
        status: row.status()?,
        attempt: row.attempt()?,
        submitted_at: row.submitted_at(),
        decided_at: row.decided_at(),
        final_from: row.final_from(),
        finalized_at: row.finalized_at(),
        appeal: row.appeal()?,
        reason: row.reason,
        parent: None,
        children: Vec::new(),
        context: None,
        consensus: None,
        inclusion: None,
        logs: Vec::new(),
        envelope: None,
    })
}

/// At most `limit` transactions that fit `filter` and were accepted before `before`, newest first;
/// without what became of them in the consensus.
pub fn transaction_list(
    conn: &mut Connection,
    filter: &TransactionFilter,
    before: Option<Position>,
    limit: usize,
) -> Result<Page<TransactionRecord>, StoreError> {
    let rows = rows(conn, filter, before, limit.saturating_add(1))?;
    let items = rows.into_iter().map(|(row, code)| record(row, code));
    let mut items = items.collect::<Result<Vec<_>, _>>()?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more).map(|last| last.position);
    Ok(Page { items, next })
}

/// At most `limit` transactions of one account or contract that were accepted before `before`,
/// newest first, each with what became of it in the consensus.
pub fn transaction_list_of_address(
    conn: &mut Connection,
    search: &AddressSearch,
) -> Result<Vec<TransactionRecord>, StoreError> {
    let AddressSearch { address, side, before, limit } = *search;
    let sent = TransactionFilter { from: Some(address), ..TransactionFilter::default() };
    let received = TransactionFilter { to: Some(address), ..TransactionFilter::default() };
    // Two walks of two indexes: no database takes the newest of both from one condition.
    let mut found = Vec::new();
    if side != Side::Recipient {
        found.extend(rows(conn, &sent, before, limit)?);
    }
    if side != Side::Sender {
        found.extend(rows(conn, &received, before, limit)?);
    }
    found.sort_by_key(|(row, _)| std::cmp::Reverse(row.position));
    found.dedup_by_key(|(row, _)| row.position);
    found.truncate(limit);
    found.into_iter().map(|(row, code)| judged(conn, row, code)).collect()
}

/// At most `limit` rows that fit `filter`, newest first, each with the code it brought.
fn rows(
    conn: &mut Connection,
    filter: &TransactionFilter,
    before: Option<Position>,
    limit: usize,
) -> Result<Vec<WithCode>, StoreError> {
    let mut query = transactions::table
        .left_join(codes::table)
        .select((TransactionRow::as_select(), codes::source.nullable()))
        .order(transactions::position.desc())
        .limit(limit_column(limit))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(transactions::position.lt(before.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(transactions::status.eq(status.name()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(transactions::kind.eq(kind.name()));
    }
    if let Some(from) = filter.from {
        // The same order as by position, and the order of the index on sender and nonce.
        query = query
            .filter(transactions::sender.eq(from.as_bytes().to_vec()))
            .order(transactions::nonce.desc());
    }
    if let Some(to) = filter.to {
        // The queue has an index, and holds more than what goes there only for burns.
        query = query.filter(Addressee.eq(to.as_bytes().to_vec())).filter(
            transactions::recipient
                .is_not_null()
                .or(transactions::kind.eq(PayloadKind::Deploy.name())),
        );
    }
    query.load(conn).during("listing transactions")
}

/// How many transactions are in each status that any is in.
///
/// Counts what is open; whatever else was ever accepted is final.
pub fn status_counts(conn: &mut Connection) -> Result<StatusCounts, StoreError> {
    const OPERATION: &str = "counting transactions";
    let mut rows: Vec<(String, i64)> = transactions::table
        .filter(Undecided)
        .group_by(transactions::status)
        .select((transactions::status, diesel::dsl::count_star()))
        .load(conn)
        .during(OPERATION)?;
    let decided: Vec<(String, i64)> = transactions::table
        .filter(AwaitsFinality)
        .group_by(transactions::status)
        .select((transactions::status, diesel::dsl::count_star()))
        .load(conn)
        .during(OPERATION)?;
    let canceled: i64 = transactions::table
        .filter(Canceled)
        .select(diesel::dsl::count_star())
        .get_result(conn)
        .during(OPERATION)?;
    // Places are given without gaps, and no transaction is ever deleted.
    let all: Option<i64> = transactions::table
        .select(diesel::dsl::max(transactions::position))
        .get_result(conn)
        .during(OPERATION)?;
    rows.extend(decided);
    rows.push((Status::Canceled.name().to_owned(), canceled));
    let open: i64 = rows.iter().map(|(_, count)| count).sum();
    rows.push((Status::Finalized.name().to_owned(), (all.unwrap_or(0) - open).max(0)));
    let mut counts = rows
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| Ok((parsed(status)?, number(*count)?)))
        .collect::<Result<StatusCounts, StoreError>>()?;
    counts.sort();
    Ok(counts)
}

/// How many transactions wait.
pub fn pending_count(conn: &mut Connection) -> Result<u64, StoreError> {
    let count: i64 = transactions::table
        .filter(Pending)
        .select(diesel::dsl::count_star())
        .get_result(conn)
        .during("counting waiting transactions")?;
    number(count)
}

/// How many transactions were sent to `address`, deploys of it included.
pub fn received_count(conn: &mut Connection, address: Address) -> Result<u64, StoreError> {
    let count: i64 = transactions::table
        .filter(Addressee.eq(address.as_bytes().to_vec()))
        .select(diesel::dsl::count_star())
        .get_result(conn)
        .during("counting what was sent to an address")?;
    number(count)
}
