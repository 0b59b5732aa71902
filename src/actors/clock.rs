//! The network's clock: wall time at the start, and tokio's time from there on.

use std::time::UNIX_EPOCH;

use tokio::time::Instant;

use crate::domain::{Clock, Timestamp};

/// The clock of a live network.
///
/// It reads the wall once and then follows tokio's monotonic clock, so that it never jumps, and
/// stands still or leaps exactly as a paused test clock does.
#[derive(Debug, Clone, Copy)]
pub struct NetworkClock {
    anchor: Timestamp,
    started: Instant,
}

impl NetworkClock {
    /// A clock that shows the wall's time now.
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one reading of the wall")]
        let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since_epoch.map_or(0, |elapsed| elapsed.as_millis());
        Self::starting_at(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// A clock that shows `anchor` now.
    pub fn starting_at(anchor: Timestamp) -> Self {
        Self { anchor, started: Instant::now() }
    }
}

impl Clock for NetworkClock {
    fn now(&self) -> Timestamp {
        self.anchor.after(self.started.elapsed())
    }
}
