//! Finality: in order per queue, never before the window, the state as of that very transaction.

use std::time::Duration;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::cached::cached_update;
use super::conditions::{AwaitsFinality, Undecided};
use super::failure::During;
use super::rows::{Progress, digest, execution_mode, number, parsed};
use super::schema::{network, transactions};
use super::transactions::{limit_column, one_row};
use super::{children, effects};
use crate::domain::ledger::{DueTransaction, Position, StoreError};
use crate::domain::{Amount, EventKind, PayloadKind, Status, Timestamp, TxHash};
use crate::protocol::finality::window_end;

/// At most `limit` transactions whose window has closed at `now`, after `after`, in an order in
/// which they can be finalized: earlier ones of a queue come before later ones. Some may have to
/// wait all the same, for an appeal or for what sent them.
pub fn transaction_list_due(
    conn: &mut Connection,
    now: Timestamp,
    after: Option<DueTransaction>,
    limit: usize,
) -> Result<Vec<DueTransaction>, StoreError> {
    // No window closes before that of an earlier transaction of its queue (`final_from`), so this
    // order is the order of every queue, and nothing in the answer waits for something outside it.
    let (from, position) =
        after.map_or((i64::MIN, 0), |it| (it.final_from.as_millis(), it.position.0));
    let rows: Vec<(Vec<u8>, i64, Option<i64>)> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::final_from.le(now.as_millis()))
        .filter(
            transactions::final_from
                .gt(from)
                .or(transactions::final_from.eq(from).and(transactions::position.gt(position))),
        )
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

/// When the next window after `now` closes.
pub fn transaction_next_due_at(
    conn: &mut Connection,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<Option<i64>> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::final_from.gt(now.as_millis()))
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
    kind: String,
    mode: String,
    final_from: Option<i64>,
    appeals_failed: i32,
    appeal_millis: i64,
}

impl OpenWindow {
    /// When it closes, if nothing else keeps it open.
    fn own_end(&self, window: Duration) -> Result<Timestamp, StoreError> {
        let decided_at = Timestamp::from_millis(self.decided_at.unwrap_or_default());
        let has_window = execution_mode(&self.mode)?.has_finality_window()
            && parsed::<PayloadKind>(&self.kind)? != PayloadKind::Upgrade;
        if !has_window {
            return Ok(decided_at);
        }
        let appeal_time = Duration::from_millis(number(self.appeal_millis)?);
        Ok(window_end(decided_at, window, number(self.appeals_failed)?, appeal_time))
    }
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
        let own = one.own_end(window)?;
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

/// A transaction's finality window after a decision or an appeal.
pub(super) struct Window {
    pub(super) decided_at: Timestamp,
    pub(super) final_from: Timestamp,
    pub(super) appeals_failed: i32,
    pub(super) appeal_millis: i64,
}

impl Window {
    /// The one that a decision opens; unless `is_open` it closes at once.
    pub(super) fn opened(
        conn: &mut Connection,
        ctx: &mut BatchContext,
        progress: &Progress,
        decided_at: Timestamp,
        is_open: bool,
    ) -> Result<Self, StoreError> {
        Self::of(conn, ctx, progress, decided_at, (0, Duration::ZERO), is_open)
    }

    /// The one there is, after an appeal that was open for `appeal_time` failed: shorter, and
    /// stopped while the appeal was judged (section 5).
    pub(super) fn shortened(
        conn: &mut Connection,
        ctx: &mut BatchContext,
        progress: &Progress,
        appeal_time: Duration,
        is_open: bool,
    ) -> Result<Self, StoreError> {
        let decided_at = progress.decided_at.unwrap_or_default();
        let failed = progress.appeals_failed.saturating_add(1);
        let appeal_time = progress.appeal_time.saturating_add(appeal_time);
        Self::of(conn, ctx, progress, decided_at, (failed, appeal_time), is_open)
    }

