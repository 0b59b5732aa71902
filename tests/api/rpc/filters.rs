//! Filters whose news are asked for.

use serde_json::{Value as Json, json};

use super::wallet::Wallet;
use crate::support::World;

#[actix_web::test]
async fn filters_tell_only_what_is_new() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let logs = world.result("eth_newFilter", json!([{}])).await;
    let blocks = world.result("eth_newBlockFilter", json!([])).await;
    let transactions = world.result("eth_newPendingTransactionFilter", json!([])).await;
    let raw = wallet.deploy(0);
    let hash = world.result("eth_sendRawTransaction", json!([raw])).await;
    world.wait(hash.as_str().unwrap(), "ACCEPTED").await;
    let news = world.result("eth_getFilterChanges", json!([transactions])).await;
    assert_eq!(news, json!([hash]));
    let news = world.result("eth_getFilterChanges", json!([transactions])).await;
    assert_eq!(news, json!([]));
    let news = world.result("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(news[0]["transactionHash"], hash);
    assert!(
        !world.result("eth_getFilterChanges", json!([blocks])).await.as_array().unwrap().is_empty()
    );
    assert_eq!(world.result("eth_uninstallFilter", json!([logs])).await, true);
    assert_eq!(world.result("eth_uninstallFilter", json!([logs])).await, false);
    let (code, _) = world.refused("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(code, -32_001);
}

#[actix_web::test]
async fn a_filter_tells_nothing_of_blocks_it_does_not_want() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let first = world.result("eth_sendRawTransaction", json!([wallet.deploy(0)])).await;
    let receipt = world.decided_receipt(&first).await;
    let mut filters = Vec::new();
    for wanted in [
        json!({ "toBlock": receipt["blockNumber"] }),
        json!({ "blockHash": receipt["blockHash"] }),
        json!({ "fromBlock": "0xffffffff" }),
        json!({ "toBlock": "latest" }),
    ] {
        filters.push(world.result("eth_newFilter", json!([wanted])).await);
    }
    let hash = world.result("eth_sendRawTransaction", json!([wallet.deploy(1)])).await;
    world.decided_receipt(&hash).await;
    let open = filters.pop().unwrap();
    for filter in &filters {
        assert_eq!(world.result("eth_getFilterChanges", json!([filter])).await, json!([]));
    }
    let news = world.result("eth_getFilterChanges", json!([open])).await;
    assert_eq!(news[0]["transactionHash"], hash);
    let all = world.result("eth_getFilterLogs", json!([filters[1]])).await;
    assert_eq!(all[0]["transactionHash"], first);
}

#[actix_web::test]
async fn every_log_is_told_once_to_whoever_of_a_filter_asks() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let filter = world.result("eth_newFilter", json!([{}])).await;
    let mut told = Vec::new();
    let mut sent = Vec::new();
    for nonce in 0..15 {
        let raw = json!([wallet.deploy(nonce)]);
        let ask = || world.result("eth_getFilterChanges", json!([filter]));
        let send = world.result("eth_sendRawTransaction", raw);
        let (hash, one, two, three) = futures_util::join!(send, ask(), ask(), ask());
        sent.push(hash);
        for news in [one, two, three] {
            told.extend(news.as_array().unwrap().clone());
        }
    }
    world.decided_receipt(sent.last().unwrap()).await;
    let last = world.result("eth_getFilterChanges", json!([filter])).await;
    told.extend(last.as_array().unwrap().clone());
    let told: Vec<&Json> = told.iter().map(|log| &log["transactionHash"]).collect();
    assert_eq!(told.len(), sent.len(), "{told:?}");
    assert!(sent.iter().all(|hash| told.contains(&hash)), "{told:?}");
}

#[actix_web::test]
async fn names_of_filters_are_drawn_and_bad_filters_are_refused() {
    let world = World::open().await;
    let name = world.result("eth_newFilter", json!([{}])).await;
    let name = name.as_str().unwrap();
    assert!(name.len() > 2 + 20, "{name}");
    let decimal = u128::from_str_radix(&name[2..], 16).unwrap().to_string();
    assert_eq!(world.result("eth_getFilterChanges", json!([decimal])).await, json!([]));
    for (bad, expected) in
        [("0x1", -32_001), (&*format!("0x{}", "f".repeat(64)), -32_001), ("x", -32_602)]
    {
        for method in ["eth_getFilterChanges", "eth_getFilterLogs"] {
            let (code, message) = world.refused(method, json!([bad])).await;
            assert_eq!(code, expected, "{message}");
        }
    }
    assert_eq!(world.result("eth_uninstallFilter", json!(["0x1"])).await, false);
    let nowhere = format!("0x{}", "cd".repeat(32));
    for (bad, named) in [
        (json!({ "address": "0x12" }), "`\"0x12\"`"),
        (json!({ "blockHash": nowhere }), &*nowhere),
        (json!({ "blockHash": nowhere, "topics": [7] }), "`7`"),
    ] {
        let (code, message) = world.refused("eth_newFilter", json!([bad])).await;
        assert!(code == -32_602 && message.contains(named), "{code} {message}");
    }
}
