//! The network's clock: the wall's time, shifted and held by a dial that can be turned while the
//! network runs.
//!
//! What the protocol measures follows this clock: deadlines of rounds and finality windows. What
//! concerns this process alone stays on real time, that is tokio's: pauses after failures, the
//! crawler's and the finality actor's looks, heartbeats, and the limit of an execution, which no
//! dial can make faster.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{Clock, ClockChange, ClockDial, ClockOutOfRange, ClockReading, Timestamp};

/// The clock of a live network. Copies of it are hands on the same clock.
///
/// It reads the wall once and then follows tokio's monotonic clock, so that it never jumps by
/// itself, and stands still or leaps exactly as a paused test clock does. It never goes back.
#[derive(Debug, Clone)]
pub struct NetworkClock {
    face: Arc<watch::Sender<Face>>,
}

/// All that decides what the clock shows.
#[derive(Debug, Clone, Copy)]
struct Face {
    /// The wall's time at `started`.
    anchor: Timestamp,
    started: Instant,
    dial: ClockDial,
    /// What was shown already, before another process turned the dial.
    least: Timestamp,
    /// Where it waits while a change of the dial is being stored.
    paused_at: Option<Timestamp>,
}

impl Face {
    fn reading(&self) -> ClockReading {
        let wall = self.anchor.after(self.started.elapsed());
        let running = || self.dial.reading(wall).max(self.least);
        let now = self.paused_at.unwrap_or_else(running);
        ClockReading { now, wall, frozen: self.dial.frozen_at.is_some() }
    }

    /// It stands still until somebody turns or releases it.
    fn stands_still(&self) -> bool {
        self.dial.frozen_at.is_some() || self.paused_at.is_some()
    }

    /// How long a running clock takes to show `instant`.
    fn time_to(&self, instant: Timestamp) -> Duration {
        instant.since(self.dial.reading(self.reading().wall))
    }

    /// Never shows less than it does now, whatever happens to the dial.
    fn keep_present(&mut self) {
        self.least = self.reading().now;
        self.paused_at = None;
    }
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
        let (dial, least) = (ClockDial::default(), Timestamp::default());
        let face = Face { anchor, started: Instant::now(), dial, least, paused_at: None };
        Self { face: Arc::new(watch::Sender::new(face)) }
    }

    /// What it shows, and what the wall shows.
    pub fn reading(&self) -> ClockReading {
        self.face.borrow().reading()
    }

    /// Shows `by` more; a frozen clock stays frozen.
    pub fn advance(&self, by: Duration) -> Result<(), ClockOutOfRange> {
        self.change(ClockChange::Advance(by))
    }

    /// Shows `instant`, which must not be before what it shows; a frozen clock stays frozen.
    pub fn set(&self, instant: Timestamp) -> Result<(), ClockOutOfRange> {
        self.change(ClockChange::Set(instant))
    }

    /// Stands still.
    pub fn freeze(&self) -> Result<(), ClockOutOfRange> {
        self.change(ClockChange::Freeze)
    }

    /// Goes on from the instant it shows.
    pub fn release(&self) -> Result<(), ClockOutOfRange> {
        self.change(ClockChange::Release)
    }

    fn change(&self, change: ClockChange) -> Result<(), ClockOutOfRange> {
        let mut outcome = Ok(());
        self.face.send_if_modified(|face| match face.dial.changed(change, face.reading()) {
            Ok(dial) => {
                face.dial = dial;
                true
            }
            Err(error) => {
                outcome = Err(error);
                false
            }
        });
        outcome
    }

    /// Waits while a change is being stored, so that it is made at the instant that is shown;
    /// [`Self::go_on`] MUST follow.
    pub fn pause(&self) -> ClockReading {
        self.face.send_modify(|face| face.paused_at = Some(face.reading().now));
        self.reading()
    }

    /// The change was stored, and followed, or was refused.
    pub fn go_on(&self) {
        self.face.send_modify(Face::keep_present);
    }

    /// Follows the dial that is stored; one that is older than the present one changes nothing.
    ///
    /// When the network stood still earlier than this process learned of it, this clock waits
    /// where it is.
    pub fn follow(&self, dial: ClockDial) {
        self.face.send_if_modified(|face| {
            let is_newer = dial.revision > face.dial.revision;
            if is_newer {
                face.keep_present();
                face.dial = dial;
            }
            is_newer
        });
    }

    /// Goes on where a network was left: with its dial, by the wall of its database if that has
    /// one, and never before `least`.
    pub fn resume(&self, dial: ClockDial, wall: Option<Timestamp>, least: Timestamp) {
        self.face.send_modify(|face| {
            if let Some(wall) = wall {
                face.anchor = wall;
                face.started = Instant::now();
            }
            face.dial = dial;
            face.least = least;
        });
    }

    /// Shows what the clock of a restored network shows, also when that is less: `least`, or more
    /// by its dial.
    pub fn restore(&self, dial: ClockDial, least: Timestamp) {
        self.face.send_modify(|face| {
            face.dial = dial;
            face.least = least;
            face.paused_at = None;
        });
    }

    /// Ends when the network's clock shows `instant`: at once after a jump to it or beyond, and
    /// not while the clock stands still before it.
    pub fn sleep_until(&self, instant: Timestamp) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            let mut turned = clock.face.subscribe();
            loop {
                let face = *turned.borrow_and_update();
                if face.reading().now >= instant {
                    return;
                }
                // The sender is `clock`, so the wait for a turn cannot fail; whichever of the two
                // comes first, the clock is read again.
                if face.stands_still() {
                    let _turned = turned.changed().await;
                } else {
                    let _turned_or_late = timeout(face.time_to(instant), turned.changed()).await;
                }
            }
        }
    }
}

