//! The workers of one executor: warm ones wait, new ones start when all are busy, first come first
//! served.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::conversation::DEPTH_MAX;
use super::process::Worker;
use super::settings::{PythonSettings, SandboxReport};
use super::touched::Touched;
use crate::domain::Digest;
use crate::execution::ExecutionError;

/// The workers of one executor.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) settings: PythonSettings,
    /// How many jobs may compute.
    turns: Arc<Semaphore>,
    /// How many jobs there may be, those included that wait for an answer.
    jobs: Arc<Semaphore>,
    idle: Mutex<Vec<Worker>>,
    /// What executions asked for.
    pub(super) touched: Touched,
    report: Mutex<SandboxReport>,
}

/// A worker that runs one job; without [`Lease::give_back`] it is killed.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) worker: Worker,
    pool: Arc<Pool>,
    turn: Option<OwnedSemaphorePermit>,
    /// Held for as long as the lease lives.
    job: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(mut settings: PythonSettings) -> Self {
        settings.workers_max = settings.workers_max.clamp(1, Semaphore::MAX_PERMITS);
        let jobs = settings.jobs_max.clamp(settings.workers_max, Semaphore::MAX_PERMITS);
        Self {
            turns: Arc::new(Semaphore::new(settings.workers_max)),
            jobs: Arc::new(Semaphore::new(jobs)),
            settings,
            idle: Mutex::default(),
            touched: Touched::default(),
            report: Mutex::default(),
        }
    }

    /// Which locks hold in the workers.
    pub(super) fn report(&self) -> SandboxReport {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn and a warm worker, best one that ran this code last.
    pub(super) async fn lease(self: Arc<Self>, code: Digest) -> Result<Lease, ExecutionError> {
        let job = acquire(&self.jobs).await?;
        let mut lease = self.lease_nested(code).await?;
        lease.job = Some(job);
        Ok(lease)
    }

    /// As [`Pool::lease`], for a job that another one waits for: there must always be room for
    /// it, or all of them could wait for each other.
    pub(super) async fn lease_nested(
        self: Arc<Self>,
        code: Digest,
    ) -> Result<Lease, ExecutionError> {
        let turn = Some(acquire(&self.turns).await?);
        let mut worker = match self.take_idle(code) {
            Some(worker) => worker,
            None => self.start().await?,
        };
        worker.code = Some(code);
        Ok(Lease { worker, pool: self, turn, job: None })
    }

    /// A worker that waits and is alive: one that has a process for this code, or else the one that
    /// waits longest, whose code is the least likely to be wanted again.
    fn take_idle(&self, code: Digest) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let fitting = idle.iter().rposition(|worker| worker.code == Some(code));
            let position = fitting.or_else(|| (!idle.is_empty()).then_some(0))?;
            let mut worker = idle.remove(position);
            if worker.is_alive() {
                return Some(worker);
            }
        }
    }

    /// Starts one worker ahead of need.
    pub(super) async fn warm(self: Arc<Self>) {
        // What is wrong will be told to the first who needs a worker.
        let Ok(_turn) = acquire(&self.turns).await else { return };
        if let Ok(worker) = self.start().await {
            self.keep(worker);
        }
    }

    /// Has the worker wait for the next job; more than can compute at a time, and those that wait for
    /// the views they asked for, are not kept.
    fn keep(&self, worker: Worker) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.settings.workers_max + DEPTH_MAX {
            idle.push(worker);
        }
    }

    async fn start(&self) -> Result<Worker, ExecutionError> {
        let program = self.settings.program.display();
        let mut worker = Worker::spawn(&self.settings)
            .map_err(|error| infrastructure(format!("cannot start `{program} worker`: {error}")))?;
        let hello = timeout(self.settings.start_time_limit, worker.hello()).await;
        let locks = hello
            .ok()
            .ok_or_else(|| infrastructure(format!("`{program} worker` did not become ready")))?
            .map_err(|lost| {
                infrastructure(format!("`{program} worker` failed to start: {lost:?}"))
            })?;
        let report = SandboxReport::from(locks);
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
        if self.settings.require_sandbox && !report.is_complete() {
            let missing = report.missing().join(", ");
            return Err(infrastructure(format!("the sandbox lacks {missing}, and it is required")));
        }
        Ok(worker)
    }
}

impl Lease {
    /// Takes the worker out, for good.
    pub(super) fn into_worker(self) -> Worker {
        self.worker
    }

    /// The job waits for an answer: another one may compute meanwhile.
    pub(super) fn park(&mut self) {
        self.turn = None;
    }

    /// Waits for its turn to compute again.
    pub(super) async fn resume(&mut self) -> Result<(), ExecutionError> {
        self.turn = Some(acquire(&self.pool.turns).await?);
        Ok(())
    }

    /// Puts the worker back for the next job.
    pub(super) fn give_back(self) {
        self.pool.keep(self.worker);
    }
}

async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ExecutionError> {
    let permit = Arc::clone(permits).acquire_owned().await;
    permit.ok().ok_or_else(|| infrastructure("the executor is closed"))
}

/// An error of the machinery.
pub(super) fn infrastructure(reason: impl Into<String>) -> ExecutionError {
    ExecutionError::Infrastructure(reason.into())
}
