//! Claims of this process. When it owns its database alone they are kept in memory only, because
//! nobody else can take the transactions, and a crash gives all of them back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::WeakRecipient;

use crate::actors::messages::ClaimLapsed;
use crate::actors::tell_weak;
use crate::domain::ledger::{Claim, Hold};
use crate::domain::{Address, TxHash};

/// The transaction in flight of each queue (law 2).
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Arc<Mutex<BTreeMap<Address, Claimed>>>);

/// A transaction and the attempt that has it.
type Claimed = (TxHash, u32);

impl Claims {
    /// Notes a claim, or answers that the queue is blocked by the one it has.
    ///
    /// The claim lasts until [`Claims::let_go`], or until nobody works on its job any more: a
    /// consensus that crashed, or a queue that died with the answer, cannot block its contract.
    /// Then `lapsed` hears of it, in case the queue that would give it back is dead too.
    pub(super) fn keep(&self, claim: Claim, lapsed: WeakRecipient<ClaimLapsed>) -> Claim {
        let Claim::Claimed(job) = claim else { return claim };
        if self.lock().contains_key(&job.contract) {
            return Claim::Blocked;
        }
        self.note(Claim::Claimed(job), lapsed)
    }

    /// Notes a claim that the database has granted already.
    pub(super) fn note(&self, claim: Claim, lapsed: WeakRecipient<ClaimLapsed>) -> Claim {
        let Claim::Claimed(mut job) = claim else { return claim };
        let claimed = (job.transaction.hash, job.attempt);
        self.lock().insert(job.contract, claimed);
        job.hold = Hold::on(Guard { claims: self.clone(), claimed, lapsed });
        Claim::Claimed(job)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Address, Claimed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is the transaction in flight?
    pub(super) fn holds(&self, hash: TxHash) -> bool {
        self.lock().values().any(|(claimed, _)| *claimed == hash)
    }

    /// The transaction is in flight no more; answers whether it was until now.
    pub(super) fn let_go(&self, hash: TxHash, attempt: u32) -> bool {
        let mut claims = self.lock();
        let before = claims.len();
        claims.retain(|_, claimed| *claimed != (hash, attempt));
        claims.len() < before
    }
}

/// Lets go of a claim with the last copy of its job.
struct Guard {
    claims: Claims,
    claimed: Claimed,
    lapsed: WeakRecipient<ClaimLapsed>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (hash, attempt) = self.claimed;
        if self.claims.let_go(hash, attempt) {
            tell_weak(&self.lapsed, ClaimLapsed { hash, attempt });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::testing::samples::{hash, job};
    use crate::actors::testing::{Probe, paused, settle};

    fn claimed(number: u8) -> Claim {
        Claim::Claimed(Box::new(job(number, 0)))
    }

    /// Claims, and what lapsed.
    fn test<F: Future<Output = ()>>(body: impl FnOnce(Claims, Probe<ClaimLapsed>) -> F) {
        paused(|| async { body(Claims::default(), Probe::new()).await });
    }

    #[test]
    fn a_queue_has_one_claim_until_it_is_let_go() {
        test(|claims, lapses| async move {
            let keep = |number| claims.keep(claimed(number), lapses.recipient.downgrade());
            let first = keep(1);
            assert!(matches!(first, Claim::Claimed(_)));
            assert!(matches!(keep(2), Claim::Blocked));
            assert!(claims.let_go(hash(1), 0));
            assert!(matches!(keep(2), Claim::Claimed(_)));
        });
    }

    #[test]
    fn a_claim_lapses_with_the_last_copy_of_its_job() {
        test(|claims, lapses| async move {
            let keep = |number| claims.keep(claimed(number), lapses.recipient.downgrade());
            let Claim::Claimed(job) = keep(1) else { panic!("it is free") };
            let copy = job.clone();
            drop(job);
            assert!(matches!(keep(2), Claim::Blocked), "a copy is still there");
            drop(copy);
            settle().await;
            let lapsed: Vec<_> = lapses.take().iter().map(|lapsed| lapsed.hash).collect();
            assert_eq!(lapsed, [hash(1)], "the store hears of it");
            assert!(matches!(keep(2), Claim::Claimed(_)));
        });
    }

    #[test]
    fn a_claim_that_was_let_go_does_not_lapse() {
        test(|claims, lapses| async move {
            let first = claims.keep(claimed(1), lapses.recipient.downgrade());
            claims.let_go(hash(1), 0);
            drop(first);
            settle().await;
            assert!(lapses.take().is_empty());
        });
    }

    #[test]
    fn the_end_of_an_old_job_does_not_end_the_claim_of_the_next() {
        test(|claims, lapses| async move {
            let keep = |number| claims.keep(claimed(number), lapses.recipient.downgrade());
            let first = keep(1);
            claims.let_go(hash(1), 0);
            let second = keep(2);
            drop(first);
            assert!(matches!(keep(3), Claim::Blocked), "{second:?} is in flight");
        });
    }
}
