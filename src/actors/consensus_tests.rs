//! The consensus between probes of the nodes, the store and the queue.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler};

use super::clock::NetworkClock;
use super::consensus::{Consensus, ConsensusPorts, SpawnNode};
use super::messages::{
    ConsensusFinished, Dismiss, LeaderProposed, NodeFailed, PersistDecision, RevealVote,
    StepReached, VoteCommitted, VoteRevealed, WindowOpened,
};
use super::node::{NodeId, NodePort, NodeReports, Task};
use super::permits::Permits;
use super::queue::{ConsensusId, ConsensusReports};
use super::supervision::Terminated;
use super::testing::samples::{hash, job};
use super::testing::{Probe, paused, settle};
use super::{tell, tell_weak};
use crate::domain::ledger::{ConsensusJob, Decision, Persisted, StoreError};
use crate::domain::{
    Address, Bytes, Commitment, Digest, Execution, ExecutionOutcome, Profile, Salt, Seat, Status,
    Timestamp, Vote,
};
use crate::protocol::Timeouts;

/// What a scripted node does when it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// Proposes, or commits to and reveals this vote.
    Votes(Vote),
    /// Says nothing.
    Silent,
    /// Dies.
    Panics,
    /// Commits to one vote and reveals another.
    Lies,
}

type Behaviours = Box<dyn Fn(NodeId) -> Behaviour + Send + Sync>;

/// Nodes that behave as scripted, at once.
struct Nodes {
    behaviour: Behaviours,
    spawned: Mutex<Vec<(NodeId, NodeReports)>>,
    dismissed: Probe<Dismiss>,
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nodes")
    }
}

const ATTEMPT: u32 = 4;
const FINAL_FROM: Timestamp = Timestamp::from_millis(30_000);
const STORED: Persisted = Persisted::Stored { requeued: 0, final_from: Some(FINAL_FROM) };
const SALT: Salt = Salt([5; 32]);

impl SpawnNode for Nodes {
    fn spawn(&self, id: NodeId, _: Task, _: &Arc<ConsensusJob>, reports: NodeReports) -> NodePort {
        self.spawned.lock().unwrap().push((id, reports.clone()));
        let NodeId { rotation, seat, leads, .. } = id;
        let behaviour = (self.behaviour)(id);
        match behaviour {
            Behaviour::Votes(_) if leads => {
                let receipt = Arc::new(Execution::ending(ExecutionOutcome::Return(Bytes::new())));
                tell(&reports.proposed, LeaderProposed { attempt: ATTEMPT, rotation, receipt });
            }
            Behaviour::Votes(vote) => commit(&reports, rotation, seat, vote),
            Behaviour::Lies => commit(&reports, rotation, seat, Vote::Disagree),
            Behaviour::Silent => {}
            Behaviour::Panics => {
                tell_weak(&reports.terminated, Terminated { child: id, panicked: true });
            }
        }
        let reveal = Probe::answering(move |_: &RevealVote| {
            let vote = match behaviour {
                Behaviour::Votes(vote) => vote,
                _ => Vote::Agree,
            };
            let revealed = VoteRevealed { attempt: ATTEMPT, rotation, seat, vote, salt: SALT };
            tell(&reports.revealed, revealed);
            Some(())
        });
        NodePort::new(reveal.recipient, self.dismissed.recipient.clone())
    }
}

fn commit(reports: &NodeReports, rotation: u8, seat: Seat, vote: Vote) {
    let commitment = Commitment::to(vote, &SALT);
    tell(&reports.committed, VoteCommitted { attempt: ATTEMPT, rotation, seat, commitment });
}

/// Stands for the queue: it only has to exist.
struct Parent(Arc<Mutex<Vec<bool>>>);

impl Actor for Parent {
    type Context = Context<Self>;
}

impl Handler<Terminated<ConsensusId>> for Parent {
    type Result = ();
    fn handle(&mut self, message: Terminated<ConsensusId>, _: &mut Context<Self>) {
        self.0.lock().unwrap().push(message.panicked);
    }
}

struct Setting {
    nodes: Arc<Nodes>,
    steps: Probe<StepReached>,
    decisions: Probe<PersistDecision>,
    finished: Probe<ConsensusFinished>,
    windows: Probe<WindowOpened>,
    ends: Arc<Mutex<Vec<bool>>>,
    clock: NetworkClock,
    _parent: actix::Addr<Parent>,
}

type Answers = Vec<Result<Persisted, StoreError>>;

