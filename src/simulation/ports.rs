//! The ports of a simulated network: production's parts, with the scenario standing in between.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient, ResponseFuture};

use super::contract;
use super::machine::Machine;
use super::scenario::{BehaviourKind, CrashStep, CrashTarget};
use super::trace::About;
use super::world::{Crash, World};
use crate::actors::consensus::{Consensus, ConsensusPorts, Nodes, SpawnNode};
use crate::actors::crawler::{Crawler, QueuePort, SpawnQueue};
use crate::actors::messages::{PersistDecision, StepReached};
use crate::actors::node::{NodeId, NodePort, NodePorts, NodeReports, Task};
use crate::actors::permits::Permit;
use crate::actors::ports::Ports;
use crate::actors::queue::{ConsensusReports, Queue, QueuePorts, QueueReports, SpawnConsensus};
use crate::actors::store::{Access, Overseer};
use crate::actors::tell;
use crate::domain::ledger::{ConsensusJob, Decision, Persisted, StoreError};
use crate::domain::{Address, Event, RotationRecord, Status, Vote};
use crate::storage::Connection;

/// The ports of one run.
#[derive(Debug, Clone)]
pub(super) struct Simulation {
    pub(super) world: Arc<World>,
}

impl Ports for Simulation {
    fn nodes(&self, ports: NodePorts) -> Arc<dyn SpawnNode> {
        let scenario = &self.world.scenario;
        let equivocates = |kind| {
            matches!(
                kind,
                BehaviourKind::EquivocatingCommitments | BehaviourKind::EquivocatingReveal
            )
        };
        let needs_machines = !scenario.latency.message.is_none()
            || scenario.latency.loss.0 > 0.0
            || self.world.lock().faults.crashes(CrashTarget::Node)
            || scenario.behaviours.iter().any(|behaviour| equivocates(behaviour.kind));
        let world = Arc::clone(&self.world);
        Arc::new(SimulatedNodes { nodes: Nodes { ports }, world, needs_machines })
    }

    fn consensus(&self, ports: ConsensusPorts) -> Arc<dyn SpawnConsensus> {
        let world = Arc::clone(&self.world);
        let gate = Gate {
            world: Arc::clone(&world),
            steps: ports.steps.clone(),
            decisions: ports.decisions.clone(),
        };
        let gate = gate.start();
        let steps = gate.clone().recipient();
        let ports = ConsensusPorts { steps, decisions: gate.recipient(), ..ports };
        let crashes = world.lock().faults.crashes(CrashTarget::Consensus);
        Arc::new(SimulatedConsensuses { ports, world, crashes })
    }

    fn queues(&self, ports: QueuePorts) -> Arc<dyn SpawnQueue + Send + Sync> {
        Arc::new(SimulatedQueues { ports, world: Arc::clone(&self.world) })
    }

    fn overseer(&self) -> Option<Box<dyn Overseer>> {
        let has_faults = self.world.lock().faults.has_store_faults();
        Some(Box::new(Watch { world: Arc::clone(&self.world), has_faults }))
    }
}

impl Handler<Crash> for Consensus {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        unwind();
    }
}

impl Handler<Crash> for Queue {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        unwind();
    }
}

impl Handler<Crash> for Crawler {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        unwind();
    }
}

/// Unwinds as a panic does, without its message.
pub(super) fn unwind() {
    std::panic::resume_unwind(Box::new("the scenario wants this panic"));
}

#[derive(Debug)]
struct SimulatedNodes {
    nodes: Nodes,
    world: Arc<World>,
    /// Something can happen to a node that its executor cannot do.
    needs_machines: bool,
}

impl SpawnNode for SimulatedNodes {
    fn spawn(
        &self,
        id: NodeId,
        task: Task,
        job: &Arc<ConsensusJob>,
        reports: NodeReports,
    ) -> NodePort {
        if id.leads {
            let mut guard = self.world.lock();
            let state = &mut *guard;
            let actor = format!("node {}", state.conduct.number(&id.validator));
            let about = About::round(job.transaction.hash, id.rotation);
            let now = state.now_ms();
            state.trace.line(now, about, &actor, "leads");
        }
        if self.needs_machines {
            let world = Arc::clone(&self.world);
            return Machine::spawn(world, &self.nodes.ports, id, task, job, reports);
        }
        self.nodes.spawn(id, task, job, reports)
    }
}

#[derive(Debug)]
struct SimulatedConsensuses {
    ports: ConsensusPorts,
    world: Arc<World>,
    /// Somebody may have to be told to crash.
    crashes: bool,
}

impl SpawnConsensus for SimulatedConsensuses {
    fn spawn(&self, job: Box<ConsensusJob>, permit: Permit, reports: ConsensusReports) {
        let (hash, queue, attempt) = (job.transaction.hash, job.contract, job.attempt);
        let running = Consensus::new(job, permit, self.ports.clone(), reports).start();
        {
            let mut guard = self.world.lock();
            let state = &mut *guard;
            let now = state.now_ms();
            let event = format_args!("claims, attempt {attempt}");
            state.trace.line(now, About::transaction(hash), "queue", event);
            state.model.claimed(hash, attempt);
            if self.crashes {
                state.consensuses.insert(hash, running.downgrade().recipient());
            }
        }
        self.world.reached(hash, queue, CrashStep::Claimed);
    }
}

