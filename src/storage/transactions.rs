//! Transactions that wait, and the one way in which a status changes.

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::children;
use super::conditions::{Appealed, InFlight, Pending, Undecided};
use super::failure::{During, database_error};
use super::rows::{Progress, address, digest, parsed};
use super::schema::transactions;
use crate::domain::ledger::{PendingTransaction, Position, StoreError};
use crate::domain::{Address, Amount, EventKind, PayloadKind, Status, Timestamp, TxHash};

type PendingRow = (i64, Vec<u8>, Vec<u8>, String);

/// At most `limit` waiting transactions behind `after`, in their order.
pub fn transaction_list_pending(
    conn: &mut Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<PendingTransaction>, StoreError> {
    const OPERATION: &str = "listing waiting transactions";
    let columns = (
        transactions::position,
        transactions::hash,
        transactions::queue_address,
        transactions::kind,
    );
    // Two statements, each on an index of its own: appeals are few, and often there are none.
    let mut rows: Vec<PendingRow> = transactions::table
        .filter(Pending)
        .filter(transactions::position.gt(after.0))
        .order(transactions::position)
        .limit(limit_column(limit))
        .select(columns)
        .load(conn)
        .during(OPERATION)?;
    let appealed: Vec<PendingRow> = transactions::table
        .filter(Appealed)
        .filter(transactions::position.gt(after.0))
        .order(transactions::position)
        .limit(limit_column(limit))
        .select(columns)
        .load(conn)
        .during(OPERATION)?;
    if !appealed.is_empty() {
        rows.extend(appealed);
        rows.sort_unstable();
        rows.truncate(limit);
    }
    rows.iter().map(pending).collect()
}

/// At most `limit` waiting transactions of one queue behind `after`, in their order.
pub fn transaction_list_pending_of(
    conn: &mut Connection,
    queue: Address,
    after: Position,
    limit: usize,
) -> Result<Vec<PendingTransaction>, StoreError> {
    const OPERATION: &str = "listing the waiting transactions of a queue";
    let columns = (
        transactions::position,
        transactions::hash,
        transactions::queue_address,
        transactions::kind,
    );
    let appealed: Vec<PendingRow> = transactions::table
        .filter(Appealed)
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .filter(transactions::position.gt(after.0))
        .order(transactions::position)
        .limit(limit_column(limit))
        .select(columns)
        .load(conn)
        .during(OPERATION)?;
    let mut rows: Vec<PendingRow> = transactions::table
        .filter(Undecided)
        .filter(transactions::status.eq(Status::Pending.name()))
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .filter(transactions::position.gt(after.0))
        .order(transactions::position)
        .limit(limit_column(limit))
        .select(columns)
        .load(conn)
        .during(OPERATION)?;
    rows.extend(appealed);
    rows.sort_unstable();
    rows.truncate(limit);
    rows.iter().map(pending).collect()
}

fn pending((position, hash, queue, kind): &PendingRow) -> Result<PendingTransaction, StoreError> {
    Ok(PendingTransaction {
        position: Position(*position),
        hash: digest(hash)?,
        queue: address(queue)?,
        kind: parsed::<PayloadKind>(kind)?,
    })
}

pub(super) fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Is `position` the first of its queue that is not decided?
pub(super) fn is_head_of_queue(
    conn: &mut Connection,
    queue: Address,
    position: Position,
) -> Result<bool, StoreError> {
    let head: Option<i64> = transactions::table
        .filter(Undecided)
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .select(diesel::dsl::min(transactions::position))
        .get_result(conn)
        .during("looking for the first of a queue")?;
    Ok(head == Some(position.0))
}

/// Is a round running on a transaction of `queue`?
pub(super) fn is_in_flight(conn: &mut Connection, queue: Address) -> Result<bool, StoreError> {
    let found: Option<i64> = transactions::table
        .filter(InFlight)
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .select(transactions::position)
        .first(conn)
        .optional()
        .during("looking for what is in flight")?;
    Ok(found.is_some())
}

/// Withdraws a transaction that waits for its first round, and gives its value back. Whoever just
/// took it, which is not written here yet, must be asked before: see the store actor's claims.
pub fn transaction_cancel_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "withdrawing a transaction";
    let progress = Progress::load(conn, hash)?;
    if progress.status != Status::Pending {
        return Err(StoreError::NotPending { hash, found: progress.status });
    }
    let status = progress.status.change_to(Status::Canceled)?;
    children::refund(conn, &progress)?;
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::status.eq(status.name()),
            transactions::decided_at.eq(at.as_millis()),
            transactions::locked.eq(Amount::ZERO.to_string()),
            transactions::reason.eq("withdrawn by request"),
        ))
        .execute(conn);
    one_row(changed, OPERATION)?;
    let kind = EventKind::StatusChanged { status, rotation: None };
    ctx.record(at, hash, progress.queue, kind);
    Ok(())
}

/// Says why a transaction waits, without changing anything else.
pub fn transaction_reason_set_in_txn(
    conn: &mut Connection,
    hash: TxHash,
    reason: &str,
) -> Result<(), StoreError> {
    let progress = Progress::load(conn, hash)?;
    diesel::update(transactions::table.find(progress.position.0))
        .set(transactions::reason.eq(words(reason)))
        .execute(conn)
        .during("storing why a transaction waits")?;
    Ok(())
}

/// Text that both databases can hold: PostgreSQL has no NUL.
pub(super) fn words(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').take(4096).collect()
}

/// One row must have changed: the batch is alone with the row it read.
pub(super) fn one_row(
    changed: QueryResult<usize>,
    operation: &'static str,
) -> Result<(), StoreError> {
    match changed.during(operation)? {
        1 => Ok(()),
        count => Err(database_error(operation, format!("{count} rows changed instead of one"))),
    }
}
