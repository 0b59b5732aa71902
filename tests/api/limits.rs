//! Bodies, rates, submissions and streams are limited, and origins are named.

use std::num::NonZeroU32;
use std::time::Duration;

use agora::api::ApiSettings;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{World, address, nowhere};

#[actix_web::test]
async fn bodies_beyond_the_limit_are_refused_announced_or_not() {
    let settings = ApiSettings { body_bytes_max: 1_000, ..ApiSettings::default() };
    let world = World::with(settings).await;
    let body =
        |bytes: usize| json!({ "type": "deploy", "from": address(0), "code": "#".repeat(bytes) });
    world.post("/v1/transactions", &body(800)).await.expect(202);
    let reply = world.post("/v1/transactions", &body(1_000)).await;
    assert_eq!(reply.refusal(), (413, "body_too_large".into(), None));
    let chunks =
        (0..20).map(|_| Ok::<_, std::io::Error>(actix_web::web::Bytes::from(vec![b' '; 100])));
    let mut response = world
        .client
        .post(format!("{}/v1/transactions", world.base))
        .insert_header(("content-type", "application/json"))
        .send_stream(futures_util::stream::iter(chunks))
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 413);
    assert!(response.body().await.unwrap().starts_with(b"{\"error\""));
    assert_eq!(world.get("/health").await.expect(200)["limits"]["body_bytes_max"], 1_000);
}

#[actix_web::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let settings =
        ApiSettings { requests_per_second: NonZeroU32::new(5), ..ApiSettings::default() };
    let world = World::with(settings).await;
    let mut refused = None;
    for _ in 0..20 {
        let reply = world.get("/v1/validators").await;
        if reply.status.as_u16() == 429 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("20 requests at once are more than 5 per second");
    assert_eq!(refused.refusal(), (429, "rate_limited".into(), None));
    assert_eq!(refused.header("retry-after"), "1");
    for _ in 0..20 {
        assert_eq!(world.get("/health").await.status.as_u16(), 200, "machines keep asking");
    }
}

#[actix_web::test]
async fn too_many_streams_are_refused() {
    let world = World::with(ApiSettings { streams_max: 1, ..ApiSettings::default() }).await;
    let stream = world.client.get(format!("{}/v1/events", world.base)).send().await.unwrap();
    assert_eq!(stream.status().as_u16(), 200);
    let reply = world.get("/v1/events").await;
    assert_eq!(reply.refusal(), (503, "too_many_streams".into(), None));
    assert_eq!(reply.header("retry-after"), "1");
}

