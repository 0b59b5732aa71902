//! The ten laws of the protocol (section 8) in words, one before them, and what it looks like when
//! one is broken.

use std::fmt;

use crate::protocol::invariants;

/// One of the laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Law(u8);

impl Law {
    /// Not of the protocol, but before all of it.
    pub const NO_PANIC: Self = Self(0);
    /// At most one decision per attempt chain.
    pub const DECIDED_ONCE: Self = Self(1);
    /// Order per queue.
    pub const ORDER: Self = Self(2);
    /// Nothing is lost.
    pub const NOTHING_LOST: Self = Self(3);
    /// Effects happen once.
    pub const EFFECTS_ONCE: Self = Self(4);
    /// Money is conserved.
    pub const MONEY: Self = Self(5);
    /// The same inputs give the same effects.
    pub const SAME_EFFECTS: Self = Self(6);
    /// Acceptance needs a majority.
    pub const MAJORITY: Self = Self(7);
    /// Seats and leaders.
    pub const SEATS: Self = Self(8);
    /// Finality in order and after the window.
    pub const FINALITY: Self = Self(9);
    /// Events are changes.
    pub const EVENTS: Self = Self(10);

    /// The law as the protocol states it.
    pub const fn text(self) -> &'static str {
        match self.0 {
            0 => "no part of the network panics, unless the scenario wants it",
            1 => {
                "a transaction is decided at most once per attempt chain; FINALIZED and CANCELED are terminal"
            }
            2 => {
                "per queue address at most one transaction is in flight; decisions follow acceptance order"
            }
            3 => {
                "no accepted submission is ever lost: every stored transaction is in exactly one status, and reaches a decided status or CANCELED while validators exist"
            }
            4 => "effects of a decision are applied exactly once, or exactly undone",
            5 => "money is conserved",
            6 => {
                "an ignored input leaves the round unchanged; the same inputs give the same effects"
            }
            7 => "an ACCEPTED decision had agreement of a strict majority of its committee",
            8 => "no validator sits twice in one committee; no former leader leads again",
            9 => "finalization is in order per contract, never before the window",
            _ => {
                "every event that was published corresponds to a stored change, in the same order, and can be replayed from a cursor"
            }
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {}: {}", self.0, self.text())
    }
}

/// A law does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub law: Law,
    /// What was seen, and what should have been.
    pub found: String,
    /// When, in virtual milliseconds since the start of the run.
    pub at_ms: u64,
}

/// A law and what breaks it, before anybody looked at the clock.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) law: Law,
    pub(super) found: String,
}

impl Law {
    /// This law is broken, if `holds` is false.
    pub(super) fn unless(self, holds: bool, found: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(self.broken(found())) }
    }

    /// This law is broken.
    pub(super) fn broken(self, found: impl Into<String>) -> Broken {
        Broken { law: self, found: found.into() }
    }
}

impl From<invariants::Violation> for Broken {
    fn from(violation: invariants::Violation) -> Self {
        let law = match violation {
            invariants::Violation::AcceptedWithoutMajority => Law::MAJORITY,
            invariants::Violation::SeatedTwice | invariants::Violation::LedTwice => Law::SEATS,
            invariants::Violation::NotADecision => Law::DECIDED_ONCE,
        };
        law.broken(violation.to_string())
    }
}
