//! Every method answers what it says it answers.

use std::collections::BTreeSet;

use agora::api::rpc::{method_table, openrpc};
use serde_json::{Value as Json, json};

use super::wallet::Wallet;
use crate::support::{ADMIN_KEY, CODE, World, address, guarded};

/// What a result must look like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Quantity,
    Text,
    Hash,
    Flag,
    Integer,
    Object,
    List,
    Null,
}

impl Shape {
    fn fits(self, json: &Json) -> bool {
        let digits = json.as_str().and_then(|text| text.strip_prefix("0x"));
        match self {
            Self::Quantity => digits.is_some_and(|it| u128::from_str_radix(it, 16).is_ok()),
            Self::Text => json.is_string(),
            Self::Hash => digits.is_some_and(|digits| digits.len() == 64),
            Self::Flag => json.is_boolean(),
            Self::Integer => json.is_u64(),
            Self::Object => json.is_object(),
            Self::List => json.is_array(),
            Self::Null => json.is_null(),
        }
    }
}

/// A call of every method that has a result; `C` stands for a contract, `H` for its deploy, `A` for
/// an account, `V` for a validator, `F` for a filter of logs.
#[expect(clippy::too_many_lines, reason = "a table")]
fn calls() -> Vec<(&'static str, Json, Shape)> {
    use Shape::{Flag, Hash, Integer, List, Null, Object, Quantity, Text};
    let raw = Wallet::new(7).sign(&super::wallet::Wanted {
        to: alloy_primitives::TxKind::Call(address(2).parse().unwrap()),
        ..super::wallet::Wanted::new(0, Vec::new())
    });
    let read = json!({ "type": "read", "to": "C", "data": "0e066d6574686f641c676574" });
    vec![
        ("ping", json!([]), Text),
        ("rpc.discover", json!([]), Object),
        ("web3_clientVersion", json!([]), Text),
        ("web3_sha3", json!(["0x01"]), Hash),
        ("eth_chainId", json!([]), Quantity),
        ("net_version", json!([]), Text),
        ("net_listening", json!([]), Flag),
        ("eth_syncing", json!([]), Flag),
        ("eth_protocolVersion", json!([]), Quantity),
        ("eth_accounts", json!([]), List),
        ("eth_gasPrice", json!([]), Quantity),
        ("eth_maxPriorityFeePerGas", json!([]), Quantity),
        ("eth_blobBaseFee", json!([]), Quantity),
        ("eth_estimateGas", json!([{ "gasPrice": 0, "from": "A" }, "latest"]), Quantity),
        ("eth_feeHistory", json!([4, "latest", [25, 75]]), Object),
        ("sim_getConsensusContract", json!(["ConsensusMain"]), Object),
        ("sim_getFeeConfig", json!([]), Object),
        ("gen_estimateLatestAppealCharge", json!([{ "txId": "H" }]), Object),
        ("eth_fillTransaction", json!([{ "from": "A" }]), Object),
        ("dev_getPoolStatus", json!([]), Object),
        ("eth_getBalance", json!(["A", "latest"]), Quantity),
        ("eth_getTransactionCount", json!(["A", "pending"]), Quantity),
        ("eth_getCode", json!(["C", "latest"]), Text),
        ("eth_getStorageAt", json!(["C", "0x0", "latest"]), Hash),
        ("sim_fundAccount", json!(["A", "1e+3"]), Hash),
        ("eth_sendRawTransaction", json!([raw]), Hash),
        ("eth_getTransactionByHash", json!(["H", { "include_contract_state": true }]), Object),
        ("gen_getStudioTransactionByHash", json!(["H", false]), Object),
        ("gen_getTransactionStatus", json!(["H"]), Text),
        ("gen_getTransactionStatus", json!([{ "txId": "H" }]), Object),
        ("gen_getTransactionStatusDetails", json!(["H"]), Object),
        ("gen_getTransactionLifecycle", json!([{ "txId": "H" }]), Object),
        ("gen_dbg_traceTransaction", json!([{ "txID": "H", "round": 0 }]), Object),
        ("eth_getTransactionReceipt", json!(["H"]), Object),
        ("sim_getTransactionsForAddress", json!(["A"]), List),
        ("gen_getContractSchema", json!(["C"]), Object),
        ("gen_getContractSchemaForCode", json!([CODE]), Object),
        ("gen_getContractCode", json!(["C"]), Text),
        ("gen_getContractNonce", json!(["C"]), Integer),
        ("sim_lintContract", json!([CODE, "contract.py"]), Object),
        ("gen_call", json!([read]), Text),
        ("sim_call", json!([read]), Object),
        (
            "eth_call",
            json!([{ "from": "A", "to": "C", "data": "0x0e066d6574686f641c676574" }, "latest"]),
            Text,
        ),
        ("sim_estimateTransactionFees", json!([read]), Object),
        ("eth_blockNumber", json!([]), Quantity),
        ("eth_getBlockByNumber", json!(["latest", false]), Object),
        ("eth_getBlockByHash", json!([format!("0x{}", "ab".repeat(32)), false]), Null),
        ("eth_getBlockTransactionCountByNumber", json!(["earliest"]), Quantity),
        ("eth_getBlockTransactionCountByHash", json!([format!("0x{}", "ab".repeat(32))]), Null),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["earliest", "0x0"]), Null),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([format!("0x{}", "ab".repeat(32)), 0]),
            Null,
        ),
        ("eth_getUncleCountByBlockNumber", json!(["latest"]), Quantity),
        ("eth_getLogs", json!([{}]), List),
        ("eth_newFilter", json!([{}]), Quantity),
        ("eth_newBlockFilter", json!([]), Quantity),
        ("eth_newPendingTransactionFilter", json!([]), Quantity),
        ("eth_getFilterChanges", json!(["F"]), List),
        ("eth_getFilterLogs", json!(["F"]), List),
        ("eth_uninstallFilter", json!(["F"]), Flag),
        ("sim_createValidator", json!([5, "openai", "gpt-4o", {}]), Object),
        ("sim_createRandomValidator", json!([5]), Object),
        ("sim_createRandomValidators", json!([2, 1, 10]), List),
        ("sim_updateValidator", json!(["V", "7"]), Object),
        ("sim_getAllValidators", json!([]), List),
        ("sim_getValidator", json!(["V"]), Object),
        ("sim_countValidators", json!([]), Integer),
        ("sim_getProvidersAndModels", json!([]), List),
        (
            "sim_addProvider",
            json!([{ "provider": "openai", "model": "gpt-next", "plugin": "openai-compatible", "plugin_config": { "api_url": "https://api.openai.com", "api_key_env_var": "OPENAIKEY" }, "config": {} }]),
            Integer,
        ),
        (
            "sim_updateProvider",
            json!([10_001, { "provider": "openai", "model": "gpt-later", "plugin": "openai-compatible", "plugin_config": { "api_url": "https://api.openai.com", "api_key_env_var": "OPENAIKEY" } }]),
            Null,
        ),
        ("sim_deleteProvider", json!([1]), Null),
        ("sim_resetDefaultsLlmProviders", json!([]), Null),
        ("sim_deleteValidator", json!(["V"]), Text),
        ("sim_deleteAllValidators", json!([]), List),
        ("sim_getFinalityWindowTime", json!([]), Integer),
        ("sim_setFinalityWindowTime", json!([1]), Null),
        ("sim_createSnapshot", json!([]), Integer),
        ("sim_restoreSnapshot", json!([1]), Flag),
        ("sim_deleteSnapshot", json!([1]), Flag),
        ("sim_deleteAllSnapshots", json!([]), Object),
        ("sim_increaseTime", json!([60]), Integer),
        ("sim_setTime", json!([4_102_444_800_u64]), Integer),
        ("admin_createTier", json!(["ci", 10, 100, 1_000]), Object),
        ("admin_listTiers", json!([]), List),
        ("admin_createApiKey", json!(["ci"]), Object),
    ]
}

