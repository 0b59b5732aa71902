//! The network's clock is stored: every turn of its dial, and nothing that was refused.

use agora::domain::ledger::StoreError;
use agora::domain::{ClockChange, ClockDial, ClockOutOfRange, ClockReading};
use agora::storage;

use crate::harness::{Store, alice, at, bob, transfer};

on_both_databases!(
    every_turn_of_the_dial_is_stored,
    a_refused_turn_changes_nothing,
    the_newest_event_tells_how_late_it_was,
);

/// Turns the dial for somebody who knows nothing of earlier turns and whose wall shows `wall`.
fn turn(store: &mut Store, wall: i64, change: ClockChange) -> Result<ClockDial, StoreError> {
    let present = ClockReading { now: at(wall), wall: at(wall), frozen: false };
    store.try_write(|conn, ctx| storage::clock_change_in_txn(conn, ctx, change, present))
}

fn every_turn_of_the_dial_is_stored(store: &mut Store) {
    assert_eq!(storage::clock_load(&mut store.conn), Ok(ClockDial::default()));
    let by = std::time::Duration::from_millis(40);
    for (revision, wall, change, offset_ms, frozen_at) in [
        (1, 10, ClockChange::Set(at(500)), 490, None),
        (2, 20, ClockChange::Freeze, 490, Some(at(510))),
        (3, 30, ClockChange::Advance(by), 520, Some(at(550))),
        (4, 40, ClockChange::Release, 510, None),
        // The asker's own clock showed more before it learned of the freeze.
        (5, 600, ClockChange::Freeze, 510, Some(at(1_110))),
        (6, 2_000, ClockChange::Release, 0, None),
    ] {
        let dial = turn(store, wall, change).unwrap();
        assert_eq!(dial, ClockDial { revision, offset_ms, frozen_at });
        assert_eq!(storage::clock_load(&mut store.conn), Ok(dial));
    }
}

fn a_refused_turn_changes_nothing(store: &mut Store) {
    let dial = turn(store, 10, ClockChange::Set(at(500))).unwrap();
    // The asker's clock shows 20, and the network's 510.
    let refused = turn(store, 20, ClockChange::Set(at(509))).unwrap_err();
    let expected = ClockOutOfRange { shown: at(510), asked: at(509) };
    assert_eq!(refused, StoreError::Clock(expected));
    assert_eq!(storage::clock_load(&mut store.conn), Ok(dial));
}

fn the_newest_event_tells_how_late_it_was(store: &mut Store) {
    assert_eq!(storage::event_last_at(&mut store.conn), Ok(None));
    let hash = store.submit(&transfer(Some(alice()), Some(bob()), 1));
    assert_eq!(storage::event_last_at(&mut store.conn), Ok(Some(at(1))));
    store.execute(hash);
    store.submit(&transfer(Some(alice()), Some(bob()), 1));
    assert_eq!(storage::event_last_at(&mut store.conn), Ok(Some(at(5))), "and not the last one's");
}
