//! Every field of every endpoint: missing, wrong, too long, out of range, unknown.

use serde_json::{Value as Json, json};

use crate::support::{CODE, World, address, nowhere};

const BAD_ADDRESSES: [&str; 5] =
    ["", "0x", "0x12", "nobody", "0xzz9Fd6e51aad88F6F4ce6aB8827279cffFb92266"];

/// `base` with one field replaced; null removes it.
fn with(base: &Json, field: &str, value: Json) -> Json {
    let mut body = base.clone();
    body[field] = value;
    body
}

fn without(base: &Json, field: &str) -> Json {
    let mut body = base.clone();
    body.as_object_mut().unwrap().remove(field);
    body
}

async fn check(world: &World, path: &str, cases: Vec<(Json, u16, &str, Option<&str>)>) {
    for (body, status, code, field) in cases {
        let reply = world.post(path, &body).await;
        let expected = (status, code.to_owned(), field.map(str::to_owned));
        let shown: String = body.to_string().chars().take(300).collect();
        assert_eq!(reply.refusal(), expected, "{path} {shown}\n{}", reply.text());
    }
}

fn invalid(
    base: &Json,
    field: &'static str,
    values: &[Json],
) -> Vec<(Json, u16, &'static str, Option<&'static str>)> {
    values
        .iter()
        .map(|value| (with(base, field, value.clone()), 400, "invalid_field", Some(field)))
        .collect()
}

fn bad_addresses() -> Vec<Json> {
    let mut bad: Vec<Json> = BAD_ADDRESSES.iter().map(|text| json!(text)).collect();
    bad.extend([
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        json!(format!("0x{}", "0".repeat(40))),
    ]);
    bad
}

fn bad_amounts() -> Vec<Json> {
    let beyond = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    vec![
        json!(-1),
        json!(1.5),
        json!(1e30),
        json!(""),
        json!("0x"),
        json!("-1"),
        json!("1e3"),
        json!("1_000"),
        json!(" 1"),
        json!(beyond),
        json!(true),
        json!([1]),
        json!({}),
    ]
}

#[actix_web::test]
async fn every_field_of_a_transfer_is_checked() {
    let world = World::open().await;
    let good = json!({ "type": "transfer", "from": address(0), "to": address(1), "value": 1 });
    let mut cases = vec![
        (without(&good, "type"), 400, "missing_field", Some("type")),
        (without(&good, "from"), 400, "missing_field", Some("from")),
        (without(&good, "to"), 400, "missing_field", Some("to")),
        (without(&good, "value"), 400, "missing_field", Some("value")),
        (with(&good, "extra", json!(1)), 400, "unknown_field", Some("extra")),
        (with(&good, "nonce", json!(7)), 409, "nonce_conflict", Some("nonce")),
    ];
    let nobody = with(&with(&good, "from", Json::Null), "to", Json::Null);
    cases.push((nobody, 400, "invalid_field", Some("to")));
    let mint = with(&with(&good, "from", Json::Null), "nonce", json!(0));
    cases.push((mint, 400, "unexpected_field", Some("nonce")));
    cases.extend(invalid(&good, "type", &[json!("mint"), json!("Transfer"), json!(""), json!(1)]));
    cases.extend(invalid(&good, "from", &bad_addresses()));
    cases.extend(invalid(&good, "to", &bad_addresses()));
    cases.extend(invalid(&good, "value", &bad_amounts()));
    cases.extend(invalid(&good, "nonce", &[json!(-1), json!("1"), json!(1.5), json!(u64::MAX)]));
    cases.extend(invalid(&good, "signature", &[json!("0x12"), json!(1), json!("")]));
    for field in
        ["code", "method", "args", "kwargs", "calldata", "validators", "rotations_max", "mode"]
    {
        cases.push((with(&good, field, json!("x")), 400, "unexpected_field", Some(field)));
    }
    check(&world, "/v1/transactions", cases).await;
    let account = world.get(&format!("/v1/accounts/{}", address(0))).await.expect(200);
    assert_eq!(account["nonce"], 0, "nothing was accepted");
}

