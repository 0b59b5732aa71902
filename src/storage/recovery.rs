//! Back to the queue: after a crash a transaction waits again, with the next attempt, until it
//! crashed too often (protocol section 6).

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::conditions::InFlight;
use super::failure::During;
use super::rows::{Progress, digest};
use super::schema::{owners, transactions};
use super::transactions::{one_row, words};
use crate::domain::ledger::StoreError;
use crate::domain::{EventKind, PayloadKind, Status, Timestamp, TxHash};

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
/// it when that would be attempt number `attempts_max`; says which.
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
    if progress.attempt != attempt || progress.status.is_decided() {
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
    const OPERATION: &str = "sending a transaction back to its queue";
    let attempt = progress.attempt.saturating_add(1);
    let row = transactions::table.find(progress.position.0);
    let (status, reason) = if attempt < attempts_max {
        let reason = words(&format!("attempt {attempt} after: {cause}"));
        let changed = diesel::update(row)
            .set((
                transactions::status.eq(Status::Pending.name()),
                transactions::attempt.eq(i32::try_from(attempt).during(OPERATION)?),
                transactions::announced.eq(0),
                transactions::owner.eq(None::<String>),
                transactions::reason.eq(&reason),
            ))
            .execute(conn);
        one_row(changed, OPERATION)?;
        (Status::Pending, reason)
    } else {
        let status = progress.status.change_to(Status::Canceled)?;
        let reason = words(&format!("given up after {attempt} attempts: {cause}"));
        let refunded = match progress.sender {
            Some(sender) if progress.kind != PayloadKind::Transfer && !progress.value.is_zero() => {
                Some(Account::load(conn, sender)?.credited(progress.value)?)
            }
            _ => None,
        };
        if let Some(account) = refunded {
            account.store(conn)?;
        }
        let changed = diesel::update(row)
            .set((
                transactions::status.eq(status.name()),
                transactions::decided_at.eq(at.as_millis()),
                transactions::owner.eq(None::<String>),
                transactions::reason.eq(&reason),
            ))
            .execute(conn);
        one_row(changed, OPERATION)?;
        (status, reason)
    };
    log::warn!("transaction {} is {status}: {reason}", progress.hash);
    ctx.record(
        at,
        progress.hash,
        progress.queue,
        EventKind::StatusChanged { status, rotation: None },
    );
    Ok(status)
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