fn start(behaviour: Behaviours, mut answers: Answers) -> Setting {
    let nodes = Arc::new(Nodes { behaviour, spawned: Mutex::default(), dismissed: Probe::new() });
    let (steps, windows) = (Probe::new(), Probe::new());
    let decisions = Probe::answering(move |_| Some(answers.pop().unwrap_or(Ok(STORED))));
    let finished = Probe::new();
    let ends = Arc::<Mutex<Vec<bool>>>::default();
    let parent = Parent(Arc::clone(&ends)).start();
    let clock = NetworkClock::starting_at(Timestamp::from_millis(1_000));
    let ports = ConsensusPorts {
        nodes: nodes.clone(),
        steps: steps.recipient.clone(),
        decisions: decisions.recipient.clone(),
        finality: windows.recipient.clone(),
        clock: clock.clone(),
        network_seed: Digest::new([1; 32]),
        timeouts: Timeouts {
            leader: Duration::from_secs(10),
            validators: Duration::from_secs(20),
            reveal: Duration::from_secs(5),
        },
        profile: Profile::Studio,
        early_quorum: false,
        era: crate::actors::era::Era::default(),
    };
    let reports = ConsensusReports {
        finished: finished.recipient.clone(),
        terminated: parent.downgrade().recipient(),
    };
    let permit = Permits::new("rounds", 1).try_acquire().unwrap();
    Consensus::new(Box::new(job(1, ATTEMPT)), permit, ports, reports).start();
    Setting { nodes, steps, decisions, finished, windows, ends, clock, _parent: parent }
}

fn agreeing() -> Behaviours {
    Box::new(|_| Behaviour::Votes(Vote::Agree))
}

impl Setting {
    fn decision(&self) -> Option<Decision> {
        let mut decisions = self.decisions.take();
        assert!(decisions.len() <= 1, "one decision at most: {decisions:?}");
        decisions.pop().map(|message| *message.0)
    }
}

fn votes(decision: &Decision) -> Vec<Option<Vote>> {
    decision.rotations.last().unwrap().seats.iter().map(|seat| seat.vote).collect()
}

#[test]
fn a_round_ends_with_a_stored_decision_and_the_queue_knows() {
    paused(|| async {
        let setting = start(agreeing(), vec![]);
        settle().await;
        let decision = setting.decision().unwrap();
        assert_eq!((decision.status, decision.attempt), (Status::Accepted, ATTEMPT));
        assert_eq!(votes(&decision), [Some(Vote::Agree); 5]);
        let steps: Vec<_> = setting.steps.take().iter().map(|step| step.0.status).collect();
        assert_eq!(steps, [Status::Proposing, Status::Committing, Status::Revealing]);
        let finished = setting.finished.take();
        assert_eq!((finished[0].hash, finished[0].attempt), (hash(1), ATTEMPT));
        assert_eq!(setting.windows.take()[0].final_from, FINAL_FROM);
        assert_eq!(*setting.ends.lock().unwrap(), [false], "it is gone, and did not panic");
        let spawned = setting.nodes.spawned.lock().unwrap();
        assert_eq!(spawned.len(), 6, "a leader, and a validator for every seat");
    });
}

#[test]
fn a_silent_leader_ends_in_leader_timeout_at_its_deadline() {
    paused(|| async {
        let setting = start(Box::new(|_| Behaviour::Silent), vec![]);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(setting.decision().is_none(), "its node may still report");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(setting.decision().unwrap().status, Status::LeaderTimeout);
        assert_eq!(setting.nodes.dismissed.take().len(), 1, "its execution is let go");
    });
}

#[test]
fn a_deadline_waits_with_a_frozen_clock_and_is_over_after_a_jump() {
    paused(|| async {
        let setting = start(Box::new(|_| Behaviour::Silent), vec![]);
        settle().await;
        setting.clock.freeze().unwrap();
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(setting.decision().is_none(), "the network's time stands still");
        setting.clock.advance(Duration::from_secs(11)).unwrap();
        settle().await;
        assert!(setting.decision().is_none(), "its deadline is a second away");
        setting.clock.advance(Duration::from_secs(1)).unwrap();
        settle().await;
        assert_eq!(setting.decision().unwrap().status, Status::LeaderTimeout);
    });
}

#[test]
fn silent_and_dead_validators_are_idle_and_the_rest_decides() {
    paused(|| async {
        let behaviour: Behaviours = Box::new(|id| match id.seat {
            Seat(3) => Behaviour::Silent,
            Seat(4) => Behaviour::Panics,
            _ => Behaviour::Votes(Vote::Agree),
        });
        let setting = start(behaviour, vec![]);
        settle().await;
        assert!(setting.decision().is_none(), "seat 3 has time");
        tokio::time::sleep(Duration::from_secs(23)).await;
        let decision = setting.decision().unwrap();
        assert_eq!(decision.status, Status::Accepted);
        assert_eq!(votes(&decision)[3..], [Some(Vote::Idle), Some(Vote::Idle)]);
    });
}

