//! The queue between probes of the store, the consensus and the crawler.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};

use super::messages::{
    ClaimTransaction, ConsensusFinished, Drain, Enqueue, EnqueueRejected, Enqueued,
    ExecuteTransfer, ExplainWaiting, QueueHasRoom, QueueIdle, RequeueTransaction, WindowOpened,
};
use super::permits::{Permit, Permits};
use super::queue::{
    ConsensusId, ConsensusReports, Queue, QueuePorts, QueueReports, SpawnConsensus,
};
use super::supervision::Terminated;
use super::testing::samples::{CONTRACT, hash, job, pending, pending_transfer};
use super::testing::{Probe, paused, settle};
use super::{tell, tell_weak};
use crate::domain::ledger::{Claim, ConsensusJob, StoreError};
use crate::domain::{Address, Status, TxHash};

/// Stands for the crawler, whose three kinds of news it collects.
#[derive(Clone, Default)]
struct News {
    room: Arc<Mutex<u32>>,
    idle: Arc<Mutex<Vec<u64>>>,
    terminated: Arc<Mutex<u32>>,
}

impl Actor for News {
    type Context = Context<Self>;
}

impl Handler<QueueHasRoom> for News {
    type Result = ();
    fn handle(&mut self, _: QueueHasRoom, _: &mut Context<Self>) {
        *self.room.lock().unwrap() += 1;
    }
}

impl Handler<QueueIdle> for News {
    type Result = ();
    fn handle(&mut self, message: QueueIdle, _: &mut Context<Self>) {
        self.idle.lock().unwrap().push(message.offered);
    }
}

impl Handler<Terminated<Address>> for News {
    type Result = ();
    fn handle(&mut self, _: Terminated<Address>, _: &mut Context<Self>) {
        *self.terminated.lock().unwrap() += 1;
    }
}

/// Records the consensus that the queue starts, and lets the test end them.
#[derive(Debug, Default)]
struct Spawned(Mutex<Vec<Started>>);

type Started = (TxHash, u32, ConsensusReports, Option<Permit>);

impl SpawnConsensus for Spawned {
    fn spawn(&self, job: Box<ConsensusJob>, permit: Permit, reports: ConsensusReports) {
        let entry = (job.transaction.hash, job.attempt, reports, Some(permit));
        self.0.lock().unwrap().push(entry);
    }
}

impl Spawned {
    fn hashes(&self) -> Vec<TxHash> {
        self.0.lock().unwrap().iter().map(|entry| entry.0).collect()
    }

    fn finish(&self, index: usize) {
        self.end(index, false);
    }

    fn end(&self, index: usize, waits_again: bool) {
        let mut spawned = self.0.lock().unwrap();
        let (hash, attempt, reports, permit) = &mut spawned[index];
        *permit = None;
        tell(&reports.finished, ConsensusFinished { hash: *hash, attempt: *attempt, waits_again });
    }

    fn crash(&self, index: usize, panicked: bool) {
        let mut spawned = self.0.lock().unwrap();
        let (hash, attempt, reports, permit) = &mut spawned[index];
        *permit = None;
        let child = ConsensusId { hash: *hash, attempt: *attempt };
        tell_weak(&reports.terminated, Terminated { child, panicked });
    }
}

struct Setting {
    queue: Addr<Queue>,
    claims: Probe<ClaimTransaction>,
    transfers: Probe<ExecuteTransfer>,
    requeues: Probe<RequeueTransaction>,
    explained: Probe<ExplainWaiting>,
    consensus: Arc<Spawned>,
    news: News,
    crawler: Addr<News>,
}

type Claims = Box<dyn FnMut(&ClaimTransaction) -> Option<Result<Claim, StoreError>> + Send>;

fn claim_everything() -> Claims {
    let mut attempts = std::collections::BTreeMap::new();
    Box::new(move |message| {
        let attempt = attempts.entry(message.0).or_insert(0);
        *attempt += 1;
        let number = message.0.as_bytes()[0];
        Some(Ok(Claim::Claimed(Box::new(job(number, *attempt - 1)))))
    })
}

