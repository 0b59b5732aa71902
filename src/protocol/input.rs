//! What a round can be told.

use crate::domain::{Address, Commitment, LeaderReceipt, Salt, Seat, Vote};

/// Something that happened. `rotation` numbers the leader's turn, so that a late copy is
/// recognised and harmless.
#[derive(Debug, Clone)]
pub enum Input {
    /// Begin: draw the committee and ask its leader.
    Start,
    /// The leader executed.
    LeaderProposed {
        /// Leader's turn.
        rotation: u8,
        /// What it produced.
        receipt: LeaderReceipt,
    },
    /// A node's own execution ran out of time.
    ExecutionTimedOut {
        /// Leader's turn.
        rotation: u8,
        /// Whose.
        seat: Seat,
    },
    /// A node cannot do its work: its provider is down, or it crashed.
    NodeFailed {
        /// Leader's turn.
        rotation: u8,
        /// Whose.
        seat: Seat,
        /// Who sat there when it failed: a seat may have been given to somebody else since.
        validator: Address,
        /// Why, in words.
        cause: String,
    },
    /// A seat bound itself to a vote.
    VoteCommitted {
        /// Leader's turn.
        rotation: u8,
        /// Whose.
        seat: Seat,
        /// To what.
        commitment: Commitment,
    },
    /// A seat opened its commitment.
    VoteRevealed {
        /// Leader's turn.
        rotation: u8,
        /// Whose.
        seat: Seat,
        /// What it voted.
        vote: Vote,
        /// The secret that hid it.
        salt: Salt,
    },
    /// A deadline passed.
    TimeoutElapsed(Timeout),
}

/// Where a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Not started.
    Idle,
    /// The leader executes.
    Proposing,
    /// Seats re-execute and commit.
    Committing,
    /// Commitments are opened.
    Revealing,
    /// Over.
    Decided,
}

/// Names a deadline: the step of the leader's turn it limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout {
    /// Leader's turn.
    pub rotation: u8,
    /// The step that ends when it passes.
    pub step: Step,
}

/// Why an input changed nothing (law 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// It belongs to an earlier turn or an earlier step.
    Stale,
    /// The same was said before.
    Duplicate,
    /// It makes no sense in this step.
    OutOfStep,
    /// Nobody sits there.
    NotInCommittee,
}
