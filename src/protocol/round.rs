//! One transaction's consensus: turns of propose, commit and reveal until it is decided.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::input::{Ignored, Input, Step, Timeout};
use super::selection::{draw, draw_seed};
use super::turn::Turn;
use super::votes::TallyResult;
use super::{Effect, invariants};
use crate::domain::ledger::{Announcement, Decision};
use crate::domain::{
    Address, Committee, Digest, ExecutionMode, LeaderReceipt, RotationRecord, Seat, Status,
    Timestamp, TransactionRules, TxHash, Validator, Vote,
};

/// How many leaders whose *nodes* fail are replaced before the transaction ends `LEADER_TIMEOUT`
/// (section 3.1).
pub const REPLACEMENTS_MAX: u8 = 5;

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the leader's execution.
    pub leader: Duration,
    /// For the validators' executions and commitments.
    pub validators: Duration,
    /// For opening the commitments.
    pub reveal: Duration,
}

/// Everything a round depends on.
#[derive(Debug, Clone)]
pub struct RoundParameters {
    /// The transaction.
    pub hash: TxHash,
    /// The queue it is in.
    pub queue: Address,
    /// The attempt this round belongs to.
    pub attempt: u32,
    /// What the sender asked for.
    pub rules: TransactionRules,
    /// Everybody who may be drawn, in address order.
    pub validators: Arc<Vec<Validator>>,
    /// The seed all draws derive from.
    pub network_seed: Digest,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Decide as soon as no outstanding vote can change the outcome (section 3.4).
    pub early_quorum: bool,
}

/// One transaction's consensus. See the diagram in [`super`].
#[derive(Debug, Clone)]
pub struct Round {
    parameters: RoundParameters,
    step: Step,
    turn: Option<Turn>,
    /// Everybody who ever had a seat: a rotation brings in somebody new.
    seated: BTreeSet<Address>,
    disagreements: u8,
    replacements: u8,
    announced: Vec<Announcement>,
    history: Vec<RotationRecord>,
}

impl Round {
    /// A round that waits for [`Input::Start`].
    pub fn new(parameters: RoundParameters) -> Self {
        Self {
            parameters,
            step: Step::Idle,
            turn: None,
            seated: BTreeSet::new(),
            disagreements: 0,
            replacements: 0,
            announced: Vec::new(),
            history: Vec::new(),
        }
    }

    /// Where the round is.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Who sits in the present turn; `None` before the start.
    pub fn committee(&self) -> Option<&Committee> {
        self.turn.as_ref().map(|turn| &turn.committee)
    }

    /// Every finished turn so far.
    pub fn history(&self) -> &[RotationRecord] {
        &self.history
    }

    /// Applies one input at the instant `now`. On `Err` the round is unchanged (law 6).
    pub fn apply(&mut self, input: &Input, now: Timestamp) -> Result<Vec<Effect>, Ignored> {
        match (self.step, input) {
            (Step::Idle, Input::Start) => Ok(self.start(now)),
            (_, Input::Start) => Err(Ignored::Duplicate),
            (Step::Decided, _) => Err(Ignored::Stale),
            _ => self.apply_to_turn(input, now),
        }
    }

    fn apply_to_turn(&mut self, input: &Input, now: Timestamp) -> Result<Vec<Effect>, Ignored> {
        let step = self.step;
        let turn = self.turn.as_mut().ok_or(Ignored::OutOfStep)?;
        if input.rotation().is_some_and(|rotation| rotation != turn.rotation) {
            return Err(Ignored::Stale);
        }
        match (step, input) {
            // 3.1 PROPOSING
            (Step::Proposing, Input::LeaderProposed { receipt, .. }) => {
                turn.receipt = Some(Arc::clone(receipt));
                Ok(self.judge(Arc::clone(receipt), now))
            }
            (Step::Proposing, Input::ExecutionTimedOut { seat: Seat::LEADER, .. }) => {
                Ok(self.decide(Status::LeaderTimeout, None, now))
            }
            (Step::Proposing, Input::NodeFailed { seat: Seat::LEADER, cause, .. }) => {
                turn.leader_failed(cause);
                Ok(self.replace_leader(now))
            }
            // 3.2 COMMITTING; an early quorum takes late commitments while it reveals
            (Step::Committing | Step::Revealing, Input::VoteCommitted { seat, commitment, .. }) => {
                turn.commit(*seat, *commitment)?;
                Ok(self.after_commitment(*seat, now))
            }
            // 3.3 REVEALING
            (Step::Revealing, Input::VoteRevealed { seat, vote, salt, .. }) => {
                turn.reveal(*seat, *vote, salt)?;
                Ok(self.after_vote(now))
            }
            (Step::Committing | Step::Revealing, Input::ExecutionTimedOut { seat, .. }) => {
                turn.time_out(*seat)?;
                Ok(self.after_vote(now))
            }
            (Step::Committing | Step::Revealing, Input::NodeFailed { seat, cause, .. }) => {
                turn.fail(*seat, cause)?;
                Ok(self.after_vote(now))
            }
            (_, Input::TimeoutElapsed(timeout)) => self.time_out(*timeout, now),
            (Step::Committing | Step::Revealing, Input::LeaderProposed { .. }) => {
                Err(Ignored::Duplicate)
            }
            _ => Err(Ignored::OutOfStep),
        }
    }

