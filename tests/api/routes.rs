//! Every route does what it says.

use serde_json::json;

use crate::support::{CODE, World, address, nowhere};

#[actix_web::test]
async fn a_deploy_a_call_and_a_read_go_all_the_way() {
    let world = World::open().await;
    let body = json!({ "type": "deploy", "from": address(0), "code": CODE, "kwargs": {"a": 1} });
    let reply = world.post("/v1/transactions", &body).await;
    let location = reply.header("location");
    let deployed = reply.expect(202);
    let hash = deployed["hash"].as_str().unwrap();
    assert_eq!(location, format!("/v1/transactions/{hash}"));
    assert_eq!((&deployed["nonce"], &deployed["duplicate"]), (&json!(0), &json!(false)));
    let contract = deployed["contract"].as_str().unwrap();
    let transaction = world.wait(hash, "ACCEPTED").await;
    assert_eq!(transaction["type"], "deploy");
    assert_eq!(transaction["contract"], contract);
    assert_eq!(transaction["call"], json!({ "kwargs": { "a": 1 } }));
    assert_eq!(transaction["receipt"]["outcome"], "return");
    assert_eq!(transaction["consensus"]["rounds"][0]["rotations"].as_array().unwrap().len(), 1);

    let call = json!({
        "type": "call", "from": address(1), "to": contract, "method": "set", "value": "0x10",
        "args": ["k", {"$int": "123456789012345678901234567890"}], "validators": 3,
        "rotations_max": 0, "mode": "NORMAL", "nonce": 0
    });
    let called = world.post("/v1/transactions", &call).await.expect(202);
    assert!(called.get("contract").is_none());
    let called = world.wait(called["hash"].as_str().unwrap(), "FINALIZED").await;
    assert_eq!(called["value"], "16");
    assert_eq!(called["validators"], 3);
    let echoed = json!({
        "method": "set", "args": ["k", {"$int": "123456789012345678901234567890"}]
    });
    assert_eq!(called["receipt"]["result"], echoed);

    let read = json!({ "method": "get", "args": ["k"], "from": address(1), "version": "accepted" });
    let answer = world.post(&format!("/v1/contracts/{contract}/read"), &read).await.expect(200);
    assert_eq!(answer["result"], json!({ "method": "get", "args": ["k"] }));
    assert_eq!(answer["stdout"], "hello");
    assert!(answer["cost"]["cpu_micros"].is_u64(), "{answer}");
}

#[actix_web::test]
async fn contracts_can_be_listed_and_read_in_every_part() {
    let world = World::open().await;
    let first = world.deploy().await;
    let second = world.deploy().await;
    let page = world.get("/v1/contracts?limit=1").await.expect(200);
    assert_eq!(page["contracts"][0]["address"], *first);
    let next = page["next_cursor"].as_str().unwrap();
    let page = world.get(&format!("/v1/contracts?limit=1&cursor={next}")).await.expect(200);
    assert_eq!(page["contracts"][0]["address"], *second);
    assert!(page["next_cursor"].is_null(), "{page}");

    let contract = world.get(&format!("/v1/contracts/{first}")).await.expect(200);
    assert_eq!(contract["code_bytes"], CODE.len());
    let code = format!("/v1/contracts/{first}/code");
    assert_eq!(world.get(&code).await.expect(200)["code"], CODE);
    let text = world.request("GET", &code, &[("accept", "text/plain")], None).await;
    assert_eq!(
        (text.text().as_str(), text.header("content-type").as_str()),
        (CODE, "text/plain; charset=utf-8")
    );
    assert_eq!(world.get(&format!("{code}?format=text")).await.text(), CODE);
    let schema = world.get(&format!("/v1/contracts/{first}/schema")).await.expect(200);
    assert!(schema["methods"].is_object(), "{schema}");

    let mut pages = Vec::new();
    let mut path = format!("/v1/contracts/{first}/state?limit=2");
    loop {
        let state = world.get(&path).await.expect(200);
        assert_eq!(state["version"], "accepted");
        pages.extend(state["pages"].as_array().unwrap().clone());
        let Some(next) = state["next_cursor"].as_str() else { break };
        path = format!("/v1/contracts/{first}/state?limit=2&cursor={next}");
    }
    assert_eq!(pages.len(), 3);
    assert_eq!(pages[2]["data"], "0x010203");
    assert_eq!(pages[2]["index"], 2);
}

