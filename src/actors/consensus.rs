//! The consensus over one transaction: a shell around [`Round`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient,
    SpawnHandle, WrapFuture,
};

use super::clock::NetworkClock;
use super::era::Era;
use super::messages::{
    ConsensusFinished, ExecutionTimedOut, LeaderProposed, NodeFailed, PersistDecision, StepReached,
    VoteCommitted, VoteRevealed, WindowOpened,
};
use super::node::{Node, NodeId, NodePort, NodePorts, NodeReports, Task};
use super::permits::Permit;
use super::queue::{ConsensusId, ConsensusReports, SpawnConsensus};
use super::supervision::{Backoff, DeathWatch, Terminated};
use super::tell;
use crate::domain::ledger::{Basis, ConsensusJob, Decision, Persisted, StoreError};
use crate::domain::{
    Clock, Digest, ExecutionMode, LeaderReceipt, Payload, Profile, Seat, Transaction,
    TransactionRules,
};
use crate::protocol::{Effect, Input, Round, RoundParameters, Standing, Timeouts};

/// Nodes are given this much longer than their executions to report that those timed out.
const REPORT_GRACE: Duration = Duration::from_secs(2);

/// Starts node actors; tests and the simulator supply their own.
pub trait SpawnNode: fmt::Debug + Send + Sync {
    /// Starts one node for one seat.
    fn spawn(
        &self,
        id: NodeId,
        task: Task,
        job: &Arc<ConsensusJob>,
        reports: NodeReports,
    ) -> NodePort;
}

/// What every consensus of the process shares.
#[derive(Debug, Clone)]
pub struct ConsensusPorts {
    /// Starts nodes.
    pub nodes: Arc<dyn SpawnNode>,
    /// Notes steps.
    pub steps: Recipient<StepReached>,
    /// Stores decisions.
    pub decisions: Recipient<PersistDecision>,
    /// Learns of finality windows.
    pub finality: Recipient<WindowOpened>,
    /// Tells the time.
    pub clock: NetworkClock,
    /// Everything random derives from it.
    pub network_seed: Digest,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Whose rules apply.
    pub profile: Profile,
    /// Decide as soon as the outcome is certain.
    pub early_quorum: bool,
    /// With its end nobody wants a decision any more.
    pub era: Era,
}

/// The consensus over one transaction.
#[derive(Debug)]
pub struct Consensus {
    round: Round,
    job: Arc<ConsensusJob>,
    ports: ConsensusPorts,
    finished: Recipient<ConsensusFinished>,
    nodes: BTreeMap<Seat, NodePort>,
    deadline: Option<SpawnHandle>,
    backoff: Backoff,
    _permit: Permit,
    _watch: DeathWatch<ConsensusId>,
}

impl Consensus {
    /// The consensus over `job`, which starts at once.
    pub fn new(
        job: Box<ConsensusJob>,
        permit: Permit,
        ports: ConsensusPorts,
        reports: ConsensusReports,
    ) -> Self {
        let id = ConsensusId { hash: job.transaction.hash, attempt: job.attempt };
        let round = Round::new(RoundParameters {
            hash: id.hash,
            queue: job.contract,
            attempt: id.attempt,
            profile: ports.profile,
            phase: job.phase,
            standing: Standing::of(&job.past),
            receipt: job.receipt.clone(),
            basis: Basis {
                balance: job.contract_balance,
                code: job.code.as_ref().map(|code| code.hash),
            },
            rules: rules_of(&job.transaction),
            validators: Arc::clone(&job.validators),
            network_seed: ports.network_seed,
            timeouts: ports.timeouts,
            early_quorum: ports.early_quorum,
        });
        Self {
            round,
            job: Arc::from(job),
            ports,
            finished: reports.finished,
            nodes: BTreeMap::new(),
            deadline: None,
            backoff: Backoff::default(),
            _permit: permit,
            _watch: DeathWatch::new(id, reports.terminated),
        }
    }

    fn feed(&mut self, input: &Input, ctx: &mut Context<Self>) {
        match self.round.apply(input, self.ports.clock.now()) {
            Ok(effects) => effects.into_iter().for_each(|effect| self.perform(effect, ctx)),
            Err(reason) => {
                log::debug!(target: "consensus", "ignored as {reason:?} tx={}", self.job.transaction.hash);
            }
        }
    }

