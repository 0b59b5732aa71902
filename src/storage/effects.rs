//! What a decision does to the ledger, and how that is taken back exactly (protocol section 4).

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::children::Outgoing;
use super::failure::{During, database_error};
use super::rows::{Progress, digest};
use super::schema::decisions;
use super::{children, contracts, logs, receipts, writes};
use crate::domain::ledger::{Decision, StoreError};
use crate::domain::{
    Amount, AppealKind, Code, Digest, Execution, Pages, PayloadKind, Phase, Status, Timestamp,
    Trigger,
};

/// No pages.
static NO_PAGES: Pages = Pages::new();

/// What a decision moves, worked out before anything is written.
pub(super) struct Effects<'a> {
    /// The receipt that takes effect; none when it is not accepted, or an error.
    receipt: Option<&'a Execution>,
    /// What it sends.
    outgoing: Option<Outgoing>,
    /// The contract's account afterwards, when it changes.
    contract: Option<Account>,
    /// Value the transaction holds from now on.
    pub(super) locked: Amount,
    /// The pages under the receipt's as they are.
    pub(super) inverse: Pages,
}

impl<'a> Effects<'a> {
    /// Works out what `decision` does; the value of one without effect stays where it is until
    /// that is final, because an appeal could still need it.
    pub(super) fn prepare(
        conn: &mut Connection,
        progress: &Progress,
        decision: &'a Decision,
    ) -> Result<Self, StoreError> {
        let receipt = decision
            .receipt
            .as_deref()
            .filter(|receipt| decision.status == Status::Accepted && receipt.outcome.is_success());
        let Some(receipt) = receipt else {
            let (contract, inverse) = (None, Pages::new());
            let locked = progress.locked;
            return Ok(Self { receipt: None, outgoing: None, contract, locked, inverse });
        };
        let outgoing = Outgoing::of(conn, progress, receipt)?;
        let (sent, locked) = (outgoing.value, outgoing.waiting);
        // A contract has an account from its first day, be it empty.
        let is_paid =
            progress.kind == PayloadKind::Deploy || !progress.locked.is_zero() || !sent.is_zero();
        let contract = if is_paid {
            let account = Account::load(conn, progress.queue)?.credited(progress.locked)?;
            let balance = account.balance;
            let left = balance.checked_sub(sent).ok_or(StoreError::InsufficientFunds {
                account: progress.queue,
                balance,
                needed: sent,
            })?;
            Some(account.with_balance(left))
        } else {
            None
        };
        let inverse = writes::accepted_under(conn, progress.queue, &receipt.state.0)?;
        Ok(Self { receipt: Some(receipt), outgoing: Some(outgoing), contract, locked, inverse })
    }

    /// Does the receipt take effect?
    pub(super) fn are_there(&self) -> bool {
        self.receipt.is_some()
    }

    /// The pages that are written.
    pub(super) fn pages(&self) -> &Pages {
        self.receipt.map_or(&NO_PAGES, |receipt| &receipt.state.0)
    }

    /// Writes it all, and sends what is to be sent on acceptance.
    pub(super) fn apply(
        &self,
        conn: &mut Connection,
        ctx: &mut BatchContext,
        progress: &Progress,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let Some(outgoing) = &self.outgoing else { return Ok(()) };
        if let Some(account) = &self.contract {
            account.store(conn)?;
        }
        let at = decision.decided_at;
        let replaced = self.receipt.and_then(|receipt| receipt.code.as_ref());
        if progress.kind == PayloadKind::Deploy {
            let code = code_after(progress, replaced)?;
            contracts::insert(conn, progress.queue, code, progress.hash, at)?;
        } else if replaces_code(progress.kind, replaced) {
            contracts::set_code(conn, progress.queue, code_after(progress, replaced)?)?;
        }
        writes::apply_accepted(conn, progress.queue, self.pages())?;
        if let Some(receipt) = self.receipt {
            logs::insert(conn, ctx, progress, &receipt.events)?;
        }
        children::send(conn, ctx, progress, decision.attempt, outgoing, Trigger::Accepted, at)
    }
}

/// Does a transaction of this kind, whose execution gave the contract this code, change the code of
/// the contract that is there?
const fn replaces_code(kind: PayloadKind, replaced: Option<&Code>) -> bool {
    matches!(kind, PayloadKind::Upgrade) || replaced.is_some()
}

/// The hash of the code that a transaction leaves: what the contract gave itself counts more than
/// what it was brought.
fn code_after<'a>(
    progress: &'a Progress,
    replaced: Option<&'a Code>,
) -> Result<&'a [u8], StoreError> {
    let replaced = replaced.map(|code| code.hash.as_bytes().as_slice());
    replaced.or(progress.code_hash.as_deref()).ok_or_else(|| {
        database_error("storing a contract", format!("`{}` has no code", progress.hash))
    })
}

