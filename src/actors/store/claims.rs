//! Claims of a process that owns its database alone: kept in memory, because nobody else can take
//! the transactions, and a crash gives all of them back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    pub(super) fn keep(&self, claim: Claim) -> Claim {
        let Claim::Claimed(mut job) = claim else { return claim };
        let (queue, claimed) = (job.contract, (job.transaction.hash, job.attempt));
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.contains_key(&queue) {
            return Claim::Blocked;
        }
        claims.insert(queue, claimed);
        job.hold = Hold::on(Guard { claims: self.clone(), claimed });
        Claim::Claimed(job)
    }

    /// Is the transaction in flight?
    pub(super) fn holds(&self, hash: TxHash) -> bool {
        let claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.values().any(|(claimed, _)| *claimed == hash)
    }

    /// The transaction is in flight no more.
    pub(super) fn let_go(&self, hash: TxHash, attempt: u32) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|_, claimed| *claimed != (hash, attempt));
    }
}

/// Lets go of a claim with the last copy of its job.
struct Guard {
    claims: Claims,
    claimed: Claimed,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (hash, attempt) = self.claimed;
        self.claims.let_go(hash, attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::testing::samples::{hash, job};

    fn claimed(number: u8) -> Claim {
        Claim::Claimed(Box::new(job(number, 0)))
    }

    #[test]
    fn a_queue_has_one_claim_until_it_is_let_go() {
        let claims = Claims::default();
        let first = claims.keep(claimed(1));
        assert!(matches!(first, Claim::Claimed(_)));
        assert!(matches!(claims.keep(claimed(2)), Claim::Blocked));
        claims.let_go(hash(1), 0);
        assert!(matches!(claims.keep(claimed(2)), Claim::Claimed(_)));
    }

    #[test]
    fn a_claim_ends_with_the_last_copy_of_its_job() {
        let claims = Claims::default();
        let Claim::Claimed(job) = claims.keep(claimed(1)) else { panic!("it is free") };
        let copy = job.clone();
        drop(job);
        assert!(matches!(claims.keep(claimed(2)), Claim::Blocked), "a copy is still there");
        drop(copy);
        assert!(matches!(claims.keep(claimed(2)), Claim::Claimed(_)));
    }

    #[test]
    fn the_end_of_an_old_job_does_not_end_the_claim_of_the_next() {
        let claims = Claims::default();
        let first = claims.keep(claimed(1));
        claims.let_go(hash(1), 0);
        let second = claims.keep(claimed(2));
        drop(first);
        assert!(matches!(claims.keep(claimed(3)), Claim::Blocked), "{second:?} is in flight");
    }
}
