//! Who appeals: decisions are challenged as the scenario's policy has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::chance::{Chance, Stream};
use super::scenario::AppealPlan;
use super::trace::About;
use super::world::World;
use crate::actors::handles::Handles;
use crate::domain::ledger::StoreError;
use crate::domain::{Address, Status, TxHash};

/// The appeals that are to be sent.
#[derive(Debug)]
pub(super) struct Appeals {
    plan: AppealPlan,
    chance: Stream,
    /// By the time of the run, and in the order in which they were decided upon.
    due: BTreeMap<(Duration, u64), TxHash>,
    planned: u64,
}

impl Appeals {
    pub(super) fn new(plan: AppealPlan, chance: Chance) -> Self {
        Self { plan, chance: chance.stream("appeals", 0), due: BTreeMap::new(), planned: 0 }
    }

    /// `transaction` was decided, after `before` appeals; answers whether it will be appealed.
    pub(super) fn decided(
        &mut self,
        now: Duration,
        transaction: TxHash,
        status: Status,
        before: u32,
    ) -> bool {
        let can_be = status.awaits_finality() && before < self.plan.limit;
        if !can_be || !self.chance.happens(self.plan.probability) {
            return false;
        }
        let at = now + self.chance.delay(self.plan.delay);
        self.planned += 1;
        self.due.insert((at, self.planned), transaction);
        true
    }

    fn next_at(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    fn take_due(&mut self, now: Duration) -> Option<TxHash> {
        if self.next_at()? > now {
            return None;
        }
        self.due.pop_first().map(|(_, hash)| hash)
    }
}

/// Sends every appeal in its time, for as long as the network lives.
pub(super) async fn send_appeals(world: Arc<World>, appellant: Address, handles: Handles) {
    loop {
        let planned = world.appealed.notified();
        let (now, next) = {
            let state = world.lock();
            (state.now(), state.appeals.next_at())
        };
        match next {
            Some(at) if at <= now => {
                let due = world.lock().appeals.take_due(now);
                if let Some(hash) = due {
                    send(&world, hash, appellant, &handles).await;
                }
            }
            Some(at) => tokio::select! {
                biased;
                () = planned => {}
                () = tokio::time::sleep(at.saturating_sub(now)) => {}
            },
            None => planned.await,
        }
    }
}

async fn send(world: &World, hash: TxHash, appellant: Address, handles: &Handles) {
    let answer = handles.open_appeal(hash, appellant).await;
    let mut guard = world.lock();
    let state = &mut *guard;
    let now = state.now_ms();
    let about = About::transaction(hash);
    match answer {
        Ok(kind) => state.trace.line(now, about, "client", format_args!("{kind} appeal")),
        Err(error @ StoreError::AppealRefused { .. }) => {
            state.trace.line(now, about, "client", format_args!("no appeal: {error}"));
        }
        Err(error) => {
            state.trace.line(now, about, "client", format_args!("gives up its appeal: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::scenario::{Delay, Share, Spread};

    #[test]
    fn appeals_are_limited_and_sent_in_their_time() {
        let delay = Delay(Spread::Constant(500));
        let plan = AppealPlan { probability: Share::ALL, limit: 1, delay };
        let mut appeals = Appeals::new(plan, Chance::new(1));
        let hash = TxHash::new([1; 32]);
        let second = Duration::from_secs(1);
        assert!(appeals.decided(second, hash, Status::Accepted, 0));
        assert!(!appeals.decided(second, hash, Status::Accepted, 1), "one was enough");
        assert!(!appeals.decided(second, hash, Status::Canceled, 0), "nobody decided that");
        assert_eq!(appeals.take_due(second), None);
        assert_eq!(appeals.take_due(second + Duration::from_millis(500)), Some(hash));
        assert_eq!(appeals.take_due(second * 9), None);
    }
}
