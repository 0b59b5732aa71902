//! The root: restarts what panicked, with growing pauses, and gives up when it happens too often.

use std::sync::Arc;
use std::time::Duration;

use actix::{Context, Handler, Message};

use super::{Child, Crawler, Network, Root};
use crate::actors::clock::NetworkClock;
use crate::actors::settings::NetworkSettings;
use crate::actors::store::{Database, DatabaseOptions, open_network};
use crate::actors::supervision::Terminated;
use crate::actors::tell;
use crate::domain::ledger::{Genesis, NewTransaction};
use crate::domain::{
    Address, Amount, Clock, Digest, Payload, Stake, Status, TransactionRules, Validator,
};
use crate::execution::scripted::Scripted;

/// Makes the crawler panic.
#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Crash> for Crawler {
    type Result = ();
    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("on purpose");
    }
}

impl Handler<Crash> for Root {
    type Result = ();
    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        tell(&self.crawler.clone().unwrap().recipient(), Crash);
    }
}

const SEED: Digest = Digest::new([4; 32]);
const RICH: Address = Address::new([1; 20]);

async fn start(folder: &tempfile::TempDir) -> Network {
    let clock = NetworkClock::start();
    let url = folder.path().join("agora.sqlite").display().to_string();
    let database = Database::open(&url, DatabaseOptions::default()).unwrap();
    let settings = NetworkSettings::new(1, SEED);
    let validator =
        Validator { address: Address::new([2; 20]), stake: Stake::try_from(1).unwrap() };
    let genesis = Genesis {
        seed: SEED,
        chain_id: 1,
        validators: vec![validator],
        accounts: vec![(RICH, Amount::from(100))],
        profile: settings.profile,
        finality_window: settings.finality_window,
        at: clock.now(),
    };
    open_network(&database, &genesis, settings.attempts_max, &clock).unwrap();
    Network::start(settings, database, Arc::new(Scripted::echo()), clock).await.unwrap()
}

async fn transfer(network: &Network) -> Status {
    let handles = network.handles();
    let mut events = handles.subscribe().await.unwrap();
    let new = NewTransaction {
        from: Some(RICH),
        to: Some(Address::new([3; 20])),
        value: Amount::from(1),
        payload: Payload::Transfer,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
        envelope: None,
        context: None,
    };
    let hash = handles.submit(new).await.unwrap().hash;
    let done = async {
        loop {
            let status = handles.transaction(hash).await.unwrap().unwrap().status;
            if status.is_terminal() {
                return status;
            }
            while events.recv().await.is_ok_and(|event| event.transaction != hash) {}
        }
    };
    tokio::time::timeout(Duration::from_secs(10), done).await.unwrap()
}

#[actix::test]
async fn a_crawler_that_ends_is_replaced_and_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    assert_eq!(transfer(&network).await, Status::Finalized);
    network.handles().root.send(Crash).await.unwrap();
    // What is submitted while there is no crawler waits in the database for the next one.
    assert_eq!(transfer(&network).await, Status::Finalized);
    assert!(network.shut_down(Duration::from_secs(5)).await);
}

#[actix::test]
async fn a_child_that_panics_again_and_again_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    let root = network.handles().root.recipient();
    for _ in 0..6 {
        tell(&root, Terminated { child: Child::Finality, panicked: true });
    }
    let why = tokio::time::timeout(Duration::from_secs(5), network.broken()).await.unwrap();
    assert!(why.contains("Finality"), "{why}");
}

#[actix::test]
async fn a_lost_writer_ends_the_process_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let network = start(&folder).await;
    let root = network.handles().root.recipient();
    tell(&root, Terminated { child: Child::Writer, panicked: true });
    let why = tokio::time::timeout(Duration::from_secs(5), network.broken()).await.unwrap();
    assert!(why.contains("writer"), "{why}");
}
