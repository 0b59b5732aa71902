//! What Ethereum clients ask of the store.

use actix::Message;

use crate::domain::ledger::StoreError;
use crate::domain::{
    Address, Block, BlockId, BlockRecord, EnvelopeRecord, LogFilter, LogRecord, TxHash,
};

/// Read a block with what was accepted in it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<BlockRecord>, StoreError>")]
pub struct GetBlock(pub BlockId);

/// Read blocks in their order, each with what was accepted in it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<BlockRecord>, StoreError>")]
pub struct ListBlocks {
    /// From this place on.
    pub from: u64,
    /// Up to this place.
    pub to: u64,
    /// How many, at most.
    pub limit: usize,
}

/// Read the newest block alone; `None` before the first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Block>, StoreError>")]
pub struct GetHead;

/// Add an empty block, because somebody waits for the chain to grow.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct AddBlock;

/// Read logs in their order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<LogRecord>, StoreError>")]
pub struct ListLogs {
    /// Which.
    pub filter: LogFilter,
    /// How many of contracts, and how many of the network, at most; one more tells that there are
    /// more.
    pub limit: usize,
}

/// Read a signed Ethereum transaction as it arrived.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<EnvelopeRecord>, StoreError>")]
pub struct GetEnvelope(pub TxHash);

/// Challenge a decision by a signed Ethereum transaction, whose subject the transaction is. The
/// same one again has no second effect. Answered after it is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct OpenSignedAppeal(pub Box<EnvelopeRecord>);

/// Count the transactions that were sent to an address, deploys of it included.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<u64, StoreError>")]
pub struct CountReceived(pub Address);
