//! The queue of one address: executes its transactions in order, one consensus at a time.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient,
    ResponseFuture, WeakRecipient, WrapFuture,
};
use tokio::sync::oneshot;

use super::messages::{
    ClaimTransaction, ConsensusFinished, Drain, Enqueue, EnqueueRejected, Enqueued,
    ExecuteTransfer, ExplainWaiting, QueueHasRoom, QueueIdle, RequeueTransaction, WindowOpened,
};
use super::permits::{Permit, Permits};
use super::supervision::{Backoff, DeathWatch, Terminated};
use super::{tell, tell_weak};
use crate::domain::ledger::{Claim, ConsensusJob, PendingTransaction, Position, StoreError};
use crate::domain::{Address, PayloadKind, Status, Timestamp, TxHash};

/// Transfers that may wait for the store at the same time; it executes them in order.
const TRANSFERS_IN_FLIGHT_MAX: usize = 64;

/// Names one consensus among those a queue ever starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsensusId {
    /// The transaction.
    pub hash: TxHash,
    /// The attempt.
    pub attempt: u32,
}

/// Where a consensus reports to.
#[derive(Debug, Clone)]
pub struct ConsensusReports {
    /// It is over.
    pub finished: Recipient<ConsensusFinished>,
    /// It is gone.
    pub terminated: WeakRecipient<Terminated<ConsensusId>>,
}

/// Starts consensus actors; tests supply their own.
pub trait SpawnConsensus: fmt::Debug + Send + Sync {
    /// Starts the consensus over `job`; `permit` is returned when it ends.
    fn spawn(&self, job: Box<ConsensusJob>, permit: Permit, reports: ConsensusReports);
}

/// What every queue needs.
#[derive(Debug, Clone)]
pub struct QueuePorts {
    /// Takes a transaction for this process.
    pub claim: Recipient<ClaimTransaction>,
    /// Executes a transfer.
    pub transfer: Recipient<ExecuteTransfer>,
    /// Gives a crashed attempt back.
    pub requeue: Recipient<RequeueTransaction>,
    /// Notes why a transaction waits.
    pub explain: Recipient<ExplainWaiting>,
    /// Learns of what becomes final later: refused transfers, and decisions whose appeal crashed.
    pub finality: Recipient<WindowOpened>,
    /// Starts consensus.
    pub consensus: Arc<dyn SpawnConsensus>,
    /// How many rounds may run in the whole process.
    pub rounds: Permits,
    /// How many transactions one queue holds.
    pub depth_max: usize,
}

/// Where a queue reports to: the crawler, held weakly.
#[derive(Debug, Clone)]
pub struct QueueReports {
    room: WeakRecipient<QueueHasRoom>,
    idle: WeakRecipient<QueueIdle>,
    terminated: WeakRecipient<Terminated<Address>>,
}

impl QueueReports {
    /// Reports to `parent`.
    pub fn to<A>(parent: &Addr<A>) -> Self
    where
        A: Handler<QueueHasRoom> + Handler<QueueIdle> + Handler<Terminated<Address>>,
        A::Context: ToEnvelope<A, QueueHasRoom>
            + ToEnvelope<A, QueueIdle>
            + ToEnvelope<A, Terminated<Address>>,
    {
        Self {
            room: parent.downgrade().recipient(),
            idle: parent.downgrade().recipient(),
            terminated: parent.downgrade().recipient(),
        }
    }
}

/// What the queue is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Nothing, or transfers only.
    Nothing,
    /// Waiting for a permit or for the store.
    Claiming,
    /// A consensus runs.
    Deciding(ConsensusId),
    /// Waiting to try again.
    Resting,
}

