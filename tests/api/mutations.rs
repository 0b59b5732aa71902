//! Bodies and paths that were changed at random are answered, never with a fault of the server.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value as Json, json};

use crate::support::{CODE, World, address};

const ROUNDS: usize = 1_500;

/// Values that have broken readers before.
fn odd_values() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!("0x"),
        json!("0X12"),
        json!("\u{0}"),
        json!("ä€😀"),
        json!("0x".repeat(100)),
        json!("9".repeat(100)),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"$int": "-0"}),
        json!({"$int": 5}),
        json!({"$bytes": "0x"}),
        json!({"$address": null}),
        json!({"$map": {"$map": {}}}),
        json!({"": ""}),
        json!("transfer"),
        json!("call"),
        json!("deploy"),
        json!(address(0)),
        json!("0x0000000000000000000000000000000000000000"),
        json!("x".repeat(5_000)),
    ]
}

/// Changes, adds, removes or nests something somewhere.
fn mutate(value: &mut Json, rng: &mut ChaCha20Rng, odd: &[Json]) {
    let replacement = odd.choose(rng).unwrap().clone();
    let Json::Object(fields) = value else {
        *value = replacement;
        return;
    };
    let names: Vec<String> = fields.keys().cloned().collect();
    let Some(name) = names.choose(rng) else { return };
    match rng.random_range(0..4) {
        0 => {
            fields.remove(name);
        }
        1 => {
            fields.insert("surprise".into(), replacement);
        }
        2 => {
            fields.insert(name.clone(), replacement);
        }
        _ => {
            let old = fields[name].clone();
            fields.insert(name.clone(), json!([old, replacement]));
        }
    }
}

#[actix_web::test]
async fn changed_bodies_are_never_a_fault_of_the_server() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let odd = odd_values();
    let seeds = [
        (
            "POST",
            "/v1/transactions".to_owned(),
            json!({
                "type": "transfer", "from": address(1), "to": address(2), "value": "1", "nonce": 0
            }),
        ),
        (
            "POST",
            "/v1/transactions".to_owned(),
            json!({
                "type": "deploy", "from": address(3), "code": CODE, "args": [1], "kwargs": {"a": 1},
                "validators": 2, "rotations_max": 1, "mode": "LEADER_ONLY"
            }),
        ),
        (
            "POST",
            "/v1/transactions".to_owned(),
            json!({
                "type": "call", "from": address(4), "to": contract, "method": "m", "args": ["a"]
            }),
        ),
        (
            "POST",
            "/v1/transactions".to_owned(),
            json!({
                "type": "call", "from": address(4), "to": contract, "calldata": "0x0e"
            }),
        ),
        (
            "POST",
            "/v1/transactions/hash".to_owned(),
            json!({
                "type": "transfer", "from": address(1), "to": null, "value": 3, "nonce": 9
            }),
        ),
        (
            "POST",
            format!("/v1/contracts/{contract}/read"),
            json!({
                "method": "m", "args": [], "kwargs": {}, "from": address(1), "version": "finalized",
                "context": {"genvm_datetime": "2024-01-01", "validators": [
                    {"stake": 1, "provider": "openai", "model": "m", "plugin_config": {
                        "mock_response": {"response": {"": "x"}}
                    }}
                ]}
            }),
        ),
        ("POST", format!("/v1/accounts/{}/faucet", address(5)), json!({ "amount": "7" })),
        (
            "POST",
            "/v1/validators".to_owned(),
            json!({ "stake": 1, "models": {
                "provider": "openai", "model": "m", "config": {"temperature": 0}, "plugin": "custom",
                "plugin_config": {"api_url": "https://a.example", "mocks": [{"contains": ""}]},
                "fallback": {"provider": "simulated", "model": "simulated"}
            } }),
        ),
        ("POST", "/v1/providers".to_owned(), json!({ "provider": "openai", "model": "m" })),
        ("POST", "/v1/clock/advance".to_owned(), json!({ "milliseconds": 1 })),
        ("PUT", "/v1/clock".to_owned(), json!({ "now": 4_102_444_800_000_u64 })),
        ("PUT", "/v1/network/finality-window".to_owned(), json!({ "milliseconds": 5 })),
    ];
    for _ in 0..ROUNDS {
        let (method, path, body) = seeds.choose(&mut rng).unwrap();
        let mut body = body.clone();
        for _ in 0..rng.random_range(1..4) {
            mutate(&mut body, &mut rng, &odd);
        }
        let reply = world.send(method, path, &body).await;
        let status = reply.status.as_u16();
        assert!(status < 500, "{path} {body}: {}", reply.text());
        if status >= 400 {
            reply.refusal();
        }
    }
    assert_eq!(world.get("/v1/network").await.expect(200)["supply"]["conserved"], true);
}

#[actix_web::test]
async fn bytes_in_the_middle_of_json_are_never_a_fault_of_the_server() {
    let world = World::open().await;
    let good = json!({
        "type": "deploy", "from": address(3), "code": CODE, "args": [1, {"a": "ä"}, 1.0e10]
    });
    let good = good.to_string().into_bytes();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let headers = [("content-type", "application/json")];
    for _ in 0..500 {
        let mut bytes = good.clone();
        for _ in 0..rng.random_range(1..5) {
            let place = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[place] = rng.random(),
                1 => bytes.truncate(place.max(1)),
                _ => bytes.insert(place, *b"{}[]\",:0-e\\".choose(&mut rng).unwrap()),
            }
        }
        let reply = world.request("POST", "/v1/transactions", &headers, Some(bytes.clone())).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(reply.status.as_u16() < 500, "{text}: {}", reply.text());
        reply.json();
    }
}
