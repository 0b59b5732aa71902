//! Steps of a round, and the decision with all its effects at once (protocol section 4).

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::cached::cached_update;
use super::effects::Effects;
use super::failure::{During, database_error};
use super::finality::Window;
use super::rows::Progress;
use super::schema::{decisions, transactions};
use super::transactions::{one_row, words};
use super::undo::{Undoing, decided_after};
use super::{appeals, consensus_json, contracts, receipts, writes};
use crate::domain::ledger::{Announcement, Decision, Persisted, StoreError};
use crate::domain::{AppealKind, EventKind, Evidence, Execution, Pages, Phase, Status, Timestamp};

const OPERATION: &str = "storing a decision";

/// No pages.
static NO_PAGES: Pages = Pages::new();

/// Records steps of rounds, each once: steps of an earlier attempt, and steps that were recorded
/// before, are skipped.
pub fn announcements_record_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    announcements: &[Announcement],
) -> Result<(), StoreError> {
    let mut touched: BTreeMap<_, Progress> = BTreeMap::new();
    let mut recorded = Vec::new();
    for announcement in announcements {
        let mut progress = match touched.get(&announcement.hash) {
            Some(progress) => progress.clone(),
            None => Progress::load(conn, announcement.hash)?,
        };
        if progress.attempt != announcement.attempt
            || progress.announced != announcement.sequence
            || progress.status.is_decided() && progress.appeal.is_none()
        {
            continue;
        }
        check_step(announcement)?;
        progress.status = progress.status.change_to(announcement.status)?;
        progress.announced = progress.announced.saturating_add(1);
        touched.insert(announcement.hash, progress);
        recorded.push(announcement);
    }
    for progress in touched.values() {
        const OPERATION: &str = "recording a step";
        let changed = cached_update(
            "transactions",
            (
                transactions::status.eq(progress.status.name()),
                transactions::announced.eq(i32::try_from(progress.announced).during(OPERATION)?),
                transactions::reason.eq(None::<String>),
            ),
            transactions::position.eq(progress.position.0),
        )
        .execute(conn);
        one_row(changed, OPERATION)?;
    }
    record_all(ctx, &recorded);
    Ok(())
}

/// Only steps of a round are announced.
fn check_step(announcement: &Announcement) -> Result<(), StoreError> {
    if announcement.status.is_in_flight() {
        return Ok(());
    }
    let reason = format!("{} is no step of a round", announcement.status);
    Err(database_error("recording a step", reason))
}

fn record(ctx: &mut BatchContext, announcement: &Announcement) {
    let kind = EventKind::StatusChanged {
        status: announcement.status,
        rotation: Some(announcement.rotation),
    };
    ctx.record(announcement.at, announcement.hash, announcement.queue, kind);
}

/// Stores what a round ended in: status, record, effects and events, all or nothing.
///
/// Fenced by the attempt: a decision of an earlier attempt, or another one of the same attempt, is
/// refused as stale; the same one again changes nothing. The window is the network's at this moment;
/// it never closes before that of an earlier transaction of the queue, so that those that are due
/// are due in their order.
///
/// What is undone for its sake is undone `now`, which is later than the decision when the store was
/// busy: those transactions may have gone on meanwhile.
pub fn decision_persist_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    decision: &Decision,
    now: Timestamp,
) -> Result<Persisted, StoreError> {
    let is_end =
        decision.status.awaits_finality() || decision.is_overturned() && decision.phase.is_revote();
    if !is_end {
        return Err(database_error(OPERATION, format!("{} is no decision", decision.status)));
    }
    let progress = Progress::load(conn, decision.hash)?;
    let consensus = consensus_json::encode(&decision.rotations).during(OPERATION)?;
    let is_settled = progress.status.is_decided() && progress.appeal.is_none();
    if progress.attempt != decision.attempt || is_settled {
        return repeated(conn, &progress, decision, &consensus);
    }
    let steps = unrecorded_steps(&progress, decision)?;
    let undoing = Undoing { cause: &progress, decided_at: decision.decided_at, now };
    if decision.is_overturned() {
        return overturn(conn, ctx, &undoing, decision, &steps, consensus);
    }
    if decision.is_upheld() {
        return uphold(conn, ctx, &progress, decision, &steps, consensus);
    }
    decide(conn, ctx, &undoing, decision, &steps, consensus)
}

