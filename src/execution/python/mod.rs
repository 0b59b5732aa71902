//! Contracts in Python: a pool of sandboxed worker processes.
//!
//! The parent side is [`PythonExecutor`] over a pool of processes; the child side is
//! [`worker_main`], an interpreter with the SDK of `sdk/`. They talk in frames over a socket pair.

mod blocks;
mod byte_ends;
mod conversation;
mod copy;
mod eventlog;
mod examples;
mod executor;
mod fingerprint;
mod floats;
mod frame;
mod identity;
mod image_files;
mod images;
mod interpreter;
mod job;
mod link;
mod lock;
mod native;
mod native_code;
mod outbox;
mod output;
mod patterns;
mod pool;
mod process;
mod program;
mod question;
mod raised;
mod resize;
mod results;
mod sandbox;
mod scope;
mod settings;
mod store;
mod tame;
mod touched;
mod values;
mod vectors;
mod wire;
mod worker;

pub use examples::{Example, examples};
pub use executor::PythonExecutor;
pub use settings::{PythonSettings, SandboxReport};
pub use worker::worker_main;
