//! The executor: takes jobs from any thread and runs them in the pool's workers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::frame::{FromWorker, Job, PAGES_ASKED_MAX, Report, Task, ToWorker};
use super::outbox::are_payable;
use super::pool::{Lease, Pool, infrastructure};
use super::process::{Ended, Lost};
use super::settings::{PythonSettings, SandboxReport};
use super::store::trimmed;
use crate::domain::{
    Amount, Code, Cost, Execution, ExecutionOutcome, PAGE_BYTES, PageKey, Pages, StateDelta, U256,
};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, PageSource, Role};

/// How long a worker may take to clean up after a job before it is replaced.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(5);

/// Runs contracts in sandboxed Python workers.
///
/// All workers belong to one thread with its own runtime, so that executions can be asked for from
/// any other.
#[derive(Debug, Clone)]
pub struct PythonExecutor {
    pool: Arc<Pool>,
    jobs: mpsc::UnboundedSender<Order>,
}

struct Order {
    job: Job,
    code: Code,
    pages: Option<Arc<dyn PageSource>>,
    time_limit: Duration,
    reply: oneshot::Sender<Result<Execution, ExecutionError>>,
}

impl PythonExecutor {
    /// Starts the executor's thread, which starts a first worker; returns at once.
    pub fn start(settings: PythonSettings) -> io::Result<Self> {
        let pool = Arc::new(Pool::new(settings));
        let (jobs, orders) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let own = Arc::clone(&pool);
        std::thread::Builder::new()
            .name("python-workers".into())
            .spawn(move || runtime.block_on(serve(own, orders)))?;
        Ok(Self { pool, jobs })
    }

    /// Which locks hold in the workers, as the newest of them said.
    pub fn sandbox_report(&self) -> SandboxReport {
        self.pool.report()
    }

    fn order(
        &self,
        job: Job,
        code: Code,
        pages: Option<Arc<dyn PageSource>>,
        time_limit: Duration,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.send(Order { job, code, pages, time_limit, reply });
        // The thread serves as long as somebody waits for an answer.
        let jobs = self.jobs.clone();
        async move {
            let _jobs = jobs;
            sent.ok().ok_or_else(|| infrastructure("the executor has stopped"))?;
            answer.await.ok().ok_or_else(|| infrastructure("the executor has stopped"))?
        }
        .boxed()
    }
}

impl Executor for PythonExecutor {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let job = job_of(&request);
        self.order(job, request.code, Some(request.pages), request.time_limit)
    }

    fn schema(
        &self,
        code: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        let time_limit = self.pool.settings.schema_time_limit;
        let execution =
            self.order(Job::on_nothing(code.hash, Task::Schema), code, None, time_limit);
        async move {
            let execution = execution.await?;
            Ok(match execution.outcome {
                ExecutionOutcome::Return(json) => serde_json::from_slice(&json)
                    .map_err(|error| format!("the schema is not JSON: {error}")),
                ExecutionOutcome::UserError(text) => Err(text),
                ExecutionOutcome::VmError(code) if execution.stderr.is_empty() => Err(code),
                ExecutionOutcome::VmError(_) => Err(execution.stderr),
            })
        }
        .boxed()
    }
}

fn job_of(request: &ExecutionRequest) -> Job {
    let message = &request.message;
    Job {
        code: request.code.hash,
        task: match request.entry {
            Entry::Constructor => Task::Constructor,
            Entry::Method => Task::Method,
        },
        reader: matches!(request.role, Role::Reader),
        calldata: request.calldata.clone(),
        contract: *message.contract.as_bytes(),
        sender: *message.sender.as_bytes(),
        origin: *message.origin.as_bytes(),
        value: message.value.get().to_be_bytes(),
        balance: message.balance.get().to_be_bytes(),
        chain_id: message.chain_id,
        at: message.at.as_millis(),
        seed: request.seed,
        complete: request.snapshot.complete,
        pages: request.snapshot.pages.iter().map(|(key, page)| (*key, page.clone())).collect(),
    }
}

