//! Permits: how many of something may run at once. Mailboxes do not bound (pitfall P1).

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A counted set of permits with a name.
#[derive(Debug, Clone)]
pub struct Permits {
    name: &'static str,
    limit: usize,
    semaphore: Arc<Semaphore>,
}

/// The right to run one of something; returned when dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
}

/// How many permits are out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct PermitReport {
    /// What is limited.
    pub name: &'static str,
    /// Running now.
    pub in_use: usize,
    /// At most.
    pub limit: usize,
}

impl Permits {
    /// `limit` permits (at least one) for running `name`.
    pub fn new(name: &'static str, limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self { name, limit, semaphore: Arc::new(Semaphore::new(limit)) }
    }

    /// Waits for a permit, first come, first served.
    pub async fn acquire(&self) -> Permit {
        // The semaphore is never closed, so this always holds a permit.
        Permit { _permit: Arc::clone(&self.semaphore).acquire_owned().await.ok() }
    }

    /// A permit if one is free.
    pub fn try_acquire(&self) -> Option<Permit> {
        let permit = Arc::clone(&self.semaphore).try_acquire_owned().ok()?;
        Some(Permit { _permit: Some(permit) })
    }

    /// How many are out.
    pub fn report(&self) -> PermitReport {
        let in_use = self.limit.saturating_sub(self.semaphore.available_permits());
        PermitReport { name: self.name, in_use, limit: self.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_free_again_when_dropped() {
        let permits = Permits::new("tests", 1);
        let held = permits.try_acquire().unwrap();
        assert!(permits.try_acquire().is_none());
        assert_eq!(permits.report(), PermitReport { name: "tests", in_use: 1, limit: 1 });
        drop(held);
        assert!(permits.try_acquire().is_some());
    }

    #[test]
    fn there_is_always_at_least_one() {
        assert!(Permits::new("tests", 0).try_acquire().is_some());
    }
}
