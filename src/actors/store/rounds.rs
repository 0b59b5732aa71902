//! What queues and their consensus ask of the store, from the claim to the decision.

use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, ResponseFuture};

use super::{Answer, Store, electorate};
use crate::actors::messages::{
    ClaimLapsed, ClaimTransaction, ExecuteTransfer, LookAgain, PersistDecision, RequeueTransaction,
    StepReached,
};
use crate::actors::tell_weak;
use crate::domain::ledger::{Claim, Persisted, StoreError};
use crate::domain::{Clock, Status};
use crate::storage;

/// Pause before a lapsed claim that could not be given back is tried again.
const GIVE_BACK_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Handler<ClaimTransaction> for Store {
    type Result = Answer<Claim>;

    fn handle(&mut self, message: ClaimTransaction, ctx: &mut Context<Self>) -> Self::Result {
        let hash = message.0;
        let (claims, lapsed) = (self.claims.clone(), ctx.address().downgrade().recipient());
        let cache = Arc::clone(&self.electorate);
        if !self.is_shared {
            // Nobody else can take it, so the claim itself need not be written.
            return Box::pin(self.writer.read(move |conn| {
                let electorate = electorate(&cache, conn, false)?;
                storage::transaction_claim_exclusive(conn, hash, &electorate)
                    .map(|claim| claims.keep(claim, lapsed))
            }));
        }
        let (at, owner) = (self.clock.now(), self.settings.owner.clone());
        let claimed = self.writer.write(None, move |conn, ctx| {
            let electorate = electorate(&cache, conn, true)?;
            storage::transaction_claim_in_txn(conn, ctx, hash, &owner, at, &electorate)
        });
        Box::pin(async move { Ok(claims.note(claimed.await?, lapsed)) })
    }
}

impl Handler<ExecuteTransfer> for Store {
    type Result = Answer<Status>;

    fn handle(&mut self, message: ExecuteTransfer, _: &mut Context<Self>) -> Self::Result {
        let at = self.clock.now();
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::transfer_execute_in_txn(conn, ctx, message.0, at)
        }))
    }
}

impl Handler<PersistDecision> for Store {
    type Result = Answer<Persisted>;

    fn handle(&mut self, message: PersistDecision, _: &mut Context<Self>) -> Self::Result {
        let decision = message.0;
        let (hash, attempt, now) = (decision.hash, decision.attempt, self.clock.now());
        let (claims, crawler) = (self.claims.clone(), self.crawler.clone());
        let persisted = self.writer.write(Some((hash, attempt)), move |conn, ctx| {
            storage::decision_persist_in_txn(conn, ctx, &decision, now)
        });
        Box::pin(async move {
            let persisted = persisted.await?;
            claims.let_go(hash, attempt);
            // Told here and not by the consensus, which may be dead by now.
            if let Persisted::Stored { requeued: 1.., .. } = persisted {
                tell_weak(&crawler, LookAgain);
            }
            Ok(persisted)
        })
    }
}

impl Handler<StepReached> for Store {
    type Result = ();

    fn handle(&mut self, message: StepReached, _: &mut Context<Self>) {
        self.writer.step(message.0);
    }
}

impl Handler<RequeueTransaction> for Store {
    type Result = Answer<Status>;

    fn handle(&mut self, message: RequeueTransaction, _: &mut Context<Self>) -> Self::Result {
        let RequeueTransaction { hash, attempt, cause } = message;
        let (at, attempts_max) = (self.clock.now(), self.settings.attempts_max);
        let claims = self.claims.clone();
        let requeued = self.writer.write(Some((hash, attempt)), move |conn, ctx| {
            storage::transaction_requeue_in_txn(conn, ctx, hash, attempt, attempts_max, &cause, at)
        });
        Box::pin(async move {
            let status = requeued.await?;
            claims.let_go(hash, attempt);
            Ok(status)
        })
    }
}

impl Handler<ClaimLapsed> for Store {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, message: ClaimLapsed, ctx: &mut Context<Self>) -> Self::Result {
        let ClaimLapsed { hash, attempt } = message;
        let cause = "everybody who worked on it crashed".to_owned();
        let request = RequeueTransaction { hash, attempt, cause };
        let requeued = Handler::handle(self, request, ctx);
        let (crawler, again) = (self.crawler.clone(), ctx.address().downgrade().recipient());
        Box::pin(async move {
            match requeued.await {
                Ok(_) => tell_weak(&crawler, LookAgain),
                // It was decided or given back after all, or the next start gives it back.
                Err(StoreError::Stale { .. } | StoreError::Restored | StoreError::Closed) => {}
                Err(error) => {
                    log::error!(target: "store", "cannot give back: {error} tx={hash}");
                    tokio::time::sleep(GIVE_BACK_AGAIN_AFTER).await;
                    tell_weak(&again, message);
                }
            }
        })
    }
}
