//! A network for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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
use diesel::connection::SimpleConnection;

pub(crate) const SEED: Digest = Digest::new([7; 32]);

/// A database of one test, gone with it.
pub(crate) struct Place {
    pub(crate) url: String,
    keeps: Keeps,
}

enum Keeps {
    Folder { _folder: tempfile::TempDir },
    Postgres { admin: String, name: String },
    Nothing,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("agora.sqlite").display().to_string();
        Self { url, keeps: Keeps::Folder { _folder: folder } }
    }

    /// A database that somebody else keeps.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), keeps: Keeps::Nothing }
    }

    /// `None` without a server to test on, which `tests/store` says loudly and CI refuses.
    pub(crate) fn postgres() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(admin) = std::env::var("AGORA_TEST_POSTGRES_URL") else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "AGORA_TEST_POSTGRES_URL must be set in CI");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora_it_{}_{number}", std::process::id());
        administer(&admin, &format!("CREATE DATABASE {name}"));
        let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
        Some(Self { url, keeps: Keeps::Postgres { admin, name } })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Keeps::Postgres { admin, name } = &self.keeps {
            administer(admin, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn administer(admin: &str, statement: &str) {
    let mut conn = <diesel::PgConnection as diesel::Connection>::establish(admin).unwrap();
    conn.batch_execute(statement).unwrap();
}

/// Defines a test that runs on SQLite and, where there is a server, on PostgreSQL.
macro_rules! on_both {
    (async fn $name:ident($place:ident: Place) $body:block) => {
        mod $name {
            use super::*;

            #[actix::test]
            async fn sqlite() {
                let $place = Place::sqlite();
                $body
            }

            #[actix::test]
            async fn postgres() {
                let Some($place) = Place::postgres() else { return };
                $body
            }
        }
    };
}
pub(crate) use on_both;

/// Account number `number` of the test network; each starts with 1 000 coins.
pub(crate) fn account(number: u64) -> Address {
    DerivedKey::derive(&SEED, KeyUse::Account, number).address()
}

fn genesis(validators: u64, settings: &NetworkSettings, clock: &NetworkClock) -> Genesis {
    let validator = |number| Validator {
        address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
        stake: Stake::try_from(number + 1).unwrap(),
    };
    Genesis {
        profile: settings.profile,
        finality_window: settings.finality_window,
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

/// Starts a network of eight validators on the database at `place`.
pub(crate) async fn start(
    place: &Place,
    settings: NetworkSettings,
    executor: Arc<dyn Executor>,
) -> Network {
    start_with(place, settings, executor, 8).await
}

pub(crate) async fn start_with(
    place: &Place,
    settings: NetworkSettings,
    executor: Arc<dyn Executor>,
    validators: u64,
) -> Network {
    let clock = NetworkClock::start();
    let database = Database::open(&place.url, DatabaseOptions::default()).unwrap();
    let genesis = genesis(validators, &settings, &clock);
    open_network(&database, &genesis, settings.attempts_max, &clock).unwrap();
    Network::start(settings, database, executor, clock).await.unwrap()
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
        envelope: None,
        context: None,
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
            while events.recv().await.is_ok_and(|event| !event.concerns(hash)) {}
        }
    };
    let Ok(record) = tokio::time::timeout(Duration::from_secs(20), reached).await else {
        panic!("the status is not reached: {:?}", handles.transaction(hash).await);
    };
    record
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
