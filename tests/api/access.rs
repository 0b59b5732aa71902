//! Who may do what.

use serde_json::{Value as Json, json};

use crate::support::{ADMIN_KEY, World, account, address, guarded, nowhere, sign};

/// A transfer of account `number` with the hash to sign.
async fn prepared(world: &World, number: u64, nonce: u64, value: u64) -> (Json, String) {
    let body = json!({
        "type": "transfer", "from": address(number), "to": nowhere(), "value": value, "nonce": nonce
    });
    let hash = world.post("/v1/transactions/hash", &body).await.expect(200);
    (body, hash["hash"].as_str().unwrap().to_owned())
}

fn signed(body: &Json, signature: &str) -> Json {
    let mut body = body.clone();
    body["signature"] = json!(signature);
    body
}

#[actix_web::test]
async fn a_guarded_network_takes_signed_submissions_only() {
    let world = World::with(guarded()).await;
    let (body, hash) = prepared(&world, 0, 0, 5).await;
    let signature = sign(&account(0), &hash);
    let good = signed(&body, &signature);
    let first = world.post("/v1/transactions", &good).await.expect(202);
    assert_eq!((first["hash"].as_str(), &first["duplicate"]), (Some(hash.as_str()), &json!(false)));
    world.wait(&hash, "FINALIZED").await;
    let replay = world.post("/v1/transactions", &good).await.expect(202);
    assert_eq!((&replay["hash"], &replay["duplicate"]), (&first["hash"], &json!(true)));
    assert_eq!(world.get(&format!("/v1/accounts/{}", nowhere())).await.json()["balance"], "5");

    let reply = world.post("/v1/transactions", &body).await;
    assert_eq!(reply.refusal(), (401, "signature_required".into(), Some("signature".into())));
    let mint = json!({ "type": "transfer", "from": null, "to": nowhere(), "value": 1 });
    assert_eq!(world.post("/v1/transactions", &mint).await.refusal().0, 401);
}

#[actix_web::test]
async fn forged_signatures_are_refused_in_both_modes() {
    for settings in [guarded(), agora::api::ApiSettings::default()] {
        let world = World::with(settings).await;
        let (body, hash) = prepared(&world, 0, 0, 5).await;
        let (_, other_hash) = prepared(&world, 0, 0, 6).await;
        let good = sign(&account(0), &hash);
        let mut changed = signed(&body, &good);
        changed["value"] = json!(500);
        let mut another = signed(&body, &good);
        another["from"] = json!(address(1));
        let mut with_rules = json!({
            "type": "deploy", "from": address(0), "code": "x = 1", "nonce": 0, "signature": good
        });
        let deploy_forged = with_rules.clone();
        with_rules["validators"] = json!(1);
        for (what, forged) in [
            ("another's key", signed(&body, &sign(&account(1), &hash))),
            ("another transaction", signed(&body, &sign(&account(0), &other_hash))),
            ("a changed value", changed),
            ("another sender", another),
            ("another type", deploy_forged),
            ("another committee", with_rules),
        ] {
            let reply = world.post("/v1/transactions", &forged).await;
            let expected = (403, "signature_mismatch".into(), Some("signature".into()));
            assert_eq!(reply.refusal(), expected, "{what}");
        }
        let zeros = signed(&body, &format!("0x{}1b", "00".repeat(64)));
        assert_eq!(world.post("/v1/transactions", &zeros).await.refusal().0, 403);
        let mut unnumbered = signed(&body, &good);
        unnumbered.as_object_mut().unwrap().remove("nonce");
        let reply = world.post("/v1/transactions", &unnumbered).await;
        assert_eq!(reply.refusal(), (400, "missing_field".into(), Some("nonce".into())));
        let nobodys = json!({
            "type": "transfer", "from": null, "to": nowhere(), "value": 1, "signature": good
        });
        let reply = world.post("/v1/transactions", &nobodys).await;
        assert_eq!(reply.refusal(), (400, "missing_field".into(), Some("from".into())));
        let account = world.get(&format!("/v1/accounts/{}", address(0))).await.expect(200);
        assert_eq!(account["nonce"], 0, "nothing was accepted");
    }
}