/// The queue of one address.
#[derive(Debug)]
pub struct Queue {
    address: Address,
    ports: QueuePorts,
    reports: QueueReports,
    /// In the order of acceptance.
    waiting: VecDeque<PendingTransaction>,
    /// The one that is being claimed, decided or given back.
    at_work: Option<PendingTransaction>,
    /// Places of everything in `waiting` or under way, to recognise what is offered twice.
    held: BTreeSet<Position>,
    /// The first transaction refused for want of room: nothing after it may come before it.
    refused: Option<Position>,
    doing: Doing,
    transfers: usize,
    offered: u64,
    backoff: Backoff,
    drained: Option<oneshot::Sender<()>>,
    draining: bool,
    _watch: DeathWatch<Address>,
}

impl Queue {
    /// An empty queue.
    pub fn new(address: Address, ports: QueuePorts, reports: QueueReports) -> Self {
        let watch = DeathWatch::new(address, reports.terminated.clone());
        Self {
            address,
            ports,
            reports,
            waiting: VecDeque::new(),
            at_work: None,
            held: BTreeSet::new(),
            refused: None,
            doing: Doing::Nothing,
            transfers: 0,
            offered: 0,
            backoff: Backoff::starting_with(Duration::from_millis(50)),
            drained: None,
            draining: false,
            _watch: watch,
        }
    }

