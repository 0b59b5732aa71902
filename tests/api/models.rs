//! Validators with models, the models that are known by name, and how transactions are run.

use serde_json::{Value as Json, json};

use crate::support::{ADMIN_KEY, World, account, address, guarded, nowhere, sign};

fn whole(model: &str) -> Json {
    json!({
        "provider": "openai", "model": model, "config": {}, "plugin": "openai-compatible",
        "plugin_config": {"api_key_env_var": "OPENAIKEY", "api_url": "https://api.openai.com"},
    })
}

/// A choice that is wrong, the part that is to blame, and what the answer calls that.
fn bad_choices() -> Vec<(Json, &'static str, &'static str)> {
    let with = |field: &str, value: Json| {
        let mut choice = whole("gpt-4o");
        choice[field] = value;
        choice
    };
    let invalid = "invalid_field";
    vec![
        (json!({"model": "gpt-4o"}), "provider", "missing_field"),
        (json!({"provider": "openai"}), "model", "missing_field"),
        (with("provider", json!(5)), "provider", invalid),
        (with("model", json!("")), "model", invalid),
        (json!({"provider": "openia", "model": "gpt-4o"}), "provider", invalid),
        (with("plugin", json!("telepathy")), "plugin", invalid),
        (with("plugin", json!("google")), "plugin", invalid),
        (with("config", json!([])), "config", invalid),
        (with("config", json!({"temperature": "cold"})), "config.temperature", invalid),
        (with("plugin_config", json!("none")), "plugin_config", invalid),
        (with("plugin_config", json!({"api_url": "ftp://a"})), "plugin_config.api_url", invalid),
        (
            with("plugin_config", json!({"api_url": "https://me:secret@a.example"})),
            "plugin_config.api_url",
            invalid,
        ),
        (with("plugin_config", json!({"mocks": {}})), "plugin_config.mocks", invalid),
        (
            with("plugin_config", json!({"mock_response": {"answers": {}}})),
            "plugin_config.mock_response.answers",
            invalid,
        ),
        (
            with("plugin_config", json!({"mock_web_response": {"pages": {}}})),
            "plugin_config.mock_web_response",
            invalid,
        ),
        (with("color", json!("red")), "color", "unknown_field"),
    ]
}

#[actix_web::test]
async fn validators_have_models_from_their_creation_on() {
    let world = World::open().await;
    let genesis = world.get("/v1/validators").await.expect(200);
    assert_eq!(genesis["validators"][0]["models"], Json::Null, "as the settings say");
    let body = json!({
        "stake": 3, "address": nowhere(),
        "models": {"provider": "openai", "model": "gpt-new", "fallback": {
            "provider": "simulated", "model": "simulated"
        }},
    });
    let created = world.post("/v1/validators", &body).await.expect(201);
    let mut expected = whole("gpt-new");
    expected["fallback"] = json!({
        "provider": "simulated", "model": "simulated", "config": {}, "plugin": "simulated",
        "plugin_config": {},
    });
    assert_eq!(created["models"], expected, "the rest is as with the provider's others");
    let path = format!("/v1/validators/{}", nowhere());
    assert_eq!(world.get(&path).await.expect(200), created);
    // What is shown can be sent.
    let again = json!({ "models": created["models"] });
    assert_eq!(world.send("PUT", &path, &again).await.expect(200), created);
    let heavier = world.send("PUT", &path, &json!({ "stake": 9 })).await.expect(200);
    assert_eq!((&heavier["stake"], &heavier["models"]), (&json!(9), &expected));
    let other = json!({ "stake": 1, "models": {"provider": "openai", "model": "gpt-4o"} });
    let other = world.send("PUT", &path, &other).await.expect(200);
    let mut plain = whole("gpt-4o");
    plain["fallback"] = Json::Null;
    assert_eq!((&other["stake"], &other["models"]), (&json!(1), &plain));
}

