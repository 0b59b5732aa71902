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
    let days = stats["txVolume14d"].as_array().unwrap();
    let counts: Vec<&Json> = days.iter().map(|day| &day["count"]).collect();
    assert_eq!((days.len(), counts[13], counts[0]), (14, &json!(2), &json!(0)), "{days:?}");
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
        let (world, path) = (&world, format!("/api/explorer/transactions{path}"));
        async move { world.get(&path).await.expect(200)["pagination"]["total"].clone() }
    };
    assert_eq!(total("").await, 2);
    assert_eq!(total("?status=FINALIZED,PENDING").await, 2);
    assert_eq!(total("?status=CANCELED").await, 0);
    assert_eq!(total(&format!("?address={contract}")).await, 2);
    assert_eq!(total(&format!("?address={}", address(0))).await, 2);
    assert_eq!(total(&format!("?address={}", nowhere())).await, 0);
    let (hash, to) = (call.as_str().unwrap(), contract.as_str());
    for (term, expected) in
        [(hash, 1), (&hash[..17], 1), (&hash[2..20], 1), (to, 2), (&to[..19], 2), ("0x", 2)]
    {
        assert_eq!(total(&format!("?search={term}")).await, expected, "{term}");
    }
    for nothing in ["nonsense", "0x%25", &format!("{hash}0"), "%F0%9F%92%A9"] {
        assert_eq!(total(&format!("?search={nothing}")).await, 0, "{nothing}");
    }
    let contracts = format!("/api/explorer/contracts?search={}", &to[..12]);
    assert_eq!(world.get(&contracts).await.expect(200)["states"][0]["id"], to);
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

/// A view without what depends on when it was asked for.
fn timeless(mut view: Json) -> Json {
    for name in ["current_timestamp", "current_block_time"] {
        view.as_object_mut().unwrap().remove(name);
    }
    view
}

#[actix_web::test]
async fn lists_tell_the_same_as_the_transaction_alone() {
    let (world, contract, signed) = busy().await;
    let body =
        json!({ "type": "call", "from": address(1), "to": contract, "method": "set", "value": 5 });
    let paid = world.post("/v1/transactions", &body).await.expect(202)["hash"].clone();
    world.wait(paid.as_str().unwrap(), "FINALIZED").await;
    let searched = world.get("/api/explorer/transactions").await.expect(200);
    let of_contract = world.get(&format!("/api/explorer/address/{contract}")).await.expect(200);
    for list in [searched, of_contract] {
        let list = list["transactions"].as_array().unwrap();
        assert_eq!(list.len(), 3);
        for row in list {
            let path = format!("/api/explorer/transactions/{}", row["hash"].as_str().unwrap());
            let alone = world.get(&path).await.expect(200)["transaction"].clone();
            assert_eq!(timeless(row.clone()), timeless(alone));
            assert_eq!(row["result_name"], "MAJORITY_AGREE");
            assert!(row["blockNumber"].is_string() && row["consensus_data"].is_object());
        }
        assert_eq!((&list[0]["hash"], &list[0]["value_credited"]), (&paid, &json!(true)));
        assert_eq!(&list[1]["hash"], &signed);
        assert!(list[1]["r"].is_string(), "{}", list[1]);
    }
    let listed = world.result("sim_getTransactionsForAddress", json!([contract])).await;
    for row in listed.as_array().unwrap() {
        let alone = world.result("eth_getTransactionByHash", json!([row["hash"]])).await;
        assert_eq!(timeless(row.clone()), timeless(alone));
    }
    let newest = &listed[0]["hash"];
    let older =
        world.result("sim_getTransactionsForAddress", json!([contract, "to", newest])).await;
    let timeless_all = |rows: &[Json]| rows.iter().cloned().map(timeless).collect::<Vec<_>>();
    let rest = listed.as_array().unwrap().split_first().unwrap().1;
    assert_eq!(timeless_all(older.as_array().unwrap()), timeless_all(rest));
}

#[actix_web::test]
async fn an_address_is_a_contract_a_validator_or_an_account() {
    let (world, contract, _) = busy().await;
    let read = |address: &str| {
        let (world, path) = (&world, format!("/api/explorer/address/{address}"));
        async move { world.get(&path).await }
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
    let providers = world.get("/api/explorer/providers").await.expect(200);
    let providers = providers["providers"].as_array().unwrap();
    // The explorer shows these dates without looking whether they are there.
    let is_dated =
        |provider: &Json| provider["created_at"].as_str().is_some_and(|at| at.len() > 18);
    assert!(!providers.is_empty() && providers.iter().all(is_dated), "{providers:?}");
}
