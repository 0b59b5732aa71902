//! What is asked of the store about the keys of clients.

use actix::{Context, Handler};

use super::{Answer, Store};
use crate::actors::messages::{CreateApiKey, CreateTier, DeleteApiKey, FindApiKey, ListTiers};
use crate::domain::{Clock, Tier, TierRecord};
use crate::storage;

impl Handler<ListTiers> for Store {
    type Result = Answer<Vec<TierRecord>>;

    fn handle(&mut self, _: ListTiers, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::api_tier_list)
    }
}

impl Handler<CreateTier> for Store {
    type Result = Answer<TierRecord>;

    fn handle(&mut self, message: CreateTier, _: &mut Context<Self>) -> Self::Result {
        Box::pin(
            self.writer.write(None, move |conn, ctx| {
                storage::api_tier_create_in_txn(conn, ctx, &message.0)
            }),
        )
    }
}

impl Handler<CreateApiKey> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: CreateApiKey, _: &mut Context<Self>) -> Self::Result {
        let at = self.clock.now();
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::api_key_create_in_txn(conn, ctx, &message.0, at)
        }))
    }
}

impl Handler<DeleteApiKey> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: DeleteApiKey, _: &mut Context<Self>) -> Self::Result {
        Box::pin(
            self.writer.write(None, move |conn, ctx| {
                storage::api_key_delete_in_txn(conn, ctx, &message.0)
            }),
        )
    }
}

impl Handler<FindApiKey> for Store {
    type Result = Answer<Option<Tier>>;

    fn handle(&mut self, message: FindApiKey, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::api_key_tier(conn, &message.0))
    }
}