#[actix_web::test]
async fn wrong_models_are_refused_by_the_field_and_change_nothing() {
    let world = World::open().await;
    let before = world.get("/v1/validators").await.expect(200);
    let path = before["validators"][0]["address"].as_str().unwrap();
    let path = format!("/v1/validators/{path}");
    let mut cases = bad_choices();
    let in_fallback = cases.iter().map(|(choice, field, code)| {
        let mut models = whole("gpt-4o");
        models["fallback"] = choice.clone();
        (models, format!("fallback.{field}"), *code)
    });
    let in_fallback: Vec<_> = in_fallback.collect();
    let mut all: Vec<(Json, String, &str)> =
        cases.drain(..).map(|(choice, field, code)| (choice, field.to_owned(), code)).collect();
    all.extend(in_fallback);
    all.push((json!([]), String::new(), "invalid_field"));
    for (models, field, code) in all {
        let dot = if field.is_empty() { "" } else { "." };
        let expected = (400, code.to_owned(), Some(format!("models{dot}{field}")));
        let body = json!({ "stake": 1, "models": models });
        let reply = world.post("/v1/validators", &body).await;
        assert_eq!(reply.refusal(), expected, "{models}: {}", reply.text());
        assert!(reply.json()["error"]["valid"].is_string(), "{models}");
        let reply = world.send("PUT", &path, &json!({ "models": models })).await;
        assert_eq!(reply.refusal(), expected, "{models}: {}", reply.text());
    }
    assert_eq!(world.get("/v1/validators").await.expect(200), before);
}

#[actix_web::test]
async fn known_models_are_listed_and_changed() {
    let world = World::open().await;
    let all = world.get("/v1/providers").await.expect(200);
    let list = all["providers"].as_array().unwrap();
    assert_eq!(list.len(), 57);
    assert!(list.iter().all(|entry| entry["is_default"] == true));
    let gpt = list.iter().find(|entry| entry["model"] == "gpt-4o").unwrap();
    assert_eq!((&gpt["is_available"], &gpt["is_model_available"]), (&json!(false), &json!(false)));
    let simulated = list.iter().find(|entry| entry["provider"] == "simulated").unwrap();
    assert_eq!(simulated["is_model_available"], true);
    let new = json!({ "provider": "openai", "model": "gpt-new" });
    let id = world.post("/v1/providers", &new).await.expect(201)["id"].as_i64().unwrap();
    let taken = world.post("/v1/providers", &new).await.refusal();
    assert_eq!(taken, (409, "provider_exists".into(), Some("model".into())));
    let path = format!("/v1/providers/{id}");
    let newer = json!({ "provider": "openai", "model": "gpt-newer" });
    assert_eq!(world.send("PUT", &path, &newer).await.expect(200)["id"], id);
    let taken = json!({ "provider": "openai", "model": "gpt-4o" });
    assert_eq!(world.send("PUT", &path, &taken).await.refusal().0, 409);
    let default = format!("/v1/providers/{}", gpt["id"]);
    world.request("DELETE", &default, &[], None).await.expect(200);
    let changed = world.get("/v1/providers").await.expect(200);
    let models: Vec<&Json> =
        changed["providers"].as_array().unwrap().iter().map(|entry| &entry["model"]).collect();
    assert!(models.contains(&&json!("gpt-newer")) && !models.contains(&&json!("gpt-4o")));
    for (method, path, code) in [
        ("DELETE", default.as_str(), "provider_not_found"),
        ("PUT", "/v1/providers/12345", "provider_not_found"),
        ("PUT", "/v1/providers/one", "invalid_field"),
        ("DELETE", "/v1/providers/-1", "invalid_field"),
    ] {
        let body = if method == "PUT" { &newer } else { &json!({}) };
        let body = if code == "provider_not_found" {
            &json!({
                "provider": "openai", "model": "gpt-other"
            })
        } else {
            body
        };
        assert_eq!(world.send(method, path, body).await.refusal().1, code, "{method} {path}");
    }
    for (choice, field, code) in bad_choices() {
        let reply = world.post("/v1/providers", &choice).await;
        assert_eq!(reply.refusal(), (400, code.into(), Some(field.into())), "{choice}");
    }
    world.request("POST", "/v1/providers/reset", &[], None).await.expect(200);
    assert_eq!(world.get("/v1/providers").await.expect(200), all);
}

fn context() -> Json {
    json!({
        "validators": [{"provider": "openai", "model": "gpt-mine"}],
        "genvm_datetime": "2024-01-01T00:00:00.123456Z",
    })
}

