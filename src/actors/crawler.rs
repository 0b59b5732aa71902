//! The crawler: finds waiting transactions and pushes each to the queue of its address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient,
    ResponseFuture, WrapFuture,
};
use futures_util::future::join_all;

use super::messages::{
    Drain, Enqueue, EnqueueRejected, ListPending, LookAgain, QueueHasRoom, QueueIdle, WakeUp,
};
use super::queue::{Queue, QueueReports};
use super::supervision::{Backoff, DeathWatch, Terminated};
use super::system::Child;
use crate::domain::Address;
use crate::domain::ledger::{PendingTransaction, Position, StoreError};

/// Where the crawler reads on: all queues from a place, or one queue that had been full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    All,
    One(Address),
}

/// Starts the queue of an address; tests supply their own.
pub trait SpawnQueue: std::fmt::Debug {
    /// Starts an empty queue that reports to `crawler`.
    fn spawn(&self, address: Address, crawler: &Addr<Crawler>) -> QueuePort;
}

/// What the crawler knows of a queue.
#[derive(Debug, Clone)]
pub struct QueuePort {
    /// Takes transactions.
    pub enqueue: Recipient<Enqueue>,
    /// Finishes.
    pub drain: Recipient<Drain>,
}

#[derive(Debug)]
struct Known {
    port: QueuePort,
    /// Transactions ever offered; tells a stale [`QueueIdle`] from a true one.
    offered: u64,
    /// Transactions of it wait in the store because it was full; those after this place.
    behind: Option<Position>,
}

/// Finds waiting transactions in the order of their acceptance, once each.
///
/// It may be restarted at any time: a fresh crawler looks from the beginning, and queues ignore
/// what they already have.
#[derive(Debug)]
pub struct Crawler {
    store: Recipient<ListPending>,
    queues: Arc<dyn SpawnQueue + Send + Sync>,
    known: BTreeMap<Address, Known>,
    cursor: Position,
    /// Grows when the cursor goes back: an answer from before must not move it on again.
    epoch: u64,
    /// Looks to take, each at most once.
    wanted: BTreeSet<Option<Address>>,
    looking: bool,
    draining: bool,
    page: usize,
    interval: Duration,
    backoff: Backoff,
    _watch: Option<DeathWatch<Child>>,
}

impl Crawler {
    /// A crawler that has seen nothing. `page` transactions are read at a time; without any word
    /// it looks every `interval`.
    pub fn new(
        store: Recipient<ListPending>,
        queues: Arc<dyn SpawnQueue + Send + Sync>,
        page: usize,
        interval: Duration,
    ) -> Self {
        Self {
            store,
            queues,
            known: BTreeMap::new(),
            cursor: Position::default(),
            epoch: 0,
            wanted: BTreeSet::new(),
            looking: false,
            draining: false,
            page: page.max(1),
            interval,
            backoff: Backoff::default(),
            _watch: None,
        }
    }

    /// Lets a parent know when this crawler ends.
    #[must_use]
    pub fn watched_by(self, watch: DeathWatch<Child>) -> Self {
        Self { _watch: Some(watch), ..self }
    }

    fn want(&mut self, queue: Option<Address>, ctx: &mut Context<Self>) {
        self.wanted.insert(queue);
        self.look(ctx);
    }

    /// Looks from the beginning.
    fn rewind(&mut self, ctx: &mut Context<Self>) {
        self.cursor = Position::default();
        self.epoch += 1;
        self.want(None, ctx);
    }

