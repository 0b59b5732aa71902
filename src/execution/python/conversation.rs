//! A job in a worker, from its start to its report: everything the worker asks meanwhile is
//! answered here, from the network's state, its models and the web.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::frame::{EXIT_USED, Ended, FromWorker, PAGES_ASKED_MAX, Report, ToWorker};
use super::job::{Job, Task};
use super::pool::{Lease, Pool, infrastructure};
use super::process::Lost;
use super::question::{self, Question};
use super::results::{
    Terms, execution_of, execution_of_end, execution_of_lost, put_back, senseless,
};
use super::touched::method_of;
use crate::domain::ledger::StateVersion;
use crate::domain::{Address, Bytes, Code, ExecutionOutcome, NodeModels, PageKey, keccak256};
use crate::execution::nondeterminism::{Asker, NoAnswer, Services};
use crate::execution::{ExecutionError, OtherContract, PageSource, World};

/// How deep contracts may ask each other.
pub(super) const DEPTH_MAX: usize = 8;
/// Numbers of questions that belong to one block.
const NUMBERS: u32 = 1_000;
/// Most questions one execution may ask.
const QUESTIONS_MAX: u32 = 1_000;

/// Why there is no report.
#[derive(Debug)]
pub(super) enum Failure {
    /// The worker is gone, or talks nonsense.
    Lost(Lost),
    /// The job's process ended without one; the worker is well.
    Ended(Ended),
    /// What the worker asked cannot be had.
    Error(ExecutionError),
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<ExecutionError> for Failure {
    fn from(error: ExecutionError) -> Self {
        Self::Error(error)
    }
}

/// Where the answers to a job's questions come from.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The job's own state, unless all of it is sent along.
    pub(super) pages: Option<Arc<dyn PageSource>>,
    /// Everybody else's.
    pub(super) world: Arc<dyn World>,
    /// Models and the web.
    pub(super) services: Services,
    /// Whose node this is.
    pub(super) node: Address,
    /// Does it execute as the leader?
    pub(super) leads: bool,
    /// Which models it asks, when it has models of its own.
    pub(super) models: Option<Arc<NodeModels>>,
}

/// One job and what was asked in it so far.
pub(super) struct Conversation<'a> {
    pool: &'a Arc<Pool>,
    surroundings: &'a Surroundings,
    pages: Option<Arc<dyn PageSource>>,
    depth: usize,
    /// How many questions were asked altogether.
    questions: u32,
    /// How many were asked in each block, to produce something and to judge.
    by_block: BTreeMap<u32, (u32, u32)>,
    /// Pages that were asked for.
    asked: Vec<PageKey>,
}

/// Who a job runs as, for those it asks.
struct Identity {
    contract: Address,
    job: Job,
}

impl<'a> Conversation<'a> {
    /// A conversation with nothing asked yet.
    pub(super) fn new(pool: &'a Arc<Pool>, surroundings: &'a Surroundings) -> Self {
        let pages = surroundings.pages.clone();
        Self {
            pool,
            surroundings,
            pages,
            depth: 0,
            questions: 0,
            by_block: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    /// Sends the job and answers the worker until it reports.
    pub(super) async fn run(
        &mut self,
        lease: &mut Lease,
        mut job: Job,
        code: &Code,
    ) -> Result<Report, Failure> {
        if job.complete {
            return self.converse(lease, job, code).await;
        }
        let method = method_of(Address::new(job.contract), &job.calldata);
        let keys = self.pool.touched.of(&method);
        if let Some(source) = self.pages.as_ref().filter(|_| !keys.is_empty()) {
            let pages = source.read(keys.clone()).await?;
            job.pages.extend(keys.into_iter().zip(pages));
        }
        let report = self.converse(lease, job, code).await;
        self.pool.touched.note(method, std::mem::take(&mut self.asked));
        report
    }

    async fn converse(
        &mut self,
        lease: &mut Lease,
        job: Job,
        code: &Code,
    ) -> Result<Report, Failure> {
        let head = Job { pages: Vec::new(), leaders: None, calldata: Bytes::new(), ..job.clone() };
        let identity = Identity { contract: Address::new(job.contract), job: head };
        let (job, mut is_new) = (ToWorker::Job(Box::new(job)), true);
        lease.worker.send(&job).await?;
        loop {
            let answer = match lease.worker.receive().await? {
                FromWorker::NeedCode => ToWorker::Code(code.source.clone()),
                FromWorker::ReadPages(keys) => {
                    let asked = keys.len();
                    self.asked.extend_from_slice(&keys);
                    let source = self.pages.as_ref().filter(|_| asked <= PAGES_ASKED_MAX);
                    let source = source.ok_or(Failure::Lost(Lost::Senseless))?;
                    let found = source.read(keys).await?;
                    if found.len() != asked {
                        let reason = format!("{asked} pages were asked for, {} came", found.len());
                        return Err(infrastructure(reason).into());
                    }
                    ToWorker::Pages(found)
                }
                FromWorker::Ask { block, question } => {
                    let question = Question::decode(&question).ok_or(Lost::Senseless)?;
                    // Whoever waits needs no processor: others may have it meanwhile.
                    lease.park();
                    let answer = self.answer(&identity, block, question).await?;
                    lease.resume().await?;
                    ToWorker::Answer(answer)
                }
                FromWorker::Done(report) => return Ok(*report),
                // It has a fresh process now, and the one before has not looked at the job.
                FromWorker::Ready(Ended::Code(EXIT_USED)) if std::mem::take(&mut is_new) => {
                    lease.worker.send(&job).await?;
                    continue;
                }
                FromWorker::Ready(ended) => return Err(Failure::Ended(ended)),
                FromWorker::Hello(_) => return Err(Lost::Senseless.into()),
            };
            lease.worker.send(&answer).await?;
        }
    }

    fn answer<'b>(
        &'b mut self,
        identity: &'b Identity,
        block: u32,
        question: Question,
    ) -> BoxFuture<'b, Result<Bytes, ExecutionError>> {
        async move {
            if self.questions >= QUESTIONS_MAX {
                let reason = format!("one call can ask at most {QUESTIONS_MAX} questions");
                return Ok(question::refused(&NoAnswer::Refused { code: "TOO_MANY", reason }));
            }
            let Services { models, web } = &self.surroundings.services;
            self.questions += 1;
            let number = self.number(block, question.is_judgement());
            let Surroundings { node, leads, .. } = *self.surroundings;
            let own = self.surroundings.models.clone();
            let asker = Asker { node, seed: identity.job.seed, leads, number, models: own };
            let world = &self.surroundings.world;
            let answer = match question {
                Question::Prompt(prompt) => models.ask(asker, prompt).await.map(question::answered),
                Question::Web(request) => web.fetch(asker, request).await.map(question::fetched),
                Question::Render(page) => web.render(asker, page).await.map(question::rendered),
                Question::View { contract, version, calldata } => {
                    let outcome = self.view(identity, contract, version, calldata).await?;
                    Ok(question::viewed(&outcome))
                }
                Question::Balance(of) => Ok(question::owned(world.balance(of).await?)),
                Question::IsContract(of) => {
                    let found = world.contract(of, StateVersion::Accepted).await?;
                    Ok(question::told(found.is_some()))
                }
            };
            match answer {
                Ok(answer) => Ok(answer),
                Err(refused @ NoAnswer::Refused { .. }) => Ok(question::refused(&refused)),
                Err(unavailable) => Err(infrastructure(unavailable.to_string())),
            }
        }
        .boxed()
    }