impl Clock for NetworkClock {
    fn now(&self) -> Timestamp {
        self.reading().now
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn clock() -> NetworkClock {
        NetworkClock::starting_at(at(1_000))
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_time_and_every_hand_shows_the_same() {
        let clock = clock();
        let other = clock.clone();
        tokio::time::sleep(SECOND).await;
        assert_eq!(other.now(), at(2_000));
        clock.advance(SECOND).unwrap();
        assert_eq!(other.now(), at(3_000));
        other.set(at(9_000)).unwrap();
        tokio::time::sleep(SECOND).await;
        assert_eq!(clock.now(), at(10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_when_frozen_and_goes_on_from_there() {
        let clock = clock();
        clock.freeze().unwrap();
        tokio::time::sleep(SECOND).await;
        assert_eq!(clock.now(), at(1_000));
        clock.advance(SECOND).unwrap();
        tokio::time::sleep(SECOND).await;
        assert_eq!(clock.now(), at(2_000), "moved, and still frozen");
        clock.release().unwrap();
        assert_eq!(clock.now(), at(2_000), "not where the wall is");
        tokio::time::sleep(SECOND).await;
        assert_eq!(clock.now(), at(3_000));
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_goes_back_and_a_refusal_changes_nothing() {
        let clock = clock();
        let refused = clock.set(at(999)).unwrap_err();
        assert_eq!(refused, ClockOutOfRange { shown: at(1_000), asked: at(999) });
        assert!(clock.advance(Duration::MAX).is_err());
        assert_eq!(clock.now(), at(1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_wakes_when_the_clock_shows_its_instant_and_not_before() {
        let clock = clock();
        let start = Instant::now();
        clock.sleep_until(at(6_000)).await;
        assert_eq!((clock.now(), start.elapsed()), (at(6_000), 5 * SECOND));
        clock.sleep_until(at(6_000)).await;
        assert_eq!(start.elapsed(), 5 * SECOND, "what is shown already is not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_of_a_frozen_clock_sleeps_until_somebody_moves_it() {
        let clock = clock();
        clock.freeze().unwrap();
        let mut sleeper = Box::pin(clock.sleep_until(at(6_000)));
        let waited = timeout(Duration::from_hours(100), &mut sleeper).await;
        assert!(waited.is_err(), "the clock did not move");
        clock.advance(4 * SECOND).unwrap();
        assert!(sleeper.as_mut().now_or_never().is_none(), "it shows 5 000");
        clock.advance(3 * SECOND).unwrap();
        assert!(sleeper.now_or_never().is_some(), "a jump beyond it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_notices_every_turn_of_the_dial() {
        let clock = clock();
        let start = Instant::now();
        let sleeper = tokio::spawn(clock.sleep_until(at(61_000)));
        tokio::time::sleep(10 * SECOND).await;
        clock.freeze().unwrap();
        tokio::time::sleep(500 * SECOND).await;
        assert!(!sleeper.is_finished(), "its deadline on tokio's clock has passed");
        clock.release().unwrap();
        tokio::time::sleep(10 * SECOND).await;
        clock.advance(30 * SECOND).unwrap();
        sleeper.await.unwrap();
        assert_eq!((clock.now(), start.elapsed()), (at(61_000), 530 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_what_others_turned_but_not_back_in_time() {
        let (clock, other) = (clock(), clock());
        other.freeze().unwrap();
        tokio::time::sleep(SECOND).await;
        clock.follow(other.face.borrow().dial);
        tokio::time::sleep(SECOND).await;
        assert_eq!((clock.now(), other.now()), (at(2_000), at(1_000)), "it learned of it late");
        other.advance(5 * SECOND).unwrap();
        let dial = other.face.borrow().dial;
        clock.follow(dial);
        assert_eq!(clock.now(), at(6_000));
        clock.follow(ClockDial { revision: dial.revision - 1, ..ClockDial::default() });
        assert_eq!(clock.now(), at(6_000), "an older state that came late");
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_while_a_change_is_being_stored() {
        let clock = clock();
        let sleeper = tokio::spawn(clock.sleep_until(at(4_000)));
        let present = clock.pause();
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(clock.now(), at(1_000));
        clock.follow(ClockDial::default().changed(ClockChange::Freeze, present).unwrap());
        clock.go_on();
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(clock.now(), at(1_000), "frozen where it was asked to");
        clock.pause();
        clock.go_on();
        assert_eq!((clock.now(), clock.reading().frozen), (at(1_000), true), "refused");
        assert!(!sleeper.is_finished());
        clock.release().unwrap();
        sleeper.await.unwrap();
        assert_eq!(clock.now(), at(4_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_resumes_never_shows_less_than_was_stored() {
        let clock = clock();
        clock.resume(ClockDial::default(), Some(at(4_000)), at(5_000));
        assert_eq!(clock.now(), at(5_000), "the wall was set back meanwhile");
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(clock.now(), at(6_000));
    }
}
