//! Why a round runs over a transaction, and the challenge that may have led to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Address, Status};

/// A challenge to a decision; the decision's status says which kind (protocol section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealKind {
    /// Of ACCEPTED: more validators judge the same receipt.
    Validators,
    /// Of UNDETERMINED: new leaders try before a larger committee.
    Leader,
    /// Of `LEADER_TIMEOUT`: the next leader tries.
    LeaderTimeout,
    /// Of `VALIDATORS_TIMEOUT`: more validators judge the same receipt.
    ValidatorsTimeout,
}

impl AppealKind {
    const ALL: [Self; 4] =
        [Self::Validators, Self::Leader, Self::LeaderTimeout, Self::ValidatorsTimeout];

    /// The appeal that a transaction in `status` is open to.
    pub const fn against(status: Status) -> Option<Self> {
        match status {
            Status::Accepted => Some(Self::Validators),
            Status::Undetermined => Some(Self::Leader),
            Status::LeaderTimeout => Some(Self::LeaderTimeout),
            Status::ValidatorsTimeout => Some(Self::ValidatorsTimeout),
            _ => None,
        }
    }

    /// The status it challenges.
    pub const fn challenges(self) -> Status {
        match self {
            Self::Validators => Status::Accepted,
            Self::Leader => Status::Undetermined,
            Self::LeaderTimeout => Status::LeaderTimeout,
            Self::ValidatorsTimeout => Status::ValidatorsTimeout,
        }
    }

    /// The receipt at hand is judged again, instead of a new one being made.
    pub const fn is_revote(self) -> bool {
        matches!(self, Self::Validators | Self::ValidatorsTimeout)
    }

    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validators => "validators",
            Self::Leader => "leader",
            Self::LeaderTimeout => "leader_timeout",
            Self::ValidatorsTimeout => "validators_timeout",
        }
    }
}

/// Why a round runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    /// For the first time, or as if it were: what came before was undone.
    #[default]
    Initial,
    /// Again, because an appeal overturned the decision.
    Rerun,
    /// Because a decision was appealed.
    Appeal(AppealKind),
}

impl Phase {
    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Rerun => "rerun",
            Self::Appeal(AppealKind::Validators) => "validators_appeal",
            Self::Appeal(AppealKind::Leader) => "leader_appeal",
            Self::Appeal(AppealKind::LeaderTimeout) => "leader_timeout_appeal",
            Self::Appeal(AppealKind::ValidatorsTimeout) => "validators_timeout_appeal",
        }
    }

    /// The receipt at hand is judged again, instead of a new one being made.
    pub const fn is_revote(self) -> bool {
        matches!(self, Self::Appeal(kind) if kind.is_revote())
    }

    /// The name that clients know a leader's turn by, in a round that ended in `status`.
    pub fn label(self, status: Status, is_last: bool) -> &'static str {
        use AppealKind::{Leader, LeaderTimeout, Validators, ValidatorsTimeout};
        if !is_last {
            return match self {
                Self::Appeal(Leader) => "Leader Rotation Appeal",
                _ => "Leader Rotation",
            };
        }
        match (self, self.has_failed_with(status)) {
            (Self::Appeal(Validators), true) => "Validator Appeal Failed",
            (Self::Appeal(Validators), false) => "Validator Appeal Successful",
            (Self::Appeal(Leader), true) => "Leader Appeal Failed",
            (Self::Appeal(Leader), false) => "Leader Appeal Successful",
            (Self::Appeal(LeaderTimeout), true) => "Leader Timeout Appeal Failed",
            (Self::Appeal(ValidatorsTimeout), true) => "Validators Timeout Appeal Failed",
            (Self::Appeal(ValidatorsTimeout), false) => "Validator Timeout Appeal Successful",
            _ => match status {
                Status::Accepted => "Accepted",
                Status::LeaderTimeout => "Leader Timeout",
                Status::ValidatorsTimeout => "Validators Timeout",
                _ => "Undetermined",
            },
        }
    }

    /// A round of this phase that ended in `status` was an appeal that failed: the decision
    /// stands as it was, and its window is not reset.
    pub fn has_failed_with(self, status: Status) -> bool {
        matches!(self, Self::Appeal(kind) if kind.challenges() == status)
    }
}

impl fmt::Display for AppealKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no phase and no kind of appeal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a phase of a consensus nor a kind of appeal")]
pub struct UnknownPhase(String);

impl UnknownPhase {
    fn of(text: &str) -> Self {
        Self(text.chars().take(80).collect())
    }
}

impl FromStr for AppealKind {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| UnknownPhase::of(text))
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let appeals = AppealKind::ALL.into_iter().map(Self::Appeal);
        let phase =
            [Self::Initial, Self::Rerun].into_iter().chain(appeals).find(|it| it.name() == text);
        phase.ok_or_else(|| UnknownPhase::of(text))
    }
}

/// One finished round over a transaction, as far as later ones depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRound {
    /// Why it ran.
    pub phase: Phase,
    /// What it ended in; PENDING when it overturned a decision.
    pub status: Status,
    /// The committee of every leader's turn, in seat order.
    pub committees: Vec<Vec<Address>>,
    /// Those whose nodes failed and who were replaced at their seats.
    pub replaced: Vec<Address>,
}

/// An appeal somebody wants to open, with all that its admission depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppealCase {
    /// Which kind.
    pub kind: AppealKind,
    /// The rounds so far.
    pub past: Vec<PastRound>,
    /// Everybody with stake.
    pub validators: Vec<Address>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_themselves() {
        for kind in AppealKind::ALL {
            assert_eq!(kind.name().parse::<AppealKind>().unwrap(), kind);
            assert_eq!(Phase::Appeal(kind).name().parse::<Phase>().unwrap(), Phase::Appeal(kind));
            assert_eq!(AppealKind::against(kind.challenges()), Some(kind));
        }
        assert_eq!("rerun".parse::<Phase>().unwrap(), Phase::Rerun);
        assert!("appeal".parse::<Phase>().is_err() && "".parse::<AppealKind>().is_err());
    }

    #[test]
    fn an_appeal_fails_when_it_ends_where_it_began() {
        let leader = Phase::Appeal(AppealKind::Leader);
        assert!(leader.has_failed_with(Status::Undetermined));
        assert!(!leader.has_failed_with(Status::LeaderTimeout));
        assert!(!Phase::Initial.has_failed_with(Status::Undetermined));
    }
}