fn bad_rules(good: &Json) -> Vec<(Json, u16, &'static str, Option<&'static str>)> {
    let mut cases =
        invalid(good, "validators", &[json!(0), json!(1001), json!(-5), json!("5"), json!(1.0)]);
    cases.extend(invalid(good, "rotations_max", &[json!(101), json!(-1), json!("1"), json!([])]));
    cases.extend(invalid(good, "mode", &[json!("normal"), json!(""), json!(1), json!({})]));
    cases.extend(invalid(good, "args", &[json!({}), json!("x"), json!(1)]));
    cases.extend(invalid(good, "kwargs", &[json!([]), json!("x"), json!(1)]));
    for (value, field) in [
        (json!([1.5]), "args[0]"),
        (json!([1, 1e30]), "args[1]"),
        (json!([{"$address": "0x1"}]), "args[0]"),
        (json!([{"$bytes": "0x1"}]), "args[0]"),
        (json!([{"$int": "one"}]), "args[0]"),
        (json!([{"$int": "9".repeat(9_000)}]), "args[0]"),
    ] {
        cases.push((with(good, "args", value), 400, "invalid_field", Some(field)));
    }
    let large = json!({ "$int": "9".repeat(6_000) });
    let two = with(good, "args", json!([large, large]));
    cases.push((two, 400, "invalid_field", Some("args[1]")));
    cases.push((with(good, "kwargs", json!({"a": 0.5})), 400, "invalid_field", Some("kwargs.a")));
    cases
}

#[actix_web::test]
async fn every_field_of_a_deploy_is_checked() {
    let world = World::open().await;
    let good = json!({ "type": "deploy", "from": address(0), "code": CODE });
    let mut cases = vec![
        (without(&good, "code"), 400, "missing_field", Some("code")),
        (with(&good, "to", json!(address(1))), 400, "unexpected_field", Some("to")),
        (with(&good, "method", json!("x")), 400, "unexpected_field", Some("method")),
        (with(&good, "extra", Json::Null), 400, "unknown_field", Some("extra")),
        (with(&without(&good, "from"), "value", json!(1)), 400, "invalid_field", Some("value")),
        (
            with(&with(&good, "calldata", json!("0x00")), "args", json!([1])),
            400,
            "unexpected_field",
            Some("args"),
        ),
    ];
    cases.extend(invalid(&good, "code", &[json!(""), json!(" \n"), json!(5), json!(["x"])]));
    let huge_integer = format!("0xf9{}01", "ff".repeat(4_200));
    cases.extend(invalid(
        &good,
        "calldata",
        &[
            json!("00"),
            json!("0x0"),
            json!("0xzz"),
            json!("0x"),
            json!(0),
            json!("0x07"),
            json!("0x0000"),
            json!(huge_integer),
        ],
    ));
    cases.extend(bad_rules(&good));
    check(&world, "/v1/transactions", cases).await;
}

#[actix_web::test]
async fn every_field_of_a_call_is_checked() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let good = json!({ "type": "call", "from": address(0), "to": contract, "method": "set" });
    let mut cases = vec![
        (without(&good, "to"), 400, "missing_field", Some("to")),
        (with(&good, "to", Json::Null), 400, "missing_field", Some("to")),
        (without(&good, "method"), 400, "missing_field", Some("method")),
        (with(&good, "code", json!(CODE)), 400, "unexpected_field", Some("code")),
        (with(&good, "calldata", json!("0x00")), 400, "unexpected_field", Some("method")),
        (with(&good, "to", json!(nowhere())), 404, "contract_not_found", None),
        (with(&good, "to", json!(address(5))), 404, "contract_not_found", None),
        (with(&good, "Method", json!("set")), 400, "unknown_field", Some("Method")),
    ];
    cases.extend(invalid(
        &good,
        "method",
        &[json!(""), json!("x".repeat(201)), json!(1), json!([])],
    ));
    cases.extend(invalid(&good, "to", &bad_addresses()));
    cases.extend(bad_rules(&good));
    check(&world, "/v1/transactions", cases).await;
}

#[actix_web::test]
async fn the_hash_route_needs_what_a_signature_covers() {
    let world = World::open().await;
    let good =
        json!({ "type": "transfer", "from": address(0), "to": address(1), "value": 1, "nonce": 0 });
    let signature = format!("0x{}1b", "11".repeat(64));
    check(
        &world,
        "/v1/transactions/hash",
        vec![
            (without(&good, "nonce"), 400, "missing_field", Some("nonce")),
            (
                with(&without(&good, "nonce"), "from", Json::Null),
                400,
                "missing_field",
                Some("from"),
            ),
            (
                with(&good, "signature", json!(signature)),
                400,
                "unexpected_field",
                Some("signature"),
            ),
            (with(&good, "extra", json!(1)), 400, "unknown_field", Some("extra")),
        ],
    )
    .await;
    let hashed = world.post("/v1/transactions/hash", &good).await.expect(200);
    let path = format!("/v1/transactions/{}", hashed["hash"].as_str().unwrap());
    assert_eq!(world.get(&path).await.refusal().1, "transaction_not_found", "nothing is stored");
    assert_eq!(world.post("/v1/transactions", &good).await.expect(202)["hash"], hashed["hash"]);
}

