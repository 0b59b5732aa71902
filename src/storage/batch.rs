//! Group commit: many writes, one database transaction, one flush to disk.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;

use super::Connection;
use super::blocks;
use super::failure::During;
use super::finality::finality_window_load;
use super::outbox;
use super::schema::transactions;
use super::snapshots::generation_number;
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{Address, Block, Event, EventKind, Timestamp, TxHash};

/// How often a batch that PostgreSQL gave up for another one's sake is run.
const TRIES_MAX: u32 = 5;

/// The advisory lock under which PostgreSQL runs one batch at a time, whoever sends it; cursors and
/// positions then grow in the order of commits.
const WRITER_LOCK: i64 = 0x0061_676f_7261;

/// What a batch gathers while it runs: places in the order, the window of decisions, and events.
#[derive(Debug, Default)]
pub struct BatchContext {
    position_next: Option<i64>,
    /// The newest block, once it was read.
    head: Head,
    logs: i64,
    empty_block_at: Option<Timestamp>,
    finality_window: Option<Duration>,
    generation: Option<i64>,
    events: Vec<Event>,
}

/// The newest block there was before the batch; none before the first.
#[derive(Debug, Clone, Copy, Default)]
enum Head {
    #[default]
    Unread,
    Read(Option<Block>),
}

impl BatchContext {
    /// Records an event; its cursor is known once the batch ends.
    pub fn record(
        &mut self,
        at: Timestamp,
        transaction: TxHash,
        queue_address: Address,
        kind: EventKind,
    ) {
        self.events.push(Event { cursor: 0, at, transaction, address: queue_address, kind });
    }

    /// The place that the next transaction gets; the same until [`Self::position_taken`].
    pub(super) fn position_next(&mut self, conn: &mut Connection) -> Result<Position, StoreError> {
        if let Some(position) = self.position_next {
            return Ok(Position(position));
        }
        let last: Option<i64> = transactions::table
            .select(diesel::dsl::max(transactions::position))
            .get_result(conn)
            .during("reading the last position")?;
        let position = last.unwrap_or(0) + 1;
        self.position_next = Some(position);
        Ok(Position(position))
    }

    /// The next place belongs to somebody now.
    pub(super) fn position_taken(&mut self, position: Position) {
        self.position_next = Some(position.0 + 1);
    }

    /// The number of the block that this batch becomes.
    pub(super) fn block_next(&mut self, conn: &mut Connection) -> Result<u64, StoreError> {
        Ok(self.head(conn)?.map_or(0, |head| head.number.saturating_add(1)))
    }

    fn head(&mut self, conn: &mut Connection) -> Result<Option<Block>, StoreError> {
        if let Head::Read(head) = self.head {
            return Ok(head);
        }
        let head = blocks::block_last(conn)?;
        self.head = Head::Read(head);
        Ok(head)
    }

    /// The next place among the logs of this batch's block.
    pub(super) fn log_place(&mut self) -> i64 {
        let place = self.logs;
        self.logs += 1;
        place
    }

    /// The batch becomes a block even if nothing happens in it.
    pub fn want_block(&mut self, at: Timestamp) {
        self.empty_block_at = Some(at);
    }

    /// Adds the block of this batch, whose events are stored as `body`.
    fn add_block(&mut self, conn: &mut Connection, body: &str) -> Result<(), StoreError> {
        let at = self.events.iter().map(|event| event.at).max().or(self.empty_block_at);
        let Some(at) = at else { return Ok(()) };
        let head = self.head(conn)?;
        blocks::append(conn, head, at, body.as_bytes())
    }

    /// Refuses whoever does not belong to the present generation: the network was restored, and
    /// what he knows of it is not so any more.
    pub fn admit(&mut self, conn: &mut Connection, generation: i64) -> Result<(), StoreError> {
        let present = match self.generation {
            Some(present) => present,
            None => *self.generation.insert(generation_number(conn)?),
        };
        if present == generation { Ok(()) } else { Err(StoreError::Restored) }
    }

    /// The tables hold another network from here on: nothing that was read of them is true.
    pub(super) fn restored(&mut self, generation: i64) {
        let events = std::mem::take(&mut self.events);
        *self = Self { generation: Some(generation), events, ..Self::default() };
    }

    /// How many events were recorded so far.
    pub(super) fn recorded(&self) -> usize {
        self.events.len()
    }

    /// How long decisions of this batch can be appealed; no other writer changes it meanwhile.
    pub(super) fn finality_window(
        &mut self,
        conn: &mut Connection,
    ) -> Result<Duration, StoreError> {
        if let Some(window) = self.finality_window {
            return Ok(window);
        }
        let window = finality_window_load(conn)?;
        self.finality_window = Some(window);
        Ok(window)
    }

    /// Later decisions of the batch have another window.
    pub(super) fn finality_window_changed(&mut self, window: Duration) {
        self.finality_window = Some(window);
    }
}

/// Runs `work` in one database transaction, and commits once.
///
/// Write functions inside check before they write, so `work` may ignore their refusals (every
/// [`StoreError`] but `Database`) and go on; a `Database` error it must return. Any error it
/// returns undoes everything. After a PostgreSQL deadlock or serialisation failure `work` runs
/// again from the start.
///
/// Answers with what `work` answered and the events committed, in order. When `work` panics, the
/// connection must be dropped.
pub fn batch<R>(
    conn: &mut Connection,
    mut work: impl FnMut(&mut Connection, &mut BatchContext) -> Result<R, StoreError>,
) -> Result<(R, Vec<Event>), StoreError> {
    let mut tries = 1;
    loop {
        match batch_once(conn, &mut work) {
            Err(error) if tries < TRIES_MAX && is_transient(&error) => tries += 1,
            answer => return answer,
        }
    }
}

fn batch_once<R>(
    conn: &mut Connection,
    work: &mut impl FnMut(&mut Connection, &mut BatchContext) -> Result<R, StoreError>,
) -> Result<(R, Vec<Event>), StoreError> {
    begin(conn)?;
    let mut context = BatchContext::default();
    let done = work(conn, &mut context).and_then(|answer| {
        let body = outbox::append(conn, &mut context.events)?;
        context.add_block(conn, &body)?;
        Ok(answer)
    });
    match done {
        Ok(answer) => {
            let committed =
                <Connection as diesel::Connection>::TransactionManager::commit_transaction(conn)
                    .during("committing a batch");
            if committed.is_err() {
                rollback(conn);
            }
            committed.map(|()| (answer, context.events))
        }
        Err(error) => {
            rollback(conn);
            Err(error)
        }
    }
}

fn begin(conn: &mut Connection) -> Result<(), StoreError> {
    match conn {
        Connection::Sqlite(inner) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")
                .during("beginning a batch")
        }
        Connection::Postgres(inner) => {
            // In one message: the server is asked once.
            let sql = format!("BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})");
            let begun = AnsiTransactionManager::begin_transaction_sql(inner, &sql);
            if begun.is_err() {
                // Nobody knows that it has begun, so nobody else ends it; it may not have.
                let _ended = inner.batch_execute("ROLLBACK");
            }
            begun.during("waiting for the other writers")
        }
    }
}

fn rollback(conn: &mut Connection) {
    let undone = <Connection as diesel::Connection>::TransactionManager::rollback_transaction(conn);
    if let Err(error) = undone {
        // The database undoes what was not committed when the connection goes.
        log::warn!("a batch could not be rolled back: {error}");
    }
}

fn is_transient(error: &StoreError) -> bool {
    matches!(error, StoreError::Database { reason, .. }
        if reason.contains("could not serialize access") || reason.contains("deadlock detected"))
}