    /// See [`Asker::number`].
    fn number(&mut self, block: u32, is_judgement: bool) -> u32 {
        let (produced, judged) = self.by_block.entry(block).or_default();
        let (count, first) = if is_judgement { (judged, NUMBERS / 2) } else { (produced, 0) };
        let number = first + *count % (NUMBERS / 2);
        *count += 1;
        block.saturating_mul(NUMBERS).saturating_add(number)
    }

    /// Runs a view of another contract in another worker.
    async fn view(
        &self,
        identity: &Identity,
        contract: Address,
        version: StateVersion,
        calldata: Bytes,
    ) -> Result<ExecutionOutcome, ExecutionError> {
        let failed = |code: &str| Ok(ExecutionOutcome::VmError(code.to_owned()));
        if self.depth >= DEPTH_MAX {
            return failed("too_deep");
        }
        let other = self.surroundings.world.contract(contract, version).await?;
        let Some(other) = other else { return failed("invalid_contract absent") };
        let job = view_job(identity, contract, calldata, &other);
        let terms = Terms::of(&job);
        let mut lease = Arc::clone(self.pool).lease_nested(other.code.hash).await?;
        let mut conversation = Conversation {
            pool: self.pool,
            surroundings: self.surroundings,
            pages: Some(other.pages),
            depth: self.depth + 1,
            questions: 0,
            by_block: BTreeMap::new(),
            asked: Vec::new(),
        };
        match conversation.run(&mut lease, job, &other.code).await {
            Ok(report) => {
                let (execution, sound) = execution_of(report, terms);
                if sound {
                    tokio::spawn(put_back(lease));
                }
                Ok(execution.unwrap_or_else(senseless).outcome)
            }
            Err(Failure::Error(error)) => Err(error),
            Err(Failure::Ended(ended)) => {
                lease.give_back();
                Ok(execution_of_end(ended)?.outcome)
            }
            Err(Failure::Lost(lost)) => Ok(execution_of_lost(lease, lost).await?.outcome),
        }
    }
}

fn view_job(identity: &Identity, contract: Address, calldata: Bytes, other: &OtherContract) -> Job {
    let asks = &identity.job;
    let mut stack = asks.stack.clone();
    stack.push(*identity.contract.as_bytes());
    Job {
        code: other.code.hash,
        task: Task::Method,
        reader: true,
        nested: true,
        calldata,
        contract: *contract.as_bytes(),
        // As with GenVM: who asks is the last of the stack, not the sender.
        sender: asks.sender,
        origin: asks.origin,
        stack,
        value: [0; 32],
        balance: other.balance.get().to_be_bytes(),
        chain_id: asks.chain_id,
        at: asks.at,
        // Whoever asks has one, and both end with it.
        time_limit: None,
        seed: keccak256(&[b"agora:view", asks.seed.as_bytes(), contract.as_bytes()]),
        complete: other.snapshot.complete,
        pages: other.snapshot.pages.iter().map(|(key, page)| (*key, page.clone())).collect(),
        leaders: None,
    }
}
