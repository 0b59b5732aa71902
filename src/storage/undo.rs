//! Undoing decisions: everything that rests on an overturned one, newest first, back to the queue
//! in its old place; children are withdrawn (protocol section 4).

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::conditions::{Appealed, AwaitsFinality, Undecided};
use super::failure::During;
use super::rows::Progress;
use super::schema::transactions;
use super::transactions::{one_row, words};
use super::{appeals, children, effects};
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{Address, Amount, EventKind, PayloadKind, Status, Timestamp, TxHash};
use crate::protocol::undo::plan;

const OPERATION: &str = "undoing decisions";

/// Why decisions are undone.
pub(super) struct Undoing<'a> {
    /// The transaction whose appeal makes it necessary.
    pub(super) cause: &'a Progress,
    /// When that was decided.
    pub(super) decided_at: Timestamp,
    /// When it is stored: the others may have gone on while the store was busy.
    pub(super) now: Timestamp,
}

impl Undoing<'_> {
    /// Undoes the decisions at `roots` and all that rests on them; says how many transactions
    /// wait again.
    pub(super) fn run(
        &self,
        conn: &mut Connection,
        ctx: &mut BatchContext,
        roots: Vec<Position>,
    ) -> Result<usize, StoreError> {
        let undone = plan(roots, |position| dependents(conn, position))?;
        let mut positions: BTreeSet<Position> = undone.iter().copied().collect();
        let mut queues = BTreeSet::new();
        let mut requeued = 0;
        for position in undone {
            let progress = Progress::at(conn, position)?;
            if progress.status.is_terminal() {
                continue;
            }
            queues.insert(progress.queue);
            self.take_back(conn, &progress)?;
            let parent = children::parent(conn, position)?;
            let is_withdrawn = match parent {
                Some((parent, _)) => positions.contains(&Progress::load(conn, parent)?.position),
                None => false,
            };
            if is_withdrawn {
                self.withdraw(conn, ctx, position)?;
            } else {
                requeued += usize::from(progress.status != Status::Pending);
                self.requeue(ctx, &progress)?;
            }
        }
        // Its own round is the one that decides this.
        positions.insert(self.cause.position);
        for queue in queues {
            requeued += self.interrupt(conn, ctx, queue, &positions)?;
        }
        Ok(requeued)
    }

    /// Sends the cause back to its queue, and nothing else: it had no effects.
    pub(super) fn run_alone(
        &self,
        conn: &mut Connection,
        ctx: &mut BatchContext,
    ) -> Result<usize, StoreError> {
        self.take_back(conn, self.cause)?;
        self.record(ctx, self.cause.hash, self.cause.queue, Status::Pending);
        Ok(1)
    }

    /// Takes the effects back and forgets the decision.
    fn take_back(&self, conn: &mut Connection, progress: &Progress) -> Result<(), StoreError> {
        let mut locked = progress.locked;
        if let Some(attempt) = progress.effective {
            effects::revert(conn, progress, attempt)?;
            locked = progress.value;
        }
        appeals::abandon(conn, progress, self.now)?;
        let attempt = i32::try_from(progress.attempt.saturating_add(1)).during(OPERATION)?;
        // The one that was appealed keeps its past: who judged it before must not judge it again.
        let is_cause = progress.position == self.cause.position;
        let chain_from =
            if is_cause { i32::try_from(progress.chain_from).during(OPERATION)? } else { attempt };
        let reason = if is_cause {
            "runs again: an appeal succeeded".to_owned()
        } else {
            words(&format!("runs again: what `{}` had decided was undone", self.cause.hash))
        };
        let changed = diesel::update(transactions::table.find(progress.position.0))
            .set((
                transactions::status.eq(Status::Pending.name()),
                transactions::attempt.eq(attempt),
                transactions::announced.eq(0),
                transactions::owner.eq(None::<String>),
                transactions::decided_at.eq(None::<i64>),
                transactions::final_from.eq(None::<i64>),
                transactions::locked.eq(locked.to_string()),
                transactions::chain_from.eq(chain_from),
                transactions::effective_attempt.eq(None::<i32>),
                transactions::appeal.eq(None::<String>),
                transactions::appeals_failed.eq(0),
                transactions::appeal_millis.eq(0),
                transactions::reason.eq(reason),
            ))
            .execute(conn);
        one_row(changed, OPERATION)
    }

    fn requeue(&self, ctx: &mut BatchContext, progress: &Progress) -> Result<(), StoreError> {
        if progress.status != Status::Pending {
            progress.status.change_to(Status::Pending)?;
            self.record(ctx, progress.hash, progress.queue, Status::Pending);
        }
        Ok(())
    }

    /// What a message became goes with the message; its value returns to the contract.
    fn withdraw(
        &self,
        conn: &mut Connection,
        ctx: &mut BatchContext,
        position: Position,
    ) -> Result<(), StoreError> {
        let progress = Progress::at(conn, position)?;
        let status = progress.status.change_to(Status::Canceled)?;
        children::refund(conn, &progress)?;
        let changed = diesel::update(transactions::table.find(position.0))
            .set((
                transactions::status.eq(status.name()),
                transactions::decided_at.eq(self.now.as_millis()),
                transactions::locked.eq(Amount::ZERO.to_string()),
                transactions::reason.eq("withdrawn: the transaction that sent it was undone"),
            ))
            .execute(conn);
        one_row(changed, OPERATION)?;
        self.record(ctx, progress.hash, progress.queue, status);
        Ok(())
    }

    /// What a queue decides right now rests on what was undone: it starts again. Nobody can tell
    /// here whether the first that waits is being decided, so it moves to its next attempt, which
    /// makes the answer of whoever works on it stale.
    fn interrupt(
        &self,
        conn: &mut Connection,
        ctx: &mut BatchContext,
        queue: Address,
        undone: &BTreeSet<Position>,
    ) -> Result<usize, StoreError> {
        let undecided: Vec<i64> = transactions::table
            .filter(Undecided)
            .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
            .filter(transactions::appeal.is_null())
            .filter(transactions::kind.ne(PayloadKind::Transfer.name()))
            .order(transactions::position)
            .select(transactions::position)
            .load(conn)
            .during(OPERATION)?;
        let first = undecided.into_iter().map(Position).find(|it| !undone.contains(it));
        let Some(first) = first else { return Ok(0) };
        let progress = Progress::at(conn, first)?;
        let attempt = i32::try_from(progress.attempt.saturating_add(1)).during(OPERATION)?;
        let changed = diesel::update(transactions::table.find(first.0))
            .set((
                transactions::status.eq(Status::Pending.name()),
                transactions::attempt.eq(attempt),
                transactions::announced.eq(0),
                transactions::owner.eq(None::<String>),
            ))
            .execute(conn);
        one_row(changed, OPERATION)?;
        if progress.status != Status::Pending {
            self.record(ctx, progress.hash, queue, Status::Pending);
        }
        Ok(1)
    }

    fn record(&self, ctx: &mut BatchContext, hash: TxHash, queue: Address, status: Status) {
        let at = if hash == self.cause.hash { self.decided_at } else { self.now };
        ctx.record(at, hash, queue, EventKind::StatusChanged { status, rotation: None });
    }
}

