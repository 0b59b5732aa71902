//! Finality: in order per queue, never before the window, the state as of that very transaction.

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::cached::cached_update;
use super::conditions::AwaitsFinality;
use super::failure::During;
use super::rows::{Progress, digest};
use super::schema::{decisions, transactions};
use super::transactions::{limit_column, one_row};
use super::{contracts, writes};
use crate::domain::ledger::{DueTransaction, Position, StoreError};
use crate::domain::{Address, EventKind, PayloadKind, Status, Timestamp};

/// At most `limit` transactions whose window has closed at `now`, in an order in which they can be
/// finalized: earlier ones of a queue come before later ones.
pub fn transaction_list_due(
    conn: &mut Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DueTransaction>, StoreError> {
    // No window closes before that of an earlier transaction of its queue (`window_end`), so this
    // order is the order of every queue, and nothing in the answer waits for something outside it.
    let rows: Vec<(Vec<u8>, i64, Option<i64>)> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::final_from.le(now.as_millis()))
        .order((transactions::final_from, transactions::position))
        .limit(limit_column(limit))
        .select((transactions::hash, transactions::position, transactions::final_from))
        .load(conn)
        .during("listing due transactions")?;
    rows.into_iter()
        .map(|(hash, position, final_from)| {
            Ok(DueTransaction {
                hash: digest(&hash)?,
                position: Position(position),
                final_from: Timestamp::from_millis(final_from.unwrap_or_default()),
            })
        })
        .collect()
}

/// When the next window closes.
pub fn transaction_next_due_at(conn: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<Option<i64>> = transactions::table
        .filter(AwaitsFinality)
        .order(transactions::final_from)
        .select(transactions::final_from)
        .first(conn)
        .optional()
        .during("looking for the next window to close")?;
    Ok(next.flatten().map(Timestamp::from_millis))
}

/// The end of a window that would close at `wanted`, but not before those of the transactions
/// that `queue` decided earlier.
pub(super) fn window_end(
    conn: &mut Connection,
    queue: Address,
    wanted: Timestamp,
) -> Result<Timestamp, StoreError> {
    let last: Option<Option<i64>> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .order(transactions::position.desc())
        .select(transactions::final_from)
        .first(conn)
        .optional()
        .during("looking for the last window of a queue")?;
    Ok(last.flatten().map_or(wanted, |last| wanted.max(Timestamp::from_millis(last))))
}

/// Makes a decided transaction final; `false` when nothing changed, because it is final already,
/// is not decided, its window is open, or an earlier one of its queue is not final.
pub fn transaction_finalize_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: crate::domain::TxHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    const OPERATION: &str = "finalizing a transaction";
    let progress = Progress::load(conn, hash)?;
    let is_due = progress.status.awaits_finality()
        && progress.final_from.is_some_and(|final_from| final_from <= at);
    if !is_due || !is_first_unfinal(conn, &progress)? {
        return Ok(false);
    }
    let status = progress.status.change_to(Status::Finalized)?;
    let pages = if progress.status == Status::Accepted && progress.kind != PayloadKind::Transfer {
        let attempt = i32::try_from(progress.attempt).during(OPERATION)?;
        let written: Vec<u8> = decisions::table
            .find((progress.position.0, attempt))
            .select(decisions::writes)
            .get_result(conn)
            .during(OPERATION)?;
        writes::decode(&written)?
    } else {
        crate::domain::Pages::new()
    };

    writes::apply_finalized(conn, progress.queue, &pages)?;
    if progress.kind == PayloadKind::Deploy && progress.status == Status::Accepted {
        contracts::mark_finalized(conn, progress.queue, at)?;
    }
    let changed = cached_update(
        "transactions",
        (transactions::status.eq(status.name()), transactions::finalized_at.eq(at.as_millis())),
        transactions::position.eq(progress.position.0),
    )
    .execute(conn);
    one_row(changed, OPERATION)?;
    ctx.record(at, hash, progress.queue, EventKind::StatusChanged { status, rotation: None });
    Ok(true)
}

fn is_first_unfinal(conn: &mut Connection, progress: &Progress) -> Result<bool, StoreError> {
    let first: Option<i64> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::queue_address.eq(progress.queue.as_bytes().as_slice()))
        .select(diesel::dsl::min(transactions::position))
        .get_result(conn)
        .during("looking for earlier transactions that are not final")?;
    Ok(first == Some(progress.position.0))
}