/// A decision of its own: what rests on an earlier state of the contract is undone, and the
/// receipt takes effect at the transaction's place in the order.
fn decide(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    undoing: &Undoing<'_>,
    decision: &Decision,
    steps: &[&Announcement],
    consensus: String,
) -> Result<Persisted, StoreError> {
    let (progress, mut requeued) = (undoing.cause, 0);
    if decision.status == Status::Accepted && decision.phase != Phase::Initial {
        let roots = decided_after(conn, progress.queue, progress.position)?;
        requeued = undoing.run(conn, ctx, roots)?;
    }
    let effects = Effects::prepare(conn, progress, decision)?;
    record_all(ctx, steps);
    // Also of a receipt without effect: an appeal judges it again.
    if let Some(code) = decision.receipt.as_deref().and_then(|receipt| receipt.code.as_ref()) {
        contracts::insert_code(conn, code)?;
    }
    effects.apply(conn, ctx, progress, decision)?;
    let attempt = i32::try_from(decision.attempt).during(OPERATION)?;
    insert(conn, progress, decision, Some(&effects), consensus)?;

    let has_failed = decision.phase.has_failed_with(decision.status);
    let window = window_after(conn, ctx, progress, decision, has_failed)?;
    let changed = cached_update(
        "transactions",
        (
            transactions::status.eq(decision.status.name()),
            transactions::announced.eq(announced_after(progress, steps)?),
            transactions::decided_at.eq(window.decided_at.as_millis()),
            transactions::final_from.eq(window.final_from.as_millis()),
            transactions::owner.eq(None::<String>),
            transactions::reason.eq(reason(decision)),
            transactions::locked.eq(effects.locked.to_string()),
            transactions::effective_attempt.eq(effects.are_there().then_some(attempt)),
            transactions::appeal.eq(None::<String>),
            transactions::appeals_failed.eq(window.appeals_failed),
            transactions::appeal_millis.eq(window.appeal_millis),
        ),
        transactions::position.eq(progress.position.0),
    )
    .execute(conn);
    one_row(changed, OPERATION)?;
    announce(ctx, progress, decision);
    Ok(Persisted::Stored { requeued, final_from: Some(window.final_from) })
}

/// An appeal that did not convince: everything stands as it was, but for a shorter window.
fn uphold(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    decision: &Decision,
    steps: &[&Announcement],
    consensus: String,
) -> Result<Persisted, StoreError> {
    insert(conn, progress, decision, None, consensus)?;
    record_all(ctx, steps);
    let window = window_after(conn, ctx, progress, decision, true)?;
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::status.eq(decision.status.name()),
            transactions::announced.eq(announced_after(progress, steps)?),
            transactions::final_from.eq(window.final_from.as_millis()),
            transactions::owner.eq(None::<String>),
            transactions::appeal.eq(None::<String>),
            transactions::appeals_failed.eq(window.appeals_failed),
            transactions::appeal_millis.eq(window.appeal_millis),
        ))
        .execute(conn);
    one_row(changed, OPERATION)?;
    announce(ctx, progress, decision);
    Ok(Persisted::Stored { requeued: 0, final_from: Some(window.final_from) })
}

/// An appeal that succeeded: the transaction waits again. An accepted one takes back its effects
/// and all that rests on them; one without effects leaves the others alone until it is accepted.
fn overturn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    undoing: &Undoing<'_>,
    decision: &Decision,
    steps: &[&Announcement],
    consensus: String,
) -> Result<Persisted, StoreError> {
    let progress = undoing.cause;
    insert(conn, progress, decision, None, consensus)?;
    record_all(ctx, steps);
    appeals::close(conn, ctx, progress, true, decision.decided_at)?;
    let requeued = match decision.phase {
        Phase::Appeal(AppealKind::Validators) => undoing.run(conn, ctx, vec![progress.position])?,
        _ => undoing.run_alone(conn, ctx)?,
    };
    Ok(Persisted::Stored { requeued, final_from: None })
}

/// Steps come before all that the decision they led to brings with it.
fn record_all(ctx: &mut BatchContext, steps: &[&Announcement]) {
    for step in steps {
        record(ctx, step);
    }
}

fn announce(ctx: &mut BatchContext, progress: &Progress, decision: &Decision) {
    let decided = EventKind::StatusChanged { status: decision.status, rotation: None };
    ctx.record(decision.decided_at, decision.hash, progress.queue, decided);
}

fn announced_after(progress: &Progress, steps: &[&Announcement]) -> Result<i32, StoreError> {
    let announced = steps.last().map_or(progress.announced, |step| step.sequence + 1);
    i32::try_from(announced).during(OPERATION)
}

