//! Challenging and withdrawing over HTTP.

use agora::domain::keccak256;
use serde_json::{Value as Json, json};

use crate::support::{ADMIN_KEY, World, account, address, guarded, sign};

/// Enough validators for one appeal of a decision of three.
async fn with_validators(world: &World) {
    let create = json!({ "stake": 10 });
    for _ in 0..4 {
        let key = format!("Bearer {ADMIN_KEY}");
        let headers = [("authorization", key.as_str())];
        world.send_with("POST", "/v1/validators", &headers, &create).await.expect(201);
    }
}

/// A call by three validators, decided and open for a minute.
async fn decided(world: &World) -> String {
    let contract = world.deploy().await;
    let call = json!({
        "type": "call", "from": address(0), "to": contract, "method": "set", "validators": 3
    });
    let submitted = world.post("/v1/transactions", &call).await.expect(202);
    let hash = submitted["hash"].as_str().unwrap().to_owned();
    world.wait(&hash, "ACCEPTED").await;
    hash
}

async fn long_window() -> World {
    let settings = agora::api::ApiSettings::default();
    World::with_network(settings, |network| {
        network.finality_window = std::time::Duration::from_mins(10);
    })
    .await
}

#[actix_web::test]
async fn an_appeal_is_opened_judged_and_on_record() {
    let world = long_window().await;
    with_validators(&world).await;
    let hash = decided(&world).await;
    let path = format!("/v1/transactions/{hash}/appeal");
    let opened = world.post(&path, &json!({ "from": address(3) })).await.expect(202);
    assert_eq!((&opened["hash"], &opened["appeal"]), (&json!(hash), &json!("validators")));
    let judged = world.wait(&hash, "ACCEPTED").await;
    assert_eq!(judged["appeal"], Json::Null, "waiting for DECIDED or ACCEPTED outlasts an appeal");
    let rounds = judged["consensus"]["rounds"].as_array().unwrap();
    let phases: Vec<_> = rounds.iter().map(|round| round["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["initial", "validators_appeal"]);
    assert_eq!(rounds[1]["rotations"][0]["committee"].as_array().unwrap().len(), 5);
    let appeals = &judged["consensus"]["appeals"];
    assert_eq!(
        (&appeals[0]["appellant"], &appeals[0]["successful"]),
        (&json!(address(3)), &json!(false))
    );
    let events = world.get(&format!("/v1/transactions/{hash}/events?follow=false")).await;
    assert!(events.text().contains("appeal_opened") || events.status != 200, "{}", events.text());

    // All nine validators but one had a seat by now.
    let refused = world.post(&path, &json!({ "from": address(3) })).await;
    assert_eq!(refused.refusal(), (409, "appeal_refused".into(), None));
    assert!(refused.text().contains("needs 4 validators"), "{}", refused.text());
}

#[actix_web::test]
async fn what_cannot_be_appealed_is_refused_with_the_reason() {
    let world = World::open().await;
    let hash = decided(&world).await;
    world.wait(&hash, "FINALIZED").await;
    let from = json!({ "from": address(1) });
    let path = |hash: &str| format!("/v1/transactions/{hash}/appeal");
    let refused = world.post(&path(&hash), &from).await;
    assert_eq!(refused.refusal(), (409, "appeal_refused".into(), None));
    assert!(refused.text().contains("it is FINALIZED"), "{}", refused.text());

    let poor = json!({ "type": "transfer", "from": address(9), "to": address(1), "value": "0xffffffffffffffffffffffff" });
    let transfer = world.post("/v1/transactions", &poor).await.expect(202);
    let refused = world.post(&path(transfer["hash"].as_str().unwrap()), &from).await;
    assert_eq!(refused.refusal().1, "appeal_refused");

    let unknown = format!("0x{}", "12".repeat(32));
    assert_eq!(world.post(&path(&unknown), &from).await.refusal().0, 404);
    for (body, field) in [
        (json!({}), "from"),
        (json!({ "from": null }), "from"),
        (json!({ "from": "0x12" }), "from"),
        (json!({ "from": 7 }), "from"),
        (json!({ "from": address(1), "signature": "0x12" }), "signature"),
        (json!({ "from": address(1), "bond": 5 }), "bond"),
    ] {
        let refusal = world.post(&path(&hash), &body).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_deref()), (400, Some(field)), "{body}");
    }
    assert_eq!(world.post(&path("0x12"), &from).await.refusal().0, 400);
}

