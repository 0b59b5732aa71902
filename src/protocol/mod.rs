//! The rules of consensus, pure: no clock, no randomness of its own, no I/O, no actors.
//!
//! ```text
//!            Start
//!              │
//!              ▼   leader's node fails: next seat leads (5 times at most)
//!         ┌ Proposing ◀────────────────────────────────────────────┐
//!         │    │ LeaderProposed                                     │
//! deadline│    ▼                                                    │ no agreement,
//!         │ Committing   every seat re-executes and commits         │ rotations left
//!         │    │ all settled, or deadline                           │
//!         │    ▼                                                    │
//!         │ Revealing    commitments are opened and checked         │
//!         │    │ all settled, or deadline ──▶ tally ────────────────┘
//!         ▼    ▼
//!        Decided: LEADER_TIMEOUT · ACCEPTED · VALIDATORS_TIMEOUT · UNDETERMINED
//! ```
//!
//! An appeal of ACCEPTED or `VALIDATORS_TIMEOUT` starts at Committing, with the receipt at hand
//! and more validators, and ends with the same status or, when it succeeds, with PENDING.
//!
//! [`Round::apply`] maps one [`Input`] to the [`Effect`]s it demands; the consensus actor performs
//! them. Sections cited in comments are those of the protocol document; the ten laws are
//! predicates in [`invariants`].

pub mod appeal;
#[cfg(test)]
mod appeal_tests;
mod effect;
pub mod finality;
mod input;
pub mod invariants;
#[cfg(test)]
mod proptests;
mod round;
#[cfg(test)]
mod round_tests;
pub mod selection;
mod turn;
pub mod undo;
mod votes;

pub use appeal::{AppealRefused, Standing};
pub use effect::Effect;
pub use input::{Ignored, Input, Step, Timeout};
pub use round::{REPLACEMENTS_MAX, Round, RoundParameters, Timeouts};
pub use votes::{Tally, TallyResult, judge};