/// A decision as it was stored.
pub(super) struct StoredDecision {
    pub(super) inverse: Pages,
    pub(super) receipt: Option<Execution>,
    pub(super) balance_before: Amount,
    pub(super) code_before: Option<Digest>,
}

impl StoredDecision {
    /// Did it, of a transaction of this kind, replace the contract's code?
    pub(super) fn replaces_code(&self, kind: PayloadKind) -> bool {
        replaces_code(kind, self.receipt.as_ref().and_then(|receipt| receipt.code.as_ref()))
    }

    /// The last decision of the rounds that count which was no re-vote: the one that stands.
    pub(super) fn last(
        conn: &mut Connection,
        progress: &Progress,
    ) -> Result<Option<Self>, StoreError> {
        const OPERATION: &str = "looking for a decision";
        let revotes = [AppealKind::Validators, AppealKind::ValidatorsTimeout]
            .map(|kind| Phase::Appeal(kind).name());
        let chain_from = i32::try_from(progress.chain_from).during(OPERATION)?;
        let attempt: Option<i32> = decisions::table
            .filter(decisions::position.eq(progress.position.0))
            .filter(decisions::attempt.ge(chain_from))
            .filter(decisions::phase.ne_all(revotes))
            .order(decisions::attempt.desc())
            .select(decisions::attempt)
            .first(conn)
            .optional()
            .during(OPERATION)?;
        attempt.map(|attempt| Self::load(conn, progress, super::rows::number(attempt)?)).transpose()
    }

    /// The decision of `attempt` over a transaction.
    pub(super) fn load(
        conn: &mut Connection,
        progress: &Progress,
        attempt: u32,
    ) -> Result<Self, StoreError> {
        const OPERATION: &str = "reading a decision";
        type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, String, Option<Vec<u8>>);
        let attempt = i32::try_from(attempt).during(OPERATION)?;
        let (written, inverse, receipt, balance, code): Row = decisions::table
            .find((progress.position.0, attempt))
            .select((
                decisions::writes,
                decisions::inverse,
                decisions::receipt,
                decisions::balance_before,
                decisions::code_before,
            ))
            .get_result(conn)
            .during(OPERATION)?;
        let pages = writes::decode(&written)?;
        Ok(Self {
            inverse: writes::decode(&inverse)?,
            receipt: receipt.map(|bytes| receipts::decode(conn, &bytes, pages)).transpose()?,
            balance_before: super::rows::parsed(&balance)?,
            code_before: code.as_deref().map(digest).transpose()?,
        })
    }
}

/// Takes the effects of a decision back. Its children must have been withdrawn, so that their
/// value is with the contract again.
pub(super) fn revert(
    conn: &mut Connection,
    progress: &Progress,
    attempt: u32,
) -> Result<(), StoreError> {
    const OPERATION: &str = "undoing a decision";
    let stored = StoredDecision::load(conn, progress, attempt)?;
    let account = Account::load(conn, progress.queue)?.credited(progress.locked)?;
    let balance = account.balance.checked_sub(progress.value).ok_or_else(|| {
        database_error(OPERATION, format!("`{}` has less than it was paid", progress.queue))
    })?;
    if balance != account.balance || !progress.locked.is_zero() {
        account.with_balance(balance).store(conn)?;
    }
    writes::apply_accepted(conn, progress.queue, &stored.inverse)?;
    logs::remove(conn, progress.position)?;
    if progress.kind == PayloadKind::Deploy {
        return contracts::remove(conn, progress.queue);
    }
    match stored.code_before {
        Some(code) if stored.replaces_code(progress.kind) => {
            contracts::set_code(conn, progress.queue, code.as_bytes())
        }
        _ => Ok(()),
    }
}

/// The effects of a decision become final: its pages, its contract and code, and what waited for it.
pub(super) fn finalize(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "finalizing a decision";
    let Some(attempt) = progress.effective else {
        return children::refund(conn, progress);
    };
    let stored = StoredDecision::load(conn, progress, attempt)?;
    let receipt = stored.receipt.ok_or_else(|| {
        database_error(OPERATION, format!("the receipt of `{}` is gone", progress.hash))
    })?;
    writes::apply_finalized(conn, progress.queue, &receipt.state.0)?;
    let replaced = receipt.code.as_ref();
    if progress.kind == PayloadKind::Deploy {
        let code = code_after(progress, replaced)?;
        contracts::mark_finalized(conn, progress.queue, code, at)?;
    } else if replaces_code(progress.kind, replaced) {
        contracts::set_final_code(conn, progress.queue, code_after(progress, replaced)?)?;
    }
    let outgoing = Outgoing::of(conn, progress, &receipt)?;
    children::send(conn, ctx, progress, attempt, &outgoing, Trigger::Finalized, at)
}
