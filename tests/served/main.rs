//! `agora serve` as its users have it: the real process, real contracts, everything over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../support/process.rs"]
mod process;

use std::collections::BTreeSet;

use agora::execution::python::examples;
use serde_json::{Value, json};
use tempfile::TempDir;

use process::{Server, account};

/// A running network, and an example contract with one call of it that is decided.
struct Network {
    server: Server,
    contract: String,
    hash: String,
    _folder: TempDir,
}

impl Network {
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(folder.path(), arguments);
        server.start().await;
        let mut network =
            Self { server, contract: String::new(), hash: String::new(), _folder: folder };
        let example = examples().iter().find(|example| example.name == "key_value_store").unwrap();
        let deploy = json!({ "type": "deploy", "from": account(0), "code": example.source });
        let deployed = network.post("/v1/transactions", &deploy).await;
        assert_eq!(deployed.0, 202, "{}", deployed.1);
        network.contract = deployed.1["contract"].as_str().unwrap().to_owned();
        network.hash = deployed.1["hash"].as_str().unwrap().to_owned();
        // No window of a contract closes before an earlier one of it, so this one has to close.
        network.wait("DECIDED").await;
        network.let_windows_close().await;
        network.wait("FINALIZED").await;
        let put = json!({
            "type": "call", "from": account(1), "to": network.contract,
            "method": "put", "args": ["colour", "green"],
        });
        let called = network.post("/v1/transactions", &put).await;
        assert_eq!(called.0, 202, "{}", called.1);
        called.1["hash"].as_str().unwrap().clone_into(&mut network.hash);
        network
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.server.post(path, body, None).await.unwrap()
    }

    async fn let_windows_close(&self) {
        let advanced = self.post("/v1/clock/advance", &json!({ "milliseconds": 600_000 })).await;
        assert_eq!(advanced.0, 200, "{}", advanced.1);
    }

    async fn appeal(&self) -> (u16, Value) {
        let path = format!("/v1/transactions/{}/appeal", self.hash);
        self.post(&path, &json!({ "from": account(2) })).await
    }

    /// The call, once it is in `status`; that an appeal is judged is waited for as well.
    async fn wait(&self, status: &str) -> Value {
        let path = format!("/v1/transactions/{}?wait={status}&timeout=60", self.hash);
        let (_, record) = self.server.get(&path).await.unwrap();
        assert!(status == "DECIDED" || record["status"] == status, "{record}");
        assert_eq!(record["appeal"], Value::Null);
        record
    }

    /// What the contract has under `colour` in its finalized state.
    async fn finalized_colour(&self) -> Value {
        let path = format!("/v1/contracts/{}/read", self.contract);
        let body = json!({ "method": "get", "args": ["colour"], "version": "finalized" });
        self.post(&path, &body).await.1["result"].clone()
    }

    /// Every event about the call that has a name or a status of interest, oldest first.
    async fn told(&self) -> Vec<String> {
        let path = format!("/v1/transactions/{}/events?after=0", self.hash);
        let (_, stream) = self.server.get_text(&path).await.unwrap();
        let events = stream.lines().filter_map(|line| line.strip_prefix("data:"));
        let events = events.map(|data| serde_json::from_str::<Value>(data).unwrap());
        let name = |event: Value| match event["event"].as_str().unwrap() {
            "status_changed" => event["status"].as_str().unwrap().to_owned(),
            "appeal_closed" => format!("appeal_closed: {}", event["successful"]),
            other => other.to_owned(),
        };
        events.map(name).collect()
    }
}

/// How long the decision can be appealed.
fn window_ms(record: &Value) -> i64 {
    record["final_from"].as_i64().unwrap() - record["decided_at"].as_i64().unwrap()
}