    fn start(&mut self, now: Timestamp) -> Vec<Effect> {
        let size = match self.parameters.rules.mode {
            ExecutionMode::Normal => usize::from(self.parameters.rules.validators.max(1)),
            ExecutionMode::LeaderOnly | ExecutionMode::LeaderSelfValidator => 1,
        };
        let seed = self.seed_of(0);
        let drawn = draw(&self.parameters.validators, &BTreeSet::new(), size, &seed);
        match Committee::new(drawn) {
            Some(committee) => self.begin_turn(0, committee, seed, now),
            // A claim without validators is refused by the store; nobody can lead here.
            None => self.decide(Status::Undetermined, None, now),
        }
    }

    fn seed_of(&self, rotation: u8) -> Digest {
        let RoundParameters { network_seed, hash, attempt, .. } = &self.parameters;
        draw_seed(network_seed, hash, *attempt, rotation)
    }

    fn begin_turn(
        &mut self,
        rotation: u8,
        committee: Committee,
        seed: Digest,
        now: Timestamp,
    ) -> Vec<Effect> {
        self.seated.extend(committee.members().map(|member| member.address));
        self.turn = Some(Turn::new(rotation, committee, seed, now));
        let announcement = self.enter(Step::Proposing, Status::Proposing, rotation, now);
        let deadline = Timeout { rotation, step: Step::Proposing };
        vec![
            announcement,
            Effect::AskLeader { rotation },
            Effect::ScheduleTimeout(deadline, self.parameters.timeouts.leader),
        ]
    }

    fn enter(&mut self, step: Step, status: Status, rotation: u8, at: Timestamp) -> Effect {
        self.step = step;
        let announcement = Announcement {
            hash: self.parameters.hash,
            queue: self.parameters.queue,
            attempt: self.parameters.attempt,
            rotation,
            status,
            at,
            sequence: u32::try_from(self.announced.len()).unwrap_or(u32::MAX),
        };
        self.announced.push(announcement);
        Effect::Announce(announcement)
    }

    /// 3.2: every seat judges the receipt. The leader agrees with its own deterministic receipt
    /// without running it again.
    fn judge(&mut self, receipt: LeaderReceipt, now: Timestamp) -> Vec<Effect> {
        let mode = self.parameters.rules.mode;
        if mode == ExecutionMode::LeaderOnly {
            return self.decide(Status::Accepted, Some(Vote::Agree), now);
        }
        let rotation = self.rotation();
        let leader_reexecutes =
            mode == ExecutionMode::LeaderSelfValidator || !receipt.block_outputs.is_empty();
        let deadline = Timeout { rotation, step: Step::Committing };
        vec![
            self.enter(Step::Committing, Status::Committing, rotation, now),
            Effect::AskValidators { rotation, receipt, leader_reexecutes },
            Effect::ScheduleTimeout(deadline, self.parameters.timeouts.validators),
        ]
    }

    fn rotation(&self) -> u8 {
        self.turn.as_ref().map_or(0, |turn| turn.rotation)
    }

    fn after_commitment(&mut self, seat: Seat, now: Timestamp) -> Vec<Effect> {
        let rotation = self.rotation();
        let can_open = self.turn.as_ref().is_some_and(|turn| turn.unrevealed().contains(&seat));
        if self.step == Step::Revealing && can_open {
            return vec![Effect::AskReveals { rotation, seats: vec![seat] }];
        }
        self.after_vote(now)
    }

    /// Moves on when nothing is worth waiting for (3.4).
    fn after_vote(&mut self, now: Timestamp) -> Vec<Effect> {
        let Some(turn) = &self.turn else { return Vec::new() };
        let early = self.parameters.early_quorum;
        if self.step == Step::Committing {
            let ready = turn.is_committed() || early && turn.has_majority_committed();
            return if ready { self.reveal(now) } else { Vec::new() };
        }
        if turn.is_settled() {
            return self.conclude(Vote::Idle, now);
        }
        if early && turn.tally_so_far().is_certain() {
            return self.conclude(Vote::NotVoted, now);
        }
        Vec::new()
    }

    fn reveal(&mut self, now: Timestamp) -> Vec<Effect> {
        let rotation = self.rotation();
        let announcement = self.enter(Step::Revealing, Status::Revealing, rotation, now);
        let Some(turn) = &self.turn else { return Vec::new() };
        let seats = turn.unrevealed();
        if seats.is_empty() {
            let mut effects = vec![announcement];
            effects.extend(self.conclude(Vote::Idle, now));
            return effects;
        }
        // With an early quorum some seats still execute, so their time runs on.
        let executing =
            if turn.is_committed() { Duration::ZERO } else { self.parameters.timeouts.validators };
        let deadline = Timeout { rotation, step: Step::Revealing };
        vec![
            announcement,
            Effect::AskReveals { rotation, seats },
            Effect::ScheduleTimeout(deadline, executing + self.parameters.timeouts.reveal),
        ]
    }

