//! Faults as values: which of the scenario's crashes and store faults strike now.

use std::time::Duration;

use super::chance::{Chance, Stream};
use super::scenario::{
    CrashPlan, CrashStep, CrashTarget, Scenario, StoreFaultKind, StoreFaultPlan, When,
};
use crate::actors::store::Access;
use crate::domain::ledger::StoreError;

#[derive(Debug)]
struct Crash {
    plan: CrashPlan,
    seen: u64,
    stream: Stream,
}

#[derive(Debug)]
struct StoreFault {
    plan: StoreFaultPlan,
    strikes: Stream,
    delays: Stream,
}

/// The faults of one run.
#[derive(Debug)]
pub(super) struct Faults {
    crashes: Vec<Crash>,
    store: Vec<StoreFault>,
}

impl Faults {
    pub(super) fn new(scenario: &Scenario, chance: Chance) -> Self {
        let crashes = scenario.crashes.iter().enumerate().map(|(index, plan)| Crash {
            plan: *plan,
            seen: 0,
            stream: chance.stream("crash", index),
        });
        let store = scenario.store_faults.iter().enumerate().map(|(index, plan)| StoreFault {
            plan: *plan,
            strikes: chance.stream("store fault", index),
            delays: chance.stream("store delay", index),
        });
        Self { crashes: crashes.collect(), store: store.collect() }
    }

    /// Does the scenario ever crash one of these?
    pub(super) fn crashes(&self, target: CrashTarget) -> bool {
        self.crashes.iter().any(|crash| crash.plan.what == target)
    }

    /// A step is reached: who crashes now? Nodes are asked for apart from the others.
    pub(super) fn strike(&mut self, step: CrashStep, nodes: bool) -> Vec<CrashTarget> {
        let mut struck = Vec::new();
        for crash in &mut self.crashes {
            let is_meant = crash.plan.at == step && (crash.plan.what == CrashTarget::Node) == nodes;
            if !is_meant {
                continue;
            }
            crash.seen += 1;
            let strikes = match crash.plan.when {
                When::Nth(nth) => crash.seen == nth,
                When::Probability(probability) => crash.stream.happens(probability),
            };
            if strikes {
                struck.push(crash.plan.what);
            }
        }
        struck
    }

    /// How long the store takes over the next request, at this time of the run.
    pub(super) fn store_delay(&mut self, now: Duration) -> Duration {
        let slow = |fault: &&mut StoreFault| fault.plan.kind == StoreFaultKind::Slow;
        let delays = self.store.iter_mut().filter(slow).map(|fault| fault.delay(now));
        delays.sum()
    }

    /// May the next request reach the database?
    pub(super) fn admit(&mut self, now: Duration, access: Access) -> Result<(), StoreError> {
        for fault in &mut self.store {
            let error = match (fault.plan.kind, access) {
                (StoreFaultKind::Full, Access::Write) => StoreError::Database {
                    operation: "writing a batch",
                    reason: "database or disk is full".to_owned(),
                },
                (StoreFaultKind::Refused, _) => StoreError::Busy { in_flight: 0, limit: 0 },
                _ => continue,
            };
            if fault.strikes(now) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// When the last store fault that ends is over.
    pub(super) fn store_until(&self) -> Duration {
        self.store.iter().filter_map(|fault| fault.plan.until).max().unwrap_or_default()
    }

    /// Can the store fail or wait at all?
    pub(super) fn has_store_faults(&self) -> bool {
        !self.store.is_empty()
    }
}

impl StoreFault {
    fn strikes(&mut self, now: Duration) -> bool {
        let is_time = now >= self.plan.from && self.plan.until.is_none_or(|until| now < until);
        is_time && self.strikes.happens(self.plan.probability)
    }

    fn delay(&mut self, now: Duration) -> Duration {
        if self.strikes(now) { self.delays.delay(self.plan.delay) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::scenario::Scenario;

    fn faults(text: &str) -> Faults {
        let text = format!("{text}\n[workload]\narrival = \"all at once\"\ncount = 1\n");
        let scenario = Scenario::parse(std::path::Path::new("test.toml"), &text).unwrap();
        Faults::new(&scenario, Chance::new(1))
    }

    #[test]
    fn the_nth_time_is_counted_per_fault() {
        let mut faults = faults(
            "[[crash]]\nwhat = \"queue\"\nat = \"persist\"\nnth = 2\n\
             [[crash]]\nwhat = \"system\"\nat = \"persist\"\nnth = 3",
        );
        let mut strikes = || faults.strike(CrashStep::Persist, false);
        assert_eq!(strikes(), []);
        assert_eq!(strikes(), [CrashTarget::Queue]);
        assert_eq!(strikes(), [CrashTarget::System]);
        assert_eq!(strikes(), []);
        assert_eq!(faults.strike(CrashStep::Claimed, false), []);
    }

    #[test]
    fn a_full_store_reads_and_ends() {
        let mut faults = faults("[[store_fault]]\nkind = \"full\"\nfrom = \"1s\"\nuntil = \"2s\"");
        let mut admits =
            |seconds, access| faults.admit(Duration::from_secs(seconds), access).is_ok();
        assert!(admits(0, Access::Write));
        assert!(!admits(1, Access::Write));
        assert!(admits(1, Access::Read));
        assert!(admits(2, Access::Write));
    }
}
