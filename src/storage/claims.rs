//! Who decides a transaction, and what it needs for that.

use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::contexts;
use super::contracts::{ContractBasis, basis, code, snapshot};
use super::effects::StoredDecision;
use super::failure::During;
use super::history::past_rounds;
use super::recovery::transaction_requeue_in_txn;
use super::rows::{Progress, ProgressRow, TransactionRow, address_maybe, unknown_transaction};
use super::schema::{children, codes, run_contexts, transactions};
use super::transactions::{is_head_of_queue, is_in_flight, one_row};
use super::undo::decided_after;
use crate::domain::ledger::{
    Claim, ConsensusJob, Electorate, Hold, SharedViews, Snapshot, StateVersion, StoreError,
};
use crate::domain::{
    Address, Amount, Code, EventKind, Execution, Pages, Payload, PayloadKind, Phase, Status,
    Timestamp, Transaction, TxHash,
};

/// Claims a transaction for a process that owns its database alone.
///
/// Only reads: that process knows what it has in flight, and PROPOSING is recorded with the first
/// announcement or with the decision. `electorate` is everybody with stake.
pub fn transaction_claim_exclusive(
    conn: &mut Connection,
    hash: TxHash,
    electorate: &Electorate,
) -> Result<Claim, StoreError> {
    claim(conn, hash, electorate)
}

/// Claims a transaction durably for `owner`: from now on it is in flight, its first step (sequence
/// 0) is recorded, and nobody else gets it. See [`transaction_claim_exclusive`].
pub fn transaction_claim_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    owner: &str,
    at: Timestamp,
    electorate: &Electorate,
) -> Result<Claim, StoreError> {
    take_back_lost_claim(conn, ctx, hash, owner, at)?;
    let mut claim = claim(conn, hash, electorate)?;
    if let Claim::Claimed(job) = &claim
        && is_in_flight(conn, job.contract)?
    {
        claim = Claim::Blocked;
    }
    if let Claim::Claimed(job) = &claim {
        let progress = Progress::load(conn, hash)?;
        let first = if job.phase.is_revote() { Status::Committing } else { Status::Proposing };
        let status = progress.status.change_to(first)?;
        let changed = diesel::update(transactions::table.find(progress.position.0))
            .set((
                transactions::status.eq(status.name()),
                transactions::announced.eq(1),
                transactions::owner.eq(owner),
                transactions::reason.eq(None::<String>),
            ))
            .execute(conn);
        one_row(changed, "claiming a transaction")?;
        let kind = EventKind::StatusChanged { status, rotation: Some(0) };
        ctx.record(at, hash, progress.queue, kind);
    }
    Ok(claim)
}

/// A claim whose own owner claims again was committed, but its answer never arrived. It starts
/// anew under the next attempt, so that whatever the first one may still do is refused.
fn take_back_lost_claim(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    owner: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let in_flight = [Status::Proposing, Status::Committing, Status::Revealing].map(Status::name);
    let attempt: Option<i32> = transactions::table
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .filter(transactions::owner.eq(owner))
        .filter(transactions::status.eq_any(in_flight))
        .select(transactions::attempt)
        .first(conn)
        .optional()
        .during("looking for a lost claim")?;
    if let Some(attempt) = attempt {
        let attempt = u32::try_from(attempt).during("looking for a lost claim")?;
        let cause = "the answer to its claim was lost";
        transaction_requeue_in_txn(conn, ctx, hash, attempt, u32::MAX, cause, at)?;
    }
    Ok(())
}

