//! Contracts in the real executor: the real binary, real processes, the real sandbox.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do; clippy sees only functions marked as tests"
)]

mod blocks;
mod calldata;
mod corpus;
mod determinism;
mod events;
mod examples;
mod features;
mod harness;
mod hostile;
mod hostile_blocks;
mod hostile_limits;
mod hostile_reach;
mod hostile_traces;
mod images;
mod language;
mod layout;
mod messages;
mod nondeterminism;
mod packages;
mod refusals;
mod sandbox;
mod schemas;
mod storage;
mod surroundings;
mod trial;
mod upgrades;
mod views;
