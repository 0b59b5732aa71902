//! Snapshots over HTTP: made, restored, deleted, downloaded and sent.

use agora::api::ApiSettings;
use serde_json::json;

use crate::support::{ADMIN_KEY, Reply, World, address, guarded};

const GZIP: [(&str, &str); 1] = [("content-type", "application/gzip")];

async fn create(world: &World) -> i64 {
    let made = world.request("POST", "/v1/snapshots", &[], None).await.expect(201);
    assert!(made["bytes"].as_u64() > Some(100), "{made}");
    made["id"].as_i64().unwrap()
}

async fn restore(world: &World, id: i64) -> Reply {
    world.request("POST", &format!("/v1/snapshots/{id}/restore"), &[], None).await
}

async fn listed(world: &World) -> Vec<i64> {
    let all = world.get("/v1/snapshots").await.expect(200);
    let all = all["snapshots"].as_array().unwrap();
    all.iter().map(|snapshot| snapshot["id"].as_i64().unwrap()).collect()
}

async fn import(world: &World, file: Vec<u8>) -> Reply {
    world.request("POST", "/v1/snapshots/import", &GZIP, Some(file)).await
}

async fn nonce(world: &World) -> i64 {
    let account = world.get(&format!("/v1/accounts/{}", address(0))).await.expect(200);
    account["nonce"].as_i64().unwrap()
}

#[actix_web::test]
async fn a_network_goes_back_to_where_it_was() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let before = nonce(&world).await;
    let first = create(&world).await;
    let other = world.deploy().await;
    assert_eq!(create(&world).await, first + 1);
    assert_eq!(listed(&world).await, [first, first + 1]);
    let restored = restore(&world, first).await.expect(200);
    assert_eq!((&restored["id"], &restored["transactions"]), (&json!(first), &json!(1)));
    assert_eq!(listed(&world).await, [first]);
    assert_eq!(nonce(&world).await, before);
    assert_eq!(world.get(&format!("/v1/contracts/{other}")).await.refusal().0, 404);
    let call = json!({ "type": "call", "from": address(1), "to": contract, "method": "set" });
    let called = world.post("/v1/transactions", &call).await.expect(202);
    world.wait(called["hash"].as_str().unwrap(), "FINALIZED").await;
    assert_eq!(create(&world).await, first + 2, "numbers are not used twice");
    let gone = world.request("DELETE", &format!("/v1/snapshots/{first}"), &[], None).await;
    assert_eq!(gone.expect(200)["id"], first);
    let deleted = world.request("DELETE", "/v1/snapshots", &[], None).await.expect(200);
    assert_eq!(deleted, json!({ "deleted": 1 }));
    assert!(listed(&world).await.is_empty());
}

#[actix_web::test]
async fn a_snapshot_can_be_carried_away_and_brought_back() {
    let world = World::open().await;
    world.deploy().await;
    let id = create(&world).await;
    let reply = world.get(&format!("/v1/snapshots/{id}/export")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/gzip");
    assert!(reply.header("content-disposition").contains("agora-snapshot-1.gz"));
    assert_eq!(reply.header("content-length"), reply.bytes.len().to_string());
    let file = reply.bytes.to_vec();
    assert_eq!(world.request("DELETE", "/v1/snapshots", &[], None).await.status, 200);
    let later = world.deploy().await;
    let kept = import(&world, file.clone()).await.expect(201);
    assert_eq!(kept["transactions"], 1);
    restore(&world, kept["id"].as_i64().unwrap()).await.expect(200);
    assert_eq!(world.get(&format!("/v1/contracts/{later}")).await.refusal().0, 404);

    for bad in [&file[..file.len() / 2], b"nothing of the kind", b""] {
        let reply = import(&world, bad.to_vec()).await;
        assert_eq!(reply.refusal(), (422, "snapshot_refused".into(), None));
    }
    let json = [("content-type", "application/json")];
    let reply = world.request("POST", "/v1/snapshots/import", &json, Some(file)).await;
    let expected = (415, "unsupported_media_type".into(), Some("Content-Type".into()));
    assert_eq!(reply.refusal(), expected);
    assert_eq!(listed(&world).await, [kept["id"].as_i64().unwrap()]);
}

#[actix_web::test]
async fn what_is_not_there_or_too_large_is_told() {
    let settings = ApiSettings { snapshot_bytes_max: 1_000, ..ApiSettings::default() };
    let world = World::with(settings).await;
    let reply = import(&world, vec![0; 1_001]).await;
    assert_eq!((reply.refusal().0, reply.refusal().1.as_str()), (413, "body_too_large"));
    for (method, path) in [
        ("POST", "/v1/snapshots/7/restore"),
        ("DELETE", "/v1/snapshots/7"),
        ("GET", "/v1/snapshots/7/export"),
        ("POST", "/v1/snapshots/-1/restore"),
    ] {
        let reply = world.request(method, path, &[], None).await;
        assert_eq!(reply.refusal(), (404, "snapshot_not_found".into(), None), "{method} {path}");
    }
    let reply = world.request("DELETE", "/v1/snapshots/seven", &[], None).await;
    assert_eq!(reply.refusal(), (400, "invalid_field".into(), Some("id".into())));
    let reply = world.request("POST", "/v1/snapshots?name=x", &[], None).await;
    assert_eq!(reply.refusal(), (400, "unknown_field".into(), Some("name".into())));
}

#[actix_web::test]
async fn a_guarded_network_lets_only_its_administrator() {
    let world = World::with(guarded()).await;
    for (method, path) in [
        ("GET", "/v1/snapshots"),
        ("POST", "/v1/snapshots"),
        ("DELETE", "/v1/snapshots"),
        ("POST", "/v1/snapshots/import"),
        ("POST", "/v1/snapshots/1/restore"),
        ("DELETE", "/v1/snapshots/1"),
        ("GET", "/v1/snapshots/1/export"),
    ] {
        let reply = world.request(method, path, &[], None).await;
        assert_eq!(reply.refusal().1, "admin_key_required", "{method} {path}");
    }
    let key = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", key.as_str())];
    world.request("POST", "/v1/snapshots", &headers, None).await.expect(201);
    world.request("POST", "/v1/snapshots/1/restore", &headers, None).await.expect(200);
}

#[actix_web::test]
async fn the_events_of_a_transaction_go_on_behind_what_a_restore_has_undone() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let id = create(&world).await;
    let call = json!({
        "type": "call", "from": address(1), "to": contract, "method": "set", "nonce": 0
    });
    let called = world.post("/v1/transactions", &call).await.expect(202);
    let hash = called["hash"].as_str().unwrap();
    world.wait(hash, "FINALIZED").await;
    restore(&world, id).await.expect(200);
    assert_eq!(world.post("/v1/transactions", &call).await.expect(202)["hash"], hash);
    world.wait(hash, "FINALIZED").await;
    let events = world.get(&format!("/v1/transactions/{hash}/events")).await.text();
    let count = |what: &str| events.matches(what).count();
    assert_eq!(count("event: network_restored"), 1, "{events}");
    assert_eq!(count("event: transaction_submitted"), 2, "{events}");
    assert_eq!(count("\"FINALIZED\""), 2, "both lives: {events}");
}
