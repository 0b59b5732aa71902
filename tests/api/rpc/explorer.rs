//! The explorer's REST.

use serde_json::{Value as Json, json};

use super::wallet::Wallet;
use crate::support::{World, address, nowhere};

async fn busy() -> (World, String, Json) {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    let call =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, &contract, "set")])).await;
    world.wait(call.as_str().unwrap(), "FINALIZED").await;
    (world, contract, call)
}

#[actix_web::test]
async fn sums_tell_of_everything() {
    let (world, _, _) = busy().await;
    let stats = world.get("/api/explorer/stats").await.expect(200);
    assert_eq!((&stats["totalTransactions"], &stats["totalValidators"]), (&json!(2), &json!(5)));
    assert_eq!(stats["transactionsByType"], json!({ "deploy": 1, "call": 1 }));
    assert_eq!((&stats["totalContracts"], &stats["finalizedTransactions"]), (&json!(1), &json!(2)));
    assert_eq!(stats["recentTransactions"].as_array().unwrap().len(), 2);
    assert_eq!(stats["txVolume14d"][0]["count"], 2);
    let counts = world.get("/api/explorer/stats/counts").await.expect(200);
    assert_eq!(
        counts,
        json!({ "totalTransactions": 2, "totalValidators": 5, "totalContracts": 1 })
    );
}

#[actix_web::test]
async fn transactions_are_searched_page_by_page() {
    let (world, contract, call) = busy().await;
    let total = |path: &str| {
        let path = format!("/api/explorer/transactions{path}");
        async { world.get(&path).await.expect(200)["pagination"]["total"].clone() }
    };
    assert_eq!(total("").await, 2);
    assert_eq!(total("?status=FINALIZED,PENDING").await, 2);
    assert_eq!(total("?status=CANCELED").await, 0);
    assert_eq!(total(&format!("?address={contract}")).await, 2);
    assert_eq!(total(&format!("?address={}", address(0))).await, 2);
    assert_eq!(total(&format!("?address={}", nowhere())).await, 0);
    assert_eq!(total(&format!("?search={}", call.as_str().unwrap())).await, 1);
    assert_eq!(total("?search=nonsense").await, 0);
    assert_eq!(total("?from_date=2020-01-01&to_date=2020-12-31").await, 0);
    assert_eq!(total("?from_date=2020-01-01T00:00:00Z").await, 2);
    let page = world.get("/api/explorer/transactions?page=2&limit=1").await.expect(200);
    assert_eq!(page["pagination"], json!({ "page": 2, "limit": 1, "total": 2, "totalPages": 2 }));
    assert_eq!(page["transactions"][0]["type"], 1, "newest first: the deploy is on page two");
    let one = format!("/api/explorer/transactions/{}", call.as_str().unwrap());
    let one = world.get(&one).await.expect(200);
    assert_eq!((&one["transaction"]["hash"], &one["parentTransaction"]), (&call, &Json::Null));
    for (path, words) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?page=0", "page"),
        ("?status=DONE", "DONE"),
        ("?address=0x12", "0x12"),
        ("?from_date=soon", "soon"),
        ("?colour=red", "colour"),
    ] {
        let refused = world.get(&format!("/api/explorer/transactions{path}")).await.expect(400);
        assert!(refused["detail"].as_str().unwrap().contains(words), "{refused}");
    }
}

#[actix_web::test]
async fn an_address_is_a_contract_a_validator_or_an_account() {
    let (world, contract, _) = busy().await;
    let read = |address: &str| {
        let path = format!("/api/explorer/address/{address}");
        async { world.get(&path).await }
    };
    let found = read(&contract).await.expect(200);
    assert_eq!((&found["type"], &found["tx_count"]), (&json!("CONTRACT"), &json!(2)));
    assert_eq!(found["creator_info"]["creator_address"], address(0));
    assert!(found["contract_code"].as_str().unwrap().contains("genlayer"));
    let validators = world.get("/api/explorer/validators?limit=3").await.expect(200);
    assert_eq!(validators["validators"].as_array().unwrap().len(), 3);
    let validator = validators["validators"][0]["address"].as_str().unwrap();
    assert_eq!(read(validator).await.expect(200)["type"], "VALIDATOR");
    let account = read(&address(0)).await.expect(200);
    assert_eq!((&account["type"], &account["tx_count"]), (&json!("ACCOUNT"), &json!(2)));
    let missing = read(&nowhere()).await.expect(404);
    assert!(missing["detail"].as_str().unwrap().contains("there is no address"), "{missing}");
    let contracts =
        world.get("/api/explorer/contracts?sort_by=created_at&sort_order=asc").await.expect(200);
    assert_eq!(
        (&contracts["states"][0]["id"], &contracts["states"][0]["tx_count"]),
        (&json!(contract), &json!(2))
    );
    assert!(
        world.get("/api/explorer/contracts?sort_by=beauty").await.expect(400)["detail"].is_string()
    );
    assert!(world.get("/api/explorer/providers").await.expect(200)["providers"].is_array());
}
