//! A network for tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agora::actors::clock::NetworkClock;
use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::actors::store::open_network;
use agora::actors::system::Network;
use agora::domain::calldata::Value;
use agora::domain::ledger::{Genesis, NewTransaction, TransactionRecord};
use agora::domain::{
    Address, Amount, Bytes, Clock, DerivedKey, Digest, KeyUse, Payload, Stake, Status,
    TransactionRules, TxHash, Validator,
};
use agora::execution::Executor;
use agora::storage::{Database, DatabaseOptions};

pub(crate) const SEED: Digest = Digest::new([7; 32]);

/// Account number `number` of the test network; each starts with 1 000 coins.
pub(crate) fn account(number: u64) -> Address {
    DerivedKey::derive(&SEED, KeyUse::Account, number).address()
}

fn genesis(validators: u64, clock: &NetworkClock) -> Genesis {
    let validator = |number| Validator {
        address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
        stake: Stake::try_from(number + 1).unwrap(),
    };
    Genesis {
        seed: SEED,
        chain_id: 61_127,
        validators: (0..validators).map(validator).collect(),
        accounts: (0..4).map(|number| (account(number), Amount::coins(1_000))).collect(),
        at: clock.now(),
    }
}

pub(crate) fn settings() -> NetworkSettings {
    let mut settings = NetworkSettings::new(61_127, SEED);
    settings.finality_window = Duration::from_millis(200);
    settings.crawl_interval = Duration::from_millis(100);
    settings
}

/// Starts a network of eight validators on the database in `folder`.
pub(crate) async fn start(
    folder: &Path,
    settings: NetworkSettings,
    executor: Arc<dyn Executor>,
) -> Network {
    start_with(folder, settings, executor, 8).await
}

pub(crate) async fn start_with(
    folder: &Path,
    settings: NetworkSettings,
    executor: Arc<dyn Executor>,
    validators: u64,
) -> Network {
    let clock = NetworkClock::start();
    let url = folder.join("agora.sqlite").display().to_string();
    let database = Database::open(&url, DatabaseOptions::default()).unwrap();
    open_network(&database, &genesis(validators, &clock), settings.attempts_max).unwrap();
    Network::start(settings, database, executor, Arc::new(clock)).await.unwrap()
}

pub(crate) fn transaction(from: Address, to: Option<Address>, payload: Payload) -> NewTransaction {
    NewTransaction {
        from: Some(from),
        to,
        value: Amount::ZERO,
        payload,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
    }
}

pub(crate) fn deploy(from: Address) -> NewTransaction {
    let payload = Payload::Deploy { code: Bytes::from_static(b"pass"), calldata: call_data("") };
    transaction(from, None, payload)
}

pub(crate) fn call(from: Address, to: Address, method: &str) -> NewTransaction {
    transaction(from, Some(to), Payload::Call { calldata: call_data(method) })
}

pub(crate) fn transfer(from: Address, to: Address, value: u64) -> NewTransaction {
    let transfer = transaction(from, Some(to), Payload::Transfer);
    NewTransaction { value: Amount::from(value), ..transfer }
}

fn call_data(method: &str) -> Bytes {
    Value::call(Some(method), Vec::new(), std::collections::BTreeMap::new()).encode().into()
}

/// Waits until the transaction satisfies `wanted`, by its events.
pub(crate) async fn wait_until(
    handles: &Handles,
    hash: TxHash,
    wanted: impl Fn(Status) -> bool,
) -> TransactionRecord {
    let mut events = handles.subscribe().await.unwrap();
    let reached = async {
        loop {
            let record = handles.transaction(hash).await.unwrap().unwrap();
            if wanted(record.status) {
                return record;
            }
            while events.recv().await.is_ok_and(|event| event.transaction != hash) {}
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect("the status is not reached")
}

pub(crate) async fn decided(handles: &Handles, hash: TxHash) -> TransactionRecord {
    wait_until(handles, hash, Status::is_decided).await
}

/// Deploys a contract and waits for its acceptance.
pub(crate) async fn deployed(handles: &Handles) -> Address {
    let submitted = handles.submit(deploy(account(0))).await.unwrap();
    let record = decided(handles, submitted.hash).await;
    assert_eq!(record.status, Status::Accepted, "{record:?}");
    submitted.contract.unwrap()
}
