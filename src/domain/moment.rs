//! The time that contracts see.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// An instant on a contract's clock, to the microsecond: Python's `datetime` has no less, and who names
/// a time for a contract (`genvm_datetime`) compares what comes back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at.as_millis().saturating_mul(1_000))
    }
}
