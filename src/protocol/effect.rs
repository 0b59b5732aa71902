//! What a round demands of the world.

use std::time::Duration;

use super::Timeout;
use crate::domain::ledger::{Announcement, Decision};
use crate::domain::{LeaderReceipt, Seat};

/// Something the consensus actor must do. Effects are performed in order.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Tell the world which step was reached.
    Announce(Announcement),
    /// Let the committee's leader execute.
    AskLeader {
        /// Leader's turn.
        rotation: u8,
    },
    /// Let these seats judge the receipt.
    AskValidators {
        /// Leader's turn.
        rotation: u8,
        /// Who.
        seats: Vec<Seat>,
        /// What to judge.
        receipt: LeaderReceipt,
        /// The leader executes again, as a validator of its own receipt (section 3.2).
        leader_reexecutes: bool,
    },
    /// Let these seats open their commitments.
    AskReveals {
        /// Leader's turn.
        rotation: u8,
        /// Who.
        seats: Vec<Seat>,
    },
    /// Say so when this much time has passed.
    ScheduleTimeout(Timeout, Duration),
    /// Nothing that was asked of nodes or timers before matters any more.
    DismissNodes,
    /// Persist the decision; the round is over.
    Decide(Box<Decision>),
}
