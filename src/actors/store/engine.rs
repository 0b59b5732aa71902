//! What writes: one connection, many writes to one commit, and failures that stay alone.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::overseer::{Access, Overseer};
use super::writer::{QuickRead, Write};
use crate::actors::messages::EventsCommitted;
use crate::actors::tell;
use crate::domain::TxHash;
use crate::domain::ledger::{Announcement, StoreError};
use crate::storage::{self, BatchContext, Connection, Database};

/// Writes that share a commit.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) writes: Vec<Box<dyn Write>>,
    /// Attempts whose announced steps the writes cover.
    pub(super) settled: BTreeSet<Attempt>,
}

/// One attempt to decide a transaction, in one generation of the network: a later one can be under
/// way while somebody still works on an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    pub(super) generation: i64,
    pub(super) hash: TxHash,
    pub(super) number: u32,
}

/// A step of a round, and whose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) generation: i64,
    pub(super) announcement: Announcement,
}

impl Step {
    const fn attempt(&self) -> Attempt {
        let Announcement { hash, attempt, .. } = self.announcement;
        Attempt { generation: self.generation, hash, number: attempt }
    }
}

/// Why a batch was not committed.
enum BatchFailure {
    /// Something in it failed, and all of it was undone.
    Undone(StoreError),
    /// The connection is lost: nobody knows whether it was committed.
    Unknown(StoreError),
}

/// The one writing connection, and the steps that wait for a commit to share.
pub(super) struct Engine {
    database: Arc<Database>,
    /// `None` after a panic, until a new one can be had.
    connection: Option<Connection>,
    events: Recipient<EventsCommitted>,
    pub(super) steps: Vec<Step>,
    overseer: Option<Box<dyn Overseer>>,
}

impl Engine {
    /// An engine on a connection of its own.
    pub(super) fn new(
        database: Arc<Database>,
        events: Recipient<EventsCommitted>,
        overseer: Option<Box<dyn Overseer>>,
    ) -> Result<Self, StoreError> {
        let connection = Some(database.writer()?);
        Ok(Self { database, connection, events, steps: Vec::new(), overseer })
    }

    /// Commits a batch, and with it the waiting steps if they are due.
    pub(super) fn write(&mut self, batch: Batch, steps_are_due: bool) {
        self.steps.retain(|step| !batch.settled.contains(&step.attempt()));
        let steps = if steps_are_due { std::mem::take(&mut self.steps) } else { Vec::new() };
        if !steps.is_empty() || !batch.writes.is_empty() {
            self.commit(&steps, batch.writes);
        }
    }

    /// Folds the log away; afterwards the engine should be dropped.
    pub(super) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.connected().and_then(storage::checkpoint)
    }

    fn connected(&mut self) -> Result<&mut Connection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.database.writer()?)),
        }
    }

    /// The present generation.
    pub(super) fn generation(&mut self) -> Result<i64, StoreError> {
        storage::generation_number(self.connected()?)
    }

    /// How long whoever stands around this engine makes the next request wait.
    pub(super) fn delay(&mut self) -> Duration {
        self.overseer.as_mut().map_or(Duration::ZERO, |overseer| overseer.delay())
    }

    fn admit(&mut self, access: Access) -> Result<(), StoreError> {
        self.overseer.as_mut().map_or(Ok(()), |overseer| overseer.admit(access))
    }

    /// Answers from what is committed.
    pub(super) fn read(&mut self, read: QuickRead) {
        if self.admit(Access::Read).is_err() {
            return;
        }
        let Ok(connection) = self.connected() else { return };
        if catch_unwind(AssertUnwindSafe(|| read(connection))).is_err() {
            log::error!(target: "store", "a read panicked; the connection is replaced");
            self.connection = None;
        }
    }

    /// Commits all together; when that fails, the steps and each write alone, so that one cannot
    /// fail the others.
    fn commit(&mut self, steps: &[Step], mut writes: Vec<Box<dyn Write>>) {
        match self.batch(steps, &mut writes) {
            Ok(()) => answer_all(writes, None),
            // Run again, some might happen twice: whoever asked must ask again.
            Err(BatchFailure::Unknown(error)) => fail_all(writes, &error),
            Err(BatchFailure::Undone(error))
                if writes.is_empty() || writes.len() == 1 && steps.is_empty() =>
            {
                fail_all(writes, &error);
            }
            Err(BatchFailure::Undone(error)) => {
                log::warn!(target: "store", "a batch of {} is run one by one: {error}", writes.len());
                self.commit(steps, Vec::new());
                for write in writes {
                    let mut alone = vec![write];
                    match self.batch(&[], &mut alone) {
                        Ok(()) => answer_all(alone, None),
                        Err(BatchFailure::Undone(error) | BatchFailure::Unknown(error)) => {
                            fail_all(alone, &error);
                        }
                    }
                }
            }
        }
    }

    fn batch(&mut self, steps: &[Step], writes: &mut [Box<dyn Write>]) -> Result<(), BatchFailure> {
        self.admit(Access::Write).map_err(BatchFailure::Undone)?;
        let connection = self.connected().map_err(BatchFailure::Undone)?;
        let batch = AssertUnwindSafe(|| {
            storage::batch(connection, |conn, ctx| {
                if !steps.is_empty() {
                    record(conn, ctx, steps)?;
                }
                writes.iter_mut().try_for_each(|write| write.run(conn, ctx))
            })
        });
        match catch_unwind(batch) {
            Ok(Ok(((), events))) => {
                if let (Some(overseer), Some(conn)) = (&mut self.overseer, &mut self.connection) {
                    overseer.committed(conn, &events);
                }
                if !events.is_empty() {
                    tell(&self.events, EventsCommitted(events));
                }
                Ok(())
            }
            Ok(Err(error)) => {
                if self.connection.as_mut().is_some_and(storage::is_alive) {
                    return Err(BatchFailure::Undone(error));
                }
                self.connection = None;
                Err(BatchFailure::Unknown(error))
            }
            Err(_) => {
                self.connection = None;
                let reason = "a write panicked".to_owned();
                let error = StoreError::Database { operation: "writing a batch", reason };
                Err(BatchFailure::Undone(error))
            }
        }
    }
}

/// Records the steps of the present generation; those of an earlier one are of no network any more.
fn record(conn: &mut Connection, ctx: &mut BatchContext, steps: &[Step]) -> Result<(), StoreError> {
    let mut present = Vec::with_capacity(steps.len());
    for step in steps {
        match ctx.admit(conn, step.generation) {
            Ok(()) => present.push(step.announcement),
            Err(StoreError::Restored) => {}
            Err(error) => return Err(error),
        }
    }
    if present.is_empty() {
        return Ok(());
    }
    storage::announcements_record_in_txn(conn, ctx, &present)
}

fn fail_all(writes: Vec<Box<dyn Write>>, error: &StoreError) {
    log::error!(target: "store", "{error}");
    answer_all(writes, Some(error));
}

fn answer_all(writes: Vec<Box<dyn Write>>, error: Option<&StoreError>) {
    for write in writes {
        write.answer(error);
    }
}
