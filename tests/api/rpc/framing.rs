//! JSON-RPC 2.0 itself.

use agora::api::ApiSettings;
use serde_json::{Value as Json, json};

use crate::support::{World, address};

#[actix_web::test]
async fn ids_come_back_as_they_were_sent() {
    let world = World::open().await;
    for id in ["1", "-7", "1.5", "12345678901234567890", "\"a\"", "\"\"", "null"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let answer = world.api(&body).await;
        assert_eq!(answer.text(), format!(r#"{{"jsonrpc":"2.0","result":"OK","id":{id}}}"#));
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[actix_web::test]
async fn what_is_no_call_is_refused_with_the_right_code() {
    let world = World::open().await;
    for (body, code) in [
        ("", -32_700),
        ("{", -32_700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x", -32_700),
        ("{\"id\":1,\"id\":2}", -32_700),
        ("\u{1}", -32_700),
        ("[]", -32_600),
        ("7", -32_600),
        ("\"ping\"", -32_600),
        ("null", -32_600),
        ("{}", -32_600),
        (r#"{"id":1,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#, -32_601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"PING"}"#, -32_601),
    ] {
        let answer = world.api(body).await.expect(200);
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0", "{body}");
        assert!(answer.get("result").is_none() && answer.get("id").is_some(), "{body}: {answer}");
    }
}

#[actix_web::test]
async fn a_batch_is_answered_call_by_call_and_notifications_are_not() {
    let world = World::open().await;
    let batch = r#"[
        {"jsonrpc":"2.0","id":"a","method":"eth_chainId"},
        {"jsonrpc":"2.0","method":"ping"},
        7,
        {"jsonrpc":"2.0","id":2,"method":"nope"},
        {"jsonrpc":"2.0","id":3,"method":"eth_gasPrice","params":[]}
    ]"#;
    let answers = world.api(batch).await.expect(200);
    let answers = answers.as_array().unwrap();
    let ids: Vec<&Json> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!("a"), &Json::Null, &json!(2), &json!(3)]);
    assert_eq!(answers[0]["result"], "0xf22f");
    assert_eq!(answers[1]["error"]["code"], -32_600);
    assert_eq!(answers[2]["error"]["code"], -32_601);
    assert_eq!(answers[3]["result"], "0x0");
    for silent in [r#"{"jsonrpc":"2.0","method":"ping"}"#, r#"[{"jsonrpc":"2.0","method":"nope"}]"#]
    {
        let answer = world.api(silent).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (204, String::new()));
    }
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let many = |count: usize| format!("[{}]", vec![one; count].join(","));
    assert_eq!(world.api(&many(100)).await.json().as_array().unwrap().len(), 100);
    let refused = world.api(&many(101)).await.expect(200);
    assert_eq!(refused["error"]["code"], -32_600);
    assert!(refused["error"]["message"].as_str().unwrap().contains("101"), "{refused}");
}

#[actix_web::test]
async fn parameters_come_by_place_and_by_name() {
    let world = World::open().await;
    let address = crate::support::address(0);
    let balance = json!("0x56bc75e2d63100000");
    for params in [
        json!([address]),
        json!([address, "latest"]),
        json!([address, "latest", "surplus", 7]),
        json!([address, null]),
        json!([address.to_lowercase(), "0x1"]),
        json!({ "address": address }),
        json!({ "address": address, "block": "pending" }),
    ] {
        assert_eq!(world.result("eth_getBalance", params.clone()).await, balance, "{params}");
    }
    for (params, words) in [
        (json!([]), "Missing required parameter: address"),
        (json!({}), "Missing required parameter: address"),
        (json!([null]), "Missing required parameter: address"),
        (json!({ "adress": address }), "Unexpected parameter: adress"),
        (json!(["0x12"]), "0x12"),
        (json!([7]), "`7` is not an address"),
        (json!([address, "yesterday"]), "yesterday"),
        (json!([address, []]), "[]"),
    ] {
        let (code, message) = world.refused("eth_getBalance", params.clone()).await;
        assert_eq!(code, -32_602, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
    let absent = world.api(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await.expect(200);
    assert_eq!(absent["result"], "0xf22f");
}

#[actix_web::test]
async fn a_result_of_nothing_is_an_explicit_null() {
    let world = World::open().await;
    let nothing = format!("0x{}", "ab".repeat(32));
    for method in ["eth_getTransactionReceipt", "eth_getBlockByHash"] {
        let answer = world.rpc(method, json!([nothing])).await;
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "result": null, "id": 1 }), "{method}");
    }
}

#[actix_web::test]
async fn bodies_that_are_too_large_or_too_deep_are_refused() {
    let settings =
        ApiSettings { body_bytes_max: 10_000, json_depth_max: 20, ..ApiSettings::default() };
    let world = World::with(settings).await;
    let large = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(20_000));
    let answer = world.api(&large).await.expect(413);
    assert_eq!(answer["error"]["code"], -32_600);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}{}}}"#,
        "[".repeat(30),
        "]".repeat(30)
    );
    let answer = world.api(&deep).await.expect(200);
    assert_eq!(answer["error"]["code"], -32_700, "{answer}");
    assert_eq!(world.get("/api").await.status.as_u16(), 405);
}

#[actix_web::test]
async fn preflights_of_browsers_are_answered() {
    let settings = ApiSettings { cors_origins: vec!["*".into()], ..ApiSettings::default() };
    let world = World::with(settings).await;
    let headers = [
        ("origin", "http://localhost:8080"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type, x-session-id, x-api-key"),
    ];
    let answer = world.request("OPTIONS", "/api", &headers, None).await;
    assert_eq!(answer.status.as_u16(), 200);
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    assert!(allowed.contains("x-session-id"), "{allowed}");
}

#[actix_web::test]
async fn parameters_have_studios_names_as_well() {
    let world = World::open().await;
    for (method, params) in [
        ("eth_getBalance", json!({ "account_address": address(1), "block_tag": "latest" })),
        ("eth_getBalance", json!({ "address": address(1), "block": "latest" })),
        ("eth_getBlockByNumber", json!({ "block_number": "0x0", "full_transactions": true })),
        ("sim_setFinalityWindowTime", json!({ "seconds": 7 })),
    ] {
        world.result(method, params).await;
    }
    let (code, message) = world.refused("eth_getBalance", json!({ "account": address(1) })).await;
    assert_eq!((code, message.as_str()), (-32_602, "Unexpected parameter: account"));
    // No parameter has an empty name.
    let (code, _) = world.refused("ping", json!({ "": 1 })).await;
    assert_eq!(code, -32_602);
}
