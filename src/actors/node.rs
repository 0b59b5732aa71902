//! A node: executes one transaction as leader or validator, and speaks for one seat.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WeakRecipient,
    WrapFuture,
};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::messages::{
    Dismiss, ExecutionTimedOut, LeaderProposed, NodeFailed, RevealVote, VoteCommitted, VoteRevealed,
};
use super::permits::Permits;
use super::supervision::{DeathWatch, Terminated};
use super::tell;
use super::world::{NetworkWorld, StatePorts, VersionPages};
use crate::domain::calldata::Value;
use crate::domain::ledger::{ConsensusJob, StateVersion};
use crate::domain::{
    Address, Amount, Code, Commitment, Digest, Execution, ExecutionOutcome, LeaderReceipt, Payload,
    Salt, Seat, Vote, keccak256,
};
use crate::execution::{Entry, ExecutionError, ExecutionRequest, Executor, Message, Role};
use crate::protocol::judge;

/// Names one node among those a consensus ever starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId {
    /// Leader's turn.
    pub rotation: u8,
    /// Its seat.
    pub seat: Seat,
    /// Who sits there.
    pub validator: Address,
    /// It executes as leader; the leader's seat also has a validator node later.
    pub leads: bool,
}

/// What a node has to do.
#[derive(Debug, Clone)]
pub enum Task {
    /// Execute and propose.
    Lead,
    /// Execute and judge the receipt.
    Validate(LeaderReceipt),
    /// Agree: the seat produced this deterministic receipt itself.
    Confirm,
}

/// Where a node reports to: its consensus, for as long as both live.
#[derive(Debug, Clone)]
pub struct NodeReports {
    /// The leader executed.
    pub proposed: Recipient<LeaderProposed>,
    /// A seat committed.
    pub committed: Recipient<VoteCommitted>,
    /// A seat revealed.
    pub revealed: Recipient<VoteRevealed>,
    /// An execution ran out of time.
    pub timed_out: Recipient<ExecutionTimedOut>,
    /// A node failed.
    pub failed: Recipient<NodeFailed>,
    /// A node is gone.
    pub terminated: WeakRecipient<Terminated<NodeId>>,
}

/// What every node of the process shares.
#[derive(Debug, Clone)]
pub struct NodePorts {
    /// Runs contracts.
    pub executor: Arc<dyn Executor>,
    /// Reads the network's state.
    pub state: StatePorts,
    /// How many executions may run in the whole process.
    pub executions: Permits,
    /// The network.
    pub chain_id: u64,
    /// Everything random derives from it.
    pub network_seed: Digest,
    /// Elapsed time of the leader's execution.
    pub leader_timeout: Duration,
    /// Elapsed time of a validator's execution.
    pub validator_timeout: Duration,
}

/// One node at one seat in one leader's turn.
#[derive(Debug)]
pub struct Node {
    id: NodeId,
    task: Task,
    job: Arc<ConsensusJob>,
    ports: NodePorts,
    reports: NodeReports,
    secret: Option<(Vote, Salt)>,
    _watch: DeathWatch<NodeId>,
}

impl Node {
    /// A node that starts its task as soon as it is started.
    pub fn new(
        id: NodeId,
        task: Task,
        job: Arc<ConsensusJob>,
        ports: NodePorts,
        reports: NodeReports,
    ) -> Self {
        let watch = DeathWatch::new(id, reports.terminated.clone());
        Self { id, task, job, ports, reports, secret: None, _watch: watch }
    }

    fn time_limit(&self) -> Duration {
        match self.task {
            Task::Lead => self.ports.leader_timeout,
            Task::Validate(_) | Task::Confirm => self.ports.validator_timeout,
        }
    }

    fn request(&self) -> Option<ExecutionRequest> {
        let transaction = &self.job.transaction;
        let (entry, calldata) = match &transaction.payload {
            Payload::Transfer | Payload::Upgrade { .. } => return None,
            Payload::Deploy { calldata, .. } => (Entry::Constructor, calldata.clone()),
            Payload::Call { calldata } => (Entry::Method, calldata.clone()),
        };
        let role = match &self.task {
            Task::Validate(receipt) => Role::Validator(Arc::clone(receipt)),
            Task::Lead | Task::Confirm => Role::Leader,
        };
        let sender = transaction.from.unwrap_or(Address::ZERO);
        let balance = self.job.contract_balance.checked_add(transaction.value);
        Some(ExecutionRequest {
            node: self.id.validator,
            models: self.job.models.get(&self.id.validator).cloned(),
            role,
            code: self.job.code.clone()?,
            entry,
            calldata,
            message: Message {
                contract: self.job.contract,
                sender,
                origin: self.job.origin,
                value: transaction.value,
                balance: balance.unwrap_or(Amount::MAX),
                chain_id: self.ports.chain_id,
                at: self.job.contract_now,
            },
            snapshot: self.job.snapshot.clone(),
            pages: Arc::new(VersionPages {
                contract: self.job.contract,
                version: StateVersion::Accepted,
                overlay: Arc::clone(&self.job.overlay),
                store: self.ports.state.pages.clone(),
            }),
            world: Arc::new(NetworkWorld::new(self.ports.state.clone(), self.job.views.clone())),
            seed: keccak256(&[b"agora:execution", transaction.hash.as_bytes()]),
            time_limit: self.time_limit(),
        })
    }

