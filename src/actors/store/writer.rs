//! The way to the one engine that writes: on a thread of its own, which drains what waits into one
//! database transaction and answers everybody after its commit (group commit), or inline.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::Recipient;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::engine::{Attempt, Batch, Engine, Step};
use super::overseer::Overseer;
use crate::actors::messages::EventsCommitted;
use crate::actors::supervision::DeathWatch;
use crate::actors::system::Child;
use crate::domain::TxHash;
use crate::domain::ledger::{Announcement, StoreError};
use crate::storage::{BatchContext, Connection, Database};

/// One write: run inside a batch, perhaps more than once, and answered after the commit.
pub(super) trait Write: Send {
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

/// A read of what is committed.
pub(super) type QuickRead = Box<dyn FnOnce(&mut Connection) + Send>;

enum Job {
    /// A write; `settles` is the attempt whose announced steps it covers.
    Write { write: Box<dyn Write>, settles: Option<Attempt> },
    /// A read of what is committed, answered before the next batch.
    Read(QuickRead),
    /// A step that may wait.
    Step(Step),
    /// Write what waits, then end.
    Close(Closing),
}

/// The way to the engine that writes.
#[derive(Clone)]
pub(super) struct Writer {
    lane: Lane,
    in_flight: Arc<AtomicUsize>,
    /// Whose writes these are; those of another than the present generation are refused.
    generation: i64,
}

/// How jobs reach the engine.
#[derive(Clone)]
enum Lane {
    /// A thread takes them from a channel.
    Thread(Sender<Job>),
    /// They run where they are submitted, one by one.
    Inline(Arc<InlineLane>),
}

/// The way to an engine on the actors' own thread; `None` once closed.
struct InlineLane {
    engine: Mutex<Option<Inline>>,
    /// Requests of a slow engine, first come, first served.
    turn: tokio::sync::Mutex<()>,
}

/// An engine on the actors' own thread.
struct Inline {
    engine: Engine,
    _watch: DeathWatch<Child>,
}

/// How the writer behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriterSettings {
    pub(super) batch_max: usize,
    pub(super) announcement_delay: Duration,
    /// Runs on the actors' thread: a paused clock must not run while another thread works.
    pub(super) inline: bool,
}

/// Where a writer stands: who learns of its events and of its end, and who stands around it.
pub(super) struct Place {
    pub(super) events: Recipient<EventsCommitted>,
    pub(super) watch: DeathWatch<Child>,
    pub(super) overseer: Option<Box<dyn Overseer>>,
}

impl Writer {
    /// Starts an engine on a connection of its own.
    pub(super) fn start(
        database: Arc<Database>,
        settings: WriterSettings,
        place: Place,
    ) -> Result<Self, StoreError> {
        let Place { events, watch, overseer } = place;
        let overseer = overseer.filter(|_| settings.inline);
        let mut engine = Engine::new(database, events, overseer)?;
        let generation = engine.generation()?;
        let lane = if settings.inline {
            let engine = Mutex::new(Some(Inline { engine, _watch: watch }));
            Lane::Inline(Arc::new(InlineLane { engine, turn: tokio::sync::Mutex::default() }))
        } else {
            Lane::Thread(Thread::start(engine, settings, watch)?)
        };
        Ok(Self { lane, in_flight: Arc::default(), generation })
    }

    /// Whose writes these are.
    pub(super) const fn generation(&self) -> i64 {
        self.generation
    }

    /// The way of another generation to the same engine.
    pub(super) fn of(&self, generation: i64) -> Self {
        Self { generation, ..self.clone() }
    }

    /// Writes that wait for their answer.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Runs `work` in the next batch; the answer comes after its commit. Refused once the network
    /// was restored, whoever did that. What it `settles` is a transaction in an attempt: steps that
    /// were announced of it need not be written any more.
    pub(super) fn write<T, F>(
        &self,
        settles: Option<(TxHash, u32)>,
        mut work: F,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection, &mut BatchContext) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let generation = self.generation;
        let work = move |conn: &mut Connection, ctx: &mut BatchContext| {
            ctx.admit(conn, generation)?;
            work(conn, ctx)
        };
        let settles = settles.map(|(hash, number)| Attempt { generation, hash, number });
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
        self.lane.send(Job::Step(Step { generation: self.generation, announcement }));
    }

    /// Writes what waits and ends the engine.
    pub(super) fn close(&self) -> impl Future<Output = Result<(), StoreError>> + use<> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Close(reply), answer)
    }

    fn submit<T>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T> {
        let wait = self.lane.delay();
        let (sent, waiting) = match wait {
            Duration::ZERO => (self.lane.send(job), None),
            _ => (true, Some((self.lane.clone(), job))),
        };
        let counted = Counted::new(&self.in_flight);
        async move {
            let _counted = counted;
            let sent = match waiting {
                Some((lane, job)) => lane.send_after(wait, job).await,
                None => sent,
            };
            if !sent {
                return Err(StoreError::Closed);
            }
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
    }
}