fn insert(
    conn: &mut Connection,
    progress: &Progress,
    decision: &Decision,
    effects: Option<&Effects<'_>>,
    consensus: String,
) -> Result<(), StoreError> {
    // A re-vote changes no receipt: that of the decision it judges is there already.
    let receipt = decision.receipt.as_deref().filter(|_| effects.is_some());
    let pages = effects.map_or(&NO_PAGES, Effects::pages);
    let inverse = effects.map_or(&NO_PAGES, |effects| &effects.inverse);
    let code_before = decision.basis.code.as_ref().map(|code| code.as_bytes().as_slice());
    let inserted = diesel::insert_into(decisions::table)
        .values((
            decisions::position.eq(progress.position.0),
            decisions::attempt.eq(i32::try_from(decision.attempt).during(OPERATION)?),
            decisions::phase.eq(decision.phase.name()),
            decisions::status.eq(decision.status.name()),
            decisions::decided_at.eq(decision.decided_at.as_millis()),
            decisions::balance_before.eq(decision.basis.balance.to_string()),
            decisions::code_before.eq(code_before),
            decisions::writes.eq(written(receipt, pages)?),
            decisions::inverse.eq(writes::encode(inverse)?),
            decisions::receipt.eq(receipt.map(receipts::encode).transpose()?),
            decisions::consensus.eq(consensus),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)
}

/// The pages of a receipt, also of one without effect: an appeal judges it again.
fn written(receipt: Option<&Execution>, pages: &Pages) -> Result<Vec<u8>, StoreError> {
    writes::encode(receipt.map_or(pages, |receipt| &receipt.state.0))
}

/// A decision opens a window; a failed appeal shortens the one there is, and stops it while it
/// is judged (section 5).
fn window_after(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    decision: &Decision,
    has_failed: bool,
) -> Result<Window, StoreError> {
    let Decision { decided_at, has_window, .. } = *decision;
    let appeal_time = appeals::close(conn, ctx, progress, !has_failed, decided_at)?;
    if has_failed {
        Window::shortened(conn, ctx, progress, appeal_time, has_window)
    } else {
        Window::opened(conn, ctx, progress, decided_at, has_window)
    }
}

/// The same decision again, or another one?
fn repeated(
    conn: &mut Connection,
    progress: &Progress,
    decision: &Decision,
    consensus: &str,
) -> Result<Persisted, StoreError> {
    const OPERATION: &str = "reading a decision";
    let attempt = i32::try_from(decision.attempt).during(OPERATION)?;
    let stored: Option<(String, i64, String)> = decisions::table
        .find((progress.position.0, attempt))
        .select((decisions::status, decisions::decided_at, decisions::consensus))
        .get_result(conn)
        .optional()
        .during(OPERATION)?;
    let is_same = stored.is_some_and(|(status, decided_at, stored)| {
        status == decision.status.name()
            && decided_at == decision.decided_at.as_millis()
            && stored == consensus
    });
    if is_same { Ok(Persisted::AlreadyStored) } else { Err(progress.stale(decision.attempt)) }
}

/// The steps that lead from the stored status to the decision; each must be legal.
fn unrecorded_steps<'a>(
    progress: &Progress,
    decision: &'a Decision,
) -> Result<Vec<&'a Announcement>, StoreError> {
    let mut status = progress.status;
    let mut sequence = progress.announced;
    let mut steps = Vec::new();
    for step in decision.announced.iter().filter(|step| step.sequence >= progress.announced) {
        check_step(step)?;
        if step.sequence != sequence || step.hash != decision.hash {
            let reason = format!("step {sequence} of `{}` is missing", decision.hash);
            return Err(database_error("storing a decision", reason));
        }
        status = status.change_to(step.status)?;
        sequence = sequence.saturating_add(1);
        steps.push(step);
    }
    if status == Status::Pending {
        // The table knows PENDING → UNDETERMINED for transfers; a decision needs a round.
        status = status.change_to(Status::Proposing)?;
    }
    // An appeal that nobody could judge takes no step.
    if status != decision.status {
        status.change_to(decision.status)?;
    }
    Ok(steps)
}

/// Why it ended as it did, in words.
fn reason(decision: &Decision) -> Option<String> {
    let failure = || {
        decision
            .rotations
            .iter()
            .rev()
            .flat_map(|rotation| rotation.evidence.iter().rev())
            .find_map(|evidence| match evidence {
                Evidence::NodeFailed { cause, .. } => Some(format!(" ({cause})")),
                Evidence::DoubleCommitment { .. } | Evidence::WrongReveal { .. } => None,
            })
    };
    let reason = match decision.status {
        Status::Undetermined => {
            format!("no agreement after {} rotations", decision.rotations.len())
        }
        Status::LeaderTimeout => {
            format!("the leader did not answer in time{}", failure().unwrap_or_default())
        }
        Status::ValidatorsTimeout => "a majority of the validators ran out of time".to_owned(),
        _ => return None,
    };
    Some(words(&reason))
}
