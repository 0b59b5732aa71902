//! When a decision becomes final.

use std::time::Duration;

use super::{ExecutionMode, Timestamp};

/// The end of the window in which a decision of `decided_at` can be appealed.
///
/// The store moves it on to the end of an earlier transaction's window of the same queue: what is
/// due is due in its order.
pub fn window_end(decided_at: Timestamp, window: Duration, mode: ExecutionMode) -> Timestamp {
    if mode.has_finality_window() { decided_at.after(window) } else { decided_at }
}
