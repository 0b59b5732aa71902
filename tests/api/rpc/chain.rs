//! Blocks, logs and filters.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::wallet::Wallet;
use crate::support::{World, address};

fn number(quantity: &Json) -> u64 {
    u64::from_str_radix(quantity.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[actix_web::test]
async fn blocks_are_a_chain_and_hold_what_was_accepted() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    let hash =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, &contract, "set")])).await;
    world.wait(hash.as_str().unwrap(), "FINALIZED").await;
    let head = number(&world.result("eth_blockNumber", json!([])).await);
    let mut parent = json!(format!("0x{}", "00".repeat(32)));
    let mut found = Vec::new();
    let mut time = 0;
    for place in 0..=head {
        let block =
            world.result("eth_getBlockByNumber", json!([format!("{place:#x}"), false])).await;
        assert_eq!((number(&block["number"]), &block["parentHash"]), (place, &parent));
        assert!(number(&block["timestamp"]) >= time, "time never goes back");
        time = number(&block["timestamp"]);
        parent = block["hash"].clone();
        found.extend(block["transactions"].as_array().unwrap().clone());
        let same = world.result("eth_getBlockByHash", json!([block["hash"], false])).await;
        assert_eq!(same, block);
    }
    assert_eq!(found.iter().filter(|it| **it == hash).count(), 1);
    let receipt = world.result("eth_getTransactionReceipt", json!([hash])).await;
    let block = world.result("eth_getBlockByNumber", json!([receipt["blockNumber"], true])).await;
    assert_eq!(block["hash"], receipt["blockHash"]);
    let index = usize::try_from(number(&receipt["transactionIndex"])).unwrap();
    assert_eq!(block["transactions"][index]["hash"], hash);
    let same = world
        .result("eth_getTransactionByBlockNumberAndIndex", json!([receipt["blockNumber"], index]))
        .await;
    assert_eq!(same["hash"], hash);
    for nothing in [json!(["0xffffff", false]), json!([9_999_999, true])] {
        assert_eq!(world.result("eth_getBlockByNumber", nothing).await, Json::Null);
    }
}

#[actix_web::test]
async fn the_chain_grows_while_somebody_waits() {
    let world = World::open().await;
    let first = number(&world.result("eth_blockNumber", json!([])).await);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    loop {
        let present = number(&world.result("eth_blockNumber", json!([])).await);
        if present >= first + 2 {
            break;
        }
        assert!(Instant::now() < deadline, "block {present} after 20 seconds, {first} before");
        pause.tick().await;
    }
}

#[actix_web::test]
async fn logs_are_found_by_block_address_and_topic() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    let hash =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, &contract, "set")])).await;
    let topic = "0xdab9102861c7483a187584d6371d88316f005af507982ccf95c110879f3ed5a5";
    let all = world.result("eth_getLogs", json!([{ "fromBlock": "earliest" }])).await;
    let of_call = |logs: &Json| {
        logs.as_array().unwrap().iter().filter(|log| log["transactionHash"] == hash).count()
    };
    assert_eq!(of_call(&all), 1);
    for (filter, count) in [
        (json!({ "fromBlock": "0x0", "topics": [topic] }), 1),
        (json!({ "fromBlock": "0x0", "topics": [null, hash] }), 1),
        (json!({ "fromBlock": 0, "topics": [[topic, hash], [hash]] }), 1),
        (json!({ "fromBlock": "0x0", "address": contract }), 1),
        (json!({ "fromBlock": "0x0", "address": [address(4), contract] }), 1),
        (json!({ "fromBlock": "0x0", "address": address(4) }), 0),
        (json!({ "fromBlock": "0x0", "topics": [hash] }), 0),
        (json!({ "fromBlock": "0x0", "toBlock": "0x0" }), 0),
        (json!({ "blockHash": format!("0x{}", "cd".repeat(32)) }), 0),
    ] {
        let logs = world.result("eth_getLogs", json!([filter])).await;
        assert_eq!(of_call(&logs), count, "{filter}");
    }
    let receipt = world.result("eth_getTransactionReceipt", json!([hash])).await;
    let filter = json!([{ "blockHash": receipt["blockHash"] }]);
    assert_eq!(of_call(&world.result("eth_getLogs", filter).await), 1);
    for bad in [
        json!({ "fromBlock": "soon" }),
        json!({ "address": "0x12" }),
        json!({ "topics": "all" }),
        json!({ "topics": [null, null, null, null, null] }),
        json!({ "topics": [7] }),
    ] {
        let (code, message) = world.refused("eth_getLogs", json!([bad])).await;
        assert_eq!(code, -32_602, "{message}");
    }
}

#[actix_web::test]
async fn the_bloom_of_a_block_holds_its_logs() {
    let world = World::open().await;
    let hash = world.result("eth_sendRawTransaction", json!([Wallet::new(0).deploy(0)])).await;
    let receipt = world.decided_receipt(&hash).await;
    let block = world.result("eth_getBlockByNumber", json!([receipt["blockNumber"]])).await;
    let bits = |bloom: &Json| bloom.as_str().unwrap().parse::<alloy_primitives::Bloom>().unwrap();
    let (of_receipt, of_block) = (bits(&receipt["logsBloom"]), bits(&block["logsBloom"]));
    assert!(of_block.contains(&of_receipt), "{of_block}");
    assert_ne!(of_block, alloy_primitives::Bloom::repeat_byte(0xff));
    let first = world.result("eth_getBlockByNumber", json!(["earliest"])).await;
    assert_eq!(bits(&first["logsBloom"]), alloy_primitives::Bloom::ZERO);
}
