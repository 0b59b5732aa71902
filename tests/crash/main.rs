//! kill -9 in a loop: the real process dies at random moments under load, and afterwards every
//! counter must show that nothing was lost and nothing happened twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::as_conversions,
    reason = "a test stops at the first surprise, and says what it measured"
)]

mod disk;
#[path = "../support/process.rs"]
mod process;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};

use process::{Server, account};

const KILLS: u32 = 12;
const CLIENTS: usize = 6;

const COUNTER: &str = r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

class Counter(gl.Contract):
    total: u256

    def __init__(self):
        self.total = u256(0)

    @gl.public.write
    def add(self, amount: u256) -> None:
        self.total = u256(self.total + amount)

    @gl.public.view
    def get(self) -> int:
        return self.total
"#;

/// What the clients did, by idempotency key.
#[derive(Default)]
struct Ledger {
    /// Keys whose submission was answered 202, with the transaction's hash.
    answered: RefCell<BTreeMap<String, String>>,
    /// Submissions that were sent again because their answer never came.
    resent: Cell<u32>,
    stop: Cell<bool>,
}

/// One client: submits its next transaction, again and again until somebody answers.
async fn client(server: Rc<Server>, ledger: Rc<Ledger>, number: usize, contracts: Vec<String>) {
    for serial in 0.. {
        if ledger.stop.get() {
            return;
        }
        let key = format!("client-{number}-{serial}");
        let from = account(u64::try_from(number).unwrap() + 1);
        let body = if number.is_multiple_of(2) {
            let to = &contracts[serial % contracts.len()];
            json!({ "type": "call", "from": from, "to": to, "method": "add", "args": [1] })
        } else {
            json!({ "type": "transfer", "from": from, "to": account(9), "value": 1 })
        };
        let mut tries = 0;
        loop {
            match server.post("/v1/transactions", &body, Some(&key)).await {
                Ok((202, answer)) => {
                    let hash = answer["hash"].as_str().unwrap().to_owned();
                    let before = ledger.answered.borrow_mut().insert(key.clone(), hash);
                    assert_eq!(before, None, "a key is used once");
                    break;
                }
                Ok((status, answer)) => panic!("unexpected answer {status}: {answer}"),
                Err(_) => {
                    tries += 1;
                    if tries == 1 {
                        ledger.resent.set(ledger.resent.get() + 1);
                    }
                    server.pause().await;
                }
            }
        }
    }
}

async fn deploy(server: &Server) -> String {
    let body = json!({ "type": "deploy", "from": account(0), "code": COUNTER });
    let (status, answer) = server.post("/v1/transactions", &body, None).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    let record = decided(server, answer["hash"].as_str().unwrap()).await;
    assert_eq!(record["status"], "ACCEPTED", "{record}");
    answer["contract"].as_str().unwrap().to_owned()
}

/// Waits for a decision by long-polling.
async fn decided(server: &Server, hash: &str) -> Value {
    for _ in 0..60 {
        let path = format!("/v1/transactions/{hash}?wait=DECIDED&timeout=5");
        let (status, record) = server.get(&path).await.unwrap();
        assert_eq!(status, 200, "{record}");
        if !["PENDING", "PROPOSING", "COMMITTING", "REVEALING"]
            .contains(&record["status"].as_str().unwrap())
        {
            return record;
        }
    }
    panic!("{hash} is never decided");
}

#[actix::test]
async fn kill_minus_nine_loses_nothing_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Rc::new(Server::new(folder.path(), &["--finality-window", "1"]));
    server.start().await;
    let contracts = vec![deploy(&server).await, deploy(&server).await];
    let received_before = balance(&server).await;

    let ledger = Rc::new(Ledger::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| client(Rc::clone(&server), Rc::clone(&ledger), number, contracts.clone()))
        .map(actix::spawn)
        .collect();
    let seed =
        std::env::var("AGORA_CRASH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    for _ in 0..KILLS {
        let alive = rng.random_range(20..700);
        tokio::time::sleep(Duration::from_millis(alive)).await;
        server.kill();
        server.start().await;
    }
    ledger.stop.set(true);
    for client in clients {
        client.await.unwrap();
    }
    check(&server, &ledger, &contracts, received_before).await;
}

async fn balance(server: &Server) -> u64 {
    let (_, account) = server.get(&format!("/v1/accounts/{}", account(9))).await.unwrap();
    account["balance"]
        .as_str()
        .unwrap()
        .parse::<u128>()
        .unwrap()
        .rem_euclid(1 << 60)
        .try_into()
        .unwrap()
}

async fn check(server: &Server, ledger: &Ledger, contracts: &[String], received_before: u64) {
    let answered = ledger.answered.borrow().clone();
    let waiting = answered.values().map(|hash| decided(server, hash));
    let records: Vec<Value> = stream::iter(waiting).buffered(16).collect().await;
    let (mut calls, mut transfers, mut canceled) = (0, 0, 0);
    for record in &records {
        match (record["type"].as_str().unwrap(), record["status"].as_str().unwrap()) {
            ("call", "ACCEPTED" | "FINALIZED") => calls += 1,
            ("transfer", "FINALIZED") => transfers += 1,
            // Three crashes in the same transaction end it; that is counted, not hidden.
            ("call", "CANCELED") => canceled += 1,
            other => panic!("unexpected end {other:?}: {record}"),
        }
    }
    let mut counted = 0;
    for contract in contracts {
        let path = format!("/v1/contracts/{contract}/read");
        let (status, answer) = server.post(&path, &json!({ "method": "get" }), None).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        counted += answer["result"].as_u64().unwrap();
    }
    let received = balance(server).await - received_before;
    let (_, network) = server.get("/v1/network").await.unwrap();
    println!(
        "{KILLS} kills, {} submissions ({} sent again): {calls} calls, {transfers} transfers, {canceled} canceled",
        answered.len(),
        ledger.resent.get(),
    );
    assert_eq!(counted, calls, "every accepted call counts exactly once");
    assert_eq!(received, transfers, "every transfer moves its value exactly once");
    assert_eq!(network["supply"]["conserved"], true, "{network}");
    assert!(calls > 0 && transfers > 0, "the load did something");
    let hashes: std::collections::BTreeSet<_> = answered.values().collect();
    assert_eq!(hashes.len(), answered.len(), "different keys are different transactions");
}
