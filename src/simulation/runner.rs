//! One run: the network's own actors on one thread, on virtual time, on a database in memory.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha3::{Digest as _, Keccak256};

use super::appeals::send_appeals;
use super::chance::Chance;
use super::executor::Simulated;
use super::laws::{Broken, Law, Violation};
use super::model::{Model, unreadable};
use super::outcome::{RunOutcome, TransactionOutcome};
use super::panics::Panics;
use super::ports::Simulation;
use super::scenario::{NetworkPlan, Scenario, Stakes};
use super::trace::{About, Trace, TraceTo};
use super::workload::{CHAIN_ID, Workload, send_all};
use super::world::{BEGINNING, Halt, World, fold_event};
use crate::actors::clock::NetworkClock;
use crate::actors::handles::Handles;
use crate::actors::ports::Ports;
use crate::actors::settings::NetworkSettings;
use crate::actors::store::{Database, open_network};
use crate::actors::system::Network;
use crate::domain::ledger::{Genesis, StoreError};
use crate::domain::{Address, Amount, Clock, Digest, Stake, Validator};
use crate::protocol::{REPLACEMENTS_MAX, Timeouts};
use crate::storage;

/// Puts something between the simulation's parts; for tests that break a law on purpose.
pub type Wrap = Arc<dyn Fn(Box<dyn Ports>) -> Box<dyn Ports> + Send + Sync>;

/// How to run a scenario once.
#[derive(Clone, Default)]
pub struct RunSettings {
    /// Everything random derives from it.
    pub seed: u64,
    /// Where the trace goes.
    pub trace: TraceTo,
    /// What stands between the simulation and the network.
    pub wrap: Option<Wrap>,
}

impl std::fmt::Debug for RunSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunSettings(seed {}, trace to {:?})", self.seed, self.trace)
    }
}

/// A law was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Under which seed.
    pub seed: u64,
    /// Which law, and how.
    pub violation: Violation,
    /// The last lines of the trace.
    pub tail: Vec<String>,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A law was broken.
    #[error("{}", .0.violation.law)]
    Law(Box<Failure>),
    /// The simulation itself cannot be had.
    #[error("the network cannot be simulated: {0}")]
    Store(#[from] StoreError),
    /// The trace cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Trace {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Runs `scenario` once, until everything it submits is final.
pub fn run(scenario: &Arc<Scenario>, settings: &RunSettings) -> Result<RunOutcome, RunError> {
    let chance = Chance::new(settings.seed);
    let genesis = genesis(&scenario.network, scenario, chance);
    let validators = Arc::new(genesis.validators.clone());
    let model = Model::new(scenario, genesis.seed, validators, &genesis.accounts);
    let trace = Trace::new(&settings.trace).map_err(|source| RunError::Trace {
        path: match &settings.trace {
            TraceTo::File(path) => path.clone(),
            TraceTo::Nowhere | TraceTo::Screen => PathBuf::from("standard output"),
        },
        source,
    })?;
    let accounts = genesis.accounts.iter().map(|(address, _)| *address).collect();
    let workload = Arc::new(Mutex::new(Workload::new(scenario, accounts, chance)));
    let world =
        Arc::new(World::new(Arc::clone(scenario), chance, model, trace, &genesis.validators));
    let run = Run { world, workload, genesis, settings, database: Database::in_memory()? };
    run.finish()
}

/// Validators, accounts and the seed of the network.
fn genesis(plan: &NetworkPlan, scenario: &Scenario, chance: Chance) -> Genesis {
    let mut draws = chance.stream("stakes", 0);
    let mut validators: Vec<Validator> = (0..plan.validators)
        .filter_map(|number| {
            let stake = match &plan.stakes {
                Stakes::List(stakes) => stakes.get(number).copied().unwrap_or(1),
                Stakes::Drawn(spread) => draws.sample(*spread).max(1),
            };
            let stake = Stake::try_from(stake).ok()?;
            Some(Validator { address: address(chance.digest("validator", number)), stake })
        })
        .collect();
    validators.sort_by_key(|validator| validator.address);
    let balance = Amount::from(scenario.workload.balance);
    let accounts = (0..scenario.workload.accounts)
        .map(|number| (address(chance.digest("account", number)), balance))
        .collect();
    Genesis {
        seed: chance.digest("network", 0),
        chain_id: CHAIN_ID,
        validators,
        accounts,
        finality_window: plan.finality_window,
        profile: plan.profile,
        at: BEGINNING,
    }
}

fn address(digest: Digest) -> Address {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest.as_bytes().split_at(12).1);
    Address::new(bytes)
}

struct Run<'a> {
    world: Arc<World>,
    workload: Arc<Mutex<Workload>>,
    genesis: Genesis,
    settings: &'a RunSettings,
    /// Keeps the data from one actor system to the next.
    database: Database,
}