/// Methods that only ever refuse, or that have tests of their own.
const ELSEWHERE: [&str; 6] = [
    "eth_getProof",
    "sim_clearDbTables",
    "sim_updateTransactionStatus",
    "sim_cancelTransaction",
    "sim_upgradeContractCode",
    "admin_deactivateApiKey",
];

/// Parameters with what the letters in them stand for.
fn filled(params: &Json, meanings: &[(&str, Json)]) -> Json {
    let text = meanings.iter().fold(params.to_string(), |text, (letter, meaning)| {
        text.replace(&json!(letter).to_string(), &meaning.to_string())
    });
    serde_json::from_str(&text).unwrap()
}

#[actix_web::test]
async fn every_method_answers_in_the_shape_it_promises() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let deploy = world.result("eth_sendRawTransaction", json!([wallet.deploy(0)])).await;
    let transaction = world.decided(deploy.as_str().unwrap(), "ACCEPTED").await;
    let contract = transaction["data"]["contract_address"].as_str().unwrap();
    let validator = world.result("sim_getAllValidators", json!([])).await[0]["address"].clone();
    let filter = world.result("eth_newFilter", json!([{}])).await;
    let meanings = [
        ("C", json!(contract)),
        ("H", deploy),
        ("V", validator),
        ("A", json!(address(0))),
        ("F", filter),
    ];
    let mut called: BTreeSet<&str> = ELSEWHERE.into();
    for (method, params, shape) in calls() {
        let result = world.result(method, filled(&params, &meanings)).await;
        assert!(shape.fits(&result), "{method}: {result} is no {shape:?}");
        called.insert(method);
    }
    let known = openrpc();
    let known = known["methods"].as_array().unwrap().iter();
    let known: BTreeSet<&str> = known.map(|method| method["name"].as_str().unwrap()).collect();
    assert_eq!(called, known, "a method without a test, or a test without its method");
}

