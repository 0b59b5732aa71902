//! Steps of a round, and the decision with all its effects at once (protocol section 4).

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::cached::cached_update;
use super::failure::{During, database_error};
use super::rows::Progress;
use super::schema::{decisions, transactions};
use super::transactions::{one_row, words};
use super::{consensus_json, contracts, finality, writes};
use crate::domain::ledger::{Announcement, Decision, Persisted, StoreError};
use crate::domain::{EventKind, Evidence, Pages, PayloadKind, Status};

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
            || progress.status.is_decided()
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
    for announcement in recorded {
        record(ctx, announcement);
    }
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

/// Stores a decision: status, record, state, money and events, all or nothing.
///
/// Fenced by the attempt: a decision of an earlier attempt, or another one of the same attempt, is
/// refused as stale; the same one again changes nothing. The window is the network's at this moment;
/// it never closes before that of an earlier transaction of the queue, so that those that are due
/// are due in their order.
pub fn decision_persist_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    decision: &Decision,
) -> Result<Persisted, StoreError> {
    const OPERATION: &str = "storing a decision";
    if !decision.status.awaits_finality() {
        return Err(database_error(OPERATION, format!("{} is no decision", decision.status)));
    }
    let progress = Progress::load(conn, decision.hash)?;
    if progress.attempt != decision.attempt {
        return Err(progress.stale(decision.attempt));
    }
    let consensus = consensus_json::encode(&decision.rotations).during(OPERATION)?;
    if progress.status.is_decided() {
        return repeated(conn, &progress, decision, &consensus);
    }
    let steps = unrecorded_steps(&progress, decision)?;
    let effects = Effects::prepare(conn, &progress, decision)?;
    let (queue, mode) = (progress.queue, progress.mode);
    let final_from = finality::final_from(conn, ctx, queue, decision.decided_at, mode)?;

    effects.apply(conn, &progress, decision)?;
    let inserted = diesel::insert_into(decisions::table)
        .values((
            decisions::position.eq(progress.position.0),
            decisions::attempt.eq(i32::try_from(decision.attempt).during(OPERATION)?),
            decisions::status.eq(decision.status.name()),
            decisions::decided_at.eq(decision.decided_at.as_millis()),
            decisions::writes.eq(writes::encode(effects.pages)?),
            decisions::consensus.eq(consensus),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)?;
    let announced = steps.last().map_or(progress.announced, |step| step.sequence + 1);
    let changed = cached_update(
        "transactions",
        (
            transactions::status.eq(decision.status.name()),
            transactions::announced.eq(i32::try_from(announced).during(OPERATION)?),
            transactions::decided_at.eq(decision.decided_at.as_millis()),
            transactions::final_from.eq(final_from.as_millis()),
            transactions::owner.eq(None::<String>),
            transactions::reason.eq(reason(decision)),
        ),
        transactions::position.eq(progress.position.0),
    )
    .execute(conn);
    one_row(changed, OPERATION)?;
    for step in steps {
        record(ctx, step);
    }
    let decided = EventKind::StatusChanged { status: decision.status, rotation: None };
    ctx.record(decision.decided_at, decision.hash, progress.queue, decided);
    Ok(Persisted::Stored { final_from })
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
    status.change_to(decision.status)?;
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

/// What a decision moves, worked out before anything is written.
struct Effects<'a> {
    /// Pages written; none unless the receipt took effect.
    pages: &'a Pages,
    /// A contract comes to be.
    deploys: bool,
    /// The account that gets the locked value.
    paid: Option<Account>,
}

/// No pages.
static NO_PAGES: Pages = Pages::new();

impl<'a> Effects<'a> {
    fn prepare(
        conn: &mut Connection,
        progress: &Progress,
        decision: &'a Decision,
    ) -> Result<Self, StoreError> {
        let receipt = decision
            .receipt
            .as_deref()
            .filter(|receipt| decision.status == Status::Accepted && receipt.outcome.is_success());
        let deploys = receipt.is_some() && progress.kind == PayloadKind::Deploy;
        let payee = if receipt.is_some() { Some(progress.queue) } else { progress.sender };
        let paid = match payee {
            // A contract has an account from its first day, be it empty.
            Some(payee) if deploys || !progress.value.is_zero() => {
                Some(Account::load(conn, payee)?.credited(progress.value)?)
            }
            _ => None,
        };
        Ok(Self { pages: receipt.map_or(&NO_PAGES, |receipt| &receipt.state.0), deploys, paid })
    }

    fn apply(
        &self,
        conn: &mut Connection,
        progress: &Progress,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        if let Some(account) = &self.paid {
            account.store(conn)?;
        }
        if self.deploys {
            let code_hash = progress.code_hash.as_deref().ok_or_else(|| {
                database_error("storing a contract", format!("`{}` has no code", progress.hash))
            })?;
            let at = decision.decided_at;
            contracts::insert(conn, progress.queue, code_hash, progress.hash, at)?;
        }
        writes::apply_accepted(conn, progress.queue, self.pages)
    }
}
