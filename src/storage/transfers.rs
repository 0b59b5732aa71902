//! Transfers: exact money without a round.

use diesel::prelude::*;

use super::Connection;
use super::accounts::{Account, Totals};
use super::batch::BatchContext;
use super::finality::Window;
use super::rows::Progress;
use super::schema::transactions;
use super::transactions::{is_head_of_queue, one_row, words};
use crate::domain::ledger::StoreError;
use crate::domain::{Address, Amount, EventKind, PayloadKind, Status, Timestamp, TxHash};

const OPERATION: &str = "executing a transfer";

/// Executes a transfer, a mint or a burn, and answers with its status.
///
/// FINALIZED when the money moved; UNDETERMINED, with the reason, when it cannot. One that was
/// executed before keeps its status and nothing moves. PENDING when an earlier transaction of its
/// queue is not decided: then nothing happened.
pub fn transfer_execute_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    hash: TxHash,
    at: Timestamp,
) -> Result<Status, StoreError> {
    let progress = Progress::load(conn, hash)?;
    if progress.kind != PayloadKind::Transfer {
        return Err(StoreError::NotFound { what: "transfer", name: hash.to_string() });
    }
    if progress.status != Status::Pending
        || !is_head_of_queue(conn, progress.queue, progress.position)?
    {
        return Ok(progress.status);
    }
    let movement = if progress.locked.is_zero() {
        Movement::prepare(conn, progress.sender, progress.recipient, progress.value)?
    } else {
        Movement::hand_over(conn, progress.recipient, progress.locked)?
    };
    let status = match movement {
        Ok(movement) => {
            movement.make(conn)?;
            let status = progress.status.change_to(Status::Finalized)?;
            finish(conn, &progress, status, at, at, None)?;
            status
        }
        Err(reason) => {
            let status = progress.status.change_to(Status::Undetermined)?;
            let window = Window::opened(conn, ctx, &progress, at, true)?;
            finish(conn, &progress, status, at, window.final_from, Some(&words(&reason)))?;
            status
        }
    };
    ctx.record(at, hash, progress.queue, EventKind::StatusChanged { status, rotation: None });
    Ok(status)
}

fn finish(
    conn: &mut Connection,
    progress: &Progress,
    status: Status,
    at: Timestamp,
    final_from: Timestamp,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    // What could not be handed over stays locked until it goes back.
    let locked = if status == Status::Finalized { Amount::ZERO } else { progress.locked };
    let finalized_at = (status == Status::Finalized).then_some(at.as_millis());
    let changed = diesel::update(transactions::table.find(progress.position.0))
        .set((
            transactions::status.eq(status.name()),
            transactions::decided_at.eq(at.as_millis()),
            transactions::final_from.eq(final_from.as_millis()),
            transactions::finalized_at.eq(finalized_at),
            transactions::reason.eq(reason),
            transactions::locked.eq(locked.to_string()),
        ))
        .execute(conn);
    one_row(changed, OPERATION)
}

/// The accounts and totals after a transfer.
#[derive(Default)]
struct Movement {
    accounts: [Option<Account>; 2],
    totals: Option<Totals>,
}

impl Movement {
    /// Works out what moves, or why nothing can.
    fn prepare(
        conn: &mut Connection,
        sender: Option<Address>,
        recipient: Option<Address>,
        value: Amount,
    ) -> Result<Result<Self, String>, StoreError> {
        let debited = match sender {
            Some(sender) => {
                let account = Account::load(conn, sender)?;
                let Some(balance) = account.balance.checked_sub(value) else {
                    let has = account.balance;
                    return Ok(Err(format!("`{sender}` has {has} and cannot pay {value}")));
                };
                Some(account.with_balance(balance))
            }
            None => None,
        };
        match (debited, recipient) {
            (Some(payer), Some(recipient)) if payer.address == recipient => Ok(Ok(Self::default())),
            (Some(payer), Some(recipient)) => {
                match Account::load(conn, recipient)?.credited(value) {
                    Ok(credited) => {
                        Ok(Ok(Self { accounts: [Some(payer), Some(credited)], totals: None }))
                    }
                    Err(overflow) => Ok(Err(overflow.to_string())),
                }
            }
            (None, Some(recipient)) => Self::mint(conn, recipient, value),
            (Some(payer), None) => {
                let mut totals = Totals::load(conn)?;
                let Some(burned) = totals.burned.checked_add(value) else {
                    return Ok(Err("more than 2^256 - 1 would be burned".to_owned()));
                };
                totals.burned = burned;
                Ok(Ok(Self { accounts: [Some(payer), None], totals: Some(totals) }))
            }
            (None, None) => Ok(Err("a transfer needs a sender or a recipient".to_owned())),
        }
    }

    /// What a contract sent: taken from it when it sent it, so that it only arrives here.
    fn hand_over(
        conn: &mut Connection,
        recipient: Option<Address>,
        value: Amount,
    ) -> Result<Result<Self, String>, StoreError> {
        let Some(recipient) = recipient else {
            return Ok(Err("a transfer of a contract needs a recipient".to_owned()));
        };
        Ok(match Account::load(conn, recipient)?.credited(value) {
            Ok(credited) => Ok(Self { accounts: [Some(credited), None], totals: None }),
            Err(overflow) => Err(overflow.to_string()),
        })
    }

    fn mint(
        conn: &mut Connection,
        recipient: Address,
        value: Amount,
    ) -> Result<Result<Self, String>, StoreError> {
        let payee = match Account::load(conn, recipient)?.credited(value) {
            Ok(payee) => payee,
            Err(overflow) => return Ok(Err(overflow.to_string())),
        };
        let mut totals = Totals::load(conn)?;
        let Some(minted) = totals.minted.checked_add(value) else {
            return Ok(Err("more than 2^256 - 1 would be minted in all".to_owned()));
        };
        totals.minted = minted;
        Ok(Ok(Self { accounts: [Some(payee), None], totals: Some(totals) }))
    }

    fn make(&self, conn: &mut Connection) -> Result<(), StoreError> {
        for account in self.accounts.iter().flatten() {
            account.store(conn)?;
        }
        self.totals.as_ref().map_or(Ok(()), |totals| totals.store(conn))
    }
}
