//! Signed transactions from a wallet's point of view.

use agora::domain::calldata::Value;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_sol_types::sol;
use serde_json::{Value as Json, json};

use crate::support::{ADMIN_KEY, CODE, World, account, address, guarded, nowhere};

sol! {
    function addTransaction(address sender, address recipient, uint256 validators, uint256 rotations, bytes data);
    function submitAppeal(bytes32 id);
    function finalizeTransaction(bytes32 id);
    function cancelTransaction(bytes32 id);
}

/// A wallet with the key of one of the network's accounts.
pub(super) struct Wallet {
    key: k256::ecdsa::SigningKey,
    pub(super) address: String,
}

/// What a wallet signs.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) kind: u8,
    pub(super) chain_id: Option<u64>,
    pub(super) nonce: u64,
    pub(super) to: TxKind,
    pub(super) value: u64,
    pub(super) input: Vec<u8>,
}

impl Wanted {
    pub(super) fn new(nonce: u64, input: Vec<u8>) -> Self {
        let to = TxKind::Call(alloy_primitives::Address::ZERO);
        Self { kind: 0, chain_id: Some(61_127), nonce, to, value: 0, input }
    }
}

impl Wallet {
    pub(super) fn new(number: u64) -> Self {
        let secret = alloy_primitives::hex::decode(account(number).secret_hex()).unwrap();
        let key = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
        Self { key, address: address(number) }
    }

    fn signature(&self, hash: alloy_primitives::B256) -> alloy_primitives::Signature {
        let (raw, parity) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        alloy_primitives::Signature::from((raw, parity))
    }

    pub(super) fn sign(&self, wanted: &Wanted) -> String {
        let Wanted { kind, chain_id, nonce, to, value, input } = wanted.clone();
        let (input, value) = (Bytes::from(input), U256::from(value));
        let envelope: TxEnvelope = match kind {
            0 => {
                let tx = TxLegacy {
                    chain_id,
                    nonce,
                    gas_price: 0,
                    gas_limit: 500_000,
                    to,
                    value,
                    input,
                };
                let hash = tx.signature_hash();
                tx.into_signed(self.signature(hash)).into()
            }
            1 => {
                let tx = TxEip2930 {
                    chain_id: chain_id.unwrap_or(1),
                    nonce,
                    gas_limit: 500_000,
                    to,
                    value,
                    input,
                    ..TxEip2930::default()
                };
                let hash = tx.signature_hash();
                tx.into_signed(self.signature(hash)).into()
            }
            _ => {
                let tx = TxEip1559 {
                    chain_id: chain_id.unwrap_or(1),
                    nonce,
                    gas_limit: 500_000,
                    to,
                    value,
                    input,
                    ..TxEip1559::default()
                };
                let hash = tx.signature_hash();
                tx.into_signed(self.signature(hash)).into()
            }
        };
        format!("0x{}", alloy_primitives::hex::encode(envelope.encoded_2718()))
    }

    /// `addTransaction` with an RLP list of items.
    pub(super) fn add(&self, recipient: &str, items: &[&[u8]]) -> Vec<u8> {
        let items: Vec<Bytes> = items.iter().map(|item| Bytes::copy_from_slice(item)).collect();
        let call = addTransactionCall {
            sender: self.address.parse().unwrap(),
            recipient: recipient.parse().unwrap(),
            validators: U256::from(5),
            rotations: U256::from(3),
            data: alloy_rlp::encode(&items).into(),
        };
        alloy_sol_types::SolCall::abi_encode(&call)
    }

    pub(super) fn deploy(&self, nonce: u64) -> String {
        let nobody = "0x0000000000000000000000000000000000000000";
        let input = self.add(nobody, &[CODE.as_bytes(), &call_of(None), &[0]]);
        self.sign(&Wanted::new(nonce, input))
    }

    pub(super) fn call(&self, nonce: u64, contract: &str, method: &str) -> String {
        let input = self.add(contract, &[&call_of(Some(method)), &[]]);
        self.sign(&Wanted::new(nonce, input))
    }
}

fn call_of(method: Option<&str>) -> Vec<u8> {
    Value::call(method, vec![Value::from(1_u64)], std::collections::BTreeMap::new()).encode()
}

pub(super) fn hash_of(raw: &str) -> String {
    alloy_primitives::keccak256(alloy_primitives::hex::decode(raw).unwrap()).to_string()
}

