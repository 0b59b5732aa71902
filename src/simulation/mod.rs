//! The scenario simulator: the network's own actors on virtual time, faults as values, and the laws
//! of the protocol checked after every event.
//!
//! A [`scenario`] says what network there is, how its validators behave, what is submitted and
//! what goes wrong. [`run`] builds production's actors ([`crate::actors::system::Network`]) on one
//! thread with a paused clock and an inline store on a database in memory; the scenario stands in
//! between through [`crate::actors::ports::Ports`], and contracts are pure functions. A model of
//! the network, written a second time, is compared with the store after every commit; the first
//! difference ends the run with the law it breaks. Scenario, seed and program determine the
//! trace byte for byte.

mod appeals;
mod campaign;
mod chance;
mod conduct;
mod contract;
mod executor;
mod faults;
mod laws;
mod machine;
mod model;
pub mod outcome;
mod panics;
mod ports;
pub mod report;
mod runner;
pub mod scenario;
pub mod theory;
mod trace;
mod workload;
mod world;

pub use campaign::{Campaign, CampaignResult, Totals, Traces, trace_file};
pub use laws::{Law, Violation};
pub use runner::{Failure, RunError, RunSettings, Wrap, run};
pub use trace::TraceTo;
