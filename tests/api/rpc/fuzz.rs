//! Whatever arrives, the answer is one of the specification.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use crate::support::World;

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter_map("finite", |it| serde_json::Number::from_f64(it).map(Json::Number)),
        ".{0,40}".prop_map(Json::from),
        "0x[0-9a-f]{0,80}".prop_map(Json::from),
        Just(json!(crate::support::address(0))),
        Just(json!(format!("0x{}", "ab".repeat(32)))),
        Just(json!("latest")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Every answer of the specification, and nothing else.
fn check(body: &str, reply: &crate::support::Reply) {
    let status = reply.status.as_u16();
    assert!(status == 200 || status == 204, "{status} to {body}");
    if status == 204 {
        assert!(reply.bytes.is_empty(), "{body}");
        return;
    }
    let answer = reply.json();
    let answers = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
    for answer in answers {
        assert_eq!(answer["jsonrpc"], "2.0", "{body}: {answer}");
        assert!(
            answer.get("result").is_some() != answer.get("error").is_some(),
            "{body}: {answer}"
        );
        assert!(answer.get("id").is_some(), "{body}: {answer}");
        if let Some(error) = answer.get("error") {
            assert!(error["code"].is_i64() && error["message"].is_string(), "{body}: {answer}");
            assert_ne!(error["code"], -32_603, "an internal error to {body}: {answer}");
        }
    }
}

#[actix_web::test]
async fn any_parameters_of_any_method_are_answered() {
    let world = World::open().await;
    let document = world.result("rpc.discover", json!([])).await;
    let methods: Vec<String> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap().to_owned())
        .collect();
    let mut runner = TestRunner::deterministic();
    let params = prop::collection::vec(any_json(), 0..4).prop_map(Json::from);
    let params = prop_oneof![4 => params, 1 => any_json()];
    for method in &methods {
        for _ in 0..12 {
            let params = params.new_tree(&mut runner).unwrap().current();
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
            let body = body.to_string();
            check(&body, &world.api(&body).await);
        }
    }
}

#[actix_web::test]
async fn any_bytes_are_answered() {
    let world = World::open().await;
    let mut runner = TestRunner::deterministic();
    let texts = prop_oneof![
        ".{0,200}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        r#"\{"jsonrpc":"2.0","id":[0-9]{1,30},"method":"[a-z_]{0,9}","params":[\[\]{}",:0-9]{0,20}\}"#
            .prop_map(String::into_bytes),
    ];
    for _ in 0..600 {
        let body = texts.new_tree(&mut runner).unwrap().current();
        let headers = [("content-type", "application/json")];
        let reply = world.request("POST", "/api", &headers, Some(body.clone())).await;
        check(&String::from_utf8_lossy(&body), &reply);
    }
}
