//! The network's clock and its finality window as dials.

use std::time::Duration;

use agora::api::ApiSettings;
use serde_json::{Value as Json, json};
use tokio::time::sleep;

use crate::support::{CODE, World, address};

const HOUR_MS: i64 = 3_600_000;
const LAST: i64 = 253_402_300_799_999;

/// A network whose decisions can be appealed for an hour.
async fn slow_world() -> World {
    World::with_network(ApiSettings::default(), |settings| {
        settings.finality_window = Duration::from_hours(1);
    })
    .await
}

/// Deploys; answers the hash, decided.
async fn decided(world: &World) -> String {
    let body = json!({ "type": "deploy", "from": address(0), "code": CODE });
    let submitted = world.post("/v1/transactions", &body).await.expect(202);
    let hash = submitted["hash"].as_str().unwrap();
    world.wait(hash, "ACCEPTED").await;
    hash.to_owned()
}

async fn clock(world: &World) -> Json {
    world.get("/v1/clock").await.expect(200)
}

async fn turn(world: &World, path: &str) -> Json {
    world.request("POST", path, &[], None).await.expect(200)
}

async fn advance(world: &World, milliseconds: i64) -> Json {
    let body = json!({ "milliseconds": milliseconds });
    world.post("/v1/clock/advance", &body).await.expect(200)
}

#[actix_web::test]
async fn a_window_of_an_hour_is_over_in_a_moment() {
    let world = slow_world().await;
    let frozen = turn(&world, "/v1/clock/freeze").await;
    assert_eq!(frozen["frozen"], true);
    let hash = decided(&world).await;
    sleep(Duration::from_millis(20)).await;
    assert_eq!(clock(&world).await["now"], frozen["now"], "it stands still");
    let moved = advance(&world, HOUR_MS - 1).await;
    let path = format!("/v1/transactions/{hash}?wait=FINALIZED&timeout=1");
    let present = world.get(&path).await.expect(200);
    assert_eq!(present["status"], "ACCEPTED", "a millisecond is missing");
    assert_eq!(present["decided_at"], frozen["now"]);
    assert_eq!(advance(&world, 1).await["now"], present["final_from"]);
    let finalized = world.wait(&hash, "FINALIZED").await;
    assert_eq!(finalized["finalized_at"], present["final_from"]);
    assert_eq!(moved["now"].as_i64().unwrap() + 1, finalized["finalized_at"].as_i64().unwrap());
}

#[actix_web::test]
async fn a_running_clock_can_be_moved_set_held_and_released() {
    let world = World::open().await;
    let start = clock(&world).await;
    assert_eq!((&start["frozen"], &start["offset_ms"]), (&json!(false), &json!(0)));
    assert_eq!(start["now"], start["wall"]);
    let moved = advance(&world, HOUR_MS).await;
    assert_eq!(moved["offset_ms"], HOUR_MS);
    let network = world.get("/v1/network").await.expect(200);
    assert!(network["now"].as_i64() >= moved["now"].as_i64(), "{network}");
    let later = moved["now"].as_i64().unwrap() + HOUR_MS;
    let set = world.send("PUT", "/v1/clock", &json!({ "now": later })).await.expect(200);
    assert!((later..later + 10_000).contains(&set["now"].as_i64().unwrap()), "{set}");
    let frozen = turn(&world, "/v1/clock/freeze").await;
    assert_eq!(turn(&world, "/v1/clock/freeze").await["now"], frozen["now"], "twice is once");
    sleep(Duration::from_millis(30)).await;
    let released = turn(&world, "/v1/clock/release").await;
    assert_eq!(released["frozen"], false);
    assert!(released["offset_ms"].as_i64() < set["offset_ms"].as_i64(), "it fell behind");
    sleep(Duration::from_millis(5)).await;
    assert!(clock(&world).await["now"].as_i64() > frozen["now"].as_i64(), "it goes on");
    let again = turn(&world, "/v1/clock/release").await;
    assert_eq!(again["frozen"], false, "nothing to release is no mistake");
}

#[actix_web::test]
async fn another_window_holds_for_what_is_decided_and_for_what_will_be() {
    let world = slow_world().await;
    let shown = world.get("/v1/network").await.expect(200);
    assert_eq!(shown["settings"]["finality_window"], HOUR_MS);
    let hash = decided(&world).await;
    let none = json!({ "milliseconds": 0 });
    let path = "/v1/network/finality-window";
    assert_eq!(world.send("PUT", path, &none).await.expect(200), none);
    let finalized = world.wait(&hash, "FINALIZED").await;
    assert_eq!(finalized["final_from"], finalized["decided_at"]);
    let shown = world.get("/v1/network").await.expect(200);
    assert_eq!(shown["settings"]["finality_window"], 0);
    let body = json!({ "type": "deploy", "from": address(1), "code": CODE });
    let next = world.post("/v1/transactions", &body).await.expect(202);
    world.wait(next["hash"].as_str().unwrap(), "FINALIZED").await;
}

