//! Noticing that a child ended, and deciding when it may start again.
//!
//! actix's own `Supervisor` keeps the state, restarts at once and does not see panics (pitfalls
//! P2, P3), so children carry a [`DeathWatch`] and parents a [`RestartPolicy`].

use std::collections::VecDeque;
use std::time::Duration;

use actix::{Message, WeakRecipient};
use tokio::time::Instant;

use super::tell_weak;

/// A child ended. Sent by its [`DeathWatch`], whatever the reason was.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Terminated<Id: Send + 'static> {
    /// Which child.
    pub child: Id,
    /// It ended because it panicked.
    pub panicked: bool,
}

/// A field of an actor whose drop tells the parent that the actor is gone. The parent is held
/// weakly, so that a child never keeps it alive (pitfall P11).
#[derive(Debug)]
pub struct DeathWatch<Id: Clone + Send + 'static> {
    child: Id,
    parent: WeakRecipient<Terminated<Id>>,
}

impl<Id: Clone + Send + 'static> DeathWatch<Id> {
    /// Watches over `child` for `parent`.
    pub fn new(child: Id, parent: WeakRecipient<Terminated<Id>>) -> Self {
        Self { child, parent }
    }
}

impl<Id: Clone + Send + 'static> Drop for DeathWatch<Id> {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        tell_weak(&self.parent, Terminated { child: self.child.clone(), panicked });
    }
}

/// Waiting times that double: 1 s, 2 s, 4 s … 60 s.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    tries: u32,
}

impl Backoff {
    /// The longest wait.
    pub const LONGEST: Duration = Duration::from_mins(1);

    /// Starts with a wait of `first`.
    pub const fn starting_with(first: Duration) -> Self {
        Self { first, tries: 0 }
    }

    /// The wait before the next try.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.first.saturating_mul(2_u32.saturating_pow(self.tries));
        self.tries = self.tries.saturating_add(1);
        wait.min(Self::LONGEST)
    }

    /// Something worked: the next wait is the first again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::starting_with(Duration::from_secs(1))
    }
}

/// What to do about a child that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start a fresh one after this wait.
    RestartAfter(Duration),
    /// It ends too often: stop the process, so that whoever runs it starts it anew.
    Escalate,
}

/// Allows a number of restarts within a window, with growing waits.
#[derive(Debug)]
pub struct RestartPolicy {
    restarts_max: usize,
    window: Duration,
    ends: VecDeque<Instant>,
    backoff: Backoff,
}

impl RestartPolicy {
    /// Five restarts in sixty seconds.
    pub fn new() -> Self {
        Self {
            restarts_max: 5,
            window: Duration::from_mins(1),
            ends: VecDeque::new(),
            backoff: Backoff::default(),
        }
    }

    /// A child ended at `now`.
    pub fn ended_at(&mut self, now: Instant) -> Verdict {
        self.ends.retain(|end| now.duration_since(*end) < self.window);
        if self.ends.is_empty() {
            self.backoff.reset();
        }
        self.ends.push_back(now);
        if self.ends.len() > self.restarts_max {
            return Verdict::Escalate;
        }
        Verdict::RestartAfter(self.backoff.next_wait())
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.next_wait().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.next_wait().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sixth_end_within_a_minute_escalates() {
        let mut policy = RestartPolicy::new();
        let start = tokio::time::Instant::now();
        for second in 0..5 {
            let verdict = policy.ended_at(start + Duration::from_secs(second));
            assert!(matches!(verdict, Verdict::RestartAfter(_)), "{second}");
        }
        assert_eq!(policy.ended_at(start + Duration::from_secs(5)), Verdict::Escalate);
        let later = policy.ended_at(start + Duration::from_mins(10));
        assert_eq!(later, Verdict::RestartAfter(Duration::from_secs(1)));
    }
}
