//! One validator's judgement, and the counting of a committee's votes (protocol section 3).

use crate::domain::{Execution, Vote};

/// The vote of a validator whose own run of the leader's receipt was `own`.
///
/// A run that exceeded its time is no [`Execution`]; its seat reports the timeout instead.
pub fn judge(own: &Execution, leader: &Execution) -> Vote {
    if own.disagreed_block.is_some() {
        Vote::Disagree
    } else if own.has_same_effects_as(leader) {
        Vote::Agree
    } else {
        Vote::DeterministicViolation
    }
}

/// Votes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    seats: usize,
    agree: usize,
    disagree: usize,
    timeout: usize,
    violation: usize,
    idle: usize,
}

/// What a tally says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TallyResult {
    /// More than half agree.
    MajorityAgree,
    /// More than half found a deterministic difference.
    DeterministicViolation,
    /// More than half disagree, say nothing, or found a difference.
    MajorityDisagree,
    /// More than half ran out of time.
    Timeout,
    /// None of these; ties are no majority.
    NoMajority,
}

impl Tally {
    /// Counts the votes of all seats; `None` is a vote that is still outstanding.
    pub fn of(votes: impl IntoIterator<Item = Option<Vote>>) -> Self {
        let mut tally = Self::default();
        for vote in votes {
            tally.seats += 1;
            match vote {
                Some(Vote::Agree) => tally.agree += 1,
                Some(Vote::Disagree) => tally.disagree += 1,
                Some(Vote::Timeout) => tally.timeout += 1,
                Some(Vote::DeterministicViolation) => tally.violation += 1,
                Some(Vote::Idle) => tally.idle += 1,
                Some(Vote::NotVoted) | None => {}
            }
        }
        tally
    }

    fn is_majority(self, count: usize) -> bool {
        count * 2 > self.seats
    }

    /// The result, in the protocol's order of precedence.
    pub fn result(self) -> TallyResult {
        if self.is_majority(self.agree) {
            TallyResult::MajorityAgree
        } else if self.is_majority(self.violation) {
            TallyResult::DeterministicViolation
        } else if self.is_majority(self.disagree + self.idle + self.violation) {
            TallyResult::MajorityDisagree
        } else if self.is_majority(self.timeout) {
            TallyResult::Timeout
        } else {
            TallyResult::NoMajority
        }
    }

    /// Can no outstanding vote change what follows: acceptance, timeout or rotation?
    pub fn is_certain(self) -> bool {
        let cast = self.agree + self.disagree + self.timeout + self.violation + self.idle;
        let outstanding = self.seats - cast;
        let settled = self.is_majority(self.agree) || self.is_majority(self.timeout);
        let reachable = self.is_majority(self.agree + outstanding)
            || self.is_majority(self.timeout + outstanding);
        settled || !reachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Bytes, Code, ExecutionOutcome};

    /// `"3A 2D"` → five votes; `.` is outstanding.
    fn votes(text: &str) -> Vec<Option<Vote>> {
        let group = |group: &str| {
            let (count, letter) = group.split_at(group.len() - 1);
            let vote = match letter {
                "A" => Some(Vote::Agree),
                "D" => Some(Vote::Disagree),
                "T" => Some(Vote::Timeout),
                "V" => Some(Vote::DeterministicViolation),
                "I" => Some(Vote::Idle),
                _ => None,
            };
            vec![vote; count.parse().unwrap()]
        };
        text.split_whitespace().flat_map(group).collect()
    }

    #[test]
    fn votes_are_counted_by_strict_majority_in_order() {
        use TallyResult::{
            DeterministicViolation, MajorityAgree, MajorityDisagree, NoMajority, Timeout,
        };
        for (text, expected) in [
            ("5A", MajorityAgree),
            ("3A 2D", MajorityAgree),
            ("3D 2A", MajorityDisagree),
            ("3T 2A", Timeout),
            ("2A 2D 1T", NoMajority),
            ("3A 1D 1I", MajorityAgree),
            ("2A 2D", NoMajority),
            ("1A", MajorityAgree),
            ("1D", MajorityDisagree),
            ("2A 3I", MajorityDisagree),
            ("2A 2D 1I", MajorityDisagree),
            ("5I", MajorityDisagree),
            ("2I 2T 1A", NoMajority),
            // Studio loses violations (its issue 1769); the protocol counts them.
            ("3V 2A", DeterministicViolation),
            ("5V", DeterministicViolation),
            ("2V 1D 2A", MajorityDisagree),
            ("2V 1I 2T", MajorityDisagree),
            ("1V 2A 2T", NoMajority),
            ("2T 2D", NoMajority),
            ("", NoMajority),
        ] {
            assert_eq!(Tally::of(votes(text)).result(), expected, "{text}");
        }
    }

    #[test]
    fn an_outcome_is_certain_when_no_outstanding_vote_can_change_it() {
        for (text, expected) in [
            ("3A 2.", true),
            ("2A 3.", false),
            ("3D 2.", true),
            ("2D 3.", false),
            ("3T 2.", true),
            ("2D 1V 2.", true),
            ("1A 1T 1D 2.", false),
            ("2A 2T 1.", false),
            ("1A 1T 2D 1.", true),
            ("5.", false),
            ("5A", true),
        ] {
            assert_eq!(Tally::of(votes(text)).is_certain(), expected, "{text}");
        }
    }

    #[test]
    fn a_vote_follows_from_the_two_executions_alone() {
        let returning = |value: &'static [u8]| {
            Execution::ending(ExecutionOutcome::Return(Bytes::from_static(value)))
        };
        let raising = Execution::ending(ExecutionOutcome::UserError("no".into()));
        let doubting = Execution { disagreed_block: Some(0), ..returning(b"2") };
        let code = Some(Code::new(Bytes::from_static(b"other code")));
        let replacing = Execution { code, ..returning(b"1") };
        let leader = returning(b"1");
        for (own, expected) in [
            (returning(b"1"), Vote::Agree),
            (returning(b"2"), Vote::DeterministicViolation),
            (raising, Vote::DeterministicViolation),
            (replacing, Vote::DeterministicViolation),
            // A doubted block explains every later difference, so it comes first.
            (doubting, Vote::Disagree),
        ] {
            assert_eq!(judge(&own, &leader), expected, "{own:?}");
        }
    }
}
