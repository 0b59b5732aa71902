//! The finality actor: makes decided transactions final when their window closes.

use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, SpawnHandle,
    WrapFuture,
};
use futures_util::future::join_all;

use super::clock::NetworkClock;
use super::messages::{Drain, DuePage, Finalize, ListDue, WindowOpened, WindowsMoved};
use super::supervision::{Backoff, DeathWatch};
use super::system::Child;
use crate::domain::ledger::{DueTransaction, StoreError};
use crate::domain::{Clock, Timestamp};

/// Transactions one look makes final.
const DUE_MAX: usize = 512;

/// What the finality actor needs.
#[derive(Debug, Clone)]
pub struct FinalityPorts {
    /// Lists what is due.
    pub due: Recipient<ListDue>,
    /// Makes one transaction final.
    pub finalize: Recipient<Finalize>,
    /// Tells the time.
    pub clock: NetworkClock,
    /// Pause, in real time, between looks when nothing is known to be due; windows opened by other
    /// processes are found this way.
    pub interval: Duration,
}

/// Makes decided transactions final, in order per contract. It may be restarted at any time.
#[derive(Debug)]
pub struct Finality {
    ports: FinalityPorts,
    looking: bool,
    /// Something changed while a look was under way.
    again: bool,
    timer: Option<(Timestamp, SpawnHandle)>,
    backoff: Backoff,
    _watch: Option<DeathWatch<Child>>,
}

impl Finality {
    /// A finality actor that looks as soon as it starts.
    pub fn new(ports: FinalityPorts, watch: Option<DeathWatch<Child>>) -> Self {
        Self {
            ports,
            looking: false,
            again: false,
            timer: None,
            backoff: Backoff::default(),
            _watch: watch,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking {
            self.again = true;
            return;
        }
        self.looking = true;
        self.again = false;
        self.look_after(None, ctx);
    }

    /// Reads the next page of what is due.
    fn look_after(&mut self, after: Option<DueTransaction>, ctx: &mut Context<Self>) {
        let now = self.ports.clock.now();
        let answer = self.ports.due.send(ListDue { now, after, limit: DUE_MAX }).into_actor(self);
        ctx.spawn(answer.map(|answer, this, ctx| {
            this.found(answer.unwrap_or(Err(StoreError::Closed)), ctx);
        }));
    }

    fn found(&mut self, answer: Result<DuePage, StoreError>, ctx: &mut Context<Self>) {
        let page = match answer {
            Ok(page) => page,
            Err(error) => return self.failed(&error, ctx),
        };
        let Some(last) = page.due.last().copied() else {
            self.looking = false;
            self.backoff.reset();
            if self.again {
                self.look(ctx);
            } else if let Some(at) = page.next_at {
                self.wake_at(at, ctx);
            }
            return;
        };
        let finalize = &self.ports.finalize;
        let all = join_all(page.due.iter().map(|due| finalize.send(Finalize(due.hash))));
        ctx.spawn(all.into_actor(self).map(move |answers, this, ctx| {
            let answers =
                answers.into_iter().map(|answer| answer.unwrap_or(Err(StoreError::Closed)));
            match answers.collect::<Result<Vec<bool>, StoreError>>() {
                // Some have to wait for others: once something is final, all are asked again.
                Ok(finalized) => {
                    this.again |= finalized.contains(&true);
                    this.look_after(Some(last), ctx);
                }
                Err(error) => this.failed(&error, ctx),
            }
        }));
    }

    fn failed(&mut self, error: &StoreError, ctx: &mut Context<Self>) {
        log::warn!(target: "finality", "cannot finalize: {error}");
        self.looking = true;
        ctx.run_later(self.backoff.next_wait(), |this, ctx| {
            this.looking = false;
            this.look(ctx);
        });
    }

    /// Keeps one timer, for the earliest closing window.
    fn wake_at(&mut self, at: Timestamp, ctx: &mut Context<Self>) {
        if let Some((due, timer)) = self.timer.take() {
            if due <= at && due > self.ports.clock.now() {
                self.timer = Some((due, timer));
                return;
            }
            ctx.cancel_future(timer);
        }
        let closed = self.ports.clock.sleep_until(at).into_actor(self).map(|(), this, ctx| {
            this.timer = None;
            this.look(ctx);
        });
        self.timer = Some((at, ctx.spawn(closed)));
    }
}

impl Actor for Finality {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
        ctx.run_interval(self.ports.interval, Self::look);
    }
}

impl Handler<WindowOpened> for Finality {
    type Result = ();

    fn handle(&mut self, message: WindowOpened, ctx: &mut Context<Self>) {
        if message.final_from <= self.ports.clock.now() {
            self.look(ctx);
        } else {
            self.wake_at(message.final_from, ctx);
        }
    }
}

impl Handler<WindowsMoved> for Finality {
    type Result = ();

    fn handle(&mut self, _: WindowsMoved, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Handler<Drain> for Finality {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