    /// Feeds an input of `attempt`; one of another attempt is ignored.
    fn feed_of(&mut self, attempt: u32, input: &Input, ctx: &mut Context<Self>) {
        if attempt == self.job.attempt {
            self.feed(input, ctx);
        }
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Announce(announcement) => tell(&self.ports.steps, StepReached(announcement)),
            Effect::AskLeader { rotation } => {
                self.spawn(rotation, Seat::LEADER, Task::Lead, ctx);
            }
            Effect::AskValidators { rotation, seats, receipt, leader_reexecutes } => {
                self.ask_validators(rotation, seats, &receipt, leader_reexecutes, ctx);
            }
            Effect::AskReveals { seats, .. } => {
                for seat in seats {
                    if let Some(node) = self.nodes.get(&seat) {
                        node.reveal();
                    }
                }
            }
            Effect::ScheduleTimeout(timeout, after) => {
                self.cancel_deadline(ctx);
                let input = Input::TimeoutElapsed(timeout);
                let clock = &self.ports.clock;
                let reached = clock.sleep_until(clock.now().after(after + REPORT_GRACE));
                let reached = reached.into_actor(self);
                let deadline = reached.map(move |(), this, ctx| this.feed(&input, ctx));
                self.deadline = Some(ctx.spawn(deadline));
            }
            Effect::DismissNodes => {
                self.nodes.clear();
                self.cancel_deadline(ctx);
            }
            Effect::Decide(decision) => self.persist(decision, ctx),
        }
    }

    fn cancel_deadline(&mut self, ctx: &mut Context<Self>) {
        if let Some(deadline) = self.deadline.take() {
            ctx.cancel_future(deadline);
        }
    }

    fn spawn(&mut self, rotation: u8, seat: Seat, task: Task, ctx: &mut Context<Self>) {
        let member = self.round.committee().and_then(|committee| committee.member(seat));
        let Some(validator) = member.map(|member| member.address) else { return };
        let leads = matches!(task, Task::Lead);
        let id = NodeId { rotation, seat, validator, leads };
        let me = ctx.address();
        let reports = NodeReports {
            proposed: me.clone().recipient(),
            committed: me.clone().recipient(),
            revealed: me.clone().recipient(),
            timed_out: me.clone().recipient(),
            failed: me.clone().recipient(),
            terminated: me.downgrade().recipient(),
        };
        let node = self.ports.nodes.spawn(id, task, &self.job, reports);
        self.nodes.insert(id.seat, node);
    }

    fn ask_validators(
        &mut self,
        rotation: u8,
        seats: Vec<Seat>,
        receipt: &LeaderReceipt,
        leader_reexecutes: bool,
        ctx: &mut Context<Self>,
    ) {
        for seat in seats {
            let confirms = seat == Seat::LEADER && !leader_reexecutes;
            let task = if confirms { Task::Confirm } else { Task::Validate(Arc::clone(receipt)) };
            self.spawn(rotation, seat, task, ctx);
        }
    }

    /// The last thing a consensus does; it tries until the store answers for good.
    fn persist(&mut self, decision: Box<Decision>, ctx: &mut Context<Self>) {
        let answer = self.ports.decisions.send(PersistDecision(decision.clone()));
        let persisted = answer.into_actor(self).map(move |answer, this, ctx| {
            match answer.unwrap_or(Err(StoreError::Closed)) {
                Ok(persisted) => {
                    log::info!(target: "consensus", "{} tx={} attempt={} phase={} rotations={}",
                        decision.status, decision.hash, decision.attempt, decision.phase.name(),
                        decision.rotations.len());
                    this.tell_what_follows(persisted);
                    this.finish(decision.is_overturned(), ctx);
                }
                Err(error @ (StoreError::Database { .. } | StoreError::Busy { .. })) => {
                    log::error!(target: "consensus", "decision not stored yet: {error} tx={}", decision.hash);
                    let wait = this.backoff.next_wait();
                    ctx.run_later(wait, move |this, ctx| this.persist(decision, ctx));
                }
                Err(error @ StoreError::Stale { .. }) => {
                    log::warn!(target: "consensus", "decision overtaken: {error} tx={}", decision.hash);
                    this.finish(true, ctx);
                }
                // Without a word of having finished it is a crash, and the attempt is given back.
                Err(error) => {
                    log::error!(target: "consensus", "decision refused: {error} tx={}", decision.hash);
                    ctx.stop();
                }
            }
        });
        ctx.spawn(persisted);
    }

    fn tell_what_follows(&self, persisted: Persisted) {
        if let Persisted::Stored { final_from: Some(final_from), .. } = persisted {
            tell(&self.ports.finality, WindowOpened { final_from });
        }
    }

    fn finish(&mut self, waits_again: bool, ctx: &mut Context<Self>) {
        let hash = self.job.transaction.hash;
        let attempt = self.job.attempt;
        tell(&self.finished, ConsensusFinished { hash, attempt, waits_again });
        ctx.stop();
    }
}

