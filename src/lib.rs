//! Agora: a local GenLayer network as one binary.
//!
//! Modules in reading order: [`domain`] holds the nouns, [`protocol`] decides, [`execution`] runs
//! contracts, [`storage`] keeps the truth, [`actors`] tie them together, [`simulation`] proves them, [`api`] answers clients
//! and [`cli`] starts it all. Imports go that way and no other; `tests/architecture` checks it.

pub mod actors;
pub mod api;
pub mod cli;
pub mod domain;
pub mod execution;
pub mod protocol;
pub mod simulation;
pub mod storage;
