//! Back to the queue: after a crash a transaction waits again, with the next attempt, until it
//! crashed too often (protocol section 6).

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::conditions::InFlight;
use super::failure::During;
use super::finality::Window;
use super::rows::{Progress, digest};
use super::schema::{owners, transactions};
use super::transactions::{one_row, words};
use super::{appeals, children};
use crate::domain::ledger::StoreError;
use crate::domain::{Amount, EventKind, Status, Timestamp, TxHash};

const OPERATION: &str = "sending a transaction back to its queue";

/// Whose transactions in flight go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recover {
    /// Everybody's: this process owns the database alone and has just started.
    All,
    /// Those of owners that gave no sign of life since an instant, and of nobody.
    LapsedBefore {
        /// The oldest heartbeat that still counts.
        owner_heartbeat: Timestamp,
    },
}

/// Sends a transaction that somebody works on back to its queue with the next attempt, or cancels
/// it when it crashed `attempts_max` times; says where it is now. An appeal goes back to the
/// decision it challenges and waits for another try; one that crashed too often has failed.
pub fn transaction_requeue_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    attempt: u32,
    attempts_max: u32,
    cause: &str,
    at: Timestamp,
) -> Result<Status, StoreError> {
    let progress = Progress::load(conn, hash)?;
    let is_settled = progress.status.is_decided() && progress.appeal.is_none();
    if progress.attempt != attempt || is_settled {
        return Err(progress.stale(attempt));
    }
    requeue(conn, ctx, &progress, attempts_max, cause, at)
}

/// Sends transactions in flight back to their queues, see [`transaction_requeue_in_txn`]; answers
/// with their names, in their order.
pub fn recovery_requeue_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    recover: Recover,
    attempts_max: u32,
    at: Timestamp,
) -> Result<Vec<TxHash>, StoreError> {
    const OPERATION: &str = "looking for abandoned transactions";
    // Sorted here: SQLite would walk all transactions in their order to find the few in flight.
    let mut in_flight: Vec<(i64, Vec<u8>, Option<String>)> = transactions::table
        .filter(InFlight)
        .select((transactions::position, transactions::hash, transactions::owner))
        .load(conn)
        .during(OPERATION)?;
    in_flight.sort();
    let alive: Vec<String> = match recover {
        Recover::All => Vec::new(),
        Recover::LapsedBefore { owner_heartbeat } => {
            let lapsed = owners::table.filter(owners::heartbeat_at.lt(owner_heartbeat.as_millis()));
            diesel::delete(lapsed).execute(conn).during(OPERATION)?;
            owners::table.select(owners::id).load(conn).during(OPERATION)?
        }
    };
    let mut requeued = Vec::new();
    for (_, hash, owner) in in_flight {
        if owner.is_some_and(|owner| alive.contains(&owner)) {
            continue;
        }
        let progress = Progress::load(conn, digest(&hash)?)?;
        let cause = "the process that worked on it stopped";
        requeue(conn, ctx, &progress, attempts_max, cause, at)?;
        requeued.push(progress.hash);
    }
    Ok(requeued)
}

fn requeue(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    attempts_max: u32,
    cause: &str,
    at: Timestamp,
) -> Result<Status, StoreError> {
    let crashes = progress.crashes.saturating_add(1);
    let has_patience = crashes < attempts_max;
    let what = progress.appeal.map(|kind| format!("its {kind} appeal ")).unwrap_or_default();
    let reason = match (has_patience, progress.appeal) {
        (true, _) => format!("{what}crashed {crashes} times: {cause}"),
        (false, Some(_)) => format!("{what}failed after {crashes} crashes: {cause}"),
        (false, None) => format!("given up after {crashes} crashes: {cause}"),
    };
    let reason = words(&reason);
    let status = match progress.appeal {
        Some(kind) => {
            if !has_patience {
                fail_appeal(conn, ctx, progress, at)?;
            }
            progress.status.resume_as(kind.challenges())?
        }
        None if has_patience => Status::Pending,
        None => {
            children::refund(conn, progress)?;
            progress.status.change_to(Status::Canceled)?
        }
    };
    let (attempt, crashes) = (progress.attempt.saturating_add(1), i32::try_from(crashes));
    let is_canceled = status == Status::Canceled;
    let locked = if is_canceled { Amount::ZERO } else { progress.locked };
    let decided_at = if is_canceled { Some(at) } else { progress.decided_at };
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::status.eq(status.name()),
            transactions::attempt.eq(i32::try_from(attempt).during(OPERATION)?),
            transactions::crashes.eq(crashes.during(OPERATION)?),
            transactions::announced.eq(0),
            transactions::owner.eq(None::<String>),
            transactions::decided_at.eq(decided_at.map(Timestamp::as_millis)),
            transactions::locked.eq(locked.to_string()),
            transactions::reason.eq(&reason),
        ))
        .execute(conn);
    one_row(changed, OPERATION)?;
    log::warn!("transaction {} is {status}: {reason}", progress.hash);
    if status != progress.status || !status.awaits_finality() {
        let kind = EventKind::StatusChanged { status, rotation: None };
        ctx.record(at, progress.hash, progress.queue, kind);
    }
    Ok(status)
}

/// Nobody could judge the appeal: it has failed, and the decision it challenged stands.
fn fail_appeal(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    at: Timestamp,
) -> Result<(), StoreError> {
    let appeal_time = appeals::close(conn, ctx, progress, false, at)?;
    let has_window = progress.mode.has_finality_window();
    let window = Window::shortened(conn, ctx, progress, appeal_time, has_window)?;
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::final_from.eq(window.final_from.as_millis()),
            transactions::appeal.eq(None::<String>),
            transactions::appeals_failed.eq(window.appeals_failed),
            transactions::appeal_millis.eq(window.appeal_millis),
        ))
        .execute(conn);
    one_row(changed, "closing an appeal that nobody could judge")
}

/// The present instant by the shared database's own clock; `None` on a database of one process.
///
/// Signs of life are written and judged by one clock: those of machines differ, and stand still
/// while a machine sleeps.
pub fn shared_now(conn: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    let Connection::Postgres(conn) = conn else { return Ok(None) };
    let millis: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(extract(epoch from clock_timestamp()) * 1000)::bigint",
    ))
    .get_result(conn)
    .during("reading the database's clock")?;
    Ok(Some(Timestamp::from_millis(millis)))
}

/// A process says that it is alive.
pub fn owner_heartbeat_in_txn(
    conn: &mut Connection,
    owner: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing a heartbeat";
    let changed = diesel::update(owners::table.find(owner))
        .set(owners::heartbeat_at.eq(at.as_millis()))
        .execute(conn)
        .during(OPERATION)?;
    if changed == 0 {
        let inserted = diesel::insert_into(owners::table)
            .values((owners::id.eq(owner), owners::heartbeat_at.eq(at.as_millis())))
            .execute(conn);
        one_row(inserted, OPERATION)?;
    }
    Ok(())
}
