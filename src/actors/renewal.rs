//! From one generation of a network to the next: the tables are another network's, so everybody who
//! worked on the old one goes, and others begin with nothing but the database.
//!
//! That nothing of before is written after a restore does not depend on this: the store of before
//! is refused by the generation in the database. This is for the world to go on.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture,
};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

use super::era::EraEnd;
use super::messages::{
    Drain, FollowGeneration, IsOutdated, RenewStore, Renewed, RestoreSnapshot, RestoreTables,
};
use super::reader::Reader;
use super::store::Store;
use super::system::{Child, Generation, Root};
use super::tell;
use super::wiring::Wiring;
use crate::domain::ledger::StoreError;

/// Pause before a generation that could not be read is looked for again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Whom the API asks.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) store: Addr<Store>,
    pub(super) reader: Addr<Reader>,
}

/// The way to those of the present generation. Whoever asks the store something holds the gate open;
/// while the network is restored it is closed, and whoever comes waits.
pub(super) type Gate = Arc<RwLock<Present>>;

/// The closed gate.
type Closed = OwnedRwLockWriteGuard<Present>;

/// What became of an attempt to go on to the next generation.
type Attempt = (Closed, Result<Option<Renewed>, StoreError>);

async fn renewed(gate: Closed) -> Attempt {
    let renewed = gate.store.send(RenewStore).await.unwrap_or(Err(StoreError::Closed));
    (gate, renewed)
}

impl Generation {
    /// The workers of an era that begins with `store`.
    pub(super) fn begin(wiring: &Wiring, store: Addr<Store>, root: &Addr<Root>) -> Self {
        let (end, era) = EraEnd::begin();
        let queues = wiring.queues(&store, root, era);
        let finality = wiring.finality(&store);
        let reader = Reader::new(wiring.reader(&store)).start();
        Self { queues, finality, store, reader, era: Arc::new(end) }
    }

    /// The gate to this generation, and to those that follow it.
    pub(super) fn gate(&self) -> Gate {
        Gate::new(RwLock::new(self.present()))
    }

    fn present(&self) -> Present {
        Present { store: self.store.clone(), reader: self.reader.clone() }
    }
}

impl Root {
    /// Lets everybody of the old generation go and starts the new one, if there is one.
    fn go_on(&mut self, attempt: Attempt, ctx: &mut Context<Self>) {
        let (mut gate, renewed) = attempt;
        let Renewed { store, generation } = match renewed {
            Ok(Some(renewed)) => renewed,
            Ok(None) => return,
            Err(error) => {
                // Until then whoever asks is refused with a word that he may try again.
                log::error!(target: "system", "the generation of the network was not read: {error}");
                ctx.notify_later(FollowGeneration, LOOK_AGAIN_AFTER);
                return;
            }
        };
        let Some(parts) = &mut self.parts else { return };
        parts.wiring.clock.restore(generation.dial, generation.shown);
        let next = Generation::begin(&parts.wiring, store, &ctx.address());
        *gate = next.present();
        let last = std::mem::replace(&mut parts.generation, next);
        last.era.end();
        log::info!(target: "system", "the network goes on in generation {}", generation.number);
        self.drain_children();
        self.start_children(ctx);
    }

    /// Tells those who work for a generation to end; what they still write is refused.
    fn drain_children(&mut self) {
        if let Some(crawler) = self.crawler.take() {
            tell(&crawler.recipient(), Drain);
        }
        if let Some(finality) = self.finality.take() {
            tell(&finality.recipient(), Drain);
        }
        if let Some(heartbeat) = self.heartbeat.take() {
            tell(&heartbeat.recipient(), Drain);
        }
    }

    pub(super) fn start_children(&mut self, ctx: &mut Context<Self>) {
        let is_shared = self.parts.as_ref().is_some_and(|parts| parts.is_shared);
        self.start_child(Child::Finality, ctx);
        self.start_child(Child::Crawler, ctx);
        if is_shared {
            self.start_child(Child::Heartbeat, ctx);
        }
    }
}

impl Handler<RestoreSnapshot> for Root {
    type Result = ResponseActFuture<Self, Result<bool, StoreError>>;

    /// It is finished also when whoever asked is gone.
    fn handle(&mut self, message: RestoreSnapshot, _: &mut Context<Self>) -> Self::Result {
        let gate = self.parts.as_ref().map(|parts| Arc::clone(&parts.gate));
        let restored = async move {
            let gate = gate.ok_or(StoreError::Closed)?.write_owned().await;
            let tables = gate.store.send(RestoreTables(message.0)).await;
            // Also after an error: nobody knows whether an answer that was lost was a yes.
            Ok::<_, StoreError>((tables.unwrap_or(Err(StoreError::Closed)), renewed(gate).await))
        };
        Box::pin(restored.into_actor(self).map(|restored, this, ctx| {
            let (tables, attempt) = restored?;
            this.go_on(attempt, ctx);
            tables
        }))
    }
}

impl Handler<FollowGeneration> for Root {
    type Result = ();

    fn handle(&mut self, _: FollowGeneration, ctx: &mut Context<Self>) {
        let Some(parts) = &self.parts else { return };
        let (gate, store) = (Arc::clone(&parts.gate), parts.generation.store.clone());
        let followed = async move {
            match store.send(IsOutdated).await.unwrap_or(Err(StoreError::Closed)) {
                Ok(true) => Some(renewed(gate.write_owned().await).await),
                // What cannot be read is looked for with the next sign of life.
                Ok(false) | Err(_) => None,
            }
        };
        ctx.spawn(followed.into_actor(self).map(|attempt, this, ctx| {
            if let Some(attempt) = attempt {
                this.go_on(attempt, ctx);
            }
        }));
    }
}