impl World {
    /// Deploys a contract by a signed transaction and waits for it; answers with its address.
    pub(super) async fn deploy_signed(&self, wallet: &Wallet) -> String {
        let raw = wallet.deploy(0);
        let hash = self.result("eth_sendRawTransaction", json!([raw])).await;
        let transaction = self.decided(hash.as_str().unwrap(), "ACCEPTED").await;
        transaction["data"]["contract_address"].as_str().unwrap().to_owned()
    }

    /// Waits for a status and reads the transaction as clients do.
    pub(super) async fn decided(&self, hash: &str, status: &str) -> Json {
        self.wait(hash, status).await;
        self.result("eth_getTransactionByHash", json!([hash])).await
    }
}

#[actix_web::test]
async fn a_deploy_and_a_call_go_from_the_wallet_to_the_state() {
    let world = World::open().await;
    let wallet = Wallet::new(0);
    let raw = wallet.deploy(0);
    let hash = world.result("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(hash, hash_of(&raw), "the transaction is named after its bytes");
    // The receipt is there at once, before any consensus.
    let receipt = world.result("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((&receipt["status"], &receipt["transactionHash"]), (&json!("0x1"), &hash));
    let topics = receipt["logs"][0]["topics"].as_array().unwrap();
    assert_eq!((topics.len(), &topics[1]), (4, &hash));
    let transaction = world.decided(hash.as_str().unwrap(), "ACCEPTED").await;
    let contract = transaction["data"]["contract_address"].as_str().unwrap();
    assert_eq!(
        (&transaction["result_name"], &transaction["type"]),
        (&json!("MAJORITY_AGREE"), &json!(1))
    );
    let leader = &transaction["consensus_data"]["leader_receipt"];
    assert_eq!(
        (&leader[0]["execution_result"], leader.as_array().unwrap().len()),
        (&json!("SUCCESS"), 2)
    );
    assert_eq!(transaction["consensus_data"]["votes"].as_object().unwrap().len(), 5);
    assert_eq!(transaction["last_round"]["validator_votes"], json!([1, 1, 1, 1, 1]));

    let call =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, contract, "set")])).await;
    let called = world.decided(call.as_str().unwrap(), "ACCEPTED").await;
    assert_eq!((&called["nonce"], &called["to_address"]), (&json!(1), &json!(contract)));
    assert_eq!(called["from_address"], wallet.address);
    let count = world.result("eth_getTransactionCount", json!([wallet.address, "latest"])).await;
    assert_eq!(count, "0x2");
    let finalized = world.decided(call.as_str().unwrap(), "FINALIZED").await;
    assert_eq!(finalized["status"], "FINALIZED");
}

