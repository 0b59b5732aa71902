//! Appeals: opened by anybody, one at a time, decided by a round of their own (protocol section 5).

use std::time::Duration;

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::envelopes;
use super::failure::During;
use super::history::past_rounds;
use super::rows::Progress;
use super::schema::{appeals, transactions};
use super::transactions::one_row;
use super::validators::electorate_of;
use crate::domain::ledger::StoreError;
use crate::domain::{
    Address, AppealCase, AppealKind, EnvelopeRecord, EventKind, PayloadKind, Timestamp, TxHash,
};
use crate::protocol::appeal::admit;

/// Opens an appeal of `appellant` against the decision over `hash`; its kind follows from the
/// decision. The next round over the transaction judges it.
///
/// Refused, with nothing changed, when nothing is decided or all is final, when an appeal is open
/// already, and when too few validators are left who had no seat (section 5).
pub fn appeal_open_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    appellant: Address,
    at: Timestamp,
) -> Result<AppealKind, StoreError> {
    const OPERATION: &str = "opening an appeal";
    let progress = Progress::load(conn, hash)?;
    let refused = |reason: String| StoreError::AppealRefused { hash, reason };
    if matches!(progress.kind, PayloadKind::Transfer | PayloadKind::Upgrade) {
        let name = progress.kind.name();
        return Err(refused(format!("a {name} has no votes that could err")));
    }
    if let Some(kind) = progress.appeal {
        return Err(refused(format!("its {kind} appeal is not decided yet")));
    }
    let kind = AppealKind::against(progress.status).ok_or_else(|| {
        refused(format!("it is {}, and only what is decided and not final can be", progress.status))
    })?;
    if !progress.mode.has_finality_window() {
        return Err(refused(format!("mode {} has no window for appeals", progress.mode.name())));
    }
    let electorate = electorate_of(conn, &progress)?;
    let validators = electorate.validators.iter().map(|validator| validator.address).collect();
    let past = past_rounds(conn, &progress)?;
    admit(&AppealCase { kind, past, validators }).map_err(|error| refused(error.to_string()))?;

    let attempt = i32::try_from(progress.attempt.saturating_add(1)).during(OPERATION)?;
    let inserted = diesel::insert_into(appeals::table)
        .values((
            appeals::position.eq(progress.position.0),
            appeals::attempt.eq(attempt),
            appeals::kind.eq(kind.name()),
            appeals::appellant.eq(appellant.as_bytes().as_slice()),
            appeals::opened_at.eq(at.as_millis()),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)?;
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::appeal.eq(kind.name()),
            transactions::attempt.eq(attempt),
            transactions::announced.eq(0),
            // What crashed before the decision is no fault of the appeal.
            transactions::crashes.eq(0),
            transactions::owner.eq(None::<String>),
        ))
        .execute(conn);
    one_row(changed, OPERATION)?;
    ctx.record(at, hash, progress.queue, EventKind::AppealOpened { kind, appellant });
    Ok(kind)
}

/// Opens the appeal that the signer of an envelope wants; the same envelope again has no second
/// effect. It counts as the signer's transaction: who appeals the same decision later must sign other
/// bytes, and takes them from the account's nonce.
pub fn appeal_open_signed_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    signed: &EnvelopeRecord,
    at: Timestamp,
) -> Result<(), StoreError> {
    if envelopes::envelope_get(conn, signed.envelope.hash)?.is_some() {
        return Ok(());
    }
    appeal_open_in_txn(conn, ctx, signed.subject, signed.signer, at)?;
    Account::load(conn, signed.signer)?.counted().store(conn)?;
    envelopes::insert(conn, &signed.envelope, signed.signer, signed.subject)
}

/// Closes the open appeal of a transaction and says how long it was open; nothing when there is
/// none.
pub(super) fn close(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    successful: bool,
    at: Timestamp,
) -> Result<Duration, StoreError> {
    let Some(kind) = progress.appeal else { return Ok(Duration::ZERO) };
    let opened_at = end(conn, progress, Some(successful), at)?;
    ctx.record(at, progress.hash, progress.queue, EventKind::AppealClosed { kind, successful });
    Ok(opened_at.map_or(Duration::ZERO, |opened_at| at.since(opened_at)))
}

/// Ends the open appeal of a transaction without a result: what it challenged is undone.
pub(super) fn abandon(
    conn: &mut Connection,
    progress: &Progress,
    at: Timestamp,
) -> Result<(), StoreError> {
    if progress.appeal.is_some() {
        end(conn, progress, None, at)?;
    }
    Ok(())
}

/// Answers with when it was opened. Crashes may have moved the transaction to later attempts.
fn end(
    conn: &mut Connection,
    progress: &Progress,
    successful: Option<bool>,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    const OPERATION: &str = "closing an appeal";
    let open = appeals::table
        .filter(appeals::position.eq(progress.position.0))
        .filter(appeals::closed_at.is_null());
    let opened_at: Option<i64> =
        open.select(appeals::opened_at).first(conn).optional().during(OPERATION)?;
    diesel::update(open)
        .set((
            appeals::closed_at.eq(at.as_millis()),
            appeals::successful.eq(successful.map(i32::from)),
        ))
        .execute(conn)
        .during(OPERATION)?;
    Ok(opened_at.map(Timestamp::from_millis))
}