#[test]
fn a_liar_is_on_record_and_idle() {
    paused(|| async {
        let behaviour: Behaviours = Box::new(|id| match (id.seat, id.leads) {
            (Seat(2), false) => Behaviour::Lies,
            _ => Behaviour::Votes(Vote::Agree),
        });
        let setting = start(behaviour, vec![]);
        settle().await;
        let decision = setting.decision().unwrap();
        assert_eq!(votes(&decision)[2], Some(Vote::Idle));
        assert_eq!(decision.rotations[0].evidence.len(), 1);
    });
}

#[test]
fn late_and_foreign_messages_change_nothing() {
    paused(|| async {
        let behaviour: Behaviours = Box::new(|id| match (id.leads, id.seat) {
            (false, Seat(1)) => Behaviour::Silent,
            _ => Behaviour::Votes(Vote::Agree),
        });
        let setting = start(behaviour, vec![]);
        settle().await;
        let reports = setting.nodes.spawned.lock().unwrap()[0].1.clone();
        let seat = Seat(1);
        let commitment = Commitment::to(Vote::Disagree, &SALT);
        // An earlier attempt, another rotation, a seat that nobody has, a step that is over.
        let late = |attempt, rotation, seat| VoteCommitted { attempt, rotation, seat, commitment };
        tell(&reports.committed, late(ATTEMPT - 1, 0, seat));
        tell(&reports.committed, late(ATTEMPT, 7, seat));
        tell(&reports.committed, late(ATTEMPT, 0, Seat(99)));
        let receipt = Arc::new(Execution::ending(ExecutionOutcome::UserError("no".into())));
        tell(&reports.proposed, LeaderProposed { attempt: ATTEMPT, rotation: 0, receipt });
        let cause = "late".to_owned();
        let failed = NodeFailed {
            attempt: ATTEMPT - 1,
            rotation: 0,
            seat: Seat(0),
            validator: Address::ZERO,
            cause,
        };
        tell(&reports.failed, failed);
        settle().await;
        assert!(setting.decision().is_none());
        commit(&reports, 0, seat, Vote::Agree);
        tokio::time::sleep(Duration::from_secs(6)).await;
        let decision = setting.decision().unwrap();
        assert_eq!(decision.status, Status::Accepted);
        assert!(decision.receipt.unwrap().outcome.is_success(), "the first proposal counts");
        // After the end nobody listens, and nothing breaks.
        commit(&reports, 0, seat, Vote::Agree);
        settle().await;
        assert!(setting.decision().is_none());
    });
}

#[test]
fn disagreement_rotates_and_dismisses_the_old_nodes() {
    paused(|| async {
        let mut setting = start(
            Box::new(|id| match (id.rotation, id.leads) {
                (0, false) => Behaviour::Votes(Vote::Disagree),
                _ => Behaviour::Votes(Vote::Agree),
            }),
            vec![],
        );
        settle().await;
        // Five validators and a committee of five: nobody can join.
        assert_eq!(setting.decision().unwrap().status, Status::Undetermined);
        setting.ends.lock().unwrap().clear();
        setting.nodes.dismissed.take();
        setting = start(Box::new(|_| Behaviour::Panics), vec![]);
        settle().await;
        let decision = setting.decision().unwrap();
        assert_eq!(decision.status, Status::LeaderTimeout);
        assert_eq!(decision.rotations.len(), 5, "one leader after the other, until none is left");
        assert_eq!(setting.nodes.dismissed.take().len(), 5);
    });
}

#[test]
fn a_store_that_fails_is_asked_until_it_answers() {
    paused(|| async {
        let full = || StoreError::Database { operation: "committing", reason: "disk full".into() };
        let answers = vec![Ok(STORED), Err(full()), Err(full())];
        let setting = start(agreeing(), answers);
        settle().await;
        assert!(setting.finished.take().is_empty(), "not stored yet");
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(setting.decisions.take().len(), 3);
        assert_eq!(setting.finished.take().len(), 1);
    });
}

#[test]
fn a_decision_that_was_overtaken_is_dropped_and_the_queue_goes_on() {
    paused(|| async {
        let stale = StoreError::Stale {
            hash: hash(1),
            attempt: ATTEMPT,
            found: Status::Accepted,
            found_attempt: ATTEMPT + 1,
        };
        let setting = start(agreeing(), vec![Err(stale)]);
        settle().await;
        assert_eq!(setting.decisions.take().len(), 1);
        assert_eq!(setting.finished.take().len(), 1);
        assert!(setting.windows.take().is_empty());
    });
}
