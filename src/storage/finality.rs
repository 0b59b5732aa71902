//! Finality: in order per queue, never before the window, the state as of that very transaction.

use std::time::Duration;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::cached::cached_update;
use super::conditions::AwaitsFinality;
use super::failure::During;
use super::rows::{Progress, digest, execution_mode, number};
use super::schema::{decisions, network, transactions};
use super::transactions::{limit_column, one_row};
use super::{contracts, writes};
use crate::domain::ledger::{DueTransaction, Position, StoreError};
use crate::domain::{
    Address, EventKind, ExecutionMode, PayloadKind, Status, Timestamp, window_end,
};

/// At most `limit` transactions whose window has closed at `now`, in an order in which they can be
/// finalized: earlier ones of a queue come before later ones.
pub fn transaction_list_due(
    conn: &mut Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DueTransaction>, StoreError> {
    // No window closes before that of an earlier transaction of its queue (`final_from`), so this
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

/// How long a decision can be appealed, in this network.
pub fn finality_window_load(conn: &mut Connection) -> Result<Duration, StoreError> {
    let millis: i64 = network::table
        .find(1)
        .select(network::finality_window)
        .get_result(conn)
        .during("reading the finality window")?;
    Ok(Duration::from_millis(number(millis)?))
}

/// Changes how long a decision can be appealed, also for those that are not final yet.
pub fn finality_window_set_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    window: Duration,
) -> Result<(), StoreError> {
    const OPERATION: &str = "changing the finality window";
    let millis = i64::try_from(window.as_millis()).during(OPERATION)?;
    let changed = diesel::update(network::table.find(1))
        .set(network::finality_window.eq(millis))
        .execute(conn);
    one_row(changed, OPERATION)?;
    ctx.finality_window_changed(window);
    recompute_windows(conn, window)
}

/// What the end of an open window is computed from.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = transactions)]
struct OpenWindow {
    position: i64,
    queue_address: Vec<u8>,
    decided_at: Option<i64>,
    mode: String,
    final_from: Option<i64>,
}

/// Computes the end of every open window anew: of each queue in its order, so that none closes
/// before an earlier one of its queue.
///
/// What awaits finality is read as a whole; a row of it takes about a hundred bytes.
fn recompute_windows(conn: &mut Connection, window: Duration) -> Result<(), StoreError> {
    const OPERATION: &str = "computing the ends of finality windows";
    let open: Vec<OpenWindow> = transactions::table
        .filter(AwaitsFinality)
        .order((transactions::queue_address, transactions::position))
        .select(OpenWindow::as_select())
        .load(conn)
        .during(OPERATION)?;
    let mut last: Option<(Vec<u8>, Timestamp)> = None;
    for one in open {
        let decided_at = Timestamp::from_millis(one.decided_at.unwrap_or_default());
        let own = window_end(decided_at, window, execution_mode(&one.mode)?);
        let earlier = last.filter(|(queue, _)| *queue == one.queue_address);
        let final_from = earlier.map_or(own, |(_, earlier)| own.max(earlier));
        last = Some((one.queue_address, final_from));
        if one.final_from == Some(final_from.as_millis()) {
            continue;
        }
        let changed = cached_update(
            "transactions",
            transactions::final_from.eq(final_from.as_millis()),
            transactions::position.eq(one.position),
        )
        .execute(conn);
        one_row(changed, OPERATION)?;
    }
    Ok(())
}

/// When the window of a decision closes: by the network's window, but not before those of the
/// transactions that `queue` decided earlier.
pub(super) fn final_from(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    queue: Address,
    decided_at: Timestamp,
    mode: ExecutionMode,
) -> Result<Timestamp, StoreError> {
    let own = window_end(decided_at, ctx.finality_window(conn)?, mode);
    let last: Option<Option<i64>> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .order(transactions::position.desc())
        .select(transactions::final_from)
        .first(conn)
        .optional()
        .during("looking for the last window of a queue")?;
    Ok(last.flatten().map_or(own, |last| own.max(Timestamp::from_millis(last))))
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