/// Phase and committee of every round.
fn rounds(record: &Value) -> Vec<(&str, Vec<&str>)> {
    let rounds = record["consensus"]["rounds"].as_array().unwrap().iter();
    let committee = |round: &Value| round["rotations"][0]["committee"].clone();
    rounds
        .map(|round| {
            assert_eq!(round["rotations"].as_array().unwrap().len(), 1);
            let seats = round["rotations"][0]["committee"].as_array().unwrap();
            assert!(seats.iter().all(|seat| seat["vote"] == "agree"), "{}", committee(round));
            let names = seats.iter().map(|seat| seat["validator"].as_str().unwrap()).collect();
            (round["phase"].as_str().unwrap(), names)
        })
        .collect()
}

#[actix::test]
async fn a_decision_is_appealed_until_nobody_is_left_to_judge_and_then_becomes_final() {
    let network = Network::start(&["--validators", "25", "--finality-window", "600"]).await;
    let decided = network.wait("ACCEPTED").await;
    assert_eq!(window_ms(&decided), 600_000);
    assert_eq!(network.finalized_colour().await, "");

    // Who judges: 5, then 7 more, then 13 of whom 6 more.
    for (number, judges, window) in [(1, 12, 480_000), (2, 18, 384_000)] {
        let before = window_ms(&network.wait("ACCEPTED").await);
        let (status, opened) = network.appeal().await;
        assert_eq!((status, &opened["appeal"]), (202, &json!("validators")), "{opened}");
        let judged = network.wait("ACCEPTED").await;
        let rounds = rounds(&judged);
        let phases: Vec<&str> = rounds.iter().map(|(phase, _)| *phase).collect();
        assert_eq!(phases[0], "initial");
        assert_eq!(phases[1..], vec!["validators_appeal"; number]);
        let all: BTreeSet<&str> = rounds.iter().flat_map(|(_, names)| names.clone()).collect();
        assert_eq!(all.len(), judges);
        let appeals = judged["consensus"]["appeals"].as_array().unwrap();
        assert!(appeals.len() == number && appeals[number - 1]["successful"] == false);
        // A fifth less, and the time in which it was judged does not count.
        let after = window_ms(&judged);
        assert!((window..before).contains(&after), "{before} {after}");
        assert_eq!(judged["decided_at"], decided["decided_at"]);
    }

    let (status, refused) = network.appeal().await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("appeal_refused")));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("needs 10 validators") && message.contains("there are 7"),
        "{message}"
    );
    assert_eq!(network.wait("ACCEPTED").await["consensus"]["appeals"].as_array().unwrap().len(), 2);

    network.let_windows_close().await;
    let finalized = network.wait("FINALIZED").await;
    assert_eq!(network.finalized_colour().await, "green");
    let (status, refused) = network.appeal().await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(status == 409 && message.contains("it is FINALIZED"), "{message}");
    let appeal = ["appeal_opened", "COMMITTING", "REVEALING", "appeal_closed: false", "ACCEPTED"];
    let start = ["transaction_submitted", "PROPOSING", "COMMITTING", "REVEALING", "ACCEPTED"];
    let expected = [&start[..], &appeal, &appeal, &["FINALIZED"]].concat();
    assert_eq!(network.told().await, expected);

    // All of it is on the disk.
    network.server.kill();
    network.server.start().await;
    assert_eq!(network.wait("FINALIZED").await, finalized);
}

#[actix::test]
async fn with_the_usual_five_validators_an_appeal_is_refused_with_the_numbers() {
    let network = Network::start(&["--finality-window", "600"]).await;
    let decided = network.wait("ACCEPTED").await;
    let (status, refused) = network.appeal().await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("appeal_refused")));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("needs 7 validators") && message.contains("there are 0"), "{message}");
    assert_eq!(network.wait("ACCEPTED").await, decided, "nothing changed");
}

#[actix::test]
async fn under_profile_origin_what_is_decided_is_final() {
    let network = Network::start(&["--profile", "origin", "--finality-window", "600"]).await;
    let finalized = network.wait("FINALIZED").await;
    assert_eq!(window_ms(&finalized), 0);
    assert_eq!(network.finalized_colour().await, "green");
    let (_, shown) = network.server.get("/v1/network").await.unwrap();
    assert_eq!(shown["settings"]["finality_window"], 0);
    let (status, refused) = network.appeal().await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(status == 409 && message.contains("profile origin"), "{message}");
}