/// Serves orders until the last executor handle is gone.
async fn serve(pool: Arc<Pool>, mut orders: mpsc::UnboundedReceiver<Order>) {
    tokio::spawn(Arc::clone(&pool).warm());
    while let Some(order) = orders.recv().await {
        tokio::spawn(fulfil(Arc::clone(&pool), order));
    }
}

async fn fulfil(pool: Arc<Pool>, mut order: Order) {
    let started = Instant::now();
    let mut waiting = Box::pin(pool.lease());
    // Who no longer waits for the answer needs no worker either.
    let lease = tokio::select! {
        biased;
        () = order.reply.closed() => return,
        lease = &mut waiting => lease,
    };
    let Order { job, code, pages, time_limit, mut reply } = order;
    let mut lease = match lease {
        Ok(lease) => lease,
        Err(error) => return drop(reply.send(Err(error))),
    };
    let terms = Terms::of(&job);
    let began = Instant::now();
    let ended = tokio::select! {
        biased;
        () = reply.closed() => return,
        ended = timeout_at(began + time_limit, converse(&mut lease, job, &code, pages)) => ended,
    };
    let answer = match ended {
        Err(_) => {
            drop(lease);
            let limit_ms = u64::try_from(time_limit.as_millis()).unwrap_or(u64::MAX);
            return drop(reply.send(Err(ExecutionError::TimedOut { limit_ms })));
        }
        Ok(Err(Failure::Error(error))) => Err(error),
        Ok(Err(Failure::Lost(lost))) => Ok(execution_of_lost(lease, lost).await),
        Ok(Ok(report)) => {
            let (execution, sound) = execution_of(report, terms);
            // The answer need not wait for the worker to clean up.
            let answer = execution.map(|execution| timed(execution, started));
            drop(reply.send(Ok(answer.unwrap_or_else(senseless))));
            if sound {
                clean_up(lease).await;
            }
            return;
        }
    };
    drop(reply.send(answer.map(|execution| timed(execution, started))));
}

fn timed(mut execution: Execution, started: Instant) -> Execution {
    let micros = started.elapsed().as_micros();
    execution.cost.elapsed_micros = u64::try_from(micros).unwrap_or(u64::MAX);
    execution
}

async fn clean_up(mut lease: Lease) {
    let ready = timeout_at(Instant::now() + CLEAN_UP_LIMIT, lease.worker.receive()).await;
    if let Ok(Ok(FromWorker::Ready { clean: true })) = ready {
        lease.give_back();
    }
}

