//! What Ethereum's clients may ask.

use super::Handles;
use crate::actors::messages::{
    AddBlock, CountReceived, GetBlock, GetEnvelope, GetHead, ListBlocks, ListLogs, OpenSignedAppeal,
};
use crate::domain::ledger::StoreError;
use crate::domain::{
    Address, Block, BlockId, BlockRecord, EnvelopeRecord, LogFilter, LogRecord, TxHash,
};

impl Handles {
    /// Challenges a decision as the signer of an Ethereum transaction wants.
    pub async fn open_signed_appeal(&self, signed: EnvelopeRecord) -> Result<(), StoreError> {
        self.ask(OpenSignedAppeal(Box::new(signed))).await
    }

    /// A signed Ethereum transaction as it arrived.
    pub async fn envelope(&self, hash: TxHash) -> Result<Option<EnvelopeRecord>, StoreError> {
        self.ask(GetEnvelope(hash)).await
    }

    /// A block with what was accepted in it.
    pub async fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, StoreError> {
        self.ask(GetBlock(id)).await
    }

    /// Blocks from the place `from` up to `to` with what was accepted in them, `limit` at most.
    pub async fn blocks(
        &self,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<BlockRecord>, StoreError> {
        self.ask(ListBlocks { from, to, limit }).await
    }

    /// The newest block alone; `None` before the first.
    pub async fn head(&self) -> Result<Option<Block>, StoreError> {
        self.ask(GetHead).await
    }

    /// Adds an empty block, because somebody waits for the chain to grow.
    pub async fn add_block(&self) -> Result<(), StoreError> {
        self.ask(AddBlock).await
    }

    /// Logs in their order; one more than `limit` tells that there are more.
    pub async fn logs(
        &self,
        filter: LogFilter,
        limit: usize,
    ) -> Result<Vec<LogRecord>, StoreError> {
        self.ask(ListLogs { filter, limit }).await
    }

    /// How many transactions were sent to an address, deploys of it included.
    pub async fn received(&self, address: Address) -> Result<u64, StoreError> {
        self.ask(CountReceived(address)).await
    }
}
