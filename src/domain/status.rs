//! Where a transaction is in its life, and which steps are legal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a transaction is in its life (protocol section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Stored, waiting for its turn on its contract.
    Pending,
    /// The leader executes.
    Proposing,
    /// Validators re-execute and commit to votes.
    Committing,
    /// Votes are opened.
    Revealing,
    /// A majority agreed with the leader; effects are applied, finality window open.
    Accepted,
    /// Rotations ran out without agreement.
    Undetermined,
    /// The leader did not answer in time.
    LeaderTimeout,
    /// A majority of validators ran out of time.
    ValidatorsTimeout,
    /// The finality window passed: nothing can change any more.
    Finalized,
    /// Withdrawn before a decision, or given up after repeated crashes.
    Canceled,
}

/// A status change the protocol does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no transaction goes from {from} to {to}")]
pub struct IllegalStatusChange {
    from: Status,
    to: Status,
}

impl Status {
    /// Every status, in the order of a transaction's life.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Proposing,
        Self::Committing,
        Self::Revealing,
        Self::Accepted,
        Self::Undetermined,
        Self::LeaderTimeout,
        Self::ValidatorsTimeout,
        Self::Finalized,
        Self::Canceled,
    ];

    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Proposing => "PROPOSING",
            Self::Committing => "COMMITTING",
            Self::Revealing => "REVEALING",
            Self::Accepted => "ACCEPTED",
            Self::Undetermined => "UNDETERMINED",
            Self::LeaderTimeout => "LEADER_TIMEOUT",
            Self::ValidatorsTimeout => "VALIDATORS_TIMEOUT",
            Self::Finalized => "FINALIZED",
            Self::Canceled => "CANCELED",
        }
    }

    /// A round is running on this transaction.
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::Proposing | Self::Committing | Self::Revealing)
    }

    /// Decided, with the finality window still open.
    pub const fn awaits_finality(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Undetermined | Self::LeaderTimeout | Self::ValidatorsTimeout
        )
    }

    /// Nothing can change any more (law 1).
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Finalized | Self::Canceled)
    }

    /// Nothing is left for a client to wait for but finality.
    pub const fn is_decided(self) -> bool {
        self.awaits_finality() || self.is_terminal()
    }

    /// Checks one step against the legal edges of protocol section 1.
    ///
    /// An in-flight transaction falls back to PENDING when its owner crashed (section 6), and may
    /// be CANCELED when it did so too often; see also [`Status::resume_as`].
    pub fn change_to(self, to: Self) -> Result<Self, IllegalStatusChange> {
        let legal = match (self, to) {
            (Self::Pending, Self::Proposing | Self::Canceled | Self::Finalized)
            | (Self::Pending, Self::Undetermined)
            | (Self::Proposing, Self::Committing | Self::LeaderTimeout | Self::Accepted)
            | (Self::Proposing, Self::Undetermined)
            // Section 5: an appeal lets a new leader propose, or more validators commit.
            | (Self::Undetermined | Self::LeaderTimeout, Self::Proposing)
            | (Self::Accepted | Self::ValidatorsTimeout, Self::Committing)
            | (Self::Committing, Self::Revealing)
            | (
                Self::Revealing,
                Self::Accepted | Self::Undetermined | Self::ValidatorsTimeout | Self::Proposing,
            ) => true,
            // Section 4: what is decided and not final can be undone, and waits again.
            (from, Self::Pending) => from.is_in_flight() || from.awaits_finality(),
            (from, Self::Canceled) => from.is_in_flight(),
            (from, Self::Finalized) => from.awaits_finality(),
            // A replacement leader starts the turn again.
            (Self::Proposing, Self::Proposing) => true,
            _ => false,
        };
        legal.then_some(to).ok_or(IllegalStatusChange { from: self, to })
    }
}

impl Status {
    /// Where a transaction goes whose appeal crashed in flight: back to the decision it had.
    pub fn resume_as(self, decided: Self) -> Result<Self, IllegalStatusChange> {
        let legal = decided.awaits_finality() && (self.is_in_flight() || self == decided);
        legal.then_some(decided).ok_or(IllegalStatusChange { from: self, to: decided })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a status; expected one of PENDING, PROPOSING, COMMITTING, REVEALING, ACCEPTED, UNDETERMINED, LEADER_TIMEOUT, VALIDATORS_TIMEOUT, FINALIZED, CANCELED"
)]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| UnknownStatus(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_themselves() {
        for status in Status::ALL {
            assert_eq!(status.name().parse::<Status>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        assert!("pending".parse::<Status>().is_err());
    }

    #[test]
    fn no_edge_leaves_a_terminal_status() {
        for terminal in [Status::Finalized, Status::Canceled] {
            assert!(Status::ALL.into_iter().all(|to| terminal.change_to(to).is_err()));
        }
    }

    #[test]
    fn a_decided_status_leads_to_finality_to_an_appeal_or_back_to_the_queue() {
        for decided in Status::ALL.into_iter().filter(|status| status.awaits_finality()) {
            let appealed = match decided {
                Status::Accepted | Status::ValidatorsTimeout => Status::Committing,
                _ => Status::Proposing,
            };
            for to in Status::ALL {
                let expected = [Status::Finalized, Status::Pending, appealed].contains(&to);
                assert_eq!(decided.change_to(to).is_ok(), expected, "{decided} {to}");
            }
        }
    }

    #[test]
    fn a_crashed_appeal_resumes_as_what_was_decided() {
        assert!(Status::Committing.resume_as(Status::Accepted).is_ok());
        assert!(Status::Accepted.resume_as(Status::Accepted).is_ok());
        assert!(Status::Pending.resume_as(Status::Accepted).is_err());
        assert!(Status::Committing.resume_as(Status::Pending).is_err());
        assert!(Status::Finalized.resume_as(Status::Accepted).is_err());
    }

    #[test]
    fn only_a_round_in_flight_or_a_waiting_transaction_can_be_canceled() {
        for from in Status::ALL {
            let expected = from == Status::Pending || from.is_in_flight();
            assert_eq!(from.change_to(Status::Canceled).is_ok(), expected, "{from}");
        }
    }
}
