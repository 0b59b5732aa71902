//! One leader's turn: its committee, and what every seat has said so far.

use crate::domain::{
    Address, Commitment, Committee, Digest, DrawRecord, Evidence, LeaderReceipt, RotationRecord,
    Salt, Seat, SeatRecord, Timestamp, Validator, Vote,
};

use super::input::Ignored;
use super::votes::Tally;

/// What one seat has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ballot {
    /// Nothing yet.
    Silent,
    /// It is bound to a vote.
    Committed(Commitment),
    /// It opened its commitment.
    Revealed(Commitment, Vote),
    /// It reported that its execution ran out of time.
    TimedOut,
    /// Its node failed.
    Failed,
    /// It said nothing until its deadline.
    Missing,
    /// It contradicted itself; the commitment is the first one.
    Faulty(Commitment),
}

impl Ballot {
    const fn commitment(self) -> Option<Commitment> {
        match self {
            Self::Committed(commitment)
            | Self::Revealed(commitment, _)
            | Self::Faulty(commitment) => Some(commitment),
            Self::Silent | Self::TimedOut | Self::Failed | Self::Missing => None,
        }
    }

    /// The vote that counts, once it is certain.
    const fn vote(self) -> Option<Vote> {
        match self {
            Self::Silent | Self::Committed(_) => None,
            Self::Revealed(_, vote) => Some(vote),
            Self::TimedOut => Some(Vote::Timeout),
            Self::Failed | Self::Missing | Self::Faulty(_) => Some(Vote::Idle),
        }
    }
}

/// One leader's turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) rotation: u8,
    pub(super) committee: Committee,
    draw_seed: Digest,
    ballots: Vec<Ballot>,
    pub(super) receipt: Option<LeaderReceipt>,
    evidence: Vec<Evidence>,
    started_at: Timestamp,
}

impl Turn {
    pub(super) fn new(
        rotation: u8,
        committee: Committee,
        draw_seed: Digest,
        started_at: Timestamp,
    ) -> Self {
        let ballots = vec![Ballot::Silent; committee.size()];
        Self {
            rotation,
            committee,
            draw_seed,
            ballots,
            receipt: None,
            evidence: Vec::new(),
            started_at,
        }
    }

    fn ballot(&self, seat: Seat) -> Result<Ballot, Ignored> {
        self.ballots.get(seat.index()).copied().ok_or(Ignored::NotInCommittee)
    }

    fn set(&mut self, seat: Seat, ballot: Ballot) {
        if let Some(place) = self.ballots.get_mut(seat.index()) {
            *place = ballot;
        }
    }

    /// Section 3.3: a second, different commitment is evidence and makes the seat idle.
    pub(super) fn commit(&mut self, seat: Seat, commitment: Commitment) -> Result<(), Ignored> {
        match self.ballot(seat)? {
            Ballot::Silent => self.set(seat, Ballot::Committed(commitment)),
            Ballot::Committed(first) if first != commitment => {
                let second = commitment;
                self.evidence.push(Evidence::DoubleCommitment { seat, first, second });
                self.set(seat, Ballot::Faulty(first));
            }
            Ballot::Missing => return Err(Ignored::Stale),
            _ => return Err(Ignored::Duplicate),
        }
        Ok(())
    }

    /// Section 3.3: a reveal that does not open the commitment is evidence and counts as idle.
    pub(super) fn reveal(&mut self, seat: Seat, vote: Vote, salt: &Salt) -> Result<(), Ignored> {
        match self.ballot(seat)? {
            Ballot::Committed(commitment) if commitment.is_opened_by(vote, salt) => {
                self.set(seat, Ballot::Revealed(commitment, vote));
            }
            Ballot::Committed(commitment) => {
                self.evidence.push(Evidence::WrongReveal { seat, commitment, claimed: vote });
                self.set(seat, Ballot::Faulty(commitment));
            }
            Ballot::Silent | Ballot::Missing => return Err(Ignored::OutOfStep),
            _ => return Err(Ignored::Duplicate),
        }
        Ok(())
    }

    pub(super) fn time_out(&mut self, seat: Seat) -> Result<(), Ignored> {
        match self.ballot(seat)? {
            Ballot::Silent => self.set(seat, Ballot::TimedOut),
            _ => return Err(Ignored::Duplicate),
        }
        Ok(())
    }