fn claim(
    conn: &mut Connection,
    hash: TxHash,
    electorate: &Electorate,
) -> Result<Claim, StoreError> {
    type Row = (TransactionRow, ProgressRow, Option<Vec<u8>>, Option<String>);
    let row: Option<Row> = transactions::table
        .left_join(children::table)
        .left_join(run_contexts::table)
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .select((
            TransactionRow::as_select(),
            ProgressRow::as_select(),
            children::origin.nullable(),
            run_contexts::context.nullable(),
        ))
        .get_result(conn)
        .optional()
        .during("reading a transaction to claim")?;
    let (row, progress, origin, context) = row.ok_or_else(|| unknown_transaction(hash))?;
    if row.kind()? == PayloadKind::Transfer {
        return Err(StoreError::NotFound {
            what: "deploy, call or upgrade",
            name: hash.to_string(),
        });
    }
    let progress = Progress::of(hash, progress)?;
    let is_appealed = progress.appeal.is_some() && progress.status.awaits_finality();
    if progress.status != Status::Pending && !is_appealed {
        return Ok(Claim::NotPending(progress.status));
    }
    // An appeal does not wait for what was submitted later.
    let is_next = is_appealed || is_head_of_queue(conn, progress.queue, progress.position)?;
    if !is_next {
        return Ok(Claim::Blocked);
    }
    let context = contexts::read(context)?.unwrap_or_default();
    let own = Electorate::of_context(&context, &hash);
    let electorate = own.as_ref().unwrap_or(electorate);
    if electorate.validators.is_empty() {
        return Ok(Claim::NoValidators);
    }
    let transaction = row.transaction(own_code(conn, &row)?)?;
    let has_past = progress.attempt > progress.chain_from;
    let past = if has_past { past_rounds(conn, &progress)? } else { Vec::new() };
    let phase = match progress.appeal {
        Some(kind) => Phase::Appeal(kind),
        None if past.is_empty() => Phase::Initial,
        None => Phase::Rerun,
    };
    let start = Start::of(conn, &progress, phase, &transaction)?;
    let origin = address_maybe(origin.as_deref())?;
    let job = ConsensusJob {
        submitted_at: row.submitted_at(),
        contract_now: context.now.unwrap_or_else(|| row.submitted_at().into()),
        attempt: progress.attempt,
        phase,
        past,
        receipt: start.receipt.map(Arc::new),
        origin: origin.or(transaction.from).unwrap_or(Address::ZERO),
        contract: progress.queue,
        contract_balance: start.balance,
        code: start.code,
        snapshot: start.snapshot,
        overlay: Arc::new(start.overlay),
        transaction: Arc::new(transaction),
        validators: Arc::clone(&electorate.validators),
        models: Arc::clone(&electorate.models),
        views: SharedViews::default(),
        hold: Hold::default(),
    };
    Ok(Claim::Claimed(Box::new(job)))
}

/// What an execution starts from: the contract as of the transaction's place in its order.
struct Start {
    code: Option<Code>,
    balance: Amount,
    snapshot: Snapshot,
    overlay: Pages,
    receipt: Option<Execution>,
}

impl Start {
    fn of(
        conn: &mut Connection,
        progress: &Progress,
        phase: Phase,
        transaction: &Transaction,
    ) -> Result<Self, StoreError> {
        let ContractBasis { code, balance } = basis(conn, progress.queue)?;
        let mut start = Self {
            code: match &transaction.payload {
                // Where there is a contract already, none can be put.
                Payload::Deploy { code: own, .. } if code.is_none() || phase.is_revote() => {
                    Some(Code::new(own.clone()))
                }
                Payload::Deploy { .. } => None,
                Payload::Call { .. } | Payload::Transfer | Payload::Upgrade { .. } => code,
            },
            balance,
            snapshot: snapshot(conn, progress.queue, StateVersion::Accepted)?,
            overlay: Pages::new(),
            receipt: None,
        };
        if phase != Phase::Initial {
            start.go_back(conn, progress, phase.is_revote())?;
        }
        Ok(start)
    }

    /// Takes back, in memory, what was decided after the transaction; for a re-vote also what it
    /// did itself, and everything is then as its leader found it.
    fn go_back(
        &mut self,
        conn: &mut Connection,
        progress: &Progress,
        is_revote: bool,
    ) -> Result<(), StoreError> {
        let later = decided_after(conn, progress.queue, progress.position)?;
        // Newest first: the oldest page there was is the one that counts.
        for position in later.into_iter().rev() {
            let progress = Progress::at(conn, position)?;
            if let Some(stored) = StoredDecision::last(conn, &progress)? {
                self.take_back(conn, &progress, &stored)?;
            }
        }
        if let Some(stored) = StoredDecision::last(conn, progress)?.filter(|_| is_revote) {
            self.take_back(conn, progress, &stored)?;
            self.receipt = stored.receipt;
        }
        if self.snapshot.complete {
            let mut pages = Pages::clone(&self.snapshot.pages);
            for (key, page) in &self.overlay {
                if page.is_empty() {
                    pages.remove(key);
                } else {
                    pages.insert(*key, page.clone());
                }
            }
            self.snapshot.pages = Arc::new(pages);
        }
        Ok(())
    }

    fn take_back(
        &mut self,
        conn: &mut Connection,
        progress: &Progress,
        stored: &StoredDecision,
    ) -> Result<(), StoreError> {
        self.balance = stored.balance_before;
        if progress.effective.is_some() {
            self.overlay.extend(stored.inverse.clone());
            if stored.replaces_code(progress.kind) {
                self.code = stored.code_before.map(|hash| code(conn, hash)).transpose()?;
            }
        }
        Ok(())
    }
}

/// The code that a deploy or an upgrade brings.
fn own_code(conn: &mut Connection, row: &TransactionRow) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(hash) = &row.code_hash else { return Ok(None) };
    codes::table
        .find(hash.as_slice())
        .select(codes::source)
        .get_result(conn)
        .optional()
        .during("reading the code of a transaction")
}