fn start(depth_max: usize, claims: Claims, requeued: Status) -> Setting {
    let news = News::default();
    let crawler = news.clone().start();
    let claims = Probe::answering(claims);
    // The second transfer is not head of its queue the first time.
    let mut blocked = true;
    let transfers = Probe::answering(move |message: &ExecuteTransfer| {
        let is_blocked = message.0 == hash(2) && std::mem::take(&mut blocked);
        Some(Ok(if is_blocked { Status::Pending } else { Status::Finalized }))
    });
    let given_back = Probe::answering(move |_| Some(Ok(requeued)));
    let explained = Probe::answering(|_| Some(Ok(())));
    let finality: Probe<WindowOpened> = Probe::new();
    let consensus = Arc::new(Spawned::default());
    let ports = QueuePorts {
        claim: claims.recipient.clone(),
        transfer: transfers.recipient.clone(),
        requeue: given_back.recipient.clone(),
        explain: explained.recipient.clone(),
        finality: finality.recipient.clone(),
        consensus: consensus.clone(),
        rounds: Permits::new("rounds", 2),
        depth_max,
    };
    let queue = Queue::new(CONTRACT, ports, QueueReports::to(&crawler)).start();
    Setting { queue, claims, transfers, requeues: given_back, explained, consensus, news, crawler }
}

async fn enqueue(queue: &Addr<Queue>, number: u8) -> Result<Enqueued, EnqueueRejected> {
    queue.send(Enqueue { transaction: pending(number), resumes: false }).await.unwrap()
}

#[test]
fn one_consensus_runs_at_a_time_in_the_order_of_acceptance() {
    paused(|| async {
        let setting = start(10, claim_everything(), Status::Pending);
        for number in 1..=3 {
            enqueue(&setting.queue, number).await.unwrap();
        }
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1)]);
        setting.consensus.finish(0);
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(2)]);
        setting.consensus.finish(1);
        settle().await;
        setting.consensus.finish(2);
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(2), hash(3)]);
        assert_eq!(setting.news.idle.lock().unwrap().last(), Some(&3), "idle after three");
    });
}

#[test]
fn a_transaction_offered_twice_is_executed_once() {
    paused(|| async {
        let setting = start(10, claim_everything(), Status::Pending);
        assert_eq!(enqueue(&setting.queue, 1).await, Ok(Enqueued::Accepted { depth: 1 }));
        assert_eq!(enqueue(&setting.queue, 1).await, Ok(Enqueued::AlreadyQueued));
        settle().await;
        assert_eq!(enqueue(&setting.queue, 1).await, Ok(Enqueued::AlreadyQueued));
        setting.consensus.finish(0);
        // A second report of the same end changes nothing.
        setting.consensus.finish(0);
        settle().await;
        assert_eq!(setting.claims.take().len(), 1);
    });
}

#[test]
fn a_full_queue_refuses_keeps_order_and_asks_for_the_rest() {
    paused(|| async {
        let setting = start(2, claim_everything(), Status::Pending);
        for number in 1..=2 {
            enqueue(&setting.queue, number).await.unwrap();
        }
        settle().await;
        let full = Err(EnqueueRejected::Full { capacity: 2 });
        assert_eq!(enqueue(&setting.queue, 3).await, full);
        setting.consensus.finish(0);
        settle().await;
        assert!(*setting.news.room.lock().unwrap() > 0, "it has room");
        // There is room for 4, but 3 was accepted earlier and must come first.
        assert_eq!(enqueue(&setting.queue, 4).await, full);
        assert!(enqueue(&setting.queue, 3).await.is_ok());
        setting.consensus.finish(1);
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(2), hash(3)]);
    });
}

#[test]
fn a_queue_whose_refused_transaction_went_elsewhere_takes_the_next_one() {
    paused(|| async {
        let setting = start(1, claim_everything(), Status::Pending);
        enqueue(&setting.queue, 1).await.unwrap();
        settle().await;
        let full = Err(EnqueueRejected::Full { capacity: 1 });
        assert_eq!(enqueue(&setting.queue, 2).await, full);
        setting.consensus.finish(0);
        settle().await;
        *setting.news.room.lock().unwrap() = 0;
        // Number 2 was executed by another process; 3 is refused once more, with a word of room.
        assert_eq!(enqueue(&setting.queue, 3).await, full);
        settle().await;
        assert_eq!(*setting.news.room.lock().unwrap(), 1);
        let next = Enqueue { transaction: pending(3), resumes: true };
        assert!(setting.queue.send(next).await.unwrap().is_ok());
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(3)]);
    });
}