    /// Starts whatever can start.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        while self.doing == Doing::Nothing && !self.draining {
            let Some(next) = self.waiting.front().copied() else { break };
            let is_transfer = next.kind == PayloadKind::Transfer;
            if is_transfer && self.transfers < TRANSFERS_IN_FLIGHT_MAX {
                self.waiting.pop_front();
                self.execute_transfer(next, ctx);
            } else if !is_transfer && self.transfers == 0 {
                self.waiting.pop_front();
                self.claim(next, ctx);
            } else {
                break;
            }
        }
        self.report();
    }

    /// Tells the crawler when there is room, or nothing left to do.
    fn report(&mut self) {
        let has_room = self.depth() * 2 <= self.ports.depth_max;
        if self.refused.is_some() && has_room {
            tell_weak(&self.reports.room, QueueHasRoom { queue: self.address });
        }
        let is_busy = self.doing != Doing::Nothing || self.transfers > 0;
        if is_busy {
            return;
        }
        if self.draining {
            if let Some(drained) = self.drained.take() {
                // Whoever asked may have stopped waiting.
                let _gone = drained.send(());
            }
        } else if self.waiting.is_empty() && self.refused.is_none() {
            let offered = self.offered;
            tell_weak(&self.reports.idle, QueueIdle { queue: self.address, offered });
        }
    }

    fn depth(&self) -> usize {
        self.waiting.len() + usize::from(self.at_work.is_some())
    }

    /// It waits, in its place: what was undone since comes back before what was accepted after it.
    fn put_in_place(&mut self, transaction: PendingTransaction) {
        let place = self.waiting.partition_point(|other| other.position < transaction.position);
        self.waiting.insert(place, transaction);
    }

    fn done_with(&mut self, transaction: PendingTransaction) {
        self.held.remove(&transaction.position);
    }

    /// Puts a transaction back into its place and tries again after a while.
    fn rest(&mut self, transaction: PendingTransaction, ctx: &mut Context<Self>) {
        self.put_in_place(transaction);
        self.pause(ctx);
    }

    /// What waits for another try can wait in the store just as well, once the queue drains.
    fn pause(&mut self, ctx: &mut Context<Self>) {
        if self.draining {
            self.doing = Doing::Nothing;
            return self.report();
        }
        self.doing = Doing::Resting;
        ctx.run_later(self.backoff.next_wait(), |this, ctx| {
            this.doing = Doing::Nothing;
            this.pump(ctx);
        });
    }

    fn execute_transfer(&mut self, transfer: PendingTransaction, ctx: &mut Context<Self>) {
        self.transfers += 1;
        let answer = self.ports.transfer.send(ExecuteTransfer(transfer.hash));
        let executed = answer.into_actor(self).map(move |answer, this, ctx| {
            this.transfers -= 1;
            match answer.unwrap_or(Err(StoreError::Closed)) {
                // An earlier transaction of the queue is not decided yet: nothing happened.
                Ok(Status::Pending) => this.rest_transfer(transfer, ctx),
                Ok(status) => {
                    this.backoff.reset();
                    this.done_with(transfer);
                    if status.awaits_finality() {
                        let final_from = Timestamp::default();
                        tell(&this.ports.finality, WindowOpened { final_from });
                    }
                    this.pump(ctx);
                }
                Err(error) => {
                    log::warn!(target: "queue", "transfer not executed: {error} tx={}", transfer.hash);
                    this.rest_transfer(transfer, ctx);
                }
            }
        });
        ctx.spawn(executed);
    }

    /// Several transfers may fail together: they wait again in the order of their acceptance.
    fn rest_transfer(&mut self, transfer: PendingTransaction, ctx: &mut Context<Self>) {
        self.put_in_place(transfer);
        if self.doing == Doing::Nothing {
            self.pause(ctx);
        }
    }

    fn claim(&mut self, transaction: PendingTransaction, ctx: &mut Context<Self>) {
        self.doing = Doing::Claiming;
        self.at_work = Some(transaction);
        let rounds = self.ports.rounds.clone();
        let permitted = async move { rounds.acquire().await }.into_actor(self);
        ctx.spawn(permitted.map(move |permit, this, ctx| {
            if this.draining {
                this.doing = Doing::Nothing;
                this.at_work = None;
                this.put_in_place(transaction);
                return this.report();
            }
            let answer = this.ports.claim.send(ClaimTransaction(transaction.hash)).into_actor(this);
            ctx.spawn(answer.map(move |answer, this, ctx| {
                this.doing = Doing::Nothing;
                this.at_work = None;
                this.claimed(transaction, permit, answer.unwrap_or(Err(StoreError::Closed)), ctx);
            }));
        }));
    }

    fn claimed(
        &mut self,
        transaction: PendingTransaction,
        permit: Permit,
        answer: Result<Claim, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        match answer {
            Ok(Claim::Claimed(job)) => {
                self.backoff.reset();
                let id = ConsensusId { hash: transaction.hash, attempt: job.attempt };
                self.doing = Doing::Deciding(id);
                self.at_work = Some(transaction);
                let reports = ConsensusReports {
                    finished: ctx.address().recipient(),
                    terminated: ctx.address().downgrade().recipient(),
                };
                self.ports.consensus.spawn(job, permit, reports);
            }
            // Another process decides it; should that one fail, it will wait again.
            Ok(Claim::NotPending(status)) if status.is_in_flight() => self.rest(transaction, ctx),
            Ok(Claim::NotPending(_)) => {
                self.done_with(transaction);
                self.pump(ctx);
            }
            Ok(Claim::Blocked) => self.rest(transaction, ctx),
            Ok(Claim::NoValidators) => {
                let reason = "no validator has stake: create one and it goes on".to_owned();
                let explained =
                    self.ports.explain.send(ExplainWaiting { hash: transaction.hash, reason });
                ctx.spawn(explained.into_actor(self).map(|_, _, _| ()));
                self.rest(transaction, ctx);
            }
            Err(error) => {
                log::warn!(target: "queue", "cannot claim: {error} tx={}", transaction.hash);
                self.rest(transaction, ctx);
            }
        }
    }

    /// The present consensus crashed: its transaction goes back to the store, under the next
    /// attempt or CANCELED.
    fn requeue(&mut self, id: ConsensusId, cause: &str, ctx: &mut Context<Self>) {
        self.doing = Doing::Claiming;
        let request =
            RequeueTransaction { hash: id.hash, attempt: id.attempt, cause: cause.to_owned() };
        let answer = self.ports.requeue.send(request).into_actor(self);
        let requeued = answer.map(move |answer, this, ctx| {
            this.doing = Doing::Nothing;
            let Some(transaction) = this.at_work.take() else { return };
            match answer.unwrap_or(Err(StoreError::Closed)) {
                // An appeal that crashed waits at the decision it challenges: the store knows if
                // there is another try.
                Ok(status) if !status.is_terminal() => {
                    if status.awaits_finality() {
                        let final_from = Timestamp::default();
                        tell(&this.ports.finality, WindowOpened { final_from });
                    }
                    this.put_in_place(transaction);
                    this.pump(ctx);
                }
                // Somebody else was faster.
                Err(StoreError::Stale { found: Status::Pending, .. }) => {
                    this.put_in_place(transaction);
                    this.pump(ctx);
                }
                Ok(_) | Err(StoreError::Stale { .. } | StoreError::Restored) => {
                    this.done_with(transaction);
                    this.pump(ctx);
                }
                Err(error) => {
                    log::error!(target: "queue", "cannot requeue: {error} tx={}", id.hash);
                    this.rest_then_requeue(transaction, id, ctx);
                }
            }
        });
        ctx.spawn(requeued);
    }

    fn rest_then_requeue(
        &mut self,
        transaction: PendingTransaction,
        id: ConsensusId,
        ctx: &mut Context<Self>,
    ) {
        self.at_work = Some(transaction);
        self.doing = Doing::Resting;
        ctx.run_later(self.backoff.next_wait(), move |this, ctx| {
            this.requeue(id, "the consensus crashed", ctx);
        });
    }
}