impl Actor for Consensus {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let over = self.ports.era.over().into_actor(self);
        ctx.spawn(over.map(|(), this, ctx| this.finish(false, ctx)));
        self.feed(&Input::Start, ctx);
    }
}

impl Handler<LeaderProposed> for Consensus {
    type Result = ();

    fn handle(&mut self, message: LeaderProposed, ctx: &mut Context<Self>) {
        let LeaderProposed { attempt, rotation, receipt } = message;
        self.feed_of(attempt, &Input::LeaderProposed { rotation, receipt }, ctx);
    }
}

impl Handler<VoteCommitted> for Consensus {
    type Result = ();

    fn handle(&mut self, message: VoteCommitted, ctx: &mut Context<Self>) {
        let VoteCommitted { attempt, rotation, seat, commitment } = message;
        self.feed_of(attempt, &Input::VoteCommitted { rotation, seat, commitment }, ctx);
    }
}

impl Handler<VoteRevealed> for Consensus {
    type Result = ();

    fn handle(&mut self, message: VoteRevealed, ctx: &mut Context<Self>) {
        let VoteRevealed { attempt, rotation, seat, vote, salt } = message;
        self.feed_of(attempt, &Input::VoteRevealed { rotation, seat, vote, salt }, ctx);
    }
}

impl Handler<ExecutionTimedOut> for Consensus {
    type Result = ();

    fn handle(&mut self, message: ExecutionTimedOut, ctx: &mut Context<Self>) {
        let ExecutionTimedOut { attempt, rotation, seat } = message;
        self.feed_of(attempt, &Input::ExecutionTimedOut { rotation, seat }, ctx);
    }
}

impl Handler<NodeFailed> for Consensus {
    type Result = ();

    fn handle(&mut self, message: NodeFailed, ctx: &mut Context<Self>) {
        let NodeFailed { attempt, rotation, seat, validator, cause } = message;
        self.feed_of(attempt, &Input::NodeFailed { rotation, seat, validator, cause }, ctx);
    }
}

/// A node is gone. One that panicked failed; one that said all it had to say may go.
impl Handler<Terminated<NodeId>> for Consensus {
    type Result = ();

    fn handle(&mut self, message: Terminated<NodeId>, ctx: &mut Context<Self>) {
        if message.panicked {
            let NodeId { rotation, seat, validator, .. } = message.child;
            let cause = "the node panicked".to_owned();
            self.feed(&Input::NodeFailed { rotation, seat, validator, cause }, ctx);
        }
    }
}

/// What the sender asked for; an upgrade is checked by its leader and needs no votes.
fn rules_of(transaction: &Transaction) -> TransactionRules {
    let rules = transaction.rules;
    match transaction.payload {
        Payload::Upgrade { .. } => TransactionRules { mode: ExecutionMode::LeaderOnly, ..rules },
        _ => rules,
    }
}

/// The production nodes.
#[derive(Debug)]
pub struct Nodes {
    /// What every node needs.
    pub ports: NodePorts,
}

impl SpawnNode for Nodes {
    fn spawn(
        &self,
        id: NodeId,
        task: Task,
        job: &Arc<ConsensusJob>,
        reports: NodeReports,
    ) -> NodePort {
        let node = Node::new(id, task, Arc::clone(job), self.ports.clone(), reports).start();
        NodePort::new(node.clone().recipient(), node.recipient())
    }
}

/// The production consensus.
#[derive(Debug)]
pub struct Consensuses {
    /// What every consensus needs.
    pub ports: ConsensusPorts,
}

impl SpawnConsensus for Consensuses {
    fn spawn(&self, job: Box<ConsensusJob>, permit: Permit, reports: ConsensusReports) {
        let _running: Addr<Consensus> =
            Consensus::new(job, permit, self.ports.clone(), reports).start();
    }
}
