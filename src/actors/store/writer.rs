//! The one thread that writes: drains what waits into one database transaction, commits once, and
//! answers everybody (group commit).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use actix::Recipient;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::actors::messages::EventsCommitted;
use crate::actors::supervision::DeathWatch;
use crate::actors::system::Child;
use crate::actors::tell;
use crate::domain::TxHash;
use crate::domain::ledger::{Announcement, StoreError};
use crate::storage::{self, BatchContext, Connection, Database};

/// One write: run inside a batch, perhaps more than once, and answered after the commit.
trait Write: Send {
    /// Runs it. A refusal is kept as the answer; only a database error ends the batch.
    fn run(&mut self, conn: &mut Connection, ctx: &mut BatchContext) -> Result<(), StoreError>;

    /// Answers whoever asked, with `error` if the batch failed.
    fn answer(self: Box<Self>, error: Option<&StoreError>);
}

struct WriteOf<F, T> {
    work: F,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Write for WriteOf<F, T>
where
    F: FnMut(&mut Connection, &mut BatchContext) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, conn: &mut Connection, ctx: &mut BatchContext) -> Result<(), StoreError> {
        match (self.work)(conn, ctx) {
            Err(error @ StoreError::Database { .. }) => Err(error),
            result => {
                self.result = Some(result);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, error: Option<&StoreError>) {
        let result = match error {
            Some(error) => Err(error.clone()),
            None => self.result.unwrap_or(Err(StoreError::Closed)),
        };
        // Whoever asked may be gone; the write stands all the same.
        let _gone = self.reply.send(result);
    }
}

type QuickRead = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    /// A write; `settles` names the transaction whose announced steps it covers.
    Write { write: Box<dyn Write>, settles: Option<TxHash> },
    /// A read of what is committed, answered before the next batch.
    Read(QuickRead),
    /// A step that may wait.
    Step(Announcement),
    /// Write what waits, then end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// The way to the writer's thread.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: Sender<Job>,
    in_flight: Arc<AtomicUsize>,
}

/// How the writer's thread behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriterSettings {
    pub(super) batch_max: usize,
    pub(super) announcement_delay: Duration,
}

impl Writer {
    /// Starts the thread on a connection of its own.
    pub(super) fn start(
        database: Arc<Database>,
        settings: WriterSettings,
        events: Recipient<EventsCommitted>,
        watch: DeathWatch<Child>,
    ) -> Result<Self, StoreError> {
        let connection = database.writer()?;
        let (jobs, receiver) = channel();
        let thread = Thread {
            database,
            connection: Some(connection),
            jobs: receiver,
            settings,
            events,
            steps: Vec::new(),
            steps_due: None,
        };
        let spawned = std::thread::Builder::new().name("agora-writer".into()).spawn(move || {
            let _watch = watch;
            thread.run();
        });
        spawned.map_err(|error| StoreError::Database {
            operation: "starting the writer",
            reason: error.to_string(),
        })?;
        Ok(Self { jobs, in_flight: Arc::default() })
    }

    /// Writes that wait for their answer.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Runs `work` in the next batch; the answer comes after its commit.
    pub(super) fn write<T, F>(
        &self,
        settles: Option<TxHash>,
        work: F,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection, &mut BatchContext) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Box::new(WriteOf { work, result: None, reply });
        self.submit(Job::Write { write, settles }, answer)
    }

    /// Runs `read` on the writer's connection: it sees every write that was answered.
    pub(super) fn read<T, F>(
        &self,
        read: F,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job::Read(Box::new(move |conn| {
            // Whoever asked may be gone.
            let _gone = reply.send(read(conn));
        }));
        self.submit(job, answer)
    }

    /// Notes a step; it is written with a later batch.
    pub(super) fn step(&self, announcement: Announcement) {
        // A closed writer loses steps, which the next start does not need.
        let _closed = self.jobs.send(Job::Step(announcement));
    }

    /// Writes what waits and ends the thread.
    pub(super) fn close(&self) -> impl Future<Output = Result<(), StoreError>> + use<> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Close(reply), answer)
    }

    fn submit<T>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T> {
        let sent = self.jobs.send(job).is_ok();
        let counted = Counted::new(&self.in_flight);
        async move {
            let _counted = counted;
            if !sent {
                return Err(StoreError::Closed);
            }
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} in flight)", self.in_flight())
    }
}

/// Counts one request for as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What runs on the writer's thread.
struct Thread {
    database: Arc<Database>,
    /// `None` after a panic, until a new one can be had.
    connection: Option<Connection>,
    jobs: Receiver<Job>,
    settings: WriterSettings,
    events: Recipient<EventsCommitted>,
    steps: Vec<Announcement>,
    steps_due: Option<Instant>,
}