    /// The end follows from the network's present window.
    fn of(
        conn: &mut Connection,
        ctx: &mut BatchContext,
        progress: &Progress,
        decided_at: Timestamp,
        (appeals_failed, appeal_time): (u32, Duration),
        is_open: bool,
    ) -> Result<Self, StoreError> {
        const OPERATION: &str = "computing the end of a finality window";
        let end = if is_open {
            window_end(decided_at, ctx.finality_window(conn)?, appeals_failed, appeal_time)
        } else {
            decided_at
        };
        Ok(Self {
            decided_at,
            final_from: in_order(conn, progress, end)?,
            appeals_failed: i32::try_from(appeals_failed).during(OPERATION)?,
            appeal_millis: i64::try_from(appeal_time.as_millis()).during(OPERATION)?,
        })
    }
}

/// The end of a window that would close at `wanted`, but not before those of the transactions
/// before it in its queue.
fn in_order(
    conn: &mut Connection,
    progress: &Progress,
    wanted: Timestamp,
) -> Result<Timestamp, StoreError> {
    const OPERATION: &str = "looking for the last window of a queue";
    let before: Option<Option<i64>> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::queue_address.eq(progress.queue.as_bytes().as_slice()))
        .filter(transactions::position.lt(progress.position.0))
        .order(transactions::position.desc())
        .select(transactions::final_from)
        .first(conn)
        .optional()
        .during(OPERATION)?;
    Ok(before.flatten().map_or(wanted, |before| wanted.max(Timestamp::from_millis(before))))
}

/// Makes a decided transaction final; `false` when nothing changed, because it is final already,
/// is not decided, is appealed, its window is open, or something that must be final before it is
/// not: an earlier one of its queue, or the one that sent it.
pub fn transaction_finalize_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    const OPERATION: &str = "finalizing a transaction";
    let progress = Progress::load(conn, hash)?;
    let is_due = progress.status.awaits_finality()
        && progress.appeal.is_none()
        && progress.final_from.is_some_and(|final_from| final_from <= at);
    if !is_due || !is_first_open(conn, &progress)? || !is_parent_final(conn, &progress)? {
        return Ok(false);
    }
    let status = progress.status.change_to(Status::Finalized)?;
    effects::finalize(conn, ctx, &progress, at)?;
    let changed = cached_update(
        "transactions",
        (
            transactions::status.eq(status.name()),
            transactions::finalized_at.eq(at.as_millis()),
            transactions::locked.eq(Amount::ZERO.to_string()),
        ),
        transactions::position.eq(progress.position.0),
    )
    .execute(conn);
    one_row(changed, OPERATION)?;
    ctx.record(at, hash, progress.queue, EventKind::StatusChanged { status, rotation: None });
    Ok(true)
}

/// Law 9: everything before it in its queue is FINALIZED or CANCELED. What waits or runs there can
/// still be accepted and undo it.
fn is_first_open(conn: &mut Connection, progress: &Progress) -> Result<bool, StoreError> {
    const OPERATION: &str = "looking for earlier transactions that are not final";
    let queue = progress.queue.as_bytes().as_slice();
    let decided: Option<i64> = transactions::table
        .filter(AwaitsFinality)
        .filter(transactions::queue_address.eq(queue))
        .select(diesel::dsl::min(transactions::position))
        .get_result(conn)
        .during(OPERATION)?;
    let undecided: Option<i64> = transactions::table
        .filter(Undecided)
        .filter(transactions::queue_address.eq(queue))
        .select(diesel::dsl::min(transactions::position))
        .get_result(conn)
        .during(OPERATION)?;
    let is_first = |first: Option<i64>| first.is_none_or(|first| first >= progress.position.0);
    Ok(is_first(decided) && is_first(undecided))
}

/// What a transaction sent goes with it when it is undone, so it is not final before it.
fn is_parent_final(conn: &mut Connection, progress: &Progress) -> Result<bool, StoreError> {
    match children::parent(conn, progress.position)? {
        Some((parent, _)) => Ok(Progress::load(conn, parent)?.status == Status::Finalized),
        None => Ok(true),
    }
}