#[actix_web::test]
async fn administration_needs_the_key_where_one_is_set() {
    let world = World::with(guarded()).await;
    let document = openrpc();
    let methods = document["methods"].as_array().unwrap();
    let admin = methods.iter().filter(|method| {
        method["description"].as_str().is_some_and(|text| text.starts_with("Needs the admin key"))
    });
    let mut count = 0;
    for method in admin {
        count += 1;
        let name = method["name"].as_str().unwrap();
        let params: serde_json::Map<String, Json> = method["params"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|param| param["required"] == true)
            .map(|param| (param["name"].as_str().unwrap().to_owned(), json!(7)))
            .collect();
        let (code, message) = world.refused(name, Json::Object(params.clone())).await;
        assert!(code == -32_000 && message.contains("admin key"), "{name}: {message}");
        let mut with_key = params;
        with_key.insert("admin_key".into(), json!("wrong"));
        let (_, message) = world.refused(name, Json::Object(with_key)).await;
        assert!(message.contains("admin key"), "{name}: {message}");
    }
    assert!(count >= 4, "{count}");
    let fund = json!({ "account_address": address(0), "amount": 5, "admin_key": ADMIN_KEY });
    world.result("sim_fundAccount", fund).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "sim_fundAccount", "params": [address(0), 5] });
    for header in
        [("x-api-key", ADMIN_KEY.to_owned()), ("authorization", format!("Bearer {ADMIN_KEY}"))]
    {
        let headers = [("content-type", "application/json"), (header.0, header.1.as_str())];
        let answer =
            world.request("POST", "/api", &headers, Some(body.to_string().into_bytes())).await;
        assert!(answer.expect(200)["result"].is_string());
    }
}

#[actix_web::test]
async fn a_failed_call_tells_why() {
    let world = World::open().await;
    let contract = world.deploy_signed(&Wallet::new(0)).await;
    let data = |method: &str| {
        let call = agora::domain::calldata::Value::call(
            Some(method),
            Vec::new(),
            std::collections::BTreeMap::new(),
        );
        alloy_primitives::hex::encode(call.encode())
    };
    let fail = json!([{ "type": "read", "to": contract, "data": data("fail") }]);
    let answer = world.rpc("gen_call", fail.clone()).await;
    assert_eq!(answer["error"]["code"], -32_000);
    assert_eq!(answer["error"]["message"], "execution failed: no such key");
    assert_eq!(answer["error"]["data"]["receipt"]["execution_result"], "ERROR");
    assert_eq!(answer["error"]["data"]["receipt"]["genvm_result"]["stdout"], "looking");
    let receipt = world.result("sim_call", fail).await;
    assert_eq!(receipt["execution_result"], "ERROR", "sim_call answers with the receipt instead");
    for (params, code, words) in [
        (json!([{ "type": "read", "data": data("get") }]), -32_602, "params.to"),
        (json!([{ "type": "dance", "to": contract, "data": "06" }]), -32_602, "dance"),
        (json!([{ "type": "read", "to": contract, "data": "ffff" }]), -32_602, "calldata"),
        (json!([{ "type": "read", "to": contract, "data": 7 }]), -32_602, "params.data"),
        (
            json!([{ "type": "read", "to": crate::support::nowhere(), "data": "06" }]),
            -32_001,
            "not found",
        ),
        (
            json!([{ "type": "read", "to": contract, "data": "06", "transaction_hash_variant": "old" }]),
            -32_602,
            "old",
        ),
        (json!(["x"]), -32_602, "an object"),
    ] {
        let (given, message) = world.refused("gen_call", params.clone()).await;
        assert_eq!(given, code, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
}

/// The documentation holds the table between two marks; with `AGORA_WRITE_DOCS` set this writes it.
#[test]
fn the_documented_table_is_the_table_of_the_program() {
    const MARK: &str = "<!-- methods -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/CLIENTS.md");
    let documented = std::fs::read_to_string(path).unwrap();
    let parts: Vec<&str> = documented.split(MARK).collect();
    let [before, table, after] = parts.as_slice() else { panic!("two marks {MARK} in CLIENTS.md") };
    let expected = format!("\n{}", method_table());
    if std::env::var_os("AGORA_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{MARK}{expected}{MARK}{after}")).unwrap();
        return;
    }
    assert_eq!(*table, expected, "set AGORA_WRITE_DOCS=1 and run this test again to write it");
}
