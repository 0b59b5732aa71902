//! The executor: takes jobs from any thread and runs them in the pool's workers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::conversation::{Conversation, Failure, Surroundings};
use super::frame::Ended;
use super::job::{Job, Task};
use super::pool::{Pool, infrastructure};
use super::results::{
    Terms, execution_of, execution_of_end, execution_of_lost, put_back, senseless,
};
use super::settings::{PythonSettings, SandboxReport};
use crate::domain::{Address, Code, Execution, ExecutionOutcome};
use crate::execution::nondeterminism::{Models, Services};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, NoWorld, Role};

/// Runs contracts in sandboxed Python workers.
///
/// All workers belong to one thread with its own runtime, so that executions can be asked for from
/// any other.
#[derive(Debug, Clone)]
pub struct PythonExecutor {
    pool: Arc<Pool>,
    services: Services,
    jobs: mpsc::UnboundedSender<Order>,
}

/// How much later than the system this process ends a job.
const TIME_LIMIT_GRACE: Duration = Duration::from_millis(500);

struct Order {
    job: Job,
    code: Code,
    surroundings: Surroundings,
    time_limit: Duration,
    reply: oneshot::Sender<Result<Execution, ExecutionError>>,
}

impl PythonExecutor {
    /// Starts the executor's thread, which starts a first worker; returns at once.
    ///
    /// Contracts reach models and the web through `services`; the mocks of a node's own models come
    /// before them.
    pub fn start(settings: PythonSettings, services: Services) -> io::Result<Self> {
        let pool = Arc::new(Pool::new(settings));
        let (jobs, orders) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let own = Arc::clone(&pool);
        std::thread::Builder::new()
            .name("python-workers".into())
            .spawn(move || runtime.block_on(serve(own, orders)))?;
        Ok(Self { pool, services: services.with_own_mocks(), jobs })
    }

    /// Which locks hold in the workers, as the newest of them said.
    pub fn sandbox_report(&self) -> SandboxReport {
        self.pool.report()
    }

    fn order(
        &self,
        job: Job,
        code: Code,
        surroundings: Surroundings,
        time_limit: Duration,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.send(Order { job, code, surroundings, time_limit, reply });
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
    fn models(&self) -> Arc<dyn Models> {
        self.services.models.clone()
    }

    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let job = job_of(&request);
        let surroundings = Surroundings {
            pages: Some(request.pages),
            world: request.world,
            services: self.services.clone(),
            node: request.node,
            leads: !matches!(request.role, Role::Validator(_)),
            models: request.models,
        };
        self.order(job, request.code, surroundings, request.time_limit)
    }

    fn schema(
        &self,
        code: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        let time_limit = self.pool.settings.schema_time_limit;
        let surroundings = Surroundings {
            pages: None,
            world: Arc::new(NoWorld),
            services: Services::none(),
            node: Address::ZERO,
            leads: true,
            models: None,
        };
        let job = Job { time_limit: Some(time_limit), ..Job::on_nothing(code.hash, Task::Schema) };
        let execution = self.order(job, code, surroundings, time_limit);
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
        nested: false,
        calldata: request.calldata.clone(),
        contract: *message.contract.as_bytes(),
        sender: *message.sender.as_bytes(),
        origin: *message.origin.as_bytes(),
        stack: Vec::new(),
        value: message.value.get().to_be_bytes(),
        balance: message.balance.get().to_be_bytes(),
        chain_id: message.chain_id,
        at: message.at.as_micros(),
        seed: request.seed,
        time_limit: Some(request.time_limit),
        complete: request.snapshot.complete,
        pages: request.snapshot.pages.iter().map(|(key, page)| (*key, page.clone())).collect(),
        leaders: match &request.role {
            Role::Validator(receipt) => Some(receipt.block_outputs.clone()),
            Role::Leader | Role::Reader => None,
        },
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
    let mut waiting = Box::pin(Arc::clone(&pool).lease(order.code.hash));
    // Who no longer waits for the answer needs no worker either.
    let lease = tokio::select! {
        biased;
        () = order.reply.closed() => return,
        lease = &mut waiting => lease,
    };
    let Order { job, code, surroundings, time_limit, mut reply } = order;
    let mut lease = match lease {
        Ok(lease) => lease,
        Err(error) => return drop(reply.send(Err(error))),
    };
    let terms = Terms::of(&job);
    // The system ends the process of the job in time. What this leaves is a worker that compiles.
    let deadline = Instant::now() + time_limit + TIME_LIMIT_GRACE;
    let mut conversation = Conversation::new(&pool, &surroundings);
    let ended = tokio::select! {
        biased;
        () = reply.closed() => return,
        ended = timeout_at(deadline, conversation.run(&mut lease, job, &code)) => ended,
    };
    let limit_ms = u64::try_from(time_limit.as_millis()).unwrap_or(u64::MAX);
    let answer = match ended {
        Err(_) => Err(ExecutionError::TimedOut { limit_ms }),
        Ok(Err(Failure::Ended(ended))) => {
            lease.give_back();
            match ended {
                Ended::Signal(nix::libc::SIGALRM) => Err(ExecutionError::TimedOut { limit_ms }),
                ended => execution_of_end(ended),
            }
        }
        Ok(Err(Failure::Error(error))) => Err(error),
        Ok(Err(Failure::Lost(lost))) => execution_of_lost(lease, lost).await,
        Ok(Ok(report)) => {
            let (execution, sound) = execution_of(report, terms);
            // The answer need not wait for the worker to clean up.
            let answer = execution.map(|execution| timed(execution, started));
            drop(reply.send(Ok(answer.unwrap_or_else(senseless))));
            if sound {
                put_back(lease).await;
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