#[actix_web::test]
async fn profile_origin_starts_without_a_window_and_refuses_one() {
    let world = World::with_network(ApiSettings::default(), |network| {
        network.profile = agora::domain::Profile::Origin;
        network.finality_window = Duration::from_hours(1);
    })
    .await;
    let shown = world.get("/v1/network").await.expect(200);
    assert_eq!(
        (&shown["settings"]["profile"], &shown["settings"]["finality_window"]),
        (&json!("origin"), &json!(0))
    );
    for milliseconds in [0, 5_000] {
        let body = json!({ "milliseconds": milliseconds });
        let refused = world.send("PUT", "/v1/network/finality-window", &body).await;
        assert_eq!(refused.refusal(), (409, "no_finality_window".into(), None));
        assert!(refused.text().contains("profile `origin`"), "{}", refused.text());
    }
    let shown = world.get("/v1/network").await.expect(200);
    assert_eq!(shown["settings"]["finality_window"], 0);
    // Also for what is decided without a round: nobody can pay this.
    let poor = json!({ "type": "transfer", "from": address(0), "to": address(1), "value": "0xffffffffffffffffffffffff" });
    let poor = world.post("/v1/transactions", &poor).await.expect(202);
    let refused = world.wait(poor["hash"].as_str().unwrap(), "FINALIZED").await;
    assert_eq!(refused["final_from"], refused["decided_at"]);
}

#[actix_web::test]
async fn a_clock_that_was_asked_to_go_back_says_what_it_shows() {
    let world = World::open().await;
    let shown = turn(&world, "/v1/clock/freeze").await["now"].as_i64().unwrap();
    let reply = world.send("PUT", "/v1/clock", &json!({ "now": shown - 1 })).await;
    assert_eq!(reply.refusal(), (409, "clock_conflict".into(), Some("now".into())));
    let error = reply.json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("`{shown}`")), "{message}");
    assert!(message.contains(&format!("`{}`", shown - 1)), "{message}");
    assert_eq!(error["valid"], format!("an integer from {shown} to {LAST}"));

    let reply = world.post("/v1/clock/advance", &json!({ "milliseconds": LAST })).await;
    assert_eq!(reply.refusal(), (409, "clock_conflict".into(), Some("milliseconds".into())));
    let valid = format!("an integer from 1 to {}", LAST - shown);
    assert_eq!(reply.json()["error"]["valid"], valid);
    assert_eq!(clock(&world).await["now"], shown, "nothing moved");
    advance(&world, LAST - shown).await;
    turn(&world, "/v1/clock/release").await;
    assert_eq!(clock(&world).await["now"], LAST, "the end of time");
}

#[actix_web::test]
async fn every_field_of_a_dial_is_checked() {
    let world = World::open().await;
    let odd = [json!(-1), json!(1.5), json!("5"), json!(true), json!([]), json!({}), json!(1e30)];
    for (method, path, field, senseless) in [
        ("POST", "/v1/clock/advance", "milliseconds", vec![json!(0), json!(LAST + 1)]),
        ("PUT", "/v1/clock", "now", vec![json!(LAST + 1), json!(u64::MAX)]),
        (
            "PUT",
            "/v1/network/finality-window",
            "milliseconds",
            vec![json!(31_536_000_001_i64), json!(u64::MAX)],
        ),
    ] {
        for value in odd.iter().cloned().chain(senseless) {
            let reply = world.send(method, path, &json!({ field: value })).await;
            let expected = (400, "invalid_field".into(), Some(field.into()));
            assert_eq!(reply.refusal(), expected, "{path} {value}");
            let valid = reply.json()["error"]["valid"].clone();
            assert!(valid.as_str().unwrap().starts_with("an integer from"), "{path} {valid}");
        }
        for (body, code, at) in [
            (json!({}), "missing_field", field),
            (json!({ field: null }), "missing_field", field),
            (json!({ field: 1, "frozen": true }), "unknown_field", "frozen"),
        ] {
            let reply = world.send(method, path, &body).await;
            assert_eq!(reply.refusal(), (400, code.into(), Some(at.into())), "{path} {body}");
        }
    }
    for path in ["/v1/clock/freeze", "/v1/clock/release"] {
        let reply = world.request("POST", &format!("{path}?for=1"), &[], None).await;
        assert_eq!(reply.refusal(), (400, "unknown_field".into(), Some("for".into())), "{path}");
    }
    let start = clock(&world).await;
    assert_eq!((&start["frozen"], &start["offset_ms"]), (&json!(false), &json!(0)));
}