/// What rests on the decision at `position`: everything its queue decided later, and its children.
/// On what is not decided nothing rests, nor on a child that was withdrawn before.
fn dependents(conn: &mut Connection, position: Position) -> Result<Vec<Position>, StoreError> {
    let progress = Progress::at(conn, position)?;
    if !progress.status.awaits_finality() && progress.appeal.is_none() {
        return Ok(Vec::new());
    }
    let mut found = decided_after(conn, progress.queue, position)?;
    found.extend(children::of(conn, position)?);
    Ok(found)
}

/// What a queue decided after `position` and could still undo, oldest first.
pub(super) fn decided_after(
    conn: &mut Connection,
    queue: Address,
    position: Position,
) -> Result<Vec<Position>, StoreError> {
    let later = transactions::table
        .filter(transactions::queue_address.eq(queue.as_bytes().as_slice()))
        .filter(transactions::position.gt(position.0))
        .filter(transactions::kind.ne(PayloadKind::Transfer.name()))
        .order(transactions::position)
        .select(transactions::position);
    let mut found: Vec<i64> = later.filter(AwaitsFinality).load(conn).during(OPERATION)?;
    // One whose appeal is being judged keeps its effects meanwhile.
    let appealed: Vec<i64> =
        later.filter(Appealed).filter(Undecided).load(conn).during(OPERATION)?;
    found.extend(appealed);
    found.sort_unstable();
    Ok(found.into_iter().map(Position).collect())
}
