//! Nodes between a scripted executor and a probe of the consensus.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use futures_util::future::BoxFuture;

use super::messages::{
    Dismiss, ExecutionTimedOut, GetAccount, LeaderProposed, NodeFailed, ReadPages, RevealVote,
    ViewContract, VoteCommitted, VoteRevealed,
};
use super::node::{Node, NodeId, NodePorts, NodeReports, Task};
use super::permits::Permits;
use super::supervision::Terminated;
use super::testing::samples::job;
use super::testing::{Probe, paused, settle};
use super::world::StatePorts;
use crate::domain::ledger::ConsensusJob;
use crate::domain::{
    Address, Bytes, Code, Digest, Execution, ExecutionOutcome, ModelChoice, Moment, NodeModels,
    Seat, Vote,
};
use crate::execution::scripted::Scripted;
use crate::execution::{ExecutionError, ExecutionRequest, Executor};

struct Parent(Arc<AtomicUsize>);

impl Actor for Parent {
    type Context = Context<Self>;
}

impl Handler<Terminated<NodeId>> for Parent {
    type Result = ();
    fn handle(&mut self, message: Terminated<NodeId>, _: &mut Context<Self>) {
        if message.panicked {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Setting {
    node: Addr<Node>,
    proposed: Probe<LeaderProposed>,
    committed: Probe<VoteCommitted>,
    revealed: Probe<VoteRevealed>,
    timed_out: Probe<ExecutionTimedOut>,
    failed: Probe<NodeFailed>,
    panics: Arc<AtomicUsize>,
    _parent: Addr<Parent>,
}

const SEAT: Seat = Seat(2);

fn start(task: Task, executor: Arc<dyn Executor>) -> Setting {
    start_job(task, executor, job(1, 3))
}

fn start_job(task: Task, executor: Arc<dyn Executor>, job: ConsensusJob) -> Setting {
    let panics = Arc::new(AtomicUsize::new(0));
    let parent = Parent(Arc::clone(&panics)).start();
    let (proposed, committed, revealed) = (Probe::new(), Probe::new(), Probe::new());
    let (timed_out, failed) = (Probe::new(), Probe::new());
    let pages = Probe::answering(|_: &ReadPages| Some(Ok(Vec::new())));
    let reports = NodeReports {
        proposed: proposed.recipient.clone(),
        committed: committed.recipient.clone(),
        revealed: revealed.recipient.clone(),
        timed_out: timed_out.recipient.clone(),
        failed: failed.recipient.clone(),
        terminated: parent.downgrade().recipient(),
    };
    let ports = NodePorts {
        executor,
        state: StatePorts {
            view: Probe::answering(|_: &ViewContract| Some(Ok(None))).recipient,
            pages: pages.recipient,
            accounts: Probe::answering(|_: &GetAccount| None).recipient,
        },
        executions: Permits::new("executions", 1),
        chain_id: 1,
        network_seed: Digest::new([1; 32]),
        leader_timeout: Duration::from_secs(10),
        validator_timeout: Duration::from_secs(20),
    };
    let leads = matches!(task, Task::Lead);
    let id = NodeId { rotation: 1, seat: SEAT, validator: Address::new([10; 20]), leads };
    let node = Node::new(id, task, Arc::new(job), ports, reports).start();
    Setting { node, proposed, committed, revealed, timed_out, failed, panics, _parent: parent }
}

fn receipt(value: &'static [u8]) -> Arc<Execution> {
    Arc::new(Execution::ending(ExecutionOutcome::Return(Bytes::from_static(value))))
}

fn returning(value: &'static [u8]) -> Arc<dyn Executor> {
    Arc::new(Scripted::new(move |_| {
        Ok(Execution::ending(ExecutionOutcome::Return(Bytes::from_static(value))))
    }))
}

fn failing(error: &ExecutionError) -> Arc<dyn Executor> {
    let error = error.clone();
    Arc::new(Scripted::new(move |_| Err(error.clone())))
}

#[test]
fn a_leader_proposes_what_it_executed() {
    paused(|| async {
        let setting = start(Task::Lead, returning(b"1"));
        settle().await;
        let proposed = setting.proposed.take();
        assert_eq!((proposed[0].attempt, proposed[0].rotation), (3, 1));
        assert_eq!(proposed[0].receipt, receipt(b"1"));
        assert!(setting.committed.take().is_empty());
    });
}

#[test]
fn a_validator_commits_first_and_reveals_only_when_asked() {
    paused(|| async {
        for (own, expected) in [(&b"1"[..], Vote::Agree), (b"2", Vote::DeterministicViolation)] {
            let setting = start(Task::Validate(receipt(b"1")), returning(own));
            settle().await;
            assert!(setting.revealed.take().is_empty(), "nobody asked");
            let committed = setting.committed.take();
            setting.node.send(RevealVote).await.unwrap();
            settle().await;
            let revealed = setting.revealed.take();
            assert_eq!((revealed[0].vote, revealed[0].seat), (expected, SEAT));
            let opened = committed[0].commitment.is_opened_by(revealed[0].vote, &revealed[0].salt);
            assert!(opened, "the vote is the one it was bound to");
            assert!(!setting.node.connected(), "it has said all");
        }
    });
}

#[test]
fn a_reveal_before_the_commitment_reveals_nothing() {
    paused(|| async {
        let setting = start(Task::Validate(receipt(b"1")), Arc::new(Stuck::default()));
        setting.node.send(RevealVote).await.unwrap();
        settle().await;
        assert!(setting.revealed.take().is_empty());
    });
}

#[test]
fn the_leader_confirms_its_deterministic_receipt_without_running_it_again() {
    paused(|| async {
        let never = Arc::new(Scripted::new(|_| panic!("it must not execute")));
        let setting = start(Task::Confirm, never);
        setting.node.send(RevealVote).await.unwrap();
        settle().await;
        assert_eq!(setting.revealed.take()[0].vote, Vote::Agree);
    });
}

#[test]
fn an_execution_that_takes_too_long_is_reported_as_such() {
    paused(|| async {
        let error = ExecutionError::TimedOut { limit_ms: 1 };
        for task in [Task::Lead, Task::Validate(receipt(b"1"))] {
            let setting = start(task, failing(&error));
            settle().await;
            let reported = setting.timed_out.take();
            let expected = (3, 1, SEAT);
            assert_eq!((reported[0].attempt, reported[0].rotation, reported[0].seat), expected);
            assert!(setting.proposed.take().is_empty() && setting.committed.take().is_empty());
        }
    });
}

#[test]
fn broken_machinery_is_reported_with_its_cause() {
    paused(|| async {
        let error = ExecutionError::Infrastructure("provider down".into());
        let setting = start(Task::Lead, failing(&error));
        settle().await;
        assert_eq!(setting.failed.take()[0].cause, "provider down");
    });
}

#[test]
fn a_panicking_node_is_reported_by_its_death_watch() {
    paused(|| async {
        let setting = start(Task::Lead, Arc::new(Scripted::new(|_| panic!("on purpose"))));
        settle().await;
        assert_eq!(setting.panics.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_call_of_a_missing_contract_is_an_agreed_error() {
    paused(|| async {
        let missing = ConsensusJob { code: None, ..job(1, 3) };
        let setting = start_job(Task::Lead, returning(b"1"), missing);
        settle().await;
        let outcome = setting.proposed.take().remove(0).receipt.outcome.clone();
        assert_eq!(outcome, ExecutionOutcome::VmError("contract_not_found".into()));
    });
}

#[test]
fn what_reaches_the_executor_has_the_models_of_the_node_and_the_time_of_the_job() {
    paused(|| async {
        let own = NodeModels::only(ModelChoice::simulated());
        let at = Moment::from_micros(77);
        for (address, expected) in [([10; 20], Some(own.clone())), ([11; 20], None)] {
            let models = [(Address::new(address), Arc::new(own.clone()))].into();
            let job = ConsensusJob { models: Arc::new(models), contract_now: at, ..job(1, 3) };
            for task in [Task::Lead, Task::Validate(receipt(b"1"))] {
                let seen = Arc::new(Mutex::new(None));
                let note = Arc::clone(&seen);
                let executor = Scripted::new(move |request| {
                    let models = request.models.as_deref().cloned();
                    *note.lock().unwrap() = Some((models, request.message.at));
                    Ok(Execution::ending(ExecutionOutcome::VmError("seen".into())))
                });
                let _setting = start_job(task, Arc::new(executor), job.clone());
                settle().await;
                let seen = seen.lock().unwrap().take();
                assert_eq!(seen, Some((expected.clone(), at)));
            }
        }
    });
}

/// Never answers, and counts the executions that were let go.
#[derive(Debug, Default)]
struct Stuck(Arc<AtomicUsize>);

struct LetGo(Arc<AtomicUsize>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Executor for Stuck {
    fn execute(
        &self,
        _: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let guard = LetGo(Arc::clone(&self.0));
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    }

    fn schema(
        &self,
        _: Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_dismissed_node_lets_go_of_its_execution() {
    paused(|| async {
        let stuck = Stuck::default();
        let let_go = Arc::clone(&stuck.0);
        let setting = start(Task::Lead, Arc::new(stuck));
        settle().await;
        assert_eq!(let_go.load(Ordering::Relaxed), 0);
        setting.node.send(Dismiss).await.unwrap();
        settle().await;
        assert_eq!(let_go.load(Ordering::Relaxed), 1);
    });
}
