//! The closed form: how often consensus accepts a right result, accepts a wrong one or ends without
//! a decision, computed instead of sampled.
//!
//! The model is the protocol with everything removed that does not bear on the answer: validators of
//! equal stake, nobody silent, nobody late. A *turn* is one leader's; the leader agrees with its own
//! receipt, another validator agrees exactly when its own execution gave the same result. A strict
//! majority of the committee accepts the receipt, right or wrong. Without one the leader leaves, a
//! validator who was never seated joins at the end and the next seat leads, at most `rotations_max`
//! times and while anybody is left to join.
//!
//! **Drawing.** Equal stakes make the stake-weighted draw a uniform one, so the order in which
//! validators are ever seated is a uniformly random permutation of all of them, and the committee of
//! rotation `t` is a window of it that starts at `t`.
//!
//! **One appeal.** *Of an accepted decision* (validator appeal): `n + 2` validators who were never
//! seated vote on the same receipt, each with one execution of its own. Without a strict majority of
//! these `n + 2` the decision is overturned, and the transaction runs again: the committee minus its
//! leader and the `n + 2`, `2n + 1` seats in an order that is drawn anew, with `rotations_max`
//! rotations of its own. *Of an undetermined one* (leader appeal): the committee minus its leader
//! and the `n + 2`, in this order, run at once, without a vote first. Where fewer than `n + 2` were never seated the appeal is refused and the decision stands.
//! What the second run decides is not appealed.

mod distribution;
mod executions;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod sampling_tests;
mod validators;

use serde::Serialize;

use distribution::Sum;

/// The most rotations the exact form for [`Wrongness::Validators`] takes: it remembers who joined
/// in which order, which is exponential in this number.
pub const ROTATIONS_LIMIT: u32 = 10;

/// The largest committee: everything is at most cubic in it.
pub const COMMITTEE_LIMIT: u32 = 1_000;

/// Where wrong results come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrongness {
    /// This many of the validators are always wrong, the others never.
    ///
    /// Rotations are dependent: all seats but one stay, with the results they had.
    Validators(u32),
    /// Every execution of every validator is wrong with this probability, independently.
    ///
    /// A validator that keeps its seat executes anew in every rotation, so all `n` executions of a
    /// rotation are drawn afresh and rotations are independent of each other.
    Executions(f64),
}

/// How wrong results compare with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongResults {
    /// All are equal: the wrong agree with each other.
    Equal,
    /// No two are equal: only its own leader agrees with a wrong receipt.
    Different,
}

/// One network and the rules of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Model {
    /// How many validators there are.
    pub validators: u32,
    /// How many seats the transaction asks for; all validators when there are fewer.
    pub committee: u32,
    /// How often the leader may be replaced.
    pub rotations_max: u8,
    /// Where wrong results come from.
    pub wrongness: Wrongness,
    /// How wrong results compare with each other.
    pub wrong_results: WrongResults,
}

/// Which decisions of the first run are appealed, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Appeals {
    /// Every accepted one, by a validator appeal.
    pub of_accepted: bool,
    /// Every undetermined one, by a leader appeal.
    pub of_undetermined: bool,
}

impl Appeals {
    /// Nothing is appealed.
    pub const NONE: Self = Self { of_accepted: false, of_undetermined: false };
    /// Everything is appealed.
    pub const ALL: Self = Self { of_accepted: true, of_undetermined: true };
}

/// How often each end is reached; together 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Probabilities {
    /// A right result is accepted.
    pub right_accepted: f64,
    /// A wrong result is accepted.
    pub wrong_accepted: f64,
    /// Nothing is accepted.
    pub undetermined: f64,
}

/// A model that describes no network, or one too large to compute exactly.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// Nobody could be drawn.
    #[error("a model needs at least one validator and one seat")]
    Empty,
    /// More wrong validators than validators.
    #[error("`{wrong}` of `{validators}` validators cannot be wrong")]
    TooManyWrong {
        /// What the model says.
        wrong: u32,
        /// How many there are.
        validators: u32,
    },
    /// No probability.
    #[error("`{0}` is no probability; expected a number from 0 to 1")]
    NoProbability(f64),
    /// Beyond [`ROTATIONS_LIMIT`].
    #[error("`{0}` rotations are more than the {ROTATIONS_LIMIT} that are computed exactly")]
    TooManyRotations(u8),
    /// Beyond [`COMMITTEE_LIMIT`].
    #[error("`{0}` seats are more than the {COMMITTEE_LIMIT} that are computed exactly")]
    CommitteeTooLarge(u32),
}

impl Model {
    /// How often each end is reached when `appeals` are made.
    pub fn probabilities(&self, appeals: Appeals) -> Result<Probabilities, ModelError> {
        let n = self.seats();
        if n == 0 {
            return Err(ModelError::Empty);
        }
        if n > COMMITTEE_LIMIT {
            return Err(ModelError::CommitteeTooLarge(n));
        }
        match self.wrongness {
            Wrongness::Executions(p) if !(0.0..=1.0).contains(&p) => {
                Err(ModelError::NoProbability(p))
            }
            Wrongness::Executions(p) => Ok(executions::probabilities(self, p, appeals)),
            Wrongness::Validators(wrong) if wrong > self.validators => {
                Err(ModelError::TooManyWrong { wrong, validators: self.validators })
            }
            Wrongness::Validators(_) if self.rotations_possible() > ROTATIONS_LIMIT => {
                Err(ModelError::TooManyRotations(self.rotations_max))
            }
            Wrongness::Validators(wrong) => Ok(validators::probabilities(self, wrong, appeals)),
        }
    }

    /// The seats of the first committee.
    fn seats(&self) -> u32 {
        self.committee.min(self.validators)
    }

    /// The rotations of the first run for which somebody is left to join.
    fn rotations_possible(&self) -> u32 {
        u32::from(self.rotations_max).min(self.validators - self.seats())
    }
}

/// Is `agree` a strict majority of `seats`?
fn is_majority(agree: u32, seats: u32) -> bool {
    u64::from(agree) * 2 > u64::from(seats)
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Receipt {
    Right,
    Wrong,
}

/// Collects how often each end is reached.
#[derive(Debug, Default)]
struct Ends {
    right: Sum,
    wrong: Sum,
    undetermined: Sum,
}

impl Ends {
    fn accept(&mut self, receipt: Receipt, probability: f64) {
        match receipt {
            Receipt::Right => self.right.add(probability),
            Receipt::Wrong => self.wrong.add(probability),
        }
    }

    fn give_up(&mut self, probability: f64) {
        self.undetermined.add(probability);
    }

    /// Rounding leaves sums a few units in the last place off; no probability exceeds 1.
    fn finish(self) -> Probabilities {
        Probabilities {
            right_accepted: self.right.value().min(1.0),
            wrong_accepted: self.wrong.value().min(1.0),
            undetermined: self.undetermined.value().min(1.0),
        }
    }
}
