//! The heartbeat: shows that this process lives, takes over the work of those that do not, and
//! follows what the others do to the network as a whole: to its clock, and by restoring it.

use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WeakRecipient,
    WrapFuture,
};

use super::messages::{BeatHeart, Drain, FollowClock, FollowGeneration, LookAgain};
use super::supervision::DeathWatch;
use super::system::Child;
use super::tell_weak;
use crate::domain::ledger::StoreError;

/// Pause between looks at what other processes did to the network.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);

/// Beats for one process on a shared database.
#[derive(Debug)]
pub struct Heartbeat {
    store: Recipient<BeatHeart>,
    clock: Recipient<FollowClock>,
    crawler: WeakRecipient<LookAgain>,
    root: WeakRecipient<FollowGeneration>,
    interval: Duration,
    _watch: DeathWatch<Child>,
}

impl Heartbeat {
    /// Beats every `interval`.
    pub fn new(
        store: Recipient<BeatHeart>,
        clock: Recipient<FollowClock>,
        crawler: WeakRecipient<LookAgain>,
        root: WeakRecipient<FollowGeneration>,
        interval: Duration,
        watch: DeathWatch<Child>,
    ) -> Self {
        Self { store, clock, crawler, root, interval, _watch: watch }
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        let answer = self.store.send(BeatHeart).into_actor(self);
        ctx.spawn(answer.map(|answer, this, _| {
            match answer.unwrap_or(Err(StoreError::Closed)) {
                Ok(recovered) if recovered.is_empty() => {}
                Ok(recovered) => {
                    log::warn!(target: "heartbeat", "took over {} transactions of lapsed owners", recovered.len());
                    tell_weak(&this.crawler, LookAgain);
                }
                Err(error) => log::warn!(target: "heartbeat", "no sign of life given: {error}"),
            }
        }));
    }

    fn follow(&mut self, ctx: &mut Context<Self>) {
        let answer = self.clock.send(FollowClock).into_actor(self);
        ctx.spawn(answer.map(|answer, this, ctx| {
            // A database that cannot be read is told of once per sign of life.
            if let Err(error) = answer.unwrap_or(Err(StoreError::Closed)) {
                log::debug!(target: "heartbeat", "the network's clock was not read: {error}");
            }
            tell_weak(&this.root, FollowGeneration);
            ctx.run_later(FOLLOW_INTERVAL, Self::follow);
        }));
    }
}

impl Actor for Heartbeat {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.beat(ctx);
        ctx.run_interval(self.interval, Self::beat);
        self.follow(ctx);
    }
}

impl Handler<Drain> for Heartbeat {
    type Result = ();

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
