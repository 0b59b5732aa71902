//! The shells: one file, one actor. Handlers translate; `protocol` decides; `storage` remembers.
//!
//! Requests point down (crawler → queue → consensus → node, everybody → store), facts come back
//! up as messages. [`messages`] holds everything that crosses an actor's boundary.

mod catalog;
pub mod clock;
pub mod consensus;
#[cfg(test)]
mod consensus_tests;
pub mod crawler;
#[cfg(test)]
mod crawler_tests;
pub mod events;
pub mod finality;
#[cfg(test)]
mod finality_tests;
pub mod handles;
pub mod heartbeat;
pub mod messages;
pub mod node;
#[cfg(test)]
mod node_tests;
pub mod permits;
pub mod ports;
pub mod queue;
#[cfg(test)]
mod queue_tests;
pub mod reader;
#[cfg(test)]
mod reader_tests;
pub mod settings;
pub mod store;
pub mod supervision;
pub mod system;
mod tell;
#[cfg(test)]
mod testing;
pub mod world;

pub use tell::{dropped_messages, tell, tell_weak};