enum Failure {
    /// The worker is gone, or talks nonsense.
    Lost(Lost),
    /// Pages cannot be had.
    Error(ExecutionError),
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// Sends a job and answers the worker's questions until it reports.
async fn converse(
    lease: &mut Lease,
    job: Job,
    code: &Code,
    pages: Option<Arc<dyn PageSource>>,
) -> Result<Report, Failure> {
    let worker = &mut lease.worker;
    worker.send(&ToWorker::Job(Box::new(job))).await?;
    loop {
        match worker.receive().await? {
            FromWorker::NeedCode => worker.send(&ToWorker::Code(code.source.clone())).await?,
            FromWorker::ReadPages(keys) => {
                let asked = keys.len();
                let source = pages.as_ref().filter(|_| asked <= PAGES_ASKED_MAX);
                let source = source.ok_or(Failure::Lost(Lost::Senseless))?;
                let found = source.read(keys).await.map_err(Failure::Error)?;
                if found.len() != asked {
                    let reason = format!("{asked} pages were asked for, {} came", found.len());
                    return Err(Failure::Error(infrastructure(reason)));
                }
                worker.send(&ToWorker::Pages(found)).await?;
            }
            FromWorker::Done(report) => return Ok(*report),
            FromWorker::Hello(_) | FromWorker::Ready { .. } => return Err(Lost::Senseless.into()),
        }
    }
}

/// What the messages of a job are measured by.
#[derive(Debug, Clone, Copy)]
struct Terms {
    is_reader: bool,
    balance: Amount,
}

impl Terms {
    const fn of(job: &Job) -> Self {
        let balance = Amount::new(U256::from_be_bytes(job.balance));
        Self { is_reader: job.reader, balance }
    }
}

/// The execution a worker reports; the flag says if its form is one that our worker produces.
fn execution_of(report: Report, terms: Terms) -> (Option<Execution>, bool) {
    let outcome = match report.kind {
        0 => Some(ExecutionOutcome::Return(report.payload)),
        1 => String::from_utf8(report.payload.to_vec()).ok().map(ExecutionOutcome::UserError),
        2 => String::from_utf8(report.payload.to_vec()).ok().map(ExecutionOutcome::VmError),
        _ => None,
    };
    let Some((outcome, state)) = outcome.zip(state_of(report.pages)) else { return (None, false) };
    let has_effects = outcome.is_success();
    // A worker that a contract took over could report what the contract may not send.
    if !are_payable(&report.messages, terms.is_reader, terms.balance) {
        return (None, false);
    }
    let execution = Execution {
        state: if has_effects { state } else { StateDelta::default() },
        messages: if has_effects { report.messages } else { Vec::new() },
        events: if has_effects { report.events } else { Vec::new() },
        stdout: report.stdout,
        stderr: report.stderr,
        cost: Cost { cpu_micros: report.cpu_micros, elapsed_micros: 0 },
        ..Execution::ending(outcome)
    };
    (Some(execution), true)
}

/// Pages as the store keeps them, or `None` when they are not in that form.
fn state_of(pages: Vec<(PageKey, crate::domain::Page)>) -> Option<StateDelta> {
    let count = pages.len();
    let sound = |page: &[u8]| page.len() <= PAGE_BYTES && trimmed(page).len() == page.len();
    if !pages.iter().all(|(_, page)| sound(page)) {
        return None;
    }
    let pages: Pages = pages.into_iter().collect();
    (pages.len() == count).then_some(StateDelta(pages))
}

fn senseless() -> Execution {
    Execution {
        stderr: "the contract broke its worker\n".into(),
        ..Execution::ending(ExecutionOutcome::VmError("exit_code 1".into()))
    }
}

/// What a contract gets whose worker died: it is to blame, as nothing else runs in there.
async fn execution_of_lost(lease: Lease, lost: Lost) -> Execution {
    if lost == Lost::Senseless {
        return senseless();
    }
    let ended = lease.into_worker().ending().await;
    let (code, text) = match ended {
        // The allocator aborts when memory is refused, and the system kills when it runs out.
        Some(Ended::Signal(6 | 9)) => ("OOM".to_owned(), "the contract ran out of memory\n"),
        Some(Ended::Signal(signal)) => {
            (format!("exit_code {}", 128 + signal), "the contract crashed its worker\n")
        }
        Some(Ended::Code(code)) => (format!("exit_code {code}"), "the contract ended its worker\n"),
        None => ("exit_code 1".to_owned(), "the contract ended its worker\n"),
    };
    Execution { stderr: text.into(), ..Execution::ending(ExecutionOutcome::VmError(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Address, Bytes, EmittedMessage, MessageBody, Trigger};

    /// A report of this kind with a message that carries 6.
    fn report(kind: u8) -> Report {
        let body = MessageBody::Transfer { to: Address::ZERO };
        let value = Amount::from(6);
        Report {
            kind,
            payload: Bytes::new(),
            pages: Vec::new(),
            messages: vec![EmittedMessage { on: Trigger::Finalized, value, body }],
            events: Vec::new(),
            stdout: String::new(),
            stderr: String::new(),
            cpu_micros: 0,
        }
    }

    fn messages_of(kind: u8, is_reader: bool, balance: u64) -> Option<usize> {
        let terms = Terms { is_reader, balance: Amount::from(balance) };
        let (execution, sound) = execution_of(report(kind), terms);
        assert_eq!(execution.is_some(), sound);
        execution.map(|execution| execution.messages.len())
    }

    #[test]
    fn only_what_returns_sends_messages() {
        assert_eq!(messages_of(0, false, 6), Some(1));
        assert_eq!(messages_of(1, false, 6), Some(0));
        assert_eq!(messages_of(2, false, 6), Some(0));
    }

    #[test]
    fn a_report_with_messages_that_cannot_be_is_senseless() {
        assert_eq!(messages_of(0, false, 5), None);
        assert_eq!(messages_of(0, true, 6), None);
    }
}
