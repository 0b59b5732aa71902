//! The whole network: builds the actors leaf first, keeps them alive, and shuts them down in order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult};
use tokio::sync::watch;

use super::catalog::Catalog;
use super::clock::NetworkClock;
use super::crawler::{Crawler, SpawnQueue};
use super::era::EraEnd;
use super::events::Events;
use super::finality::{Finality, FinalityPorts};
use super::handles::Handles;
use super::heartbeat::Heartbeat;
use super::messages::{
    CloseStore, Drain, FollowStore, LookAgain, WakeUp, WindowOpened, WindowsMoved,
};
use super::ports::{Ports, Production};
use super::reader::Reader;
use super::renewal::Gate;
use super::settings::NetworkSettings;
use super::store::{Database, Store};
use super::supervision::{DeathWatch, RestartPolicy, Terminated, Verdict};
use super::tell;
use super::wiring::Wiring;
use crate::domain::ledger::StoreError;
use crate::execution::Executor;

/// The long-lived children of the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Child {
    /// The crawler.
    Crawler,
    /// The finality actor.
    Finality,
    /// The heartbeat.
    Heartbeat,
    /// The store's writer.
    Writer,
}

/// What the root builds its children from.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) wiring: Wiring,
    pub(super) generation: Generation,
    pub(super) gate: Gate,
    pub(super) is_shared: bool,
}

/// What works until the network is restored.
#[derive(Debug, Clone)]
pub(super) struct Generation {
    pub(super) queues: Arc<dyn SpawnQueue + Send + Sync>,
    pub(super) finality: FinalityPorts,
    pub(super) store: Addr<Store>,
    pub(super) reader: Addr<Reader>,
    pub(super) era: Arc<EraEnd>,
}

/// Keeps the long-lived actors alive: a child that panicked starts fresh after a growing pause,
/// and one that does so too often ends the process. Their addresses change; the root's does not,
/// so messages for them go through it.
#[derive(Debug)]
pub struct Root {
    pub(super) parts: Option<Parts>,
    pub(super) crawler: Option<Addr<Crawler>>,
    pub(super) finality: Option<Addr<Finality>>,
    pub(super) heartbeat: Option<Addr<Heartbeat>>,
    policies: std::collections::BTreeMap<Child, RestartPolicy>,
    fatal: watch::Sender<Option<String>>,
}

impl Root {
    fn new(fatal: watch::Sender<Option<String>>) -> Self {
        Self {
            parts: None,
            crawler: None,
            finality: None,
            heartbeat: None,
            policies: std::collections::BTreeMap::new(),
            fatal,
        }
    }

    pub(super) fn start_child(&mut self, child: Child, ctx: &mut Context<Self>) {
        let Some(parts) = self.parts.clone() else { return };
        let (settings, Generation { queues, finality, store, .. }) =
            (&parts.wiring.settings, parts.generation);
        let watch = DeathWatch::new(child, ctx.address().downgrade().recipient());
        match child {
            Child::Crawler => {
                let (page, interval) = (settings.crawl_page, settings.crawl_interval);
                let crawler = Crawler::new(store.recipient(), queues, page, interval);
                self.crawler = Some(crawler.watched_by(watch).start());
            }
            Child::Finality => {
                self.finality = Some(Finality::new(finality, Some(watch)).start());
            }
            Child::Heartbeat => {
                let (beats, clock) = (store.clone().recipient(), store.recipient());
                let crawler = ctx.address().downgrade().recipient();
                let root = ctx.address().downgrade().recipient();
                let interval = settings.heartbeat_interval;
                let heartbeat = Heartbeat::new(beats, clock, crawler, root, interval, watch);
                self.heartbeat = Some(heartbeat.start());
            }
            Child::Writer => {}
        }
    }

    fn stop(&mut self, why: String) {
        log::error!(target: "system", "{why}");
        self.fatal.send_replace(Some(why));
    }
}

impl Actor for Root {
    type Context = Context<Self>;
}

/// Everything is wired: start the children.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Begin(Parts);

impl Handler<Begin> for Root {
    type Result = ();

    fn handle(&mut self, message: Begin, ctx: &mut Context<Self>) {
        self.parts = Some(message.0);
        self.start_children(ctx);
    }
}

impl Handler<Terminated<Child>> for Root {
    type Result = ();

    fn handle(&mut self, message: Terminated<Child>, ctx: &mut Context<Self>) {
        let child = message.child;
        if child == Child::Writer {
            // A closed writer ended on request; then the root is asked nothing any more.
            if self.parts.is_some() {
                self.stop("the store's writer ended unexpectedly".into());
            }
            return;
        }
        if !message.panicked || self.parts.is_none() {
            return;
        }
        let now = tokio::time::Instant::now();
        match self.policies.entry(child).or_default().ended_at(now) {
            Verdict::RestartAfter(pause) => {
                log::error!(target: "system", "{child:?} panicked; it starts anew in {pause:?}");
                ctx.run_later(pause, move |this, ctx| this.start_child(child, ctx));
            }
            Verdict::Escalate => self.stop(format!("{child:?} panics again and again")),
        }
    }
}

impl Handler<WakeUp> for Root {
    type Result = ();

    fn handle(&mut self, message: WakeUp, _: &mut Context<Self>) {
        if let Some(crawler) = &self.crawler {
            tell(&crawler.clone().recipient(), message);
        }
    }
}

