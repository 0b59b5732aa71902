//! Logs as Ethereum writes them.

use serde_json::{Value as Json, json};

use super::quantity;
use crate::domain::LogRecord;

/// A log.
pub(in crate::api::rpc) fn log(log: &LogRecord) -> Json {
    json!({
        "address": log.address,
        "topics": log.topics,
        "data": log.data.to_string(),
        "blockNumber": quantity(log.block.number),
        "blockHash": log.block.hash,
        "blockTimestamp": quantity(u64::try_from(super::seconds(log.block.at)).unwrap_or(0)),
        "transactionHash": log.transaction,
        "transactionIndex": quantity(log.transaction_index),
        "logIndex": quantity(log.index),
        "removed": false,
    })
}