impl Actor for Queue {
    type Context = Context<Self>;
}

impl Handler<Enqueue> for Queue {
    type Result = Result<Enqueued, EnqueueRejected>;

    fn handle(&mut self, message: Enqueue, ctx: &mut Context<Self>) -> Self::Result {
        let Enqueue { transaction, resumes } = message;
        self.offered += 1;
        if self.draining {
            return Err(EnqueueRejected::Draining);
        }
        if self.held.contains(&transaction.position) {
            return Ok(Enqueued::AlreadyQueued);
        }
        let capacity = self.ports.depth_max;
        let after_refused = self.refused.is_some_and(|refused| transaction.position > refused);
        let out_of_order = after_refused && !resumes;
        if out_of_order || self.depth() >= capacity {
            let refused =
                self.refused.map_or(transaction.position, |p| p.min(transaction.position));
            self.refused = Some(refused);
            // With room, only order stands against it: let the crawler read on from there.
            self.report();
            return Err(EnqueueRejected::Full { capacity });
        }
        self.refused = None;
        self.held.insert(transaction.position);
        self.put_in_place(transaction);
        let depth = self.depth();
        self.pump(ctx);
        Ok(Enqueued::Accepted { depth })
    }
}

impl Handler<ConsensusFinished> for Queue {
    type Result = ();

    fn handle(&mut self, message: ConsensusFinished, ctx: &mut Context<Self>) {
        let id = ConsensusId { hash: message.hash, attempt: message.attempt };
        if self.doing != Doing::Deciding(id) {
            return;
        }
        self.doing = Doing::Nothing;
        if let Some(transaction) = self.at_work.take() {
            // One that waits again is claimed once more; the store knows if it really does.
            if message.waits_again {
                self.put_in_place(transaction);
            } else {
                self.done_with(transaction);
            }
        }
        self.pump(ctx);
    }
}

/// A consensus is gone. After it finished that is normal; before, it crashed.
impl Handler<Terminated<ConsensusId>> for Queue {
    type Result = ();

    fn handle(&mut self, message: Terminated<ConsensusId>, ctx: &mut Context<Self>) {
        if self.doing != Doing::Deciding(message.child) {
            return;
        }
        let cause =
            if message.panicked { "the consensus panicked" } else { "the consensus stopped" };
        log::error!(target: "queue", "{cause} tx={} attempt={}", message.child.hash, message.child.attempt);
        self.requeue(message.child, cause, ctx);
    }
}

impl Handler<Drain> for Queue {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        self.draining = true;
        // What only waits for a retry can wait in the store just as well.
        if self.doing == Doing::Resting {
            self.doing = Doing::Nothing;
        }
        let (drained, done) = oneshot::channel();
        self.drained = Some(drained);
        self.report();
        if self.drained.is_none() {
            ctx.stop();
        }
        Box::pin(async move {
            // An error means that the queue is gone, which is drained too.
            let _gone = done.await;
        })
    }
}