    fn execute(&mut self, ctx: &mut Context<Self>) {
        let work = match (&self.job.transaction.payload, self.request()) {
            (Payload::Upgrade { code }, _) if self.job.code.is_some() => {
                check_code(&self.ports.executor, Code::new(code.clone()))
            }
            (_, Some(request)) => bounded_execution(&self.ports.executor, request),
            (payload, None) => {
                let reason = match payload {
                    Payload::Deploy { .. } => "address_taken",
                    _ => "contract_not_found",
                };
                let missing = ExecutionOutcome::VmError(reason.into());
                self.executed(Ok(Execution::ending(missing)));
                return;
            }
        };
        let permit = self.ports.executions.try_acquire();
        let executions = self.ports.executions.clone();
        let execution = async move {
            let _permit = match permit {
                Some(permit) => permit,
                None => executions.acquire().await,
            };
            work.await
        };
        ctx.spawn(execution.into_actor(self).map(|result, this, _| this.executed(result)));
    }

    fn executed(&mut self, result: Result<Execution, ExecutionError>) {
        let NodeId { rotation, seat, validator, .. } = self.id;
        let attempt = self.job.attempt;
        match (result, &self.task) {
            (Ok(execution), Task::Lead) => {
                let receipt = Arc::new(execution);
                tell(&self.reports.proposed, LeaderProposed { attempt, rotation, receipt });
            }
            (Ok(execution), Task::Validate(leader)) => {
                let vote = judge(&execution, leader);
                self.commit(vote);
            }
            (Ok(_), Task::Confirm) => self.commit(Vote::Agree),
            (Err(ExecutionError::TimedOut { .. }), _) => {
                tell(&self.reports.timed_out, ExecutionTimedOut { attempt, rotation, seat });
            }
            (Err(ExecutionError::Infrastructure(cause)), _) => {
                let failed = NodeFailed { attempt, rotation, seat, validator, cause };
                tell(&self.reports.failed, failed);
            }
        }
    }

    fn commit(&mut self, vote: Vote) {
        let NodeId { rotation, seat, .. } = self.id;
        let attempt = self.job.attempt;
        let salt = self.salt();
        self.secret = Some((vote, salt));
        let commitment = Commitment::to(vote, &salt);
        tell(&self.reports.committed, VoteCommitted { attempt, rotation, seat, commitment });
    }

    /// Secret to everybody who does not know the network's seed, and equal in every replay.
    fn salt(&self) -> Salt {
        let digest = keccak256(&[
            b"agora:salt",
            self.ports.network_seed.as_bytes(),
            self.job.transaction.hash.as_bytes(),
            &self.job.attempt.to_be_bytes(),
            &self.id.rotation.to_be_bytes(),
            &self.id.seat.0.to_be_bytes(),
        ]);
        Salt(*digest.as_bytes())
    }
}

/// Something that ends in what a contract did.
pub(super) type Work = BoxFuture<'static, Result<Execution, ExecutionError>>;

/// Runs a contract; one that hands on more than it has ends with an error.
pub(super) fn bounded_execution(executor: &Arc<dyn Executor>, request: ExecutionRequest) -> Work {
    let balance = request.message.balance;
    let execution = executor.execute(request);
    async move {
        let execution = execution.await?;
        let mut values = execution.messages.iter();
        let sent = values.try_fold(Amount::ZERO, |sum, it| sum.checked_add(it.value));
        if sent.is_some_and(|sent| sent <= balance) {
            return Ok(execution);
        }
        let outcome = ExecutionOutcome::VmError("insufficient_balance".into());
        let Execution { block_outputs, stdout, stderr, cost, .. } = execution;
        Ok(Execution { block_outputs, stdout, stderr, cost, ..Execution::ending(outcome) })
    }
    .boxed()
}

/// An upgrade is done by whoever can read the new code.
fn check_code(executor: &Arc<dyn Executor>, code: Code) -> Work {
    let schema = executor.schema(code);
    async move {
        let outcome = match schema.await? {
            Ok(_) => ExecutionOutcome::Return(Value::Null.encode().into()),
            Err(reason) => ExecutionOutcome::UserError(reason),
        };
        Ok(Execution::ending(outcome))
    }
    .boxed()
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        match self.task {
            Task::Confirm => self.commit(Vote::Agree),
            Task::Lead | Task::Validate(_) => self.execute(ctx),
        }
    }
}

impl Handler<RevealVote> for Node {
    type Result = ();

    fn handle(&mut self, _: RevealVote, ctx: &mut Context<Self>) {
        if let Some((vote, salt)) = self.secret.take() {
            let NodeId { rotation, seat, .. } = self.id;
            let attempt = self.job.attempt;
            tell(&self.reports.revealed, VoteRevealed { attempt, rotation, seat, vote, salt });
            ctx.stop();
        }
    }
}

impl Handler<Dismiss> for Node {
    type Result = ();

    fn handle(&mut self, _: Dismiss, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// A consensus' hold on a node: dropping it dismisses the node, and with it a running execution.
#[derive(Debug)]
pub struct NodePort {
    reveal: Recipient<RevealVote>,
    dismiss: Recipient<Dismiss>,
}

impl NodePort {
    /// Holds a node by the two things it can be told.
    pub fn new(reveal: Recipient<RevealVote>, dismiss: Recipient<Dismiss>) -> Self {
        Self { reveal, dismiss }
    }

    /// Asks for the vote to be opened.
    pub fn reveal(&self) {
        tell(&self.reveal, RevealVote);
    }
}

impl Drop for NodePort {
    fn drop(&mut self) {
        // A node that revealed its vote has stopped by itself.
        if self.dismiss.connected() {
            tell(&self.dismiss, Dismiss);
        }
    }
}