#[test]
fn a_crashed_consensus_is_requeued_and_runs_again_under_the_next_attempt() {
    for panicked in [true, false] {
        paused(|| async move {
            let setting = start(10, claim_everything(), Status::Pending);
            enqueue(&setting.queue, 1).await.unwrap();
            enqueue(&setting.queue, 2).await.unwrap();
            settle().await;
            setting.consensus.crash(0, panicked);
            settle().await;
            let requeued = setting.requeues.take();
            assert_eq!((requeued[0].hash, requeued[0].attempt), (hash(1), 0));
            assert_eq!(setting.consensus.hashes(), [hash(1), hash(1)], "the same one again");
            // The end of the first attempt, told late, is no news.
            setting.consensus.finish(0);
            setting.consensus.crash(0, true);
            settle().await;
            assert!(setting.requeues.take().is_empty());
            setting.consensus.finish(1);
            settle().await;
            assert_eq!(setting.consensus.hashes(), [hash(1), hash(1), hash(2)]);
        });
    }
}

#[test]
fn what_was_undone_comes_before_the_one_whose_round_it_overtook() {
    for crashes in [false, true] {
        paused(|| async move {
            let setting = start(10, claim_everything(), Status::Pending);
            enqueue(&setting.queue, 2).await.unwrap();
            settle().await;
            // The decision over 1 is undone: it waits again, and the round over 2 is stale.
            enqueue(&setting.queue, 1).await.unwrap();
            if crashes {
                setting.consensus.crash(0, true);
            } else {
                setting.consensus.end(0, true);
            }
            settle().await;
            assert_eq!(setting.consensus.hashes(), [hash(2), hash(1)]);
            setting.consensus.finish(1);
            settle().await;
            assert_eq!(setting.consensus.hashes(), [hash(2), hash(1), hash(2)]);
        });
    }
}

#[test]
fn a_transaction_that_is_given_up_does_not_stop_its_queue() {
    paused(|| async {
        let setting = start(10, claim_everything(), Status::Canceled);
        enqueue(&setting.queue, 1).await.unwrap();
        enqueue(&setting.queue, 2).await.unwrap();
        settle().await;
        setting.consensus.crash(0, true);
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(2)]);
    });
}

#[test]
fn an_appeal_that_crashed_is_judged_again_while_the_store_says_that_it_is_open() {
    paused(|| async {
        let mut answers = vec![
            Claim::Claimed(Box::new(job(2, 0))),
            Claim::NotPending(Status::Accepted),
            Claim::Claimed(Box::new(job(1, 2))),
            Claim::Claimed(Box::new(job(1, 1))),
        ];
        let claims: Claims = Box::new(move |_| answers.pop().map(Ok));
        let setting = start(10, claims, Status::Accepted);
        for number in 1..=2 {
            enqueue(&setting.queue, number).await.unwrap();
        }
        settle().await;
        for index in 0..2 {
            assert_eq!(setting.consensus.hashes().len(), index + 1);
            setting.consensus.crash(index, true);
            settle().await;
        }
        let attempts = setting.requeues.take().iter().map(|sent| sent.attempt).collect::<Vec<_>>();
        assert_eq!(attempts, [1, 2]);
        assert_eq!(setting.consensus.hashes(), [hash(1), hash(1), hash(2)], "and the next one");
    });
}

#[test]
fn what_is_no_longer_pending_is_skipped() {
    paused(|| async {
        let claims: Claims = Box::new(|message| {
            let number = message.0.as_bytes()[0];
            Some(Ok(match number {
                1 => Claim::NotPending(Status::Accepted),
                number => Claim::Claimed(Box::new(job(number, 0))),
            }))
        });
        let setting = start(10, claims, Status::Pending);
        enqueue(&setting.queue, 1).await.unwrap();
        enqueue(&setting.queue, 2).await.unwrap();
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(2)]);
    });
}

