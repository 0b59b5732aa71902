//! Snapshots of a whole network, and what tells one life of a network from the next.

use super::{ClockDial, Timestamp};

/// A snapshot that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Its number: later ones have greater ones, and none is used twice.
    pub id: i64,
    /// When it was made, by the network's clock.
    pub created_at: Timestamp,
    /// How many transactions it holds.
    pub transactions: u64,
    /// Its size as a file.
    pub bytes: u64,
}

/// The life of a network between two restores. Who works for an earlier one writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// Grows with every restore.
    pub number: i64,
    /// How the network's clock stands in it.
    pub dial: ClockDial,
    /// What the clock has shown in it already.
    pub shown: Timestamp,
}

/// How a part of a long work went on: what it is about, and how many rows are done.
pub type Progress<'a> = dyn FnMut(&str, u64) + 'a;
