//! Keys that give clients a rate of their own.

use std::num::NonZeroU32;

use agora::api::ApiSettings;
use serde_json::{Value as Json, json};

use crate::support::{ADMIN_KEY, Reply, World, guarded};

async fn limited(settings: ApiSettings) -> World {
    let requests_per_second = NonZeroU32::new(1_000);
    World::with(ApiSettings { requests_per_second, ..settings }).await
}

async fn ping(world: &World, key: &str) -> Reply {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let headers = [("content-type", "application/json"), ("x-api-key", key)];
    world.request("POST", "/api", &headers, Some(body.into_bytes())).await
}

/// The refusal of a ping: code and message.
async fn refusal(world: &World, key: &str) -> (Reply, Json) {
    let reply = ping(world, key).await;
    assert_eq!(reply.status.as_u16(), 429, "{}", reply.text());
    let error = reply.json();
    assert_eq!((&error["jsonrpc"], &error["id"]), (&json!("2.0"), &Json::Null));
    assert_eq!(error["error"]["code"], -32_029);
    let message = error["error"]["message"].clone();
    (reply, message)
}

async fn new_key(world: &World, tier: &str) -> String {
    let given = json!({ "tier_name": tier, "description": "a test" });
    let created = world.result("admin_createApiKey", given).await;
    let key = created["api_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("glk_") && key.len() == 68, "{key}");
    assert_eq!(created["key_prefix"], key[..8]);
    key
}

#[actix_web::test]
async fn a_key_has_the_rate_of_its_tier() {
    let world = limited(ApiSettings::default()).await;
    let tiers = world.result("admin_listTiers", json!({})).await;
    let names = tiers.as_array().unwrap().iter().map(|tier| &tier["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["free", "pro", "unlimited"]);
    let tier = json!({ "name": "three", "rate_limit_minute": 3, "rate_limit_hour": 50, "rate_limit_day": 500 });
    let made = world.result("admin_createTier", tier.clone()).await;
    assert_eq!(made["rate_limit_hour"], 50);
    let refused = world.rpc("admin_createTier", tier).await["error"].clone();
    assert_eq!(refused["message"], "there is a tier `three` already");
    assert_eq!(refused["data"]["code"], "already_exists");
    let (key, other) = (new_key(&world, "three").await, new_key(&world, "three").await);
    for _ in 0..3 {
        assert_eq!(ping(&world, &key).await.expect(200)["result"], "OK");
    }
    let (reply, message) = refusal(&world, &key).await;
    assert_eq!(message, "Rate limit exceeded: 3 requests per minute");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&wait), "a third of a minute, and not {wait} s");
    ping(&world, &other).await.expect(200);
    ping(&world, "").await.expect(200);
}

#[actix_web::test]
async fn a_key_that_was_taken_away_is_nobodys() {
    let world = limited(ApiSettings::default()).await;
    let (key, kept) = (new_key(&world, "free").await, new_key(&world, "free").await);
    ping(&world, &key).await.expect(200);
    let taken = world.result("admin_deactivateApiKey", json!([key[..8]])).await;
    assert_eq!(taken, json!({ "key_prefix": key[..8], "status": "deactivated" }));
    assert_eq!(refusal(&world, &key).await.1, "Invalid API key");
    assert_eq!(refusal(&world, "glk_never_given_out").await.1, "Invalid API key");
    ping(&world, &kept).await.expect(200);
    let (code, _) = world.refused("admin_deactivateApiKey", json!([key[..8]])).await;
    assert_eq!(code, -32_001);
    let (code, message) = world.refused("admin_deactivateApiKey", json!([kept])).await;
    assert!(code == -32_602 && !message.contains(&kept), "{message}");
}

#[actix_web::test]
async fn keys_count_where_rates_are_limited_only() {
    let world = World::open().await;
    assert_eq!(ping(&world, "glk_never_given_out").await.expect(200)["result"], "OK");
}

#[actix_web::test]
async fn guessing_keys_costs_the_rate_of_the_guesser() {
    let settings =
        ApiSettings { requests_per_second: NonZeroU32::new(5), ..ApiSettings::default() };
    let world = World::with(settings).await;
    let mut messages = Vec::new();
    for guess in 0..20 {
        messages.push(refusal(&world, &format!("glk_{guess}")).await.1);
    }
    assert!(messages.contains(&json!("Rate limit exceeded: 5 requests per second")));
}

#[actix_web::test]
async fn frames_of_a_socket_count_for_its_key() {
    let world = limited(ApiSettings::default()).await;
    let tier = json!(["two", 2, 50, 500]);
    world.result("admin_createTier", tier).await;
    let key = new_key(&world, "two").await;
    // The first request of the two is the one that opens it.
    let headers = [("x-api-key", key.as_str())];
    let mut socket = super::socket::open_with(&world, &headers).await;
    assert_eq!(socket.call("ping", &json!([])).await["result"], "OK");
    let refused = socket.call("ping", &json!([])).await;
    assert_eq!(refused["error"]["message"], "Rate limit exceeded: 2 requests per minute");
}

#[actix_web::test]
async fn where_access_is_guarded_the_admin_key_is_needed_and_is_no_client_key() {
    let world = limited(guarded()).await;
    for (method, params) in [
        ("admin_listTiers", json!({})),
        ("admin_createTier", json!(["x", 1, 1, 1])),
        ("admin_createApiKey", json!(["free"])),
        ("admin_deactivateApiKey", json!(["glk_0000"])),
    ] {
        let (code, message) = world.refused(method, params).await;
        assert!(code == -32_000 && message.contains("admin key"), "{method}: {message}");
    }
    let listed = world.result("admin_listTiers", json!({ "admin_key": ADMIN_KEY })).await;
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(ping(&world, ADMIN_KEY).await.expect(200)["result"], "OK");
}

#[actix_web::test]
async fn tiers_and_keys_that_cannot_be_are_refused_by_name() {
    let world = World::open().await;
    for (method, params, code, words) in [
        ("admin_createTier", json!(["x", 0, 1, 1]), -32_602, "rate_limit_minute"),
        ("admin_createTier", json!(["x", 1, 4_294_967_296_u64, 1]), -32_602, "rate_limit_hour"),
        ("admin_createTier", json!(["x", 1, 1, -1]), -32_602, "rate_limit_day"),
        ("admin_createTier", json!(["", 1, 1, 1]), -32_602, "name"),
        ("admin_createTier", json!(["a\nb", 1, 1, 1]), -32_602, "name"),
        ("admin_createTier", json!(["x".repeat(256), 1, 1, 1]), -32_602, "name"),
        ("admin_createTier", json!(["x", 1, 1]), -32_602, "rate_limit_day"),
        ("admin_createApiKey", json!(["gold"]), -32_001, "gold"),
        ("admin_createApiKey", json!([7]), -32_602, "tier_name"),
        ("admin_createApiKey", json!(["free", 7]), -32_602, "description"),
        ("admin_deactivateApiKey", json!(["glk_"]), -32_602, "key_prefix"),
        ("admin_deactivateApiKey", json!(["glk_0000"]), -32_001, "glk_0000"),
    ] {
        let (found, message) = world.refused(method, params.clone()).await;
        assert!(found == code && message.contains(words), "{method} {params}: {found} {message}");
    }
}