#[actix_web::test]
async fn reads_faucet_and_validators_are_checked() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let good = json!({ "method": "get" });
    let mut cases = vec![
        (json!({}), 400, "missing_field", Some("method")),
        (with(&good, "value", json!(1)), 400, "unknown_field", Some("value")),
        (with(&good, "args", json!([0.1])), 400, "invalid_field", Some("args[0]")),
    ];
    cases.extend(invalid(&good, "method", &[json!(1), json!(""), json!("x".repeat(201))]));
    cases.extend(invalid(&good, "args", &[json!({}), json!(1)]));
    cases.extend(invalid(&good, "kwargs", &[json!([]), json!(1)]));
    cases.extend(invalid(&good, "from", &bad_addresses()));
    cases.extend(invalid(&good, "version", &[json!("latest"), json!(1)]));
    check(&world, &format!("/v1/contracts/{contract}/read"), cases).await;
    check(
        &world,
        &format!("/v1/contracts/{}/read", nowhere()),
        vec![(good, 404, "contract_not_found", None)],
    )
    .await;

    let good = json!({ "amount": 1 });
    let mut cases = vec![
        (json!({}), 400, "missing_field", Some("amount")),
        (json!({ "amount": null }), 400, "missing_field", Some("amount")),
        (json!({ "amount": 0 }), 400, "invalid_field", Some("amount")),
        (with(&good, "to", json!(1)), 400, "unknown_field", Some("to")),
    ];
    cases.extend(invalid(&good, "amount", &bad_amounts()));
    check(&world, &format!("/v1/accounts/{}/faucet", address(0)), cases).await;
    let zero = format!("/v1/accounts/0x{}/faucet", "0".repeat(40));
    check(&world, &zero, vec![(good, 400, "invalid_field", Some("address"))]).await;

    let bad_stakes = [json!(0), json!(-1), json!("1"), json!(1.5), json!(u64::MAX), json!([])];
    let good = json!({ "stake": 1 });
    let mut cases = vec![
        (json!({}), 400, "missing_field", Some("stake")),
        (with(&good, "weight", json!(1)), 400, "unknown_field", Some("weight")),
    ];
    cases.extend(invalid(&good, "stake", &bad_stakes));
    cases.extend(invalid(&good, "address", &bad_addresses()));
    check(&world, "/v1/validators", cases).await;

    let good = json!({ "count": 1, "stake_min": 2, "stake_max": 3 });
    let mut cases = vec![
        (without(&good, "count"), 400, "missing_field", Some("count")),
        (without(&good, "stake_min"), 400, "missing_field", Some("stake_min")),
        (without(&good, "stake_max"), 400, "missing_field", Some("stake_max")),
        (with(&good, "stake_max", json!(1)), 400, "invalid_field", Some("stake_max")),
        (with(&good, "seed", json!(1)), 400, "unknown_field", Some("seed")),
    ];
    cases.extend(invalid(&good, "count", &[json!(0), json!(101), json!("1"), json!(1.5)]));
    cases.extend(invalid(&good, "stake_min", &bad_stakes));
    cases.extend(invalid(&good, "stake_max", &bad_stakes));
    check(&world, "/v1/validators/random", cases).await;

    let list = world.get("/v1/validators").await.expect(200);
    let validator = list["validators"][0]["address"].as_str().unwrap().to_owned();
    for stake in bad_stakes {
        let reply = world
            .send("PUT", &format!("/v1/validators/{validator}"), &json!({ "stake": stake }))
            .await;
        assert_eq!(reply.refusal(), (400, "invalid_field".into(), Some("stake".into())));
    }
    let reply = world.send("PUT", &format!("/v1/validators/{validator}"), &json!({})).await;
    assert_eq!(reply.refusal(), (400, "missing_field".into(), Some("stake".into())));
}

