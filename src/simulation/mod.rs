//! The scenario simulator: the network's own actors on virtual time, faults as values, and the laws
//! of the protocol checked after every event.

pub mod outcome;
pub mod report;
pub mod theory;
