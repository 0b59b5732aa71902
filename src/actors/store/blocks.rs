//! Blocks, logs and signed transactions.

use actix::{Context, Handler};

use super::{Answer, Store};
use crate::actors::messages::{
    AddBlock, CountReceived, GetBlock, GetEnvelope, GetHead, ListBlocks, ListLogs, LookAgain,
    OpenSignedAppeal,
};
use crate::actors::tell_weak;
use crate::domain::ledger::StoreError;
use crate::domain::{Block, BlockRecord, Clock, EnvelopeRecord, LogRecord, Profile};
use crate::storage;

impl Handler<GetBlock> for Store {
    type Result = Answer<Option<BlockRecord>>;

    fn handle(&mut self, message: GetBlock, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::block_get(conn, message.0))
    }
}

impl Handler<ListBlocks> for Store {
    type Result = Answer<Vec<BlockRecord>>;

    fn handle(&mut self, message: ListBlocks, _: &mut Context<Self>) -> Self::Result {
        let ListBlocks { from, to, limit } = message;
        self.read(move |conn| storage::block_list(conn, from, to, limit))
    }
}

impl Handler<GetHead> for Store {
    type Result = Answer<Option<Block>>;

    fn handle(&mut self, _: GetHead, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::block_last)
    }
}

impl Handler<AddBlock> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, _: AddBlock, _: &mut Context<Self>) -> Self::Result {
        let at = self.clock.now();
        Box::pin(self.writer.write(None, move |_, ctx| {
            ctx.want_block(at);
            Ok(())
        }))
    }
}

impl Handler<ListLogs> for Store {
    type Result = Answer<Vec<LogRecord>>;

    fn handle(&mut self, message: ListLogs, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::log_list(conn, &message.filter, message.limit))
    }
}

impl Handler<GetEnvelope> for Store {
    type Result = Answer<Option<EnvelopeRecord>>;

    fn handle(&mut self, message: GetEnvelope, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::envelope_get(conn, message.0))
    }
}

impl Handler<OpenSignedAppeal> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: OpenSignedAppeal, _: &mut Context<Self>) -> Self::Result {
        let (at, hash) = (self.clock.now(), message.0.subject);
        if self.settings.profile == Profile::Origin {
            let reason = "the founding document knows no appeals (profile origin)".to_owned();
            return Box::pin(async move { Err(StoreError::AppealRefused { hash, reason }) });
        }
        let crawler = self.crawler.clone();
        let opened = self.writer.write(None, move |conn, ctx| {
            storage::appeal_open_signed_in_txn(conn, ctx, &message.0, at)
        });
        Box::pin(async move {
            opened.await?;
            tell_weak(&crawler, LookAgain);
            Ok(())
        })
    }
}

impl Handler<CountReceived> for Store {
    type Result = Answer<u64>;

    fn handle(&mut self, message: CountReceived, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::received_count(conn, message.0))
    }
}