#[actix_web::test]
async fn every_path_and_parameter_is_checked() {
    let world = World::open().await;
    let contract = world.deploy().await;
    let hash = world.get("/v1/transactions").await.json()["transactions"][0]["hash"].clone();
    let hash = hash.as_str().unwrap();
    let unknown_hash = format!("0x{}", "ab".repeat(32));
    let far = nowhere();
    for (path, status, code, field) in [
        ("/v1/transactions/0x12", 400, "invalid_field", Some("hash")),
        ("/v1/transactions/hello", 400, "invalid_field", Some("hash")),
        (&format!("/v1/transactions/{unknown_hash}"), 404, "transaction_not_found", None),
        (
            &format!("/v1/transactions/{unknown_hash}?wait=DECIDED"),
            404,
            "transaction_not_found",
            None,
        ),
        (&format!("/v1/transactions/{unknown_hash}/events"), 404, "transaction_not_found", None),
        (&format!("/v1/transactions/{hash}?wait=PENDING"), 400, "invalid_field", Some("wait")),
        (
            &format!("/v1/transactions/{hash}?wait=DECIDED&timeout=61"),
            400,
            "invalid_field",
            Some("timeout"),
        ),
        (
            &format!("/v1/transactions/{hash}?wait=DECIDED&timeout=x"),
            400,
            "invalid_field",
            Some("timeout"),
        ),
        (&format!("/v1/transactions/{hash}?timeout=1"), 400, "unexpected_field", Some("timeout")),
        (&format!("/v1/transactions/{hash}?verbose=1"), 400, "unknown_field", Some("verbose")),
        (&format!("/v1/transactions/{hash}/events?after=-1"), 400, "invalid_field", Some("after")),
        (&format!("/v1/transactions/{hash}/events?from=1"), 400, "unknown_field", Some("from")),
        ("/v1/events?after=x", 400, "invalid_field", Some("after")),
        ("/v1/transactions?status=accepted", 400, "invalid_field", Some("status")),
        ("/v1/transactions?type=mint", 400, "invalid_field", Some("type")),
        ("/v1/transactions?from=0x1", 400, "invalid_field", Some("from")),
        ("/v1/transactions?to=x", 400, "invalid_field", Some("to")),
        ("/v1/transactions?limit=0", 400, "invalid_field", Some("limit")),
        ("/v1/transactions?limit=101", 400, "invalid_field", Some("limit")),
        ("/v1/transactions?limit=+5", 400, "invalid_field", Some("limit")),
        ("/v1/transactions?limit=1&limit=2", 400, "invalid_field", Some("limit")),
        ("/v1/transactions?cursor=7", 400, "invalid_field", Some("cursor")),
        ("/v1/transactions?cursor=p99999999999999999999", 400, "invalid_field", Some("cursor")),
        ("/v1/transactions?page=1", 400, "unknown_field", Some("page")),
        ("/v1/contracts?limit=x", 400, "invalid_field", Some("limit")),
        ("/v1/contracts?cursor=x", 400, "invalid_field", Some("cursor")),
        ("/v1/contracts?status=x", 400, "unknown_field", Some("status")),
        ("/v1/contracts/0x1", 400, "invalid_field", Some("address")),
        (&format!("/v1/contracts/{far}"), 404, "contract_not_found", None),
        (&format!("/v1/contracts/{far}/code"), 404, "contract_not_found", None),
        (&format!("/v1/contracts/{far}/schema"), 404, "contract_not_found", None),
        (&format!("/v1/contracts/{far}/state"), 404, "contract_not_found", None),
        (
            &format!("/v1/contracts/{contract}/code?format=xml"),
            400,
            "invalid_field",
            Some("format"),
        ),
        (&format!("/v1/contracts/{contract}/schema?x=1"), 400, "unknown_field", Some("x")),
        (
            &format!("/v1/contracts/{contract}/state?version=latest"),
            400,
            "invalid_field",
            Some("version"),
        ),
        (
            &format!("/v1/contracts/{contract}/state?cursor=0x1-1"),
            400,
            "invalid_field",
            Some("cursor"),
        ),
        (
            &format!("/v1/contracts/{contract}/state?limit=1000"),
            400,
            "invalid_field",
            Some("limit"),
        ),
        ("/v1/accounts/me", 400, "invalid_field", Some("address")),
        (
            "/v1/accounts/0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266?x=1",
            400,
            "unknown_field",
            Some("x"),
        ),
        ("/v1/validators?limit=5", 400, "unknown_field", Some("limit")),
        ("/v1/validators/0x", 400, "invalid_field", Some("address")),
        (&format!("/v1/validators/{far}"), 404, "validator_not_found", None),
        ("/v1/network?x", 400, "unknown_field", Some("x")),
        ("/health?x=1", 400, "unknown_field", Some("x")),
        ("/v1", 404, "route_not_found", None),
        ("/v1/nothing", 404, "route_not_found", None),
        ("/docs/nothing.js", 404, "route_not_found", None),
    ] {
        let reply = world.get(path).await;
        let expected = (status, code.to_owned(), field.map(str::to_owned));
        assert_eq!(reply.refusal(), expected, "{path}\n{}", reply.text());
    }
}

