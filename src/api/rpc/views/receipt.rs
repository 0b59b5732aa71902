//! Receipts as Ethereum writes them. There is one as soon as a transaction is stored: clients read
//! from it the name of what they sent, and wait for the consensus by that name.

use serde_json::{Value as Json, json};

use super::{bloom, log, quantity};
use crate::domain::ledger::TransactionRecord;
use crate::domain::{
    EnvelopeRecord, Inclusion, LogRecord, Payload, PayloadKind, Status, new_transaction_log,
};

/// Gas that a receipt shows, although the network charges none.
const GAS_USED: u64 = 8_000_000;

/// The receipt of a transaction, or of the signed transaction `about` it.
pub(in crate::api::rpc) fn receipt(
    record: &TransactionRecord,
    inclusion: Inclusion,
    about: Option<&EnvelopeRecord>,
) -> Json {
    let transaction = &record.transaction;
    let is_contract = transaction.payload.kind() != PayloadKind::Transfer;
    let target = if is_contract { Some(transaction.queue_address()) } else { transaction.to };
    let mut own = new_transaction_log(transaction.hash, transaction.from, target, inclusion);
    let hash = about.map_or(transaction.hash, |about| about.envelope.hash);
    own.transaction = hash;
    let logs: Vec<LogRecord> = match about {
        Some(_) => vec![own],
        None => [vec![own], record.logs.clone()].concat(),
    };
    let bloom = bloom(&logs);
    let envelope = about.map(|about| &about.envelope).or(record.envelope.as_deref());
    let is_deploy = matches!(transaction.payload, Payload::Deploy { .. });
    let from = about.map(|about| about.signer).or(transaction.from);
    // A transfer that could not be paid ends undetermined; everything else was accepted by the
    // consensus contract, which is all that an Ethereum receipt tells.
    let is_failed = !is_contract && record.status == Status::Undetermined;
    json!({
        "transactionHash": hash,
        "transactionIndex": quantity(inclusion.index),
        "blockHash": inclusion.block.hash,
        "blockNumber": quantity(inclusion.block.number),
        "from": from.unwrap_or(crate::domain::Address::ZERO),
        "to": target,
        "cumulativeGasUsed": quantity(GAS_USED),
        "gasUsed": quantity(GAS_USED),
        "effectiveGasPrice": "0x0",
        "type": quantity(envelope.map_or(0, |envelope| u64::from(envelope.kind))),
        "contractAddress": if is_deploy && about.is_none() { json!(target) } else { Json::Null },
        "logs": logs.iter().map(log).collect::<Vec<_>>(),
        "logsBloom": bloom.to_string(),
        "status": if is_failed { "0x0" } else { "0x1" },
    })
}