    /// A node that dies after its commitment has said all it ever will, so it is idle too.
    pub(super) fn fail(
        &mut self,
        seat: Seat,
        validator: Address,
        cause: &str,
    ) -> Result<(), Ignored> {
        let ballot = self.ballot(seat)?;
        self.check_occupant(seat, validator)?;
        match ballot {
            Ballot::Silent | Ballot::Committed(_) => {
                let cause = cause.to_owned();
                self.evidence.push(Evidence::NodeFailed { seat, validator, cause });
                self.set(seat, Ballot::Failed);
            }
            _ => return Err(Ignored::Duplicate),
        }
        Ok(())
    }

    /// What was heard of somebody who has no seat any more is stale.
    pub(super) fn check_occupant(&self, seat: Seat, validator: Address) -> Result<(), Ignored> {
        let occupant = self.committee.member(seat).ok_or(Ignored::NotInCommittee)?;
        if occupant.address == validator { Ok(()) } else { Err(Ignored::Stale) }
    }

    /// Gives the seat of a failed node to somebody who has all to say yet.
    pub(super) fn replace(&mut self, seat: Seat, joining: Validator) {
        self.committee = self.committee.clone().replaced(seat, joining);
        self.set(seat, Ballot::Silent);
    }

    /// Section 3.3: a seat that is silent at its deadline is idle.
    pub(super) fn close_silent_seats(&mut self) {
        for ballot in &mut self.ballots {
            if *ballot == Ballot::Silent {
                *ballot = Ballot::Missing;
            }
        }
    }

    /// Records why the leader could not lead.
    pub(super) fn leader_failed(&mut self, cause: &str) {
        let (seat, validator) = (Seat::LEADER, self.committee.leader().address);
        self.evidence.push(Evidence::NodeFailed { seat, validator, cause: cause.to_owned() });
    }

    /// Has every seat committed, or said that it will not?
    pub(super) fn is_committed(&self) -> bool {
        self.ballots.iter().all(|ballot| *ballot != Ballot::Silent)
    }

    /// Is more than half of the committee bound to a vote?
    pub(super) fn has_majority_committed(&self) -> bool {
        self.unrevealed().len() * 2 > self.ballots.len()
    }

    /// Is nothing outstanding?
    pub(super) fn is_settled(&self) -> bool {
        self.ballots.iter().all(|ballot| ballot.vote().is_some())
    }

    /// The seats with a commitment that is not opened.
    pub(super) fn unrevealed(&self) -> Vec<Seat> {
        let is_open = |seat: &Seat| matches!(self.ballot(*seat), Ok(Ballot::Committed(_)));
        self.committee.seats().filter(is_open).collect()
    }

    /// The tally of what was said so far, silence being outstanding.
    pub(super) fn tally_so_far(&self) -> Tally {
        Tally::of(self.ballots.iter().map(|ballot| ballot.vote()))
    }

    /// The tally at the deadline, silence counting as `silence`.
    pub(super) fn tally(&self, silence: Vote) -> Tally {
        Tally::of(self.ballots.iter().map(|ballot| ballot.vote().or(Some(silence))))
    }

    /// How many seats agree, the leader's always (profile `origin`).
    pub(super) fn agreeing_with_leader(&self) -> usize {
        let agrees = |ballot: &&Ballot| ballot.vote() == Some(Vote::Agree);
        1 + self.ballots.iter().skip(1).filter(agrees).count()
    }

    /// The turn as it goes into history; `silence` is what unspoken votes are recorded as.
    pub(super) fn record(&self, silence: Option<Vote>, ended_at: Timestamp) -> RotationRecord {
        let seats =
            self.committee.members().zip(&self.ballots).map(|(member, ballot)| SeatRecord {
                validator: member.address,
                stake: member.stake,
                commitment: ballot.commitment(),
                vote: ballot.vote().or(silence),
            });
        RotationRecord {
            rotation: self.rotation,
            draw: DrawRecord { seed: self.draw_seed },
            seats: seats.collect(),
            leader_receipt: self.receipt.clone(),
            evidence: self.evidence.clone(),
            started_at: self.started_at,
            ended_at: Some(ended_at),
        }
    }
}
