//! Logs as Ethereum writes them.

use alloy_primitives::{Bloom, BloomInput};
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

/// What `logs` can be looked for by.
pub(in crate::api::rpc) fn bloom(logs: &[LogRecord]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Raw(log.address.as_bytes()));
        for topic in &log.topics {
            bloom.accrue(BloomInput::Raw(topic.as_bytes()));
        }
    }
    bloom
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Address, Block, Digest, Inclusion, Timestamp, new_transaction_log};

    #[test]
    fn a_bloom_holds_addresses_and_topics() {
        let (zero, at) = (Digest::new([0; 32]), Timestamp::from_millis(0));
        let block = Block { number: 1, hash: zero, parent: zero, at };
        let log = new_transaction_log(zero, None, None, Inclusion { block, index: 0 });
        let found = bloom(std::slice::from_ref(&log));
        assert!(found.contains_input(BloomInput::Raw(log.topics[0].as_bytes())));
        assert!(found.contains_input(BloomInput::Raw(Address::ZERO.as_bytes())));
        assert!(!found.contains_input(BloomInput::Raw(&[7; 32])));
        assert_eq!(bloom(&[]), Bloom::ZERO);
    }
}