    /// Takes the next wanted look, one at a time so that order is kept.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking || self.draining {
            return;
        }
        let Some(queue) = self.wanted.pop_first() else { return };
        let after = match queue {
            None => self.cursor,
            Some(address) => match self.known.get(&address).and_then(|known| known.behind) {
                Some(position) => position,
                None => return self.look(ctx),
            },
        };
        self.looking = true;
        let look = queue.map_or(Look::All, Look::One);
        let epoch = self.epoch;
        let answer = self.store.send(ListPending { queue, after, limit: self.page });
        let handle = answer.into_actor(self).map(move |answer, this, ctx| {
            let answer = answer.unwrap_or(Err(StoreError::Closed));
            this.found(look, epoch, answer, ctx);
        });
        ctx.spawn(handle);
    }

    fn found(
        &mut self,
        look: Look,
        epoch: u64,
        answer: Result<Vec<PendingTransaction>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                log::warn!(target: "crawler", "cannot list waiting transactions: {error}");
                self.retry(look, ctx);
                return;
            }
        };
        self.backoff.reset();
        let full_page = found.len() >= self.page;
        let offers: Vec<_> = found
            .into_iter()
            .enumerate()
            .filter_map(|(index, transaction)| {
                // A page of one queue starts right after what that queue took last.
                let resumes = index == 0 && look != Look::All;
                self.offer(look, epoch, Enqueue { transaction, resumes }, ctx)
            })
            .collect();
        let done = join_all(offers).into_actor(self).map(move |answers, this, ctx| {
            let mut refused = false;
            for (transaction, answer) in answers {
                refused |= this.is_refused(transaction, answer);
            }
            this.looking = false;
            this.look_on(look, full_page, refused, ctx);
        });
        ctx.spawn(done);
    }

    /// After a full page there may be more. A queue that took all there was has caught up; one
    /// that is full again says when it has room.
    fn look_on(&mut self, look: Look, full_page: bool, refused: bool, ctx: &mut Context<Self>) {
        match look {
            Look::All if full_page => {
                self.wanted.insert(None);
            }
            Look::One(address) if full_page && !refused => {
                self.wanted.insert(Some(address));
            }
            Look::One(address) if !refused => {
                if let Some(known) = self.known.get_mut(&address) {
                    known.behind = None;
                }
            }
            Look::All | Look::One(_) => {}
        }
        self.look(ctx);
    }

    fn retry(&mut self, look: Look, ctx: &mut Context<Self>) {
        let wait = self.backoff.next_wait();
        ctx.run_later(wait, move |this, ctx| {
            this.looking = false;
            let queue = match look {
                Look::All => None,
                Look::One(address) => Some(address),
            };
            this.want(queue, ctx);
        });
    }

    /// Offers a transaction to its queue, unless that queue has to catch up first.
    fn offer(
        &mut self,
        look: Look,
        epoch: u64,
        offer: Enqueue,
        ctx: &mut Context<Self>,
    ) -> Option<impl Future<Output = (PendingTransaction, EnqueueAnswer)> + use<>> {
        let transaction = offer.transaction;
        if look == Look::All && epoch == self.epoch {
            self.cursor = self.cursor.max(transaction.position);
        }
        let address = transaction.queue;
        let spawner = &self.queues;
        let known = self.known.entry(address).or_insert_with(|| Known {
            port: spawner.spawn(address, &ctx.address()),
            offered: 0,
            behind: None,
        });
        match (look, &mut known.behind) {
            // It reads on by itself once it has room; out of turn would be out of order.
            (Look::All, Some(behind)) if transaction.position > *behind => return None,
            (Look::One(_), Some(behind)) => *behind = (*behind).max(transaction.position),
            // Work that was passed before and waits again.
            (Look::All, Some(_)) | (_, None) => {}
        }
        known.offered += 1;
        let answer = known.port.enqueue.send(offer);
        Some(async move { (transaction, answer.await) })
    }

    /// Notes where a full queue has to read on later.
    fn is_refused(&mut self, transaction: PendingTransaction, answer: EnqueueAnswer) -> bool {
        // A queue that drains needs nothing more; for one that is gone, `Terminated` looks again
        // from the beginning.
        let Ok(Err(EnqueueRejected::Full { .. })) = answer else { return false };
        if let Some(known) = self.known.get_mut(&transaction.queue) {
            let before = Position(transaction.position.0.saturating_sub(1));
            known.behind = Some(known.behind.map_or(before, |behind| behind.min(before)));
        }
        true
    }
}

type EnqueueAnswer =
    Result<Result<super::messages::Enqueued, EnqueueRejected>, actix::MailboxError>;

impl Actor for Crawler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.want(None, ctx);
        ctx.run_interval(self.interval, |this, ctx| this.want(None, ctx));
    }
}

impl Handler<WakeUp> for Crawler {
    type Result = ();

    fn handle(&mut self, _: WakeUp, ctx: &mut Context<Self>) {
        self.want(None, ctx);
    }
}

impl Handler<LookAgain> for Crawler {
    type Result = ();

    fn handle(&mut self, _: LookAgain, ctx: &mut Context<Self>) {
        self.rewind(ctx);
    }
}

impl Handler<QueueHasRoom> for Crawler {
    type Result = ();

    fn handle(&mut self, message: QueueHasRoom, ctx: &mut Context<Self>) {
        self.want(Some(message.queue), ctx);
    }
}

impl Handler<QueueIdle> for Crawler {
    type Result = ();

    fn handle(&mut self, message: QueueIdle, _: &mut Context<Self>) {
        let is_idle = self
            .known
            .get(&message.queue)
            .is_some_and(|known| known.offered == message.offered && known.behind.is_none());
        if is_idle {
            self.known.remove(&message.queue);
        }
    }
}

/// A queue ended. One that panicked lost what it held, which is still PENDING in the store.
impl Handler<Terminated<Address>> for Crawler {
    type Result = ();

    fn handle(&mut self, message: Terminated<Address>, ctx: &mut Context<Self>) {
        if message.panicked {
            log::error!(target: "crawler", "the queue of {} panicked; it starts anew", message.child);
            self.known.remove(&message.child);
            self.rewind(ctx);
        }
    }
}

impl Handler<Drain> for Crawler {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        self.draining = true;
        let drains: Vec<_> = std::mem::take(&mut self.known)
            .into_values()
            .map(|known| known.port.drain.send(Drain))
            .collect();
        ctx.stop();
        Box::pin(async move {
            join_all(drains).await;
        })
    }
}

/// The production queues.
#[derive(Debug)]
pub struct Queues {
    /// What every queue needs.
    pub ports: super::queue::QueuePorts,
}

impl SpawnQueue for Queues {
    fn spawn(&self, address: Address, crawler: &Addr<Crawler>) -> QueuePort {
        let queue = Queue::new(address, self.ports.clone(), QueueReports::to(crawler)).start();
        QueuePort { enqueue: queue.clone().recipient(), drain: queue.recipient() }
    }
}