#[test]
fn a_claim_that_is_blocked_or_fails_is_tried_again() {
    paused(|| async {
        let mut answers = vec![
            Ok(Claim::Claimed(Box::new(job(1, 0)))),
            Err(StoreError::Database { operation: "claiming", reason: "disk full".into() }),
            Ok(Claim::Blocked),
        ];
        let setting = start(10, Box::new(move |_| answers.pop()), Status::Pending);
        enqueue(&setting.queue, 1).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(setting.claims.take().len(), 3);
        assert_eq!(setting.consensus.hashes(), [hash(1)]);
    });
}

#[test]
fn without_validators_the_reason_is_noted_and_the_claim_repeated() {
    paused(|| async {
        let mut answers = vec![Ok(Claim::Claimed(Box::new(job(1, 0)))), Ok(Claim::NoValidators)];
        let setting = start(10, Box::new(move |_| answers.pop()), Status::Pending);
        enqueue(&setting.queue, 1).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(setting.explained.take()[0].reason.contains("validator"));
        assert_eq!(setting.consensus.hashes(), [hash(1)]);
    });
}

#[test]
fn transfers_share_the_store_but_a_call_waits_for_those_before_it() {
    paused(|| async {
        let setting = start(10, claim_everything(), Status::Pending);
        for number in 1..=3 {
            setting
                .queue
                .send(Enqueue { transaction: pending_transfer(number), resumes: false })
                .await
                .unwrap()
                .unwrap();
        }
        enqueue(&setting.queue, 4).await.unwrap();
        setting
            .queue
            .send(Enqueue { transaction: pending_transfer(5), resumes: false })
            .await
            .unwrap()
            .unwrap();
        settle().await;
        let executed = || setting.transfers.take().iter().map(|sent| sent.0).collect::<Vec<_>>();
        assert_eq!(executed(), [hash(1), hash(2)], "the second did not happen yet");
        assert!(setting.consensus.hashes().is_empty());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(executed(), [hash(2), hash(3)], "it is not forgotten, and 5 waits");
        assert_eq!(setting.consensus.hashes(), [hash(4)]);
        setting.consensus.finish(0);
        settle().await;
        assert_eq!(setting.transfers.take().len(), 1);
    });
}

#[test]
fn shutdown_waits_for_the_consensus_that_runs_and_starts_no_other() {
    paused(|| async {
        let setting = start(10, claim_everything(), Status::Pending);
        enqueue(&setting.queue, 1).await.unwrap();
        enqueue(&setting.queue, 2).await.unwrap();
        settle().await;
        let drained = setting.queue.send(Drain);
        tokio::pin!(drained);
        let early = tokio::time::timeout(Duration::from_secs(5), &mut drained).await;
        assert!(early.is_err(), "a consensus still runs");
        assert_eq!(enqueue(&setting.queue, 3).await, Err(EnqueueRejected::Draining));
        setting.consensus.finish(0);
        drained.await.unwrap();
        assert_eq!(setting.consensus.hashes(), [hash(1)]);
    });
}

#[test]
fn a_permit_limits_how_many_rounds_run_in_the_process() {
    paused(|| async {
        let rounds = Permits::new("rounds", 2);
        let held = (rounds.try_acquire().unwrap(), rounds.try_acquire().unwrap());
        let setting = start(10, claim_everything(), Status::Pending);
        let ports = QueuePorts {
            claim: setting.claims.recipient.clone(),
            transfer: setting.transfers.recipient.clone(),
            requeue: setting.requeues.recipient.clone(),
            explain: setting.explained.recipient.clone(),
            finality: Probe::new().recipient,
            consensus: setting.consensus.clone(),
            rounds,
            depth_max: 10,
        };
        let reports = QueueReports::to(&setting.crawler);
        let queue = Queue::new(CONTRACT, ports, reports).start();
        enqueue(&queue, 1).await.unwrap();
        settle().await;
        assert!(setting.claims.take().is_empty(), "both permits are out");
        drop(held);
        settle().await;
        assert_eq!(setting.consensus.hashes(), [hash(1)]);
    });
}

#[test]
fn a_queue_that_panics_is_reported() {
    paused(|| async {
        // Numbers of no sample job: the probe's answer panics inside the queue's claim.
        let setting = start(10, claim_everything(), Status::Pending);
        drop(setting.queue);
        settle().await;
        assert_eq!(*setting.news.terminated.lock().unwrap(), 1);
    });
}
