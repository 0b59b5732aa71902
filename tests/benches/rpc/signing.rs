//! Calls of the contract: read, and signed as wallets sign them.

use std::collections::BTreeMap;

use agora::domain::DerivedKey;
use agora::domain::calldata::Value;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, TxKind, U256, hex};
use alloy_sol_types::{SolCall, sol};
use serde_json::{Value as Json, json};

use super::client::Requests;
use super::world::{CHAIN_ID, World, account};

sol! {
    function addTransaction(address sender, address recipient, uint256 validators, uint256 rotations, bytes data);
}

fn calldata() -> Vec<u8> {
    Value::call(Some("go"), vec![Value::from(1_u64)], BTreeMap::new()).encode()
}

/// What `gen_call` is asked.
pub(crate) fn read(world: &World) -> Json {
    json!([{ "type": "read", "to": world.contract, "from": account(0).address(),
             "data": format!("0x{}", hex::encode(calldata())) }])
}

fn signed(key: &DerivedKey, world: &World, nonce: u64) -> String {
    let address = |bytes: &[u8; 20]| alloy_primitives::Address::from(*bytes);
    let items = vec![Bytes::from(calldata()), Bytes::new()];
    let call = addTransactionCall {
        sender: address(key.address().as_bytes()),
        recipient: address(world.contract.as_bytes()),
        validators: U256::from(5),
        rotations: U256::from(3),
        data: alloy_rlp::encode(&items).into(),
    };
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 500_000,
        to: TxKind::Call(alloy_primitives::Address::ZERO),
        input: call.abi_encode().into(),
        ..TxEip1559::default()
    };
    let secret = hex::decode(key.secret_hex()).unwrap();
    let secret = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
    let hash = transaction.signature_hash();
    let signature = secret.sign_prehash_recoverable(hash.as_slice()).unwrap();
    let envelope = TxEnvelope::from(transaction.into_signed(Signature::from(signature)));
    format!("0x{}", hex::encode(envelope.encoded_2718()))
}

/// `count` calls altogether, each connection with an account of its own.
pub(crate) fn calls(world: &World, next_nonces: &mut [u64], count: usize) -> Vec<Requests> {
    let each = count / next_nonces.len();
    let lists = (0..).zip(next_nonces).map(|(number, next)| {
        let key = account(number);
        let bodies = (0..each).map(|_| {
            let raw = signed(&key, world, *next);
            *next += 1;
            super::body("eth_sendRawTransaction", &json!([raw]))
        });
        Requests { path: "/api", bodies: bodies.collect() }
    });
    lists.collect()
}