impl Run<'_> {
    fn finish(self) -> Result<RunOutcome, RunError> {
        let _panics = Panics::listen();
        loop {
            self.live()?;
            self.world.check_panics(&mut self.world.lock());
            let halt = self.world.lock().halt.take();
            match halt {
                Some(Halt::Crashed) => {}
                Some(Halt::Violated(violation)) => return Err(self.failed(violation)),
                Some(Halt::Finished) | None => break,
            }
        }
        let checked = self.check_the_end();
        if let Err(broken) = checked {
            self.world.violated(&mut self.world.lock(), broken);
            let halt = self.world.lock().halt.take();
            if let Some(Halt::Violated(violation)) = halt {
                return Err(self.failed(violation));
            }
        }
        Ok(self.outcome())
    }

    /// One actor system from its start to its end.
    fn live(&self) -> Result<(), StoreError> {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            #[expect(clippy::expect_used, reason = "without a runtime there is no simulation")]
            builder.enable_time().start_paused(true).build().expect("BUG: a runtime can be built")
        };
        let system = actix::System::with_tokio_rt(runtime);
        system.block_on(self.life())
    }

    async fn life(&self) -> Result<(), StoreError> {
        let world = &self.world;
        let begins = BEGINNING.after(world.lock().elapsed);
        let clock = NetworkClock::starting_at(begins);
        world.lock().begin_life(clock.clone());
        let settings = self.network_settings();
        let genesis = Genesis { at: clock.now(), ..self.genesis.clone() };
        let database = self.database.share()?;
        open_network(&database, &genesis, settings.attempts_max, &clock)?;
        self.catch_up()?;
        let executor = Arc::new(Simulated { world: Arc::clone(world) });
        let mut ports: Box<dyn Ports> = Box::new(Simulation { world: Arc::clone(world) });
        if let Some(wrap) = &self.settings.wrap {
            ports = wrap(ports);
        }
        let network =
            Network::start_with(settings, database, executor, clock, Arc::from(ports)).await?;
        let handles = network.handles();
        actix::spawn(listen(Arc::clone(world), handles.clone()));
        let appellant =
            self.genesis.accounts.first().map_or(Address::ZERO, |(address, _)| *address);
        actix::spawn(send_appeals(Arc::clone(world), appellant, handles.clone()));
        actix::spawn(send_all(Arc::clone(world), Arc::clone(&self.workload), handles));
        self.watch(&network).await;
        world.lock().end_life();
        Ok(())
    }

    /// Waits for the end of this life.
    async fn watch(&self, network: &Network) {
        let world = &self.world;
        let patience = self.patience();
        loop {
            let commits = world.lock().commits;
            tokio::select! {
                biased;
                () = world.halted.notified() => {}
                why = network.broken() => {
                    let mut state = world.lock();
                    let now = state.now_ms();
                    state.trace.line(now, About::NOTHING, "network", format_args!("starts again: {why}"));
                    world.halt(&mut state, Halt::Crashed);
                }
                () = tokio::time::sleep(patience) => self.complain(commits),
            }
            let halt = world.lock().halt.clone();
            match halt {
                None => {}
                Some(Halt::Finished) => {
                    // What was committed last is on its way to subscribers.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    let mut state = world.lock();
                    let missing = state.unpublished.len();
                    let published = Law::EVENTS
                        .unless(missing == 0, || format!("{missing} events were never published"));
                    world.check(&mut state, published);
                    return;
                }
                Some(_) => return,
            }
        }
    }

    /// Nothing was committed for a long time: law 3, unless nothing is open.
    fn complain(&self, commits: u64) {
        let mut state = self.world.lock();
        if state.commits != commits || state.model.open == 0 {
            return;
        }
        let open = state.model.order.iter().find_map(|hash| {
            let entry = state.model.entries.get(hash)?;
            (!entry.status.is_terminal()).then(|| format!("`{hash}` stays {}", entry.status))
        });
        let stuck = Law::NOTHING_LOST.broken(open.unwrap_or_else(|| "nothing happens".to_owned()));
        self.world.violated(&mut state, stuck);
    }

    /// How long a healthy network may commit nothing: every leader's turn to its last deadline,
    /// the window, the longest pauses between tries, and the faults of the store.
    fn patience(&self) -> Duration {
        let plan = &self.world.scenario.network;
        let turn = plan.leader_timeout + plan.validator_timeout + plan.reveal_timeout;
        let turns = u32::from(plan.rotations) + u32::from(REPLACEMENTS_MAX) + 1;
        let faults = self.world.lock().faults.store_until();
        (turn + Duration::from_secs(6)) * turns
            + plan.finality_window
            + plan.crawl_interval * 2
            + faults
            + Duration::from_mins(15)
    }

    fn network_settings(&self) -> NetworkSettings {
        let plan = &self.world.scenario.network;
        let mut settings = NetworkSettings::new(CHAIN_ID, self.genesis.seed);
        "simulation".clone_into(&mut settings.owner);
        settings.timeouts = Timeouts {
            leader: plan.leader_timeout,
            validators: plan.validator_timeout,
            reveal: plan.reveal_timeout,
        };
        settings.finality_window = plan.finality_window;
        settings.profile = plan.profile;
        settings.early_quorum = plan.early_quorum;
        settings.sandbox_mint = plan.sandbox_mint;
        settings.attempts_max = plan.attempts;
        settings.consensus_max = plan.rounds;
        // Silent nodes keep theirs until their deadline; a machine of its own has no such limit.
        settings.executions_max = usize::MAX;
        settings.store_inline = true;
        settings.crawl_interval = plan.crawl_interval;
        settings.event_buffer = 4_096;
        settings
    }

    /// What the recovery of a restart committed, before anybody listened.
    fn catch_up(&self) -> Result<(), StoreError> {
        let mut conn = self.database.writer()?;
        loop {
            let cursor = self.world.lock().model.cursor;
            let events = storage::event_last_cursor(&mut conn).and_then(|last| {
                if last > cursor {
                    storage::events_after(&mut conn, cursor, 512)
                } else {
                    Ok(Vec::new())
                }
            })?;
            if events.is_empty() {
                break;
            }
            self.world.committed(&mut conn, &events);
            if self.world.lock().halt.is_some() {
                break;
            }
        }
        // Nobody will publish them: who listens reads them from the store.
        self.world.lock().unpublished.clear();
        Ok(())
    }

    /// The end of the run: the tables, and the events from the first cursor on.
    fn check_the_end(&self) -> Result<(), Broken> {
        let mut conn = self.database.writer().map_err(unreadable)?;
        let state = self.world.lock();
        state.model.compare_all(&mut conn)?;
        let mut replayed = Keccak256::new();
        let mut cursor = 0;
        while cursor < state.model.cursor {
            let events = storage::events_after(&mut conn, cursor, 512).map_err(unreadable)?;
            let Some(last) = events.last() else { break };
            cursor = last.cursor;
            for event in &events {
                fold_event(&mut replayed, event);
            }
        }
        let replayed: [u8; 32] = replayed.finalize().into();
        Law::EVENTS.unless(replayed == state.events_digest(), || {
            "the events read from the first cursor on are not those that were published".to_owned()
        })
    }

    fn failed(&self, violation: Violation) -> RunError {
        let mut state = self.world.lock();
        state.trace.flush();
        let tail = state.trace.tail();
        RunError::Law(Box::new(Failure { seed: self.settings.seed, violation, tail }))
    }

    fn outcome(&self) -> RunOutcome {
        let mut guard = self.world.lock();
        let state = &mut *guard;
        state.trace.flush();
        let since = |at: crate::domain::Timestamp| {
            u64::try_from(at.since(BEGINNING).as_millis()).unwrap_or(u64::MAX)
        };
        let entries = state.model.order.iter().filter_map(|hash| state.model.entries.get(hash));
        let transactions = entries.map(|entry| TransactionOutcome {
            kind: entry.transaction.payload.kind(),
            status: entry.status,
            decision: entry.decision,
            is_wrong: entry.is_wrong,
            rounds: entry.rounds,
            rotations: entry.rotations,
            appeals: entry.appeals,
            appeals_successful: entry.appeals_successful,
            submitted_ms: since(entry.submitted_at),
            decided_ms: entry.decided_at.map(since),
            finalized_ms: entry.finalized_at.map(since),
        });
        RunOutcome {
            seed: self.settings.seed,
            transactions: transactions.collect(),
            events: state.events,
            virtual_ms: state.now_ms(),
            trace_digest: state.trace.digest(),
        }
    }
}

/// A subscriber: law 10 as clients see it.
async fn listen(world: Arc<World>, handles: Handles) {
    use tokio::sync::broadcast::error::RecvError;
    let Ok(mut events) = handles.subscribe().await else { return };
    let mut is_first = true;
    loop {
        match events.recv().await {
            Ok(event) => {
                let mut guard = world.lock();
                let state = &mut *guard;
                if std::mem::take(&mut is_first) {
                    // The network was at work before anybody listened.
                    state.unpublished.retain(|committed| committed.cursor >= event.cursor);
                }
                let next = state.unpublished.pop_front();
                let is_next = next.as_ref() == Some(&*event);
                let published = Law::EVENTS.unless(is_next, || {
                    format!("event {} was published out of turn, or never stored", event.cursor)
                });
                world.check(state, published);
            }
            Err(RecvError::Lagged(missed)) => {
                let mut state = world.lock();
                let missed = usize::try_from(missed).unwrap_or(usize::MAX);
                let missed = missed.min(state.unpublished.len());
                state.unpublished.drain(..missed);
            }
            Err(RecvError::Closed) => return,
        }
    }
}