impl Lane {
    /// How long the next job has to wait: the engine of a simulation may be slow.
    fn delay(&self) -> Duration {
        let Self::Inline(lane) = self else { return Duration::ZERO };
        let mut place = lane.engine.lock().unwrap_or_else(PoisonError::into_inner);
        place.as_mut().map_or(Duration::ZERO, |inline| inline.engine.delay())
    }

    /// [`Self::send`] in turn with the others that wait, after `wait`.
    async fn send_after(&self, wait: Duration, job: Job) -> bool {
        let _turn = match self {
            Self::Inline(lane) => Some(lane.turn.lock().await),
            Self::Thread(_) => None,
        };
        tokio::time::sleep(wait).await;
        self.send(job)
    }

    /// Hands a job over; `false` when the engine has ended.
    fn send(&self, job: Job) -> bool {
        match self {
            Self::Thread(jobs) => jobs.send(job).is_ok(),
            Self::Inline(lane) => {
                let mut place = lane.engine.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(inline) = place.as_mut() else { return false };
                if let Some(reply) = inline.run(job) {
                    let closed = inline.engine.checkpoint();
                    // The database is let go first, so that another process can have it at once.
                    *place = None;
                    // Whoever closed may not wait for it.
                    let _gone = reply.send(closed);
                }
                true
            }
        }
    }
}

/// Whoever waits for the end of the engine.
type Closing = oneshot::Sender<Result<(), StoreError>>;

impl Inline {
    /// Runs one job; steps wait for the next write, and answers whoever wants it closed.
    fn run(&mut self, job: Job) -> Option<Closing> {
        match job {
            Job::Read(read) => self.engine.read(read),
            Job::Step(step) => self.engine.steps.push(step),
            Job::Write { write, settles } => {
                let batch = Batch { writes: vec![write], settled: settles.into_iter().collect() };
                self.engine.write(batch, true);
            }
            Job::Close(reply) => {
                self.engine.write(Batch::default(), true);
                return Some(reply);
            }
        }
        None
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
    engine: Engine,
    jobs: Receiver<Job>,
    settings: WriterSettings,
    steps_due: Option<Instant>,
}

/// What one drain of the channel brought.
#[derive(Default)]
struct Drained {
    batch: Batch,
    close: Option<Closing>,
}

impl Thread {
    fn start(
        engine: Engine,
        settings: WriterSettings,
        watch: DeathWatch<Child>,
    ) -> Result<Sender<Job>, StoreError> {
        let (jobs, receiver) = channel();
        let thread = Self { engine, jobs: receiver, settings, steps_due: None };
        let spawned = std::thread::Builder::new().name("agora-writer".into()).spawn(move || {
            let _watch = watch;
            thread.run();
        });
        spawned.map_err(|error| StoreError::Database {
            operation: "starting the writer",
            reason: error.to_string(),
        })?;
        Ok(jobs)
    }

    fn run(mut self) {
        loop {
            let Some(drained) = self.drain() else { return };
            let due =
                drained.close.is_some() || self.steps_due.is_some_and(|due| due <= Instant::now());
            self.engine.write(drained.batch, due);
            if self.engine.steps.is_empty() {
                self.steps_due = None;
            }
            if let Some(reply) = drained.close {
                let closed = self.engine.checkpoint();
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
                Job::Read(read) => self.engine.read(read),
                Job::Step(step) => {
                    let delay = self.settings.announcement_delay;
                    self.steps_due.get_or_insert_with(|| Instant::now() + delay);
                    self.engine.steps.push(step);
                }
                Job::Write { write, settles } => {
                    drained.batch.settled.extend(settles);
                    drained.batch.writes.push(write);
                }
                Job::Close(reply) => {
                    drained.close = Some(reply);
                    break;
                }
            }
            if drained.batch.writes.len() >= self.settings.batch_max {
                break;
            }
            next = self.jobs.try_recv().ok();
        }
        Some(drained)
    }
}
