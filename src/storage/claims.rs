//! Who decides a transaction, and what it needs for that.

use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::contracts::{ContractBasis, basis, snapshot};
use super::failure::During;
use super::recovery::transaction_requeue_in_txn;
use super::rows::{TransactionRow, unknown_transaction};
use super::schema::{codes, transactions};
use super::transactions::{is_head_of_queue, one_row};
use crate::domain::ledger::{Claim, ConsensusJob, Hold, Position, StateVersion, StoreError};
use crate::domain::{Code, EventKind, Payload, PayloadKind, Status, Timestamp, TxHash, Validator};

/// Claims a transaction for a process that owns its database alone.
///
/// Only reads: that process knows what it has in flight, and PROPOSING is recorded with the first
/// announcement or with the decision. `validators` is everybody with stake, in address order.
pub fn transaction_claim_exclusive(
    conn: &mut Connection,
    hash: TxHash,
    validators: &Arc<Vec<Validator>>,
) -> Result<Claim, StoreError> {
    claim(conn, hash, validators)
}

/// Claims a transaction durably for `owner`: from now on it is PROPOSING, its first step (sequence
/// 0) is recorded, and nobody else gets it. See [`transaction_claim_exclusive`].
pub fn transaction_claim_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    owner: &str,
    at: Timestamp,
    validators: &Arc<Vec<Validator>>,
) -> Result<Claim, StoreError> {
    take_back_lost_claim(conn, ctx, hash, owner, at)?;
    let claim = claim(conn, hash, validators)?;
    if let Claim::Claimed(job) = &claim {
        let status = Status::Pending.change_to(Status::Proposing)?;
        let row = transactions::table.filter(transactions::hash.eq(hash.as_bytes().as_slice()));
        let changed = diesel::update(row)
            .set((
                transactions::status.eq(status.name()),
                transactions::announced.eq(1),
                transactions::owner.eq(owner),
                transactions::reason.eq(None::<String>),
            ))
            .execute(conn);
        one_row(changed, "claiming a transaction")?;
        let queue = job.transaction.queue_address();
        ctx.record(at, hash, queue, EventKind::StatusChanged { status, rotation: Some(0) });
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
    validators: &Arc<Vec<Validator>>,
) -> Result<Claim, StoreError> {
    let row: Option<TransactionRow> = transactions::table
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .select(TransactionRow::as_select())
        .get_result(conn)
        .optional()
        .during("reading a transaction to claim")?;
    let row = row.ok_or_else(|| unknown_transaction(hash))?;
    if row.kind()? == PayloadKind::Transfer {
        return Err(StoreError::NotFound { what: "deploy or call", name: hash.to_string() });
    }
    let status = row.status()?;
    if status != Status::Pending {
        return Ok(Claim::NotPending(status));
    }
    let contract = row.queue_address()?;
    if !is_head_of_queue(conn, contract, Position(row.position))? {
        return Ok(Claim::Blocked);
    }
    if validators.is_empty() {
        return Ok(Claim::NoValidators);
    }
    let ContractBasis { code, balance } = basis(conn, contract)?;
    let transaction = row.transaction(deployed_code(conn, &row)?)?;
    let code = match &transaction.payload {
        Payload::Deploy { code, .. } => {
            let hash = row.code_hash.as_deref().map(super::rows::digest).transpose()?;
            hash.map(|hash| Code { hash, source: code.clone() })
        }
        Payload::Call { .. } | Payload::Transfer => code,
    };
    let job = ConsensusJob {
        transaction: Arc::new(transaction),
        submitted_at: row.submitted_at(),
        attempt: row.attempt()?,
        contract,
        contract_balance: balance,
        code,
        snapshot: snapshot(conn, contract, StateVersion::Accepted)?,
        validators: Arc::clone(validators),
        hold: Hold::default(),
    };
    Ok(Claim::Claimed(Box::new(job)))
}

fn deployed_code(
    conn: &mut Connection,
    row: &TransactionRow,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(hash) = &row.code_hash else { return Ok(None) };
    codes::table
        .find(hash.as_slice())
        .select(codes::source)
        .get_result(conn)
        .optional()
        .during("reading a deploy's code")
}