    fn time_out(&mut self, timeout: Timeout, now: Timestamp) -> Result<Vec<Effect>, Ignored> {
        if timeout != (Timeout { rotation: self.rotation(), step: self.step }) {
            return Err(Ignored::Stale);
        }
        Ok(match self.step {
            Step::Proposing => self.decide(Status::LeaderTimeout, None, now),
            Step::Committing => {
                if let Some(turn) = &mut self.turn {
                    turn.close_silent_seats();
                }
                self.reveal(now)
            }
            _ => self.conclude(Vote::Idle, now),
        })
    }

    /// Section 3, "Decision"; `silence` is what unspoken votes count as.
    fn conclude(&mut self, silence: Vote, now: Timestamp) -> Vec<Effect> {
        let Some(turn) = &self.turn else { return Vec::new() };
        match turn.tally(silence).result() {
            TallyResult::MajorityAgree => self.decide(Status::Accepted, Some(silence), now),
            TallyResult::Timeout => self.decide(Status::ValidatorsTimeout, Some(silence), now),
            TallyResult::DeterministicViolation
            | TallyResult::MajorityDisagree
            | TallyResult::NoMajority => self.rotate(silence, now),
        }
    }

    /// Section 2, "Rotation": the old leader leaves, somebody new takes the last seat, the next
    /// seat leads.
    fn rotate(&mut self, silence: Vote, now: Timestamp) -> Vec<Effect> {
        let (next, seed) = self.next_rotation();
        let joining = self.draw_one(&seed);
        let committee = self.turn.as_ref().and_then(|turn| turn.committee.rotated(joining.clone()));
        let rotations_left = self.disagreements < self.parameters.rules.rotations_max;
        match committee.filter(|_| rotations_left && joining.is_some()) {
            Some(committee) => {
                self.disagreements += 1;
                self.end_turn(Some(silence), now);
                self.next_turn(next, committee, seed, now)
            }
            None => self.decide(Status::Undetermined, Some(silence), now),
        }
    }

    /// 3.1: a leader whose node failed is replaced by the next seat; its place is filled while
    /// there is anybody left.
    fn replace_leader(&mut self, now: Timestamp) -> Vec<Effect> {
        let (next, seed) = self.next_rotation();
        let joining = self.draw_one(&seed);
        let committee = self.turn.as_ref().and_then(|turn| turn.committee.rotated(joining));
        match committee.filter(|_| self.replacements < REPLACEMENTS_MAX) {
            Some(committee) => {
                self.replacements += 1;
                self.end_turn(None, now);
                self.next_turn(next, committee, seed, now)
            }
            None => self.decide(Status::LeaderTimeout, None, now),
        }
    }

    fn next_rotation(&self) -> (u8, Digest) {
        let next = self.rotation().saturating_add(1);
        (next, self.seed_of(next))
    }

    fn draw_one(&self, seed: &Digest) -> Option<Validator> {
        draw(&self.parameters.validators, &self.seated, 1, seed).pop()
    }

    fn next_turn(
        &mut self,
        rotation: u8,
        committee: Committee,
        seed: Digest,
        now: Timestamp,
    ) -> Vec<Effect> {
        let mut effects = vec![Effect::DismissNodes];
        effects.extend(self.begin_turn(rotation, committee, seed, now));
        effects
    }

    fn end_turn(&mut self, silence: Option<Vote>, now: Timestamp) {
        if let Some(turn) = &self.turn {
            self.history.push(turn.record(silence, now));
        }
    }

    fn decide(&mut self, status: Status, silence: Option<Vote>, now: Timestamp) -> Vec<Effect> {
        self.end_turn(silence, now);
        self.step = Step::Decided;
        let decision = Decision {
            hash: self.parameters.hash,
            attempt: self.parameters.attempt,
            status,
            announced: std::mem::take(&mut self.announced),
            rotations: std::mem::take(&mut self.history),
            receipt: self.turn.as_ref().and_then(|turn| turn.receipt.clone()),
            decided_at: now,
        };
        debug_assert_eq!(invariants::check_decision(&decision, self.parameters.rules.mode), Ok(()));
        vec![Effect::DismissNodes, Effect::Decide(Box::new(decision))]
    }
}

impl Input {
    /// The leader's turn the input belongs to, where it says.
    fn rotation(&self) -> Option<u8> {
        match self {
            Self::Start => None,
            Self::LeaderProposed { rotation, .. }
            | Self::ExecutionTimedOut { rotation, .. }
            | Self::NodeFailed { rotation, .. }
            | Self::VoteCommitted { rotation, .. }
            | Self::VoteRevealed { rotation, .. }
            | Self::TimeoutElapsed(Timeout { rotation, .. }) => Some(*rotation),
        }
    }
}
