//! What is asked of the store about validators and the models they ask.

use std::sync::PoisonError;

use actix::{Context, Handler};

use super::{Answer, Store, electorate};
use crate::actors::messages::{
    ChangeProviders, ChangeValidators, DeleteValidators, GetElectorate, ListProviders,
    ListValidators,
};
use crate::domain::ledger::{Electorate, ProviderEntry, ValidatorRecord};
use crate::domain::{Clock, DerivedKey, KeyUse};
use crate::storage;

impl Store {
    fn forget_electorate(&self) -> impl FnOnce() + use<> {
        let cache = self.electorate.clone();
        move || *cache.write().unwrap_or_else(PoisonError::into_inner) = None
    }
}

impl Handler<ChangeValidators> for Store {
    type Result = Answer<ValidatorRecord>;

    fn handle(&mut self, message: ChangeValidators, _: &mut Context<Self>) -> Self::Result {
        let (at, seed) = (self.clock.now(), self.settings.seed);
        let forget = self.forget_electorate();
        let changed = self.writer.write(None, move |conn, ctx| {
            let derive = |number| DerivedKey::derive(&seed, KeyUse::Validator, number).address();
            storage::validator_change_in_txn(conn, ctx, &message.0, at, &derive)
        });
        Box::pin(async move {
            let record = changed.await?;
            forget();
            Ok(record)
        })
    }
}

impl Handler<DeleteValidators> for Store {
    type Result = Answer<Vec<ValidatorRecord>>;

    fn handle(&mut self, _: DeleteValidators, _: &mut Context<Self>) -> Self::Result {
        let forget = self.forget_electorate();
        let deleted = self.writer.write(None, storage::validator_delete_all_in_txn);
        Box::pin(async move {
            let records = deleted.await?;
            forget();
            Ok(records)
        })
    }
}

impl Handler<ListValidators> for Store {
    type Result = Answer<Vec<ValidatorRecord>>;

    fn handle(&mut self, _: ListValidators, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::validator_records)
    }
}

impl Handler<GetElectorate> for Store {
    type Result = Answer<Electorate>;

    fn handle(&mut self, _: GetElectorate, _: &mut Context<Self>) -> Self::Result {
        if self.is_shared {
            return self.read(storage::electorate_load);
        }
        let cache = self.electorate.clone();
        let cached = cache.read().unwrap_or_else(PoisonError::into_inner).clone();
        match cached {
            Some(cached) => Box::pin(async move { Ok(cached) }),
            // Where changes are made, so that none comes between the look and keeping it.
            None => Box::pin(self.writer.read(move |conn| electorate(&cache, conn, false))),
        }
    }
}

impl Handler<ListProviders> for Store {
    type Result = Answer<Vec<ProviderEntry>>;

    fn handle(&mut self, message: ListProviders, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::provider_list(conn, &message.defaults))
    }
}

impl Handler<ChangeProviders> for Store {
    type Result = Answer<Option<i64>>;

    fn handle(&mut self, message: ChangeProviders, _: &mut Context<Self>) -> Self::Result {
        let ChangeProviders { change, defaults } = message;
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::provider_change_in_txn(conn, ctx, &change, &defaults)
        }))
    }
}
