//! Loads on a real network: real actors, SQLite at `synchronous=FULL`, contracts that answer at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agora::actors::clock::NetworkClock;
use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::actors::store::open_network;
use agora::actors::system::Network;
use agora::domain::ledger::{Genesis, NewTransaction};
use agora::domain::{
    Address, Amount, Bytes, Clock, DerivedKey, Digest, Event, EventKind, Execution,
    ExecutionOutcome, KeyUse, PageKey, Pages, Payload, SlotId, Stake, StateDelta, Status,
    TransactionRules, TxHash, Validator,
};
use agora::execution::scripted::Scripted;
use agora::storage::{self, Database, DatabaseOptions, SubmitContext};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use super::measure::{Figures, Measurement};

const SEED: Digest = Digest::new([5; 32]);
const CHAIN_ID: u64 = 61_127;

#[derive(Clone, Copy)]
pub(crate) enum Work {
    Calls { contracts: usize },
    Transfers { recipients: usize },
}

#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) in_flight: usize,
    pub(crate) count: usize,
    pub(crate) finality_window: Duration,
}

/// Derived once: clients do not pay for it with every transaction.
fn sender() -> Address {
    static SENDER: std::sync::LazyLock<Address> =
        std::sync::LazyLock::new(|| DerivedKey::derive(&SEED, KeyUse::Account, 0).address());
    *SENDER
}

/// A contract that stores one page of 100 bytes and returns a byte.
fn executor() -> Scripted {
    let key = PageKey { slot: SlotId(Digest::new([1; 32])), index: 0 };
    Scripted::new(move |request| {
        let mut execution = Execution::ending(ExecutionOutcome::Return(Bytes::from_static(&[9])));
        let mut page = request.calldata.to_vec();
        page.resize(100, 1);
        execution.state = StateDelta(Pages::from([(key, page.into())]));
        Ok(execution)
    })
}

fn open(folder: &Path, settings: &NetworkSettings) -> (Database, NetworkClock) {
    let clock = NetworkClock::start();
    let url = folder.join("bench.sqlite").display().to_string();
    let database = Database::open(&url, DatabaseOptions::default()).unwrap();
    let validator = |number| Validator {
        address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
        stake: Stake::try_from(100).unwrap(),
    };
    let genesis = Genesis {
        seed: SEED,
        chain_id: CHAIN_ID,
        validators: (0..5).map(validator).collect(),
        accounts: vec![(sender(), Amount::coins(1_000_000))],
        profile: settings.profile,
        finality_window: settings.finality_window,
        at: clock.now(),
    };
    open_network(&database, &genesis, settings.attempts_max, &clock).unwrap();
    (database, clock)
}

fn settings(finality_window: Duration) -> NetworkSettings {
    let mut settings = NetworkSettings::new(CHAIN_ID, SEED);
    settings.finality_window = finality_window;
    settings.event_buffer = 1 << 18;
    settings
}

fn new_transaction(to: Option<Address>, payload: Payload) -> NewTransaction {
    let value = match payload {
        Payload::Transfer => Amount::from(1),
        _ => Amount::ZERO,
    };
    NewTransaction {
        from: Some(sender()),
        to,
        value,
        payload,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
        envelope: None,
        context: None,
    }
}

fn call(to: Address, number: usize) -> NewTransaction {
    let calldata = Bytes::copy_from_slice(&number.to_be_bytes());
    new_transaction(Some(to), Payload::Call { calldata })
}

fn deploy(number: usize) -> NewTransaction {
    let code = Bytes::from_static(b"pass");
    let calldata = Bytes::copy_from_slice(&number.to_be_bytes());
    new_transaction(None, Payload::Deploy { code, calldata })
}

/// Tells waiting clients that their transaction is decided, or final.
struct Waiters {
    register: mpsc::UnboundedSender<(TxHash, oneshot::Sender<()>)>,
}

impl Waiters {
    async fn start(handles: &Handles, wanted: fn(Status) -> bool) -> Self {
        let events = handles.subscribe().await.unwrap();
        let (register, registered) = mpsc::unbounded_channel();
        actix::spawn(serve(events, registered, wanted));
        Self { register }
    }

    fn wait_for(&self, hash: TxHash) -> oneshot::Receiver<()> {
        let (done, waiting) = oneshot::channel();
        self.register.send((hash, done)).unwrap();
        waiting
    }
}

async fn serve(
    mut events: broadcast::Receiver<Arc<Event>>,
    mut registered: mpsc::UnboundedReceiver<(TxHash, oneshot::Sender<()>)>,
    wanted: fn(Status) -> bool,
) {
    let mut waiting: HashMap<TxHash, Option<oneshot::Sender<()>>> = HashMap::new();
    loop {
        tokio::select! {
            biased;
            event = events.recv() => {
                let Ok(event) = event else { return };
                let EventKind::StatusChanged { status, .. } = event.kind else { continue };
                if wanted(status) {
                    // It may be decided before its client knows its hash.
                    if let Some(Some(done)) = waiting.insert(event.transaction, None) {
                        let _gone = done.send(());
                    }
                }
            }
            entry = registered.recv() => {
                let Some((hash, done)) = entry else { return };
                match waiting.entry(hash) {
                    Entry::Occupied(_) => drop(done.send(())),
                    Entry::Vacant(entry) => drop(entry.insert(Some(done))),
                }
            }
        }
    }
}