#[actix_web::test]
async fn submissions_beyond_the_limit_are_refused_and_nothing_is_lost() {
    let world = World::with(ApiSettings { submissions_max: 1, ..ApiSettings::default() }).await;
    let body = json!({ "type": "transfer", "from": null, "to": nowhere(), "value": 1 });
    let lock = world.lock_writes();
    let submit = async {
        let held = world.post("/v1/transactions", &body);
        let refused = async {
            sleep(Duration::from_millis(300)).await;
            let refused = world.post("/v1/transactions", &body).await;
            drop(lock);
            refused
        };
        tokio::join!(held, refused)
    };
    let (held, refused) = submit.await;
    assert_eq!(refused.refusal(), (503, "too_many_submissions".into(), None));
    assert_eq!(refused.header("retry-after"), "1");
    held.expect(202);
    world.post("/v1/transactions", &body).await.expect(202);
    let page = world.get("/v1/transactions?limit=100").await.expect(200);
    assert_eq!(page["transactions"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_transfer_that_waits_for_its_turn_keeps_nobody_from_submitting() {
    let settings = ApiSettings { submissions_max: 1, ..ApiSettings::default() };
    let world = World::with(settings).await;
    let contract = world.deploy().await;
    let slow = json!({ "type": "call", "from": address(0), "to": contract, "method": "slow" });
    world.post("/v1/transactions", &slow).await.expect(202);
    let body = json!({ "type": "transfer", "from": null, "to": nowhere(), "value": 1 });
    let fund = world.result("sim_fundAccount", json!([contract, 1]));
    let submit = async {
        sleep(Duration::from_millis(300)).await;
        world.post("/v1/transactions", &body).await.expect(202)
    };
    let funded = async {
        let started = tokio::time::Instant::now();
        fund.await;
        started.elapsed()
    };
    let (waited, _) = tokio::join!(funded, submit);
    assert!(waited > Duration::from_secs(1), "it waited while the other came: {waited:?}");
}

#[actix_web::test]
async fn only_named_origins_may_read_across() {
    let origin = "http://localhost:3000";
    let settings = ApiSettings { cors_origins: vec![origin.into()], ..ApiSettings::default() };
    let world = World::with(settings).await;
    let ask = async |from: &str| {
        let reply = world.request("GET", "/v1/network", &[("origin", from)], None).await;
        (reply.status.as_u16(), reply.header("access-control-allow-origin"))
    };
    assert_eq!(ask(origin).await, (200, origin.to_owned()));
    assert_eq!(ask("http://evil.example").await, (200, String::new()));
    let preflight = [("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    let reply = world.request("OPTIONS", "/v1/transactions", &preflight, None).await;
    assert_eq!(reply.refusal().0, 400);
    let preflight = [("origin", origin), ("access-control-request-method", "POST")];
    let reply = world.request("OPTIONS", "/v1/transactions", &preflight, None).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("access-control-allow-origin")),
        (200, origin.into())
    );
}

#[actix_web::test]
async fn what_pages_of_others_want_done_is_refused() {
    let named = "https://app.example";
    let open = ApiSettings { cors_origins: vec![named.into()], ..ApiSettings::default() };
    let world = World::with(open).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "sim_deleteAllValidators" });
    let ask = async |path: &str, origin: &str| {
        // A page may send this without asking the browser's leave.
        let headers = [("origin", origin), ("content-type", "text/plain")];
        world.request("POST", path, &headers, Some(call.to_string().into_bytes())).await
    };
    for origin in ["http://evil.example", "null", "http://localhost.evil.example:4000"] {
        let called = ask("/api", origin).await.expect(403);
        assert_eq!(called["error"]["data"]["code"], "origin_refused", "{called}");
        for path in ["/v1/clock/freeze", "/v1/snapshots"] {
            let (status, code, field) = ask(path, origin).await.refusal();
            assert_eq!((status, code.as_str()), (403, "origin_refused"), "{origin} {path}");
            assert_eq!(field.as_deref(), Some("Origin"));
        }
        let socket = world.client.ws(format!("{}/ws", world.base)).header("origin", origin);
        assert!(socket.connect().await.is_err(), "{origin}");
    }
    assert_eq!(world.result("sim_countValidators", json!([])).await, 5);
    for origin in [named, "http://localhost:8080", "http://[::1]:3000", "moz-extension://a-b"] {
        assert_eq!(ask("/v1/clock/freeze", origin).await.status.as_u16(), 200, "{origin}");
        let socket = world.client.ws(format!("{}/ws", world.base)).header("origin", origin);
        assert!(socket.connect().await.is_ok(), "{origin}");
    }
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_not_awaited_for_ever() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let settings = ApiSettings {
        body_timeout: std::time::Duration::from_millis(100),
        ..ApiSettings::default()
    };
    let world = World::with(settings).await;
    for (path, words) in [("/v1/transactions", "\"request_timeout\""), ("/api", "\"jsonrpc\"")] {
        let server = world.base.trim_start_matches("http://");
        let mut socket = tokio::net::TcpStream::connect(server).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
            Content-Length: 100\r\n\r\n{{"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4_096];
        let read = socket.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains(words), "{answer}");
    }
}

#[actix_web::test]
async fn malformed_requests_do_not_hurt_the_server() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::open().await;
    let target = world.base.trim_start_matches("http://");
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(500_000));
    for raw in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n",
        &long,
    ] {
        let mut socket = tokio::net::TcpStream::connect(target).await.unwrap();
        // The server may close before all is written.
        let _written = socket.write_all(raw.as_bytes()).await;
        let mut answer = [0; 64];
        let read =
            tokio::time::timeout(std::time::Duration::from_secs(5), socket.read(&mut answer));
        let read = read.await.expect("an answer or an end").unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    world.get("/ready").await.expect(200);
}