#[actix_web::test]
async fn the_finalized_state_follows_the_accepted_one() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let hash =
        world.get(&format!("/v1/contracts/{contract}")).await.expect(200)["deployed_by"].clone();
    world.wait(hash.as_str().unwrap(), "FINALIZED").await;
    let path = format!("/v1/contracts/{contract}/state?version=finalized");
    let state = world.get(&path).await.expect(200);
    assert_eq!(state["version"], "finalized");
    assert_eq!(state["pages"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn errors_of_contracts_are_told_with_their_traceback() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let path = format!("/v1/contracts/{contract}/read");
    let reply = world.post(&path, &json!({ "method": "fail" })).await;
    assert_eq!(reply.refusal(), (422, "contract_error".into(), None));
    let error = reply.json()["error"].clone();
    assert_eq!(error["message"], "no such key");
    assert_eq!(error["details"]["kind"], "user_error");
    assert_eq!(error["details"]["traceback"], "Traceback: line 1");
    assert_eq!(error["details"]["stdout"], "looking");
    let reply = world.post(&path, &json!({ "method": "unknown" })).await;
    assert_eq!(reply.refusal().1, "contract_error");
    assert_eq!(reply.json()["error"]["details"]["kind"], "vm_error");
}

#[actix_web::test]
async fn money_moves_and_is_conserved() {
    let world = World::open().await;
    let to = nowhere();
    let path = format!("/v1/accounts/{to}");
    assert_eq!(world.get(&path).await.expect(200)["balance"], "0");
    let minted = world.post(&format!("{path}/faucet"), &json!({ "amount": "1000" })).await;
    let minted = minted.expect(202);
    world.wait(minted["hash"].as_str().unwrap(), "FINALIZED").await;
    let account = world.get(&path).await.expect(200);
    assert_eq!((&account["balance"], &account["nonce"]), (&json!("1000"), &json!(0)));

    let send = json!({ "type": "transfer", "from": to, "to": address(0), "value": 400 });
    let sent = world.post("/v1/transactions", &send).await.expect(202);
    world.wait(sent["hash"].as_str().unwrap(), "FINALIZED").await;
    let burn = json!({ "type": "transfer", "from": to, "to": null, "value": "0x64" });
    let burned = world.post("/v1/transactions", &burn).await.expect(202);
    world.wait(burned["hash"].as_str().unwrap(), "FINALIZED").await;
    let mint = json!({ "type": "transfer", "from": null, "to": to, "value": "5" });
    let minted = world.post("/v1/transactions", &mint).await.expect(202);
    world.wait(minted["hash"].as_str().unwrap(), "FINALIZED").await;
    let account = world.get(&path).await.expect(200);
    assert_eq!((&account["balance"], &account["nonce"]), (&json!("505"), &json!(2)));

    let network = world.get("/v1/network").await.expect(200);
    assert_eq!(network["supply"]["conserved"], true);
    assert_eq!(network["supply"]["burned"], "100");
    assert_eq!(network["chain_id"], 61_999);
    assert!(network["now"].as_i64().unwrap() > 1_600_000_000_000);
    assert!(!network.to_string().contains("seed"), "the seed is the key to everything");
}

#[actix_web::test]
async fn transactions_can_be_listed_by_everything() {
    let world = World::open().await;
    let contract = world.deploy().await;
    for value in 1..=3 {
        let send =
            json!({ "type": "transfer", "from": address(2), "to": address(3), "value": value });
        let sent = world.post("/v1/transactions", &send).await.expect(202);
        world.wait(sent["hash"].as_str().unwrap(), "FINALIZED").await;
    }
    let values = |page: &serde_json::Value| -> Vec<String> {
        let items = page["transactions"].as_array().unwrap().iter();
        items.map(|item| item["value"].as_str().unwrap().to_owned()).collect()
    };
    let first = world.get("/v1/transactions?type=transfer&limit=2").await.expect(200);
    assert_eq!(values(&first), ["3", "2"]);
    let next = first["next_cursor"].as_str().unwrap();
    let path = format!("/v1/transactions?type=transfer&limit=2&cursor={next}");
    let second = world.get(&path).await.expect(200);
    assert_eq!(values(&second), ["1"]);
    assert!(second["next_cursor"].is_null());
    for (query, count) in [
        (format!("from={}", address(2)), 3),
        (format!("to={}", address(3)), 3),
        (format!("to={contract}"), 1),
        ("type=deploy".into(), 1),
        ("status=CANCELED".into(), 0),
        (format!("status=FINALIZED&from={}", address(2)), 3),
    ] {
        let page = world.get(&format!("/v1/transactions?{query}")).await.expect(200);
        assert_eq!(values(&page).len(), count, "{query}");
    }
}

#[actix_web::test]
async fn validators_can_be_created_drawn_changed_and_removed() {
    let world = World::open().await;
    let list = world.get("/v1/validators").await.expect(200);
    assert_eq!(list["validators"].as_array().unwrap().len(), 5);
    let reply = world.post("/v1/validators", &json!({ "stake": 7, "address": nowhere() })).await;
    assert_eq!(reply.header("location"), format!("/v1/validators/{}", nowhere()));
    assert_eq!(reply.expect(201)["stake"], 7);
    let twice = world.post("/v1/validators", &json!({ "stake": 7, "address": nowhere() })).await;
    assert_eq!(twice.refusal(), (409, "validator_exists".into(), Some("address".into())));
    let derived = world.post("/v1/validators", &json!({ "stake": 8 })).await.expect(201);
    assert_ne!(derived["address"], nowhere());

    let path = format!("/v1/validators/{}", nowhere());
    assert_eq!(world.send("PUT", &path, &json!({ "stake": 9 })).await.expect(200)["stake"], 9);
    assert_eq!(world.get(&path).await.expect(200)["stake"], 9);
    assert_eq!(world.request("DELETE", &path, &[], None).await.expect(200)["stake"], 9);
    assert_eq!(world.get(&path).await.refusal().1, "validator_not_found");
    assert_eq!(world.request("DELETE", &path, &[], None).await.refusal().0, 404);
    assert_eq!(world.send("PUT", &path, &json!({ "stake": 9 })).await.refusal().0, 404);

    let body = json!({ "count": 20, "stake_min": 5, "stake_max": 6 });
    let drawn = world.post("/v1/validators/random", &body).await.expect(201);
    let stakes: Vec<u64> = drawn["validators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["stake"].as_u64().unwrap())
        .collect();
    assert_eq!(stakes.len(), 20);
    assert!(
        stakes.contains(&5) && stakes.contains(&6) && stakes.iter().all(|s| (5..=6).contains(s))
    );
    let again = World::open().await;
    again.post("/v1/validators", &json!({ "stake": 8 })).await.expect(201);
    let same = again.post("/v1/validators/random", &body).await.expect(201);
    let same: Vec<u64> = same["validators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["stake"].as_u64().unwrap())
        .collect();
    assert_eq!(stakes, same, "stakes follow from seed and count");
}

#[actix_web::test]
async fn the_process_tells_how_it_is() {
    let world = World::open().await;
    let health = world.get("/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    assert!(health["permits"].as_array().unwrap().len() >= 5, "{health}");
    assert_eq!(world.get("/ready").await.expect(200)["status"], "ready");
    assert_eq!(world.request("HEAD", "/health", &[], None).await.status.as_u16(), 200);
    let landing = world.get("/").await;
    assert!(landing.text().contains("/docs/") && landing.header("content-type").contains("html"));
    assert_eq!(landing.header("x-content-type-options"), "nosniff");
    let docs = world.get("/docs/").await;
    assert!(docs.status.is_success() && docs.text().contains("swagger"), "{}", docs.text());
    let redirect = world.client.get(format!("{}/docs", world.base)).send().await.unwrap();
    assert!(redirect.status().is_success(), "redirects are followed: {}", redirect.status());
    let initializer = world.get("/docs/swagger-initializer.js").await.text();
    assert!(initializer.contains("/openapi.json"), "{initializer}");
}

#[actix_web::test]
async fn metrics_are_prometheus_text() {
    let world = World::open().await;
    world.deploy().await;
    world.get("/no/such/route").await;
    let metrics = world.get("/metrics").await.text();
    let mut samples = std::collections::BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(samples.insert(name.to_owned(), value.to_owned()).is_none(), "twice: {name}");
    }
    let sample =
        |name: &str| samples.get(name).unwrap_or_else(|| panic!("{name}:\n{metrics}")).as_str();
    assert_eq!(sample("agora_transactions{status=\"PENDING\"}"), "0");
    let decided = ["ACCEPTED", "FINALIZED"]
        .map(|status| sample(&format!("agora_transactions{{status=\"{status}\"}}")));
    assert!(decided.contains(&"1") && decided.contains(&"0"), "{decided:?}");
    assert_ne!(sample("agora_permits_limit{name=\"submissions\"}"), "0");
    assert_ne!(sample("agora_permits_limit{name=\"consensus rounds\"}"), "0");
    assert_eq!(sample("agora_permits_in_use{name=\"streams\"}"), "0");
    sample("agora_dropped_messages_total");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(sample(&format!("agora_build_info{{version=\"{version}\"}}")), "1");
    let posted = "method=\"POST\",route=\"/v1/transactions\"";
    assert_eq!(sample(&format!("agora_http_requests_total{{{posted},status=\"202\"}}")), "1");
    assert_eq!(sample(&format!("agora_http_request_seconds_count{{{posted}}}")), "1");
    let lost = "method=\"GET\",route=\"unmatched\",status=\"404\"";
    assert_eq!(sample(&format!("agora_http_requests_total{{{lost}}}")), "1");
}

#[actix_web::test]
async fn a_repeated_submission_has_no_second_effect() {
    let world = World::open().await;
    let body = json!({ "type": "transfer", "from": address(0), "to": nowhere(), "value": 1 });
    let key = [("Idempotency-Key", "order 66")];
    let first = world.send_with("POST", "/v1/transactions", &key, &body).await.expect(202);
    let second = world.send_with("POST", "/v1/transactions", &key, &body).await.expect(202);
    assert_eq!(first["hash"], second["hash"]);
    assert_eq!((&first["duplicate"], &second["duplicate"]), (&json!(false), &json!(true)));
    let other = json!({ "type": "transfer", "from": address(0), "to": nowhere(), "value": 2 });
    let reused = world.send_with("POST", "/v1/transactions", &key, &other).await;
    let expected = (409, "idempotency_key_reused".into(), Some("Idempotency-Key".into()));
    assert_eq!(reused.refusal(), expected);
    world.wait(first["hash"].as_str().unwrap(), "FINALIZED").await;
    assert_eq!(world.get(&format!("/v1/accounts/{}", nowhere())).await.json()["balance"], "1");

    let faucet = format!("/v1/accounts/{}/faucet", nowhere());
    let gift = json!({ "amount": 10 });
    let key = [("Idempotency-Key", "gift")];
    let first = world.send_with("POST", &faucet, &key, &gift).await.expect(202);
    let second = world.send_with("POST", &faucet, &key, &gift).await.expect(202);
    assert_eq!((&first["hash"], &second["duplicate"]), (&second["hash"], &json!(true)));
}
