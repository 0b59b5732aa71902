//! Blocks as Ethereum writes them.

use alloy_primitives::Bloom;
use serde_json::{Value as Json, json};

use super::quantity;
use crate::domain::{Block, Digest};

/// Keccak-256 of the RLP of an empty list: no uncles.
const NO_UNCLES: &str = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
/// Root of an empty trie.
const EMPTY_ROOT: &str = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/// A transaction as those read it who ask for blocks: for them `data` is bytes, which `input` has, and
/// nobody sends from nowhere.
pub(in crate::api::rpc) fn within_block(mut transaction: Json) -> Json {
    if let Some(fields) = transaction.as_object_mut() {
        fields.remove("data");
        if fields.get("from").is_none_or(Json::is_null) {
            fields.insert("from".into(), json!(crate::domain::Address::ZERO));
        }
    }
    transaction
}

/// A block with `transactions`, which are hashes or whole, and the `bloom` of its logs.
pub(in crate::api::rpc) fn block(block: &Block, transactions: &[Json], bloom: &Bloom) -> Json {
    let zero = Digest::new([0; 32]);
    let seconds = u64::try_from(super::seconds(block.at)).unwrap_or(0);
    json!({
        "number": quantity(block.number),
        "hash": block.hash,
        "parentHash": block.parent,
        "nonce": "0x0000000000000000",
        "mixHash": zero,
        "sha3Uncles": NO_UNCLES,
        "logsBloom": bloom.to_string(),
        "transactionsRoot": EMPTY_ROOT,
        "stateRoot": EMPTY_ROOT,
        "receiptsRoot": EMPTY_ROOT,
        "miner": crate::domain::Address::ZERO,
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": "0x",
        "size": "0x0",
        "gasLimit": "0x1c9c380",
        "gasUsed": "0x0",
        "baseFeePerGas": "0x0",
        "timestamp": quantity(seconds),
        "transactions": transactions,
        "uncles": [],
    })
}
