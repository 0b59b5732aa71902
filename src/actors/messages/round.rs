//! Between a consensus and its nodes, and what a consensus tells of its end.

use actix::Message;

use crate::domain::{Address, Commitment, LeaderReceipt, Salt, Seat, Timestamp, TxHash, Vote};

/// The leader executed. From a leader node to its consensus, once.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LeaderProposed {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Leader's turn.
    pub rotation: u8,
    /// What it produced.
    pub receipt: LeaderReceipt,
}

/// A validator bound itself to a vote.
///
/// Sent once per seat and rotation. The consensus MUST accept it in any step: it races with
/// deadlines. A different second copy is evidence.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct VoteCommitted {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Leader's turn.
    pub rotation: u8,
    /// Whose.
    pub seat: Seat,
    /// To what.
    pub commitment: Commitment,
}

/// From consensus to a validator node: open your commitment.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RevealVote;

/// From consensus to a node: nothing you could still say matters; stop, and let go of what runs.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Dismiss;

/// A validator opened its commitment. A copy is ignored.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct VoteRevealed {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Leader's turn.
    pub rotation: u8,
    /// Whose.
    pub seat: Seat,
    /// What it voted.
    pub vote: Vote,
    /// The secret that hid it.
    pub salt: Salt,
}

/// A node's execution ran out of time.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ExecutionTimedOut {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Leader's turn.
    pub rotation: u8,
    /// Whose.
    pub seat: Seat,
}

/// A node cannot do its work; not the contract's fault.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NodeFailed {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Leader's turn.
    pub rotation: u8,
    /// Whose.
    pub seat: Seat,
    /// Who sits there.
    pub validator: Address,
    /// Why, in words.
    pub cause: String,
}

/// A consensus is over: its decision is stored, or was overtaken. From consensus to its queue.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ConsensusFinished {
    /// The transaction.
    pub hash: TxHash,
    /// The attempt that ended.
    pub attempt: u32,
    /// The transaction may wait for another round: an appeal overturned it, or what it rests on
    /// was undone while it was decided.
    pub waits_again: bool,
}

/// A decision is durable and opens a finality window. To the finality actor.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WindowOpened {
    /// When it closes.
    pub final_from: Timestamp,
}