#[actix_web::test]
async fn every_type_and_any_chain_id_is_taken() {
    let world = World::open().await;
    let wallet = Wallet::new(1);
    let to = TxKind::Call(address(2).parse().unwrap());
    let kinds =
        [(0, None), (0, Some(1)), (0, Some(61_999)), (1, Some(61_127)), (2, Some(9_999_999))];
    for (nonce, (kind, chain_id)) in (0..).zip(kinds) {
        let wanted = Wanted { kind, chain_id, to, value: 5, ..Wanted::new(nonce, Vec::new()) };
        let hash = world.result("eth_sendRawTransaction", json!([wallet.sign(&wanted)])).await;
        world.wait(hash.as_str().unwrap(), "FINALIZED").await;
        let receipt = world.result("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["type"], format!("{kind:#x}"));
        assert_eq!(receipt["from"], wallet.address);
    }
    let balance = world.result("eth_getBalance", json!([address(2)])).await;
    assert_eq!(balance, "0x56bc75e2d63100019");
}

#[actix_web::test]
async fn money_can_be_burned() {
    let world = World::open().await;
    let wallet = Wallet::new(3);
    let burn = wallet.sign(&Wanted { value: 200, ..Wanted::new(0, Vec::new()) });
    let hash = world.result("eth_sendRawTransaction", json!([burn])).await;
    world.wait(hash.as_str().unwrap(), "FINALIZED").await;
    let left = world.result("eth_getBalance", json!([wallet.address])).await;
    assert_eq!(left, format!("{:#x}", 100_000_000_000_000_000_000_u128 - 200));
    let burned = world.result("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(burned["value_credited"], true);
}

#[actix_web::test]
async fn the_same_bytes_have_one_effect_and_no_honest_nonce_is_lost() {
    let world = World::open().await;
    let wallet = Wallet::new(1);
    let to = TxKind::Call(address(2).parse().unwrap());
    let send = |nonce, value| wallet.sign(&Wanted { to, value, ..Wanted::new(nonce, Vec::new()) });
    let first = send(0, 10);
    for _ in 0..3 {
        let hash = world.result("eth_sendRawTransaction", json!([first])).await;
        assert_eq!(hash, hash_of(&first));
    }
    // Two at the same time with what was last heard, one with a gap, one after a restart.
    for raw in [send(0, 20), send(7, 30), send(0, 40)] {
        let hash = world.result("eth_sendRawTransaction", json!([raw])).await;
        world.wait(hash.as_str().unwrap(), "FINALIZED").await;
    }
    let count = world.result("eth_getTransactionCount", json!([wallet.address])).await;
    assert_eq!(count, "0x4");
    let balance = world.result("eth_getBalance", json!([address(2)])).await;
    assert_eq!(balance, format!("{:#x}", 100_000_000_000_000_000_000_u128 + 100));
}

#[actix_web::test]
async fn what_cannot_be_is_refused_in_words() {
    let world = World::open().await;
    let (wallet, other) = (Wallet::new(0), Wallet::new(1));
    let forged = other.sign(&Wanted::new(0, wallet.add(&nowhere(), &[&[6], &[0]])));
    let unknown = wallet.sign(&Wanted::new(0, vec![0xde, 0xad, 0xbe, 0xef]));
    let creation = wallet.sign(&Wanted { to: TxKind::Create, ..Wanted::new(0, Vec::new()) });
    let call = wallet.sign(&Wanted::new(0, wallet.add(&nowhere(), &[&[6], &[0]])));
    let calldata = wallet.sign(&Wanted::new(0, wallet.add(&nowhere(), &[&[0xff], &[0]])));
    let short = wallet.deploy(0);
    for (raw, code, words) in [
        (forged.as_str(), -32_602, "in the name of"),
        (&unknown, -32_602, "0xdeadbeef"),
        (&creation, -32_602, "move nothing"),
        (&call, -32_001, "not found"),
        (&calldata, -32_602, "calldata"),
        (&short[..200], -32_602, "not a signed transaction"),
        ("0x", -32_602, "not a signed transaction"),
        ("0xzz", -32_602, "hexadecimal"),
        ("7", -32_602, "hexadecimal"),
    ] {
        let (given, message) = world.refused("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(given, code, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let count = world.result("eth_getTransactionCount", json!([wallet.address])).await;
    assert_eq!(count, "0x0", "nothing that was refused counts");
}

#[actix_web::test]
async fn an_appeal_counts_once_and_answers_with_what_it_is_about() {
    let world = World::with_network(agora::api::ApiSettings::default(), |network| {
        network.finality_window = std::time::Duration::from_mins(10);
    })
    .await;
    for _ in 0..16 {
        world.post("/v1/validators", &json!({ "stake": 10 })).await.expect(201);
    }
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    let subject =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, &contract, "set")])).await;
    world.wait(subject.as_str().unwrap(), "ACCEPTED").await;
    let id: alloy_primitives::B256 = subject.as_str().unwrap().parse().unwrap();
    let input = alloy_sol_types::SolCall::abi_encode(&submitAppealCall { id });
    let appellant = Wallet::new(3);
    let raw = appellant.sign(&Wanted::new(0, input));
    for _ in 0..2 {
        assert_eq!(world.result("eth_sendRawTransaction", json!([raw])).await, subject);
    }
    let judged = world.wait(subject.as_str().unwrap(), "ACCEPTED").await;
    let appeals = judged["consensus"]["appeals"].as_array().unwrap();
    assert_eq!((appeals.len(), &appeals[0]["appellant"]), (1, &json!(appellant.address)));
    // By its own name the appeal has a receipt that leads to what it is about.
    let receipt = world.result("eth_getTransactionReceipt", json!([hash_of(&raw)])).await;
    assert_eq!(receipt["logs"][0]["topics"][1], subject);
    assert_eq!(receipt["from"], appellant.address);
    // Clients sign for the number they are told, so the next appeal is another one.
    let count = world.result("eth_getTransactionCount", json!([appellant.address])).await;
    assert_eq!(count, "0x1");
    let input = alloy_sol_types::SolCall::abi_encode(&submitAppealCall { id });
    let again = appellant.sign(&Wanted::new(1, input));
    assert_eq!(world.result("eth_sendRawTransaction", json!([again])).await, subject);
    let judged = world.wait(subject.as_str().unwrap(), "ACCEPTED").await;
    assert_eq!(judged["consensus"]["appeals"].as_array().map(Vec::len), Some(2), "{judged}");
    let early = alloy_sol_types::SolCall::abi_encode(&finalizeTransactionCall { id });
    let raw = wallet.sign(&Wanted::new(2, early));
    let (code, message) = world.refused("eth_sendRawTransaction", json!([raw])).await;
    assert!(code == -32_000 && message.contains("can be appealed for another"), "{message}");
}

#[actix_web::test]
async fn who_cancels_must_be_the_sender() {
    let world = World::with(guarded()).await;
    let validators = world.get("/v1/validators").await.expect(200);
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    for validator in validators["validators"].as_array().unwrap() {
        let path = format!("/v1/validators/{}", validator["address"].as_str().unwrap());
        let key = format!("Bearer {ADMIN_KEY}");
        let headers = [("authorization", key.as_str())];
        world.request("DELETE", &path, &headers, None).await.expect(200);
    }
    let waiting =
        world.result("eth_sendRawTransaction", json!([wallet.call(1, &contract, "set")])).await;
    let id: alloy_primitives::B256 = waiting.as_str().unwrap().parse().unwrap();
    let input = alloy_sol_types::SolCall::abi_encode(&cancelTransactionCall { id });
    let stranger = Wallet::new(5).sign(&Wanted::new(0, input));
    let (_, message) = world.refused("eth_sendRawTransaction", json!([stranger])).await;
    assert!(message.contains("only the sender"), "{message}");
    let digest = agora::domain::keccak256(&[b"cancel_transaction", id.as_slice()]);
    let wrong = crate::support::sign(&account(5), &digest.to_string());
    let (_, message) = world.refused("sim_cancelTransaction", json!([waiting, wrong])).await;
    assert!(message.contains("expected"), "{message}");
    let right = crate::support::sign(&account(0), &digest.to_string());
    let canceled = world.result("sim_cancelTransaction", json!([waiting, right])).await;
    assert_eq!(canceled, json!({ "transaction_hash": waiting, "status": "CANCELED" }));
}

#[actix_web::test]
async fn an_upgrade_is_signed_by_who_deployed() {
    let world = World::with(guarded()).await;
    let wallet = Wallet::new(0);
    let contract = world.deploy_signed(&wallet).await;
    let nonce = world.result("gen_getContractNonce", json!([contract])).await;
    assert_eq!(nonce, 1, "its deploy");
    let code = format!("{CODE}# newer\n");
    let place: alloy_primitives::Address = contract.parse().unwrap();
    let word = U256::from(1).to_be_bytes::<32>();
    let code_hash = agora::domain::keccak256(&[code.as_bytes()]);
    let digest = agora::domain::keccak256(&[place.as_slice(), &word, code_hash.as_bytes()]);
    let wrong = crate::support::sign(&account(4), &digest.to_string());
    let (_, message) =
        world.refused("sim_upgradeContractCode", json!([contract, code, wrong])).await;
    assert!(message.contains("expected"), "{message}");
    // The client that upgrades writes no prefix.
    let right = crate::support::sign(&account(0), &digest.to_string()).replacen("0x", "", 1);
    let upgraded = world.result("sim_upgradeContractCode", json!([contract, code, right])).await;
    let upgraded = world.decided(upgraded["transaction_hash"].as_str().unwrap(), "ACCEPTED").await;
    assert_eq!(upgraded["status"], "FINALIZED", "nobody can appeal it");
    let result = json!({ "upgrade_result": "success", "contract_address": contract });
    assert_eq!((&upgraded["consensus_data"], &upgraded["type"]), (&result, &json!(3)));
    assert_eq!(
        (&upgraded["data"], &upgraded["status_code"]),
        (&json!({ "new_code": code }), &json!(7))
    );
    let stored = world.result("eth_getCode", json!([contract, "latest"])).await;
    assert_eq!(stored, format!("0x{}", alloy_primitives::hex::encode(&code)));
}

#[actix_web::test]
async fn nobody_must_sign_where_everything_is_open() {
    let world = World::open().await;
    let contract = world.deploy_signed(&Wallet::new(0)).await;
    let code = format!("{CODE}# newest\n");
    for signature in [json!("no signature"), Json::Null] {
        let params = json!([contract, code, signature]);
        let upgraded = world.result("sim_upgradeContractCode", params).await;
        world.decided(upgraded["transaction_hash"].as_str().unwrap(), "ACCEPTED").await;
    }
}