/// `in_flight` clients, each submitting its next transaction when the last one is decided.
pub(crate) fn run(load: Load) -> Figures {
    actix::System::new().block_on(async move {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(load.finality_window);
        let (database, clock) = open(folder.path(), &settings);
        let network =
            Network::start(settings, database, Arc::new(executor()), clock).await.unwrap();
        let handles = network.handles();
        let wanted: fn(Status) -> bool = if load.finality_window.is_zero() {
            |status| status == Status::Finalized
        } else {
            Status::is_decided
        };
        let waiters = Arc::new(Waiters::start(&handles, wanted).await);
        let targets = targets(&handles, &waiters, load.work).await;
        let numbers = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let measurement = Measurement::start();
        let clients = (0..load.in_flight).map(|_| {
            let (handles, waiters) = (handles.clone(), Arc::clone(&waiters));
            let (targets, numbers) = (targets.clone(), Arc::clone(&numbers));
            actix::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= load.count {
                        return latencies;
                    }
                    let target = targets[number % targets.len()];
                    let transaction = match load.work {
                        Work::Calls { .. } => call(target, number),
                        Work::Transfers { .. } => new_transaction(Some(target), Payload::Transfer),
                    };
                    let started = Instant::now();
                    let submitted = handles.submit(transaction).await.unwrap();
                    waiters.wait_for(submitted.hash).await.unwrap();
                    latencies.push(started.elapsed());
                }
            })
        });
        let mut latencies = Vec::with_capacity(load.count);
        for client in clients.collect::<Vec<_>>() {
            latencies.extend(client.await.unwrap());
        }
        let figures = measurement.end(load.count, latencies);
        assert!(network.shut_down(Duration::from_secs(10)).await, "the shutdown was not clean");
        figures
    })
}

async fn targets(handles: &Handles, waiters: &Waiters, work: Work) -> Vec<Address> {
    match work {
        Work::Transfers { recipients } => (0..recipients)
            .map(|number| DerivedKey::derive(&SEED, KeyUse::Account, number as u64 + 1).address())
            .collect(),
        Work::Calls { contracts } => {
            let mut targets = Vec::new();
            for number in 0..contracts {
                let submitted = handles.submit(deploy(number)).await.unwrap();
                waiters.wait_for(submitted.hash).await.unwrap();
                targets.push(submitted.contract.unwrap());
            }
            targets
        }
    }
}

/// `queued` calls wait in the database when the network starts; measures until all are decided.
pub(crate) fn run_queued(queued: usize) -> Figures {
    actix::System::new().block_on(async move {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(Duration::from_hours(1));
        let (database, clock) = open(folder.path(), &settings);
        fill(&database, &clock, queued);
        let measurement = Measurement::start();
        let network =
            Network::start(settings, database, Arc::new(executor()), clock).await.unwrap();
        let handles = network.handles();
        let mut events = handles.subscribe().await.unwrap();
        let total = queued as u64 + 100;
        let mut accepted = 0;
        for event in handles.events_after(0, usize::MAX >> 1).await.unwrap() {
            accepted += u64::from(is_accepted(&event));
        }
        let mut known = handles.last_cursor().await.unwrap();
        while accepted < total {
            let event = events.recv().await.expect("the ring holds every event");
            if event.cursor > known {
                known = event.cursor;
                accepted += u64::from(is_accepted(&event));
            }
        }
        let figures = measurement.end(queued, Vec::new());
        assert!(network.shut_down(Duration::from_secs(10)).await, "the shutdown was not clean");
        figures
    })
}

fn is_accepted(event: &Event) -> bool {
    matches!(event.kind, EventKind::StatusChanged { status: Status::Accepted, .. })
}

/// Stores 100 deployments and `queued` calls to them, undecided.
fn fill(database: &Database, clock: &NetworkClock, queued: usize) {
    let mut conn = database.writer().unwrap();
    let submit = SubmitContext { chain_id: CHAIN_ID, sandbox_mint: true, at: clock.now() };
    let mut contracts = Vec::new();
    storage::batch(&mut conn, |conn, ctx| {
        contracts = (0..100)
            .map(|number| storage::transaction_submit_in_txn(conn, ctx, &deploy(number), &submit))
            .map(|submitted| submitted.map(|submitted| submitted.contract.unwrap()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(())
    })
    .unwrap();
    let numbers: Vec<usize> = (0..queued).collect();
    for chunk in numbers.chunks(1_000) {
        storage::batch(&mut conn, |conn, ctx| {
            for number in chunk {
                let new = call(contracts[number % 100], *number);
                storage::transaction_submit_in_txn(conn, ctx, &new, &submit)?;
            }
            Ok(())
        })
        .unwrap();
    }
}
