//! When a finality window closes (protocol section 5).

use std::time::Duration;

use crate::domain::Timestamp;

/// How long a window of `window` is after `appeals_failed` appeals did not convince:
/// window × (1 − 0.2)^failed.
fn shortened(window: Duration, appeals_failed: u32) -> Duration {
    let millis = (0..appeals_failed).try_fold(window.as_millis(), |millis, _| match millis {
        0 => Err(0),
        millis => Ok(millis * 4 / 5),
    });
    let (Ok(millis) | Err(millis)) = millis;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// When the window over a decision closes. Time in which failed appeals were judged does not
/// count.
pub fn window_end(
    decided_at: Timestamp,
    window: Duration,
    appeals_failed: u32,
    appeal_time: Duration,
) -> Timestamp {
    decided_at.after(shortened(window, appeals_failed).saturating_add(appeal_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_fifth_shorter_after_every_failed_appeal_and_stops_meanwhile() {
        let end = |seconds: u64, failed, appeal_ms| {
            let (window, spent) = (Duration::from_secs(seconds), Duration::from_millis(appeal_ms));
            window_end(Timestamp::from_millis(1_000), window, failed, spent).as_millis()
        };
        assert_eq!(end(30, 0, 0), 31_000);
        assert_eq!(end(30, 1, 0), 25_000);
        assert_eq!(end(30, 2, 0), 20_200);
        assert_eq!(end(30, 3, 500), 16_860);
        assert_eq!(end(0, 3, 7), 1_007);
        assert_eq!(end(u64::MAX / 1_000, u32::MAX, 0), 1_000);
        assert!(end(u64::MAX, 0, 0) > 1_000);
    }
}