#[derive(Debug)]
struct SimulatedQueues {
    ports: QueuePorts,
    world: Arc<World>,
}

impl SpawnQueue for SimulatedQueues {
    fn spawn(&self, address: Address, crawler: &Addr<Crawler>) -> QueuePort {
        let queue = Queue::new(address, self.ports.clone(), QueueReports::to(crawler)).start();
        let mut state = self.world.lock();
        if state.faults.crashes(CrashTarget::Crawler) {
            state.crawler = Some(crawler.downgrade().recipient());
        }
        if state.faults.crashes(CrashTarget::Queue) {
            state.queues.insert(address, queue.downgrade().recipient());
        }
        QueuePort { enqueue: queue.clone().recipient(), drain: queue.recipient() }
    }
}

/// Stands between every consensus and the store.
struct Gate {
    world: Arc<World>,
    steps: Recipient<StepReached>,
    decisions: Recipient<PersistDecision>,
}

impl Actor for Gate {
    type Context = Context<Self>;
}

impl Handler<StepReached> for Gate {
    type Result = ();

    fn handle(&mut self, message: StepReached, _: &mut Context<Self>) {
        let step = message.0;
        {
            let mut guard = self.world.lock();
            let state = &mut *guard;
            let now = state.now_ms();
            let about = About::round(step.hash, step.rotation);
            state.trace.line(now, about, "consensus", step.status.name());
        }
        let reached = match step.status {
            Status::Proposing => CrashStep::Proposing,
            Status::Committing => CrashStep::Committing,
            _ => CrashStep::Revealing,
        };
        self.world.reached(step.hash, step.queue, reached);
        tell(&self.steps, message);
    }
}

impl Handler<PersistDecision> for Gate {
    type Result = ResponseFuture<Result<Persisted, StoreError>>;

    fn handle(&mut self, message: PersistDecision, _: &mut Context<Self>) -> Self::Result {
        let hash = message.0.hash;
        let world = Arc::clone(&self.world);
        let queue = {
            let mut guard = world.lock();
            let state = &mut *guard;
            let now = state.now_ms();
            trace_decision(state, now, &message.0);
            let decided = state.model.decided(&message.0);
            for child in world.check(state, decided).unwrap_or_default() {
                state.by_seed.insert(contract::seed_of(&child), child);
            }
            state.model.entries.get(&hash).map(|entry| entry.transaction.queue_address())
        };
        let queue = queue.unwrap_or(Address::ZERO);
        // What the dead would have sent or heard is lost with them.
        let is_lost = |struck: &[CrashTarget]| {
            struck.contains(&CrashTarget::Consensus) || struck.contains(&CrashTarget::System)
        };
        if is_lost(&world.reached(hash, queue, CrashStep::Persist)) {
            return Box::pin(std::future::pending());
        }
        let answer = self.decisions.send(message);
        Box::pin(async move {
            let answer = answer.await.unwrap_or(Err(StoreError::Closed));
            if answer.is_ok() && is_lost(&world.reached(hash, queue, CrashStep::Persisted)) {
                std::future::pending::<()>().await;
            }
            answer
        })
    }
}

fn trace_decision(state: &mut super::world::State, now: u64, decision: &Decision) {
    for rotation in &decision.rotations {
        let about = About::round(decision.hash, rotation.rotation);
        state.trace.line(now, about, "consensus", format_args!("votes {}", Votes(rotation)));
    }
    let about = About::transaction(decision.hash);
    state.trace.line(now, about, "consensus", format_args!("decides {}", decision.status));
}

/// The votes of a rotation in seat order, one letter each.
struct Votes<'a>(&'a RotationRecord);

impl std::fmt::Display for Votes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for seat in &self.0.seats {
            f.write_str(match seat.vote {
                Some(Vote::Agree) => "A",
                Some(Vote::Disagree) => "D",
                Some(Vote::Timeout) => "T",
                Some(Vote::DeterministicViolation) => "V",
                Some(Vote::Idle) => "I",
                Some(Vote::NotVoted) | None => ".",
            })?;
        }
        match self.0.evidence.len() {
            0 => Ok(()),
            count => write!(f, ", {count} pieces of evidence"),
        }
    }
}

/// Stands around the store.
struct Watch {
    world: Arc<World>,
    has_faults: bool,
}

impl Overseer for Watch {
    fn delay(&mut self) -> Duration {
        if !self.has_faults {
            return Duration::ZERO;
        }
        let mut state = self.world.lock();
        let now = state.now();
        state.faults.store_delay(now)
    }

    fn admit(&mut self, access: Access) -> Result<(), StoreError> {
        let mut guard = self.world.lock();
        let state = &mut *guard;
        if state.halt.is_some() {
            // The network is dead, or needs nothing any more.
            return Err(StoreError::Closed);
        }
        if !self.has_faults {
            return Ok(());
        }
        let now = state.now();
        let admitted = state.faults.admit(now, access);
        if let (Err(error), Access::Write) = (&admitted, access) {
            let now = state.now_ms();
            state.trace.line(now, About::NOTHING, "fault", error);
        }
        admitted
    }

    fn committed(&mut self, conn: &mut Connection, events: &[Event]) {
        self.world.committed(conn, events);
    }
}