#[actix_web::test]
async fn a_context_reaches_the_nodes_of_transactions_and_reads() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let body = json!({ "method": "context", "context": context() });
    let read = world.post(&format!("/v1/contracts/{contract}/read"), &body).await.expect(200);
    assert_eq!(read["result"], "gpt-mine at 1704067200123456");
    let body = json!({
        "type": "call", "from": address(1), "to": contract, "method": "context",
        "context": context(),
    });
    let hash = world.post("/v1/transactions", &body).await.expect(202)["hash"].clone();
    let decided = world.wait(hash.as_str().unwrap(), "ACCEPTED").await;
    let rotation = &decided["consensus"]["rounds"][0]["rotations"][0];
    assert_eq!(rotation["leader_receipt"]["result"], "gpt-mine at 1704067200123456", "{decided}");
    assert_eq!(rotation["committee"].as_array().unwrap().len(), 1);
    assert_eq!(decided["context"]["genvm_datetime"], "2024-01-01T00:00:00.123456Z");
    assert_eq!(decided["context"]["validators"][0]["model"], "gpt-mine");
    // Nothing asked for is nothing changed.
    let body = json!({ "method": "context", "context": {} });
    let read = world.post(&format!("/v1/contracts/{contract}/read"), &body).await.expect(200);
    assert!(read["result"].as_str().unwrap().starts_with("none at "), "{read}");
}

#[actix_web::test]
async fn a_wrong_context_is_refused_by_the_field() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let call = json!({ "type": "call", "from": address(1), "to": contract, "method": "set" });
    let deploy = json!({ "type": "deploy", "from": address(1), "code": "x = 1" });
    let read = json!({ "method": "get" });
    let path = format!("/v1/contracts/{contract}/read");
    let mut cases = vec![
        (json!(5), "context".to_owned(), "invalid_field"),
        (json!({"now": 1}), "context.now".to_owned(), "unknown_field"),
        (json!({"genvm_datetime": "soon"}), "context.genvm_datetime".to_owned(), "invalid_field"),
        (json!({"genvm_datetime": 5}), "context.genvm_datetime".to_owned(), "invalid_field"),
        (json!({"validators": {}}), "context.validators".to_owned(), "invalid_field"),
        (
            json!({"validators": [{"provider": "openai", "model": "x", "stake": 0}]}),
            "context.validators[0].stake".to_owned(),
            "invalid_field",
        ),
    ];
    for (choice, field, code) in bad_choices() {
        let place = format!("context.validators[0].{field}");
        cases.push((json!({ "validators": [choice] }), place, code));
    }
    for (context, field, code) in cases {
        for (path, good) in
            [("/v1/transactions", &call), ("/v1/transactions", &deploy), (path.as_str(), &read)]
        {
            let mut body = good.clone();
            body["context"] = context.clone();
            let reply = world.post(path, &body).await;
            assert_eq!(reply.refusal(), (400, code.into(), Some(field.clone())), "{path} {body}");
        }
    }
    let transfer = json!({
        "type": "transfer", "from": address(1), "to": address(2), "value": 1, "context": context()
    });
    let refused = world.post("/v1/transactions", &transfer).await.refusal();
    assert_eq!(refused, (400, "unexpected_field".into(), Some("context".into())));
    let list = world.get("/v1/transactions").await.expect(200);
    assert_eq!(list["transactions"].as_array().unwrap().len(), 1, "only the deploy is there");
}

#[actix_web::test]
async fn on_a_guarded_network_only_its_operator_leads_keys_elsewhere() {
    let world = World::with(guarded()).await;
    let foreign = json!({"validators": [{
        "provider": "openai", "model": "gpt-4o",
        "plugin_config": {"api_url": "https://evil.example"},
    }]});
    let deploy = json!({ "type": "deploy", "from": address(0), "code": "x = 1", "nonce": 0 });
    let hash = world.post("/v1/transactions/hash", &deploy).await.expect(200);
    let signature = sign(&account(0), hash["hash"].as_str().unwrap());
    let mut body = deploy.clone();
    body["signature"] = json!(signature);
    body["context"] = foreign.clone();
    let place = "context.validators[0].plugin_config";
    let refused = (400, "invalid_field".to_owned(), Some(place.to_owned()));
    assert_eq!(world.post("/v1/transactions", &body).await.refusal(), refused);
    let contract = hash["contract"].as_str().unwrap();
    let path = format!("/v1/contracts/{contract}/read");
    let read = json!({ "method": "get", "context": foreign });
    assert_eq!(world.post(&path, &read).await.refusal(), refused);
    let key = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", key.as_str())];
    let reply = world.send_with("POST", &path, &headers, &read).await;
    assert_eq!(reply.refusal().1, "contract_not_found", "the context itself is taken");
    body["context"] = context();
    world.post("/v1/transactions", &body).await.expect(202);
}
