//! How the network's clock stands to the wall: the dial that tests turn.

use std::time::Duration;

use super::Timestamp;

/// How the network's clock stands to the wall. It is stored, so that it outlives every process and
/// is the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockDial {
    /// Grows with every change, so that an earlier state that arrives late is known as such.
    pub revision: u64,
    /// Milliseconds that a running clock shows more than the wall.
    pub offset_ms: i64,
    /// Where the clock stands still; `None` while it runs.
    pub frozen_at: Option<Timestamp>,
}

/// A change to the network's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// Show this much more.
    Advance(Duration),
    /// Show this instant.
    Set(Timestamp),
    /// Stand still.
    Freeze,
    /// Go on from the instant shown.
    Release,
}

/// What a clock shows, and what the wall shows at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// The network's present instant.
    pub now: Timestamp,
    /// The wall's.
    pub wall: Timestamp,
    /// The clock stands still.
    pub frozen: bool,
}

/// The clock cannot be set like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock shows `{}` and cannot show `{}`: it never goes back, and ends at {}",
    shown.as_millis(), asked.as_millis(), Timestamp::LAST.as_millis()
)]
pub struct ClockOutOfRange {
    /// What it shows.
    pub shown: Timestamp,
    /// What it was to show.
    pub asked: Timestamp,
}

impl ClockDial {
    /// What a clock with this dial shows while the wall shows `wall`.
    pub fn reading(self, wall: Timestamp) -> Timestamp {
        let running = || {
            let shown = wall.as_millis().saturating_add(self.offset_ms);
            Timestamp::from_millis(shown).min(Timestamp::LAST)
        };
        self.frozen_at.unwrap_or_else(running)
    }

    /// The dial after `change`, made by somebody whose clock shows `present`.
    pub fn changed(
        self,
        change: ClockChange,
        present: ClockReading,
    ) -> Result<Self, ClockOutOfRange> {
        // The asker may not have seen the last change yet, or have shown more before it saw it.
        let shown = present.now.max(self.reading(present.wall));
        let is_frozen = self.frozen_at.is_some();
        let (asked, freezes) = match change {
            ClockChange::Advance(by) => (shown.after(by), is_frozen),
            ClockChange::Set(instant) => (instant, is_frozen),
            ClockChange::Freeze => (shown, true),
            ClockChange::Release => (shown, false),
        };
        if !(shown..=Timestamp::LAST).contains(&asked) {
            return Err(ClockOutOfRange { shown, asked });
        }
        Ok(Self {
            revision: self.revision.saturating_add(1),
            offset_ms: asked.as_millis().saturating_sub(present.wall.as_millis()),
            frozen_at: freezes.then_some(asked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Timestamp = Timestamp::from_millis(1_000);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn changed(dial: ClockDial, wall: i64, change: ClockChange) -> ClockDial {
        let wall = at(wall);
        dial.changed(change, ClockReading { now: dial.reading(wall), wall, frozen: false }).unwrap()
    }

    #[test]
    fn a_dial_that_nobody_turned_shows_the_wall() {
        assert_eq!(ClockDial::default().reading(WALL), WALL);
    }

    #[test]
    fn time_goes_on_from_the_instant_at_which_it_stood_still() {
        let frozen = changed(ClockDial::default(), 1_000, ClockChange::Freeze);
        assert_eq!(frozen.reading(at(9_000)), at(1_000));
        let ahead = changed(frozen, 2_000, ClockChange::Advance(Duration::from_secs(1)));
        assert_eq!(ahead.reading(at(9_000)), at(2_000), "moved, and still frozen");
        let released = changed(ahead, 9_000, ClockChange::Release);
        assert_eq!(released.reading(at(9_500)), at(2_500));
        assert_eq!((released.revision, released.offset_ms), (3, -7_000));
    }

    #[test]
    fn it_goes_neither_back_nor_beyond_its_end() {
        let present = ClockReading { now: at(1_500), wall: WALL, frozen: false };
        let ask = |change| ClockDial::default().changed(change, present);
        let refused = ask(ClockChange::Set(at(1_499))).unwrap_err();
        assert_eq!(refused, ClockOutOfRange { shown: at(1_500), asked: at(1_499) });
        let words = refused.to_string();
        assert!(words.contains("`1500`") && words.contains("`1499`"), "{words}");
        assert!(ask(ClockChange::Set(at(1_500))).is_ok());
        assert!(ask(ClockChange::Advance(Duration::MAX)).is_err());
        let last = ask(ClockChange::Set(Timestamp::LAST)).unwrap();
        assert_eq!(last.reading(at(5_000)), Timestamp::LAST);
    }

    #[test]
    fn a_change_holds_against_a_state_that_the_asker_has_not_seen() {
        let ahead = changed(ClockDial::default(), 1_000, ClockChange::Set(at(5_000)));
        let stale = ClockReading { now: at(1_000), wall: WALL, frozen: false };
        assert!(ahead.changed(ClockChange::Set(at(4_000)), stale).is_err());
    }
}
