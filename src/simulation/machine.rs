//! The machine a node runs on: what stands between it and its consensus when messages take their
//! time or get lost, when the node contradicts itself, or when it crashes.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Recipient};

use super::conduct::Equivocation;
use super::model::Lie;
use super::ports::unwind;
use super::scenario::CrashStep;
use super::trace::About;
use super::world::{Crash, World};
use crate::actors::messages::{
    Dismiss, ExecutionTimedOut, LeaderProposed, NodeFailed, RevealVote, VoteCommitted, VoteRevealed,
};
use crate::actors::node::{Node, NodeId, NodePort, NodePorts, NodeReports, Task};
use crate::actors::supervision::Terminated;
use crate::actors::{tell, tell_weak};
use crate::domain::ledger::ConsensusJob;
use crate::domain::{Commitment, TxHash, Vote, keccak256};

/// The machine of one node.
pub(super) struct Machine {
    world: Arc<World>,
    id: NodeId,
    transaction: TxHash,
    attempt: u32,
    reports: NodeReports,
    start: Option<(Task, Arc<ConsensusJob>, NodePorts)>,
    node: Option<Addr<Node>>,
    equivocates: Option<Equivocation>,
}

impl Handler<Crash> for Node {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        unwind();
    }
}

impl Machine {
    /// Starts a machine, and its node once the task has arrived.
    pub(super) fn spawn(
        world: Arc<World>,
        ports: &NodePorts,
        id: NodeId,
        task: Task,
        job: &Arc<ConsensusJob>,
        reports: NodeReports,
    ) -> NodePort {
        let (transaction, attempt) = (job.transaction.hash, job.attempt);
        let equivocates =
            if id.leads { None } else { world.lock().conduct.equivocates(&id.validator) };
        let start = Some((task, Arc::clone(job), ports.clone()));
        let machine =
            Self { world, id, transaction, attempt, reports, start, node: None, equivocates };
        let machine = machine.start();
        NodePort::new(machine.clone().recipient(), machine.recipient())
    }

    /// How long a message takes; `None` for one that is lost.
    fn message(&self) -> Option<Duration> {
        let plan = self.world.scenario.latency;
        let mut state = self.world.lock();
        let delay = state.messages.delay(plan.message);
        (!state.messages.happens(plan.loss)).then_some(delay)
    }

    fn note(&self, event: &str) {
        let mut guard = self.world.lock();
        let state = &mut *guard;
        let actor = format!("node {}", state.conduct.number(&self.id.validator));
        let about = About::round(self.transaction, self.id.rotation);
        let now = state.now_ms();
        state.trace.line(now, about, &actor, event);
    }

    /// Does the scenario crash this node at `step`?
    fn crashes(&self, step: CrashStep) -> bool {
        let struck = self.world.lock().faults.strike(step, true);
        if !struck.is_empty() {
            self.note("crashes");
        }
        !struck.is_empty()
    }

    /// Sends a report on its way to the consensus.
    fn send<M>(&self, to: &Recipient<M>, message: M, ctx: &mut Context<Self>)
    where
        M: Message + Send + 'static,
        M::Result: Send,
    {
        match self.message() {
            None => self.note("loses a message"),
            Some(Duration::ZERO) => tell(to, message),
            Some(delay) => {
                let to = to.clone();
                ctx.run_later(delay, move |_, _| tell(&to, message));
            }
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let Some((task, job, ports)) = self.start.take() else { return };
        let me = ctx.address();
        // The machine reports to itself weakly by way of the node: a node that is gone lets go.
        let reports = NodeReports {
            proposed: me.clone().recipient(),
            committed: me.clone().recipient(),
            revealed: me.clone().recipient(),
            timed_out: me.clone().recipient(),
            failed: me.clone().recipient(),
            terminated: me.downgrade().recipient(),
        };
        let node = Node::new(self.id, task, job, ports, reports).start();
        let step = if self.id.leads { CrashStep::Proposing } else { CrashStep::Committing };
        if self.crashes(step) {
            tell(&node.clone().recipient(), Crash);
        }
        self.node = Some(node);
    }
}

impl Actor for Machine {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        match self.message() {
            // The task is lost: the node never hears of it.
            None => self.note("loses its task"),
            Some(Duration::ZERO) => self.begin(ctx),
            Some(delay) => {
                ctx.run_later(delay, Self::begin);
            }
        }
    }
}

impl Handler<LeaderProposed> for Machine {
    type Result = ();

    fn handle(&mut self, message: LeaderProposed, ctx: &mut Context<Self>) {
        self.send(&self.reports.proposed, message, ctx);
    }
}

impl Handler<VoteCommitted> for Machine {
    type Result = ();

    fn handle(&mut self, message: VoteCommitted, ctx: &mut Context<Self>) {
        self.send(&self.reports.committed, message, ctx);
        if self.equivocates == Some(Equivocation::Commitments) {
            self.note("commits twice");
            let other = keccak256(&[message.commitment.0.as_bytes()]);
            let commitment = Commitment(other);
            self.send(&self.reports.committed, VoteCommitted { commitment, ..message }, ctx);
        }
    }
}

impl Handler<VoteRevealed> for Machine {
    type Result = ();

    fn handle(&mut self, mut message: VoteRevealed, ctx: &mut Context<Self>) {
        if self.equivocates == Some(Equivocation::Reveal) {
            self.note("reveals another vote");
            let lie = Lie {
                transaction: self.transaction,
                attempt: self.attempt,
                rotation: self.id.rotation,
                validator: self.id.validator,
            };
            self.world.lock().model.lied(lie);
            let is_agree = message.vote == Vote::Agree;
            message.vote = if is_agree { Vote::Disagree } else { Vote::Agree };
        }
        self.send(&self.reports.revealed, message, ctx);
    }
}

impl Handler<ExecutionTimedOut> for Machine {
    type Result = ();

    fn handle(&mut self, message: ExecutionTimedOut, ctx: &mut Context<Self>) {
        self.send(&self.reports.timed_out, message, ctx);
    }
}

impl Handler<NodeFailed> for Machine {
    type Result = ();

    fn handle(&mut self, message: NodeFailed, ctx: &mut Context<Self>) {
        self.send(&self.reports.failed, message, ctx);
    }
}

/// The node is gone. That it panicked is seen at once; the rest it has said itself.
impl Handler<Terminated<NodeId>> for Machine {
    type Result = ();

    fn handle(&mut self, message: Terminated<NodeId>, _: &mut Context<Self>) {
        self.node = None;
        if message.panicked {
            tell_weak(&self.reports.terminated, message);
        }
    }
}

impl Handler<RevealVote> for Machine {
    type Result = ();

    fn handle(&mut self, message: RevealVote, ctx: &mut Context<Self>) {
        let Some(node) = self.node.clone() else { return };
        if self.crashes(CrashStep::Revealing) {
            return tell(&node.recipient(), Crash);
        }
        self.send(&node.recipient(), message, ctx);
    }
}

impl Handler<Dismiss> for Machine {
    type Result = ();

    fn handle(&mut self, message: Dismiss, ctx: &mut Context<Self>) {
        if let Some(node) = self.node.take() {
            tell(&node.recipient(), message);
        }
        ctx.stop();
    }
}
