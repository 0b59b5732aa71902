//! Contracts in the real executor: the real binary, real processes, the real sandbox.

mod calldata;
mod determinism;
mod examples;
mod harness;
mod hostile;
mod language;
mod storage;