#[actix_web::test]
async fn a_guarded_network_takes_signed_appeals_only_and_no_replays() {
    let world = World::with_network(guarded(), |network| {
        network.finality_window = std::time::Duration::from_mins(10);
    })
    .await;
    with_validators(&world).await;
    let deploy = json!({
        "type": "deploy", "from": address(0), "code": "x = 1", "nonce": 0, "validators": 3
    });
    let named = world.post("/v1/transactions/hash", &deploy).await.expect(200);
    let hash = named["hash"].as_str().unwrap().to_owned();
    let mut signed = deploy.clone();
    signed["signature"] = json!(sign(&account(0), &hash));
    world.post("/v1/transactions", &signed).await.expect(202);
    let decided = world.wait(&hash, "ACCEPTED").await;

    let path = format!("/v1/transactions/{hash}/appeal");
    let refused = world.post(&path, &json!({ "from": address(2) })).await;
    assert_eq!(refused.refusal().1, "signature_required");
    let bytes = alloy_primitives::hex::decode(&hash).unwrap();
    let attempt = u32::try_from(decided["attempt"].as_u64().unwrap()).unwrap().to_be_bytes();
    let digest = keccak256(&[b"agora:appeal", &bytes, &attempt]).to_string();
    let signature = sign(&account(2), &digest);
    let forged = json!({ "from": address(1), "signature": signature });
    assert_eq!(world.post(&path, &forged).await.status, 403);
    let good = json!({ "from": address(2), "signature": signature });
    world.post(&path, &good).await.expect(202);
    world.wait(&hash, "ACCEPTED").await;
    assert_eq!(world.post(&path, &good).await.status, 403, "the attempt is another one now");
}

#[actix_web::test]
async fn what_waits_can_be_withdrawn_once() {
    let world = World::open().await;
    let contract = world.deploy().await;
    // Without validators everything waits.
    let validators = world.get("/v1/validators").await.json();
    for validator in validators["validators"].as_array().unwrap() {
        let path = format!("/v1/validators/{}", validator["address"].as_str().unwrap());
        world.request("DELETE", &path, &[], None).await;
    }
    let call = json!({
        "type": "call", "from": address(1), "to": contract, "method": "set", "value": "7"
    });
    let hash = world.post("/v1/transactions", &call).await.expect(202);
    let path = format!("/v1/transactions/{}/cancel", hash["hash"].as_str().unwrap());
    let before = world.get(&format!("/v1/accounts/{}", address(1))).await.json();
    let withdrawn = world.post(&path, &json!({})).await.expect(200);
    assert_eq!(withdrawn["status"], "CANCELED");
    assert_eq!(withdrawn["reason"], "withdrawn by request");
    let after = world.get(&format!("/v1/accounts/{}", address(1))).await.json();
    let coins = |account: &Json| account["balance"].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(coins(&after), coins(&before) + 7, "its value is back");
    let again = world.post(&path, &json!({})).await;
    assert_eq!(again.refusal(), (409, "not_pending".into(), None));
    let wrong = world.post(&path, &json!({ "signature": 5 })).await.refusal();
    assert_eq!((wrong.0, wrong.2.as_deref()), (400, Some("signature")));
}

#[actix_web::test]
async fn only_who_deployed_a_contract_upgrades_it() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let upgrade = |from: u64| json!({ "type": "upgrade", "from": address(from), "to": contract, "code": "y = 2" });
    let refused = world.post("/v1/transactions", &upgrade(1)).await;
    assert_eq!(refused.refusal(), (403, "not_deployer".into(), Some("from".into())));
    let submitted = world.post("/v1/transactions", &upgrade(0)).await.expect(202);
    let upgraded = world.wait(submitted["hash"].as_str().unwrap(), "FINALIZED").await;
    assert_eq!(
        (&upgraded["type"], &upgraded["receipt"]["outcome"]),
        (&json!("upgrade"), &json!("return"))
    );
    let code = world.get(&format!("/v1/contracts/{contract}/code")).await;
    assert_eq!(code.json()["code"], "y = 2");
    for (body, field) in [
        (json!({ "type": "upgrade", "from": address(0), "to": contract }), "code"),
        (json!({ "type": "upgrade", "from": address(0), "to": contract, "code": " " }), "code"),
        (json!({ "type": "upgrade", "from": address(0), "code": "x" }), "to"),
        (
            json!({ "type": "upgrade", "from": address(0), "to": contract, "code": "x", "value": 1 }),
            "value",
        ),
    ] {
        let refusal = world.post("/v1/transactions", &body).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_deref()), (400, Some(field)), "{body}");
    }
    let nowhere = json!({
        "type": "upgrade", "from": address(0), "to": address(5), "code": "x"
    });
    assert_eq!(world.post("/v1/transactions", &nowhere).await.refusal().0, 404);
}

#[actix_web::test]
async fn a_contract_signs_nothing() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let theft = json!({ "type": "transfer", "from": contract, "to": address(1), "value": 0 });
    let refused = world.post("/v1/transactions", &theft).await;
    assert_eq!(refused.refusal(), (422, "not_an_account".into(), Some("from".into())));
}
