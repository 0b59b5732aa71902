//! The linter: every rule with a case that breaks it and one that keeps it, contracts of all
//! generations that must pass, and the commands as people use them.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy sees only functions marked as tests"
)]

mod command;
mod rules;
mod runs;
mod samples;