impl Handler<LookAgain> for Root {
    type Result = ();

    fn handle(&mut self, message: LookAgain, _: &mut Context<Self>) {
        if let Some(crawler) = &self.crawler {
            tell(&crawler.clone().recipient(), message);
        }
    }
}

impl Handler<WindowOpened> for Root {
    type Result = ();

    fn handle(&mut self, message: WindowOpened, _: &mut Context<Self>) {
        if let Some(finality) = &self.finality {
            tell(&finality.clone().recipient(), message);
        }
    }
}

impl Handler<WindowsMoved> for Root {
    type Result = ();

    fn handle(&mut self, message: WindowsMoved, _: &mut Context<Self>) {
        if let Some(finality) = &self.finality {
            tell(&finality.clone().recipient(), message);
        }
    }
}

/// Take the children to drain them; from now on none is restarted.
#[derive(Debug, actix::Message)]
#[rtype(result = "Children")]
struct LetGo;

#[derive(Debug)]
struct Children {
    crawler: Option<Addr<Crawler>>,
    finality: Option<Addr<Finality>>,
    heartbeat: Option<Addr<Heartbeat>>,
}

impl Handler<LetGo> for Root {
    type Result = MessageResult<LetGo>;

    fn handle(&mut self, _: LetGo, _: &mut Context<Self>) -> Self::Result {
        self.parts = None;
        MessageResult(Children {
            crawler: self.crawler.take(),
            finality: self.finality.take(),
            heartbeat: self.heartbeat.take(),
        })
    }
}

/// A running network.
pub struct Network {
    handles: Handles,
    fatal: watch::Receiver<Option<String>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl Network {
    /// Starts all actors on this thread's arbiter. The database must hold a network already
    /// ([`super::store::open_network`]).
    pub async fn start(
        settings: NetworkSettings,
        database: Database,
        executor: Arc<dyn Executor>,
        clock: NetworkClock,
    ) -> Result<Self, StoreError> {
        Self::start_with(settings, database, executor, clock, Arc::new(Production)).await
    }

    /// [`Self::start`] with other parts between the actors.
    pub async fn start_with(
        settings: NetworkSettings,
        database: Database,
        executor: Arc<dyn Executor>,
        clock: NetworkClock,
        ports: Arc<dyn Ports>,
    ) -> Result<Self, StoreError> {
        let settings = Arc::new(settings);
        let database = Arc::new(database);
        let is_shared = database.is_shared();
        let (fatal_sender, fatal) = watch::channel(None);
        let root = Root::new(fatal_sender).start();
        let events = Events::new(settings.event_buffer).start();
        let store = Store::new(
            database,
            Arc::clone(&settings),
            clock.clone(),
            events.clone().recipient(),
            DeathWatch::new(Child::Writer, root.downgrade().recipient()),
            root.downgrade().recipient(),
            if settings.store_inline { ports.overseer() } else { None },
        )?
        .start();
        if is_shared {
            let (reads, newest) = (store.clone().recipient(), store.clone().recipient());
            let follow = FollowStore { events: reads, newest };
            events.send(follow).await.unwrap_or(Err(StoreError::Closed))?;
        }
        let catalog = Catalog::new(executor.models());
        let wiring = Wiring::new(Arc::clone(&settings), executor, clock.clone(), ports);
        let generation = Generation::begin(&wiring, store, &root);
        let (gate, permits) = (generation.gate(), wiring.permits());
        let begin = Begin(Parts { wiring, generation, gate: Arc::clone(&gate), is_shared });
        root.send(begin).await.ok().ok_or(StoreError::Closed)?;
        let handles = Handles { gate, events, root, permits, settings, clock, catalog };
        Ok(Self { handles, fatal })
    }

    /// What the API may ask.
    pub fn handles(&self) -> Handles {
        self.handles.clone()
    }

    /// Ends when something broke that only a new process can mend; says what.
    pub async fn broken(&self) -> String {
        let mut fatal = self.fatal.clone();
        let broken = fatal.wait_for(Option::is_some).await;
        broken.ok().and_then(|why| why.clone()).unwrap_or_else(|| "the root actor is gone".into())
    }

    /// Stops taking work, finishes what runs, at most for `deadline`, and closes the database.
    ///
    /// What is not finished by then returns to PENDING on the next start. Answers whether all was
    /// finished.
    pub async fn shut_down(self, deadline: Duration) -> bool {
        let Ok(children) = self.handles.root.send(LetGo).await else { return false };
        let drained = async {
            if let Some(crawler) = children.crawler {
                let _gone = crawler.send(Drain).await;
            }
            if let Some(finality) = children.finality {
                let _gone = finality.send(Drain).await;
            }
            if let Some(heartbeat) = children.heartbeat {
                let _gone = heartbeat.send(Drain).await;
            }
        };
        let finished = tokio::time::timeout(deadline, drained).await.is_ok();
        let store = self.handles.gate.read().await.store.clone();
        let closed = store.send(CloseStore).await;
        if let Ok(Err(error)) = &closed {
            log::error!(target: "system", "the database was not closed cleanly: {error}");
        }
        finished && matches!(closed, Ok(Ok(())))
    }
}

/// Runs `future` on a new actor system of this thread, until it ends.
pub fn block_on<F: Future>(future: F) -> F::Output {
    actix::System::new().block_on(future)
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