#[actix_web::test]
async fn an_old_nonce_with_another_content_is_no_replay() {
    let world = World::with(guarded()).await;
    let (body, hash) = prepared(&world, 0, 0, 5).await;
    world.post("/v1/transactions", &signed(&body, &sign(&account(0), &hash))).await.expect(202);
    let (body, hash) = prepared(&world, 0, 0, 6).await;
    let reply = world.post("/v1/transactions", &signed(&body, &sign(&account(0), &hash))).await;
    assert_eq!(reply.refusal(), (409, "nonce_conflict".into(), Some("nonce".into())));
    let (body, hash) = prepared(&world, 0, 9, 6).await;
    let reply = world.post("/v1/transactions", &signed(&body, &sign(&account(0), &hash))).await;
    assert_eq!(reply.refusal().0, 409);
    assert_eq!(reply.json()["error"]["valid"], "1");
}

#[actix_web::test]
async fn administrative_routes_need_the_key_and_reads_do_not() {
    let world = World::with(guarded()).await;
    let faucet = format!("/v1/accounts/{}/faucet", nowhere());
    let validator = format!("/v1/validators/{}", nowhere());
    let right = format!("Bearer {ADMIN_KEY}");
    let wrong = format!("Bearer {ADMIN_KEY}!");
    for (method, path, body, status) in [
        ("POST", faucet.as_str(), json!({ "amount": 1 }), 202),
        ("POST", "/v1/validators", json!({ "stake": 1, "address": nowhere() }), 201),
        (
            "POST",
            "/v1/validators/random",
            json!({ "count": 1, "stake_min": 1, "stake_max": 1 }),
            201,
        ),
        ("PUT", &validator, json!({ "stake": 2 }), 200),
        ("DELETE", &validator, json!({}), 200),
        ("POST", "/v1/providers", json!({ "provider": "openai", "model": "gpt-new" }), 201),
        ("PUT", "/v1/providers/2", json!({ "provider": "openai", "model": "gpt-other" }), 200),
        ("DELETE", "/v1/providers/1", json!({}), 200),
        ("POST", "/v1/providers/reset", json!({}), 200),
        ("POST", "/v1/clock/freeze", json!({}), 200),
        ("POST", "/v1/clock/advance", json!({ "milliseconds": 5 }), 200),
        ("POST", "/v1/clock/release", json!({}), 200),
        ("PUT", "/v1/clock", json!({ "now": 4_102_444_800_000_u64 }), 200),
        ("PUT", "/v1/network/finality-window", json!({ "milliseconds": 0 }), 200),
    ] {
        for (key, refused, code) in [
            (None, 401, "admin_key_required"),
            (Some(wrong.as_str()), 403, "admin_key_wrong"),
            (Some("Bearer "), 403, "admin_key_wrong"),
            (Some("Bearer"), 401, "admin_key_malformed"),
            (Some("Basic YWRtaW46a2V5"), 401, "admin_key_malformed"),
        ] {
            let headers: Vec<_> = key.iter().map(|key| ("authorization", *key)).collect();
            let reply = world.send_with(method, path, &headers, &body).await;
            let expected = (refused, code.to_owned(), Some("Authorization".to_owned()));
            // A header's trailing blanks do not arrive.
            if key == Some("Bearer ") && reply.refusal().0 == 401 {
                continue;
            }
            assert_eq!(reply.refusal(), expected, "{method} {path} {key:?}");
            assert_eq!(reply.header("www-authenticate").is_empty(), refused == 403);
        }
        let headers = [("authorization", right.as_str())];
        world.send_with(method, path, &headers, &body).await.expect(status);
    }
    for path in [
        "/v1/transactions",
        "/v1/contracts",
        "/v1/validators",
        "/v1/providers",
        "/v1/network",
        "/v1/clock",
        "/health",
        "/metrics",
    ] {
        assert!(world.get(path).await.status.is_success(), "{path}");
    }
    let network = world.get("/v1/network").await.expect(200);
    assert_eq!(network["access"], "guarded");
    assert!(!format!("{:?}", guarded()).contains(ADMIN_KEY), "never logged by accident");
}

#[actix_web::test]
async fn an_open_network_takes_what_is_signed_correctly() {
    let world = World::open().await;
    let (body, hash) = prepared(&world, 3, 0, 1).await;
    let reply = world.post("/v1/transactions", &signed(&body, &sign(&account(3), &hash))).await;
    assert_eq!(reply.expect(202)["hash"], *hash);
}