/// What one drain of the channel brought.
#[derive(Default)]
struct Drained {
    writes: Vec<Box<dyn Write>>,
    settled: BTreeSet<TxHash>,
    close: Option<oneshot::Sender<Result<(), StoreError>>>,
}

/// Why a batch was not committed.
enum BatchFailure {
    /// Something in it failed, and all of it was undone.
    Undone(StoreError),
    /// The connection is lost: nobody knows whether it was committed.
    Unknown(StoreError),
}

impl Thread {
    fn run(mut self) {
        loop {
            let Some(mut drained) = self.drain() else { return };
            let close = drained.close.take();
            self.steps.retain(|step| !drained.settled.contains(&step.hash));
            let steps = self.due_steps(close.is_some());
            if !steps.is_empty() || !drained.writes.is_empty() {
                self.commit(&steps, drained.writes);
            }
            if let Some(reply) = close {
                let closed = self.connected().and_then(storage::checkpoint);
                // The database is let go first, so that another process can have it at once.
                drop(self);
                // Whoever closed may not wait for it.
                let _gone = reply.send(closed);
                return;
            }
        }
    }

    /// Waits for work, then takes everything that waits already, up to the limit. `None` when
    /// nobody can send any more.
    fn drain(&mut self) -> Option<Drained> {
        let first = match self.steps_due {
            None => self.jobs.recv().ok()?,
            Some(due) => {
                match self.jobs.recv_timeout(due.saturating_duration_since(Instant::now())) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => return Some(Drained::default()),
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            }
        };
        let mut drained = Drained::default();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Read(read) => self.read(read),
                Job::Step(step) => {
                    let delay = self.settings.announcement_delay;
                    self.steps_due.get_or_insert_with(|| Instant::now() + delay);
                    self.steps.push(step);
                }
                Job::Write { write, settles } => {
                    drained.settled.extend(settles);
                    drained.writes.push(write);
                }
                Job::Close(reply) => {
                    drained.close = Some(reply);
                    break;
                }
            }
            if drained.writes.len() >= self.settings.batch_max {
                break;
            }
            next = self.jobs.try_recv().ok();
        }
        Some(drained)
    }

    fn due_steps(&mut self, all: bool) -> Vec<Announcement> {
        if all || self.steps_due.is_some_and(|due| due <= Instant::now()) {
            self.steps_due = None;
            return std::mem::take(&mut self.steps);
        }
        if self.steps.is_empty() {
            self.steps_due = None;
        }
        Vec::new()
    }

    fn connected(&mut self) -> Result<&mut Connection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.database.writer()?)),
        }
    }

    fn read(&mut self, read: QuickRead) {
        let Ok(connection) = self.connected() else { return };
        if catch_unwind(AssertUnwindSafe(|| read(connection))).is_err() {
            log::error!(target: "store", "a read panicked; the connection is replaced");
            self.connection = None;
        }
    }

    /// Commits all together; when that fails, each alone, so that one cannot fail the others.
    fn commit(&mut self, steps: &[Announcement], mut writes: Vec<Box<dyn Write>>) {
        match self.batch(steps, &mut writes) {
            Ok(()) => answer_all(writes, None),
            // Run again, some might happen twice: whoever asked must ask again.
            Err(BatchFailure::Unknown(error)) => fail_all(writes, &error),
            Err(BatchFailure::Undone(error)) if writes.len() <= 1 => fail_all(writes, &error),
            Err(BatchFailure::Undone(error)) => {
                log::warn!(target: "store", "a batch of {} is run one by one: {error}", writes.len());
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

    fn batch(
        &mut self,
        steps: &[Announcement],
        writes: &mut [Box<dyn Write>],
    ) -> Result<(), BatchFailure> {
        let connection = self.connected().map_err(BatchFailure::Undone)?;
        let batch = AssertUnwindSafe(|| {
            storage::batch(connection, |conn, ctx| {
                if !steps.is_empty() {
                    storage::announcements_record_in_txn(conn, ctx, steps)?;
                }
                writes.iter_mut().try_for_each(|write| write.run(conn, ctx))
            })
        });
        match catch_unwind(batch) {
            Ok(Ok(((), events))) => {
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

fn fail_all(writes: Vec<Box<dyn Write>>, error: &StoreError) {
    log::error!(target: "store", "{error}");
    answer_all(writes, Some(error));
}

fn answer_all(writes: Vec<Box<dyn Write>>, error: Option<&StoreError>) {
    for write in writes {
        write.answer(error);
    }
}