#[actix_web::test]
async fn wrong_methods_are_told_the_right_ones() {
    let world = World::open().await;
    for (method, path, allowed) in [
        ("DELETE", "/v1/transactions", "GET"),
        ("PUT", "/v1/network", "GET"),
        ("GET", "/v1/transactions/hash", "POST"),
        ("POST", "/health", "GET"),
        ("PATCH", "/v1/validators/0x12", "PUT"),
    ] {
        let reply = world.request(method, path, &[], None).await;
        assert_eq!(reply.refusal(), (405, "method_not_allowed".into(), None), "{method} {path}");
        assert!(
            reply.header("allow").contains(allowed),
            "{method} {path}: {}",
            reply.header("allow")
        );
    }
}

#[actix_web::test]
async fn bodies_that_are_no_json_objects_are_refused() {
    let world = World::open().await;
    let json_type = ("content-type", "application/json");
    let deep = format!("{{\"args\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let long_key = format!("{{\"{}\": 1}}", "k".repeat(100_000));
    let cases: Vec<(&str, u16, &str, Option<&str>)> = vec![
        ("", 400, "invalid_json", None),
        ("{", 400, "invalid_json", None),
        ("not json", 400, "invalid_json", None),
        ("{} {}", 400, "invalid_json", None),
        ("[]", 400, "invalid_body", None),
        ("null", 400, "invalid_body", None),
        ("\"text\"", 400, "invalid_body", None),
        (r#"{"value": 1e400}"#, 400, "invalid_json", Some("value")),
        (r#"{"value": NaN}"#, 400, "invalid_json", Some("value")),
        (r#"{"value": -Infinity}"#, 400, "invalid_json", Some("value")),
        (r#"{"type": "call", "type": "deploy"}"#, 400, "invalid_json", Some("type")),
        (r#"{"code": "\ud800"}"#, 400, "invalid_json", Some("code")),
        (&deep, 400, "json_too_deep", Some("args")),
        (&long_key, 400, "missing_field", Some("type")),
    ];
    for (body, status, code, field) in cases {
        let shown: String = body.chars().take(60).collect();
        let reply =
            world.request("POST", "/v1/transactions", &[json_type], Some(body.into())).await;
        let expected = (status, code.to_owned(), field.map(str::to_owned));
        assert_eq!(reply.refusal(), expected, "{shown}: {}", reply.text());
    }
    let not_text = vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}'];
    let reply = world.request("POST", "/v1/transactions", &[json_type], Some(not_text)).await;
    assert_eq!(reply.refusal().1, "invalid_json");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let headers = [("content-type", kind)];
        let reply = world.request("POST", "/v1/transactions", &headers, Some(b"{}".to_vec())).await;
        let expected = (415, "unsupported_media_type".into(), Some("Content-Type".into()));
        assert_eq!(reply.refusal(), expected, "{kind}");
    }
    let zipped = [json_type, ("content-encoding", "gzip")];
    let reply = world.request("POST", "/v1/transactions", &zipped, Some(b"{}".to_vec())).await;
    assert_eq!(reply.refusal().2, Some("Content-Encoding".into()));
    let with_charset = [("content-type", "Application/JSON; charset=utf-8")];
    let reply =
        world.request("POST", "/v1/transactions", &with_charset, Some(b"{}".to_vec())).await;
    assert_eq!(reply.refusal().1, "missing_field");
}

#[actix_web::test]
async fn idempotency_keys_are_checked() {
    let world = World::open().await;
    let body = json!({ "type": "transfer", "from": address(0), "to": address(1), "value": 1 });
    let long = "k".repeat(201);
    for key in ["", &long, "tab\there"] {
        let headers = [("Idempotency-Key", key)];
        let reply = world.send_with("POST", "/v1/transactions", &headers, &body).await;
        let expected = (400, "invalid_field".into(), Some("Idempotency-Key".into()));
        assert_eq!(reply.refusal(), expected, "{key}");
    }
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    let reply = world.send_with("POST", "/v1/transactions", &twice, &body).await;
    assert_eq!(reply.refusal().2, Some("Idempotency-Key".into()));
}
