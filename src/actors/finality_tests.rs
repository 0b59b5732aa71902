//! The finality actor between a probe of the store and a clock that tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr};

use super::clock::NetworkClock;
use super::finality::{Finality, FinalityPorts};
use super::messages::{Drain, DuePage, Finalize, ListDue, WindowOpened, WindowsMoved};
use super::tell;
use super::testing::samples::hash;
use super::testing::{Probe, paused, settle};
use crate::domain::ledger::{DueTransaction, Position, StoreError};
use crate::domain::{Clock, Timestamp, TxHash};

/// Decided transactions by the end of their window.
type Windows = Arc<Mutex<Vec<(i64, TxHash)>>>;

struct Setting {
    finality: Addr<Finality>,
    finalized: Probe<Finalize>,
    windows: Windows,
    clock: NetworkClock,
}

fn start(windows: &[(i64, u8)], mut failures: usize) -> Setting {
    let clock = NetworkClock::starting_at(Timestamp::from_millis(0));
    let windows = windows.iter().map(|(at, number)| (*at, hash(*number))).collect();
    let windows: Windows = Arc::new(Mutex::new(windows));
    let listed = Arc::clone(&windows);
    let due = Probe::answering(move |message: &ListDue| {
        let windows = listed.lock().unwrap();
        let as_due = |(at, hash): &(i64, TxHash)| DueTransaction {
            hash: *hash,
            position: Position(1),
            final_from: Timestamp::from_millis(*at),
        };
        let due: Vec<_> =
            windows.iter().map(as_due).filter(|due| due.final_from <= message.now).collect();
        let due = if message.after.is_some() { Vec::new() } else { due };
        let ends = windows.iter().map(|(at, _)| Timestamp::from_millis(*at));
        let next_at = ends.filter(|at| *at > message.now).min();
        Some(Ok(DuePage { next_at: next_at.filter(|_| due.is_empty()), due }))
    });
    let stored = Arc::clone(&windows);
    let finalized = Probe::answering(move |message: &Finalize| {
        if failures > 0 {
            failures -= 1;
            return Some(Err(StoreError::Closed));
        }
        stored.lock().unwrap().retain(|(_, hash)| *hash != message.0);
        Some(Ok(true))
    });
    let ports = FinalityPorts {
        due: due.recipient,
        finalize: finalized.recipient.clone(),
        clock: clock.clone(),
        interval: Duration::from_hours(1),
    };
    Setting { finality: Finality::new(ports, None).start(), finalized, windows, clock }
}

#[test]
fn a_transaction_is_final_when_its_window_has_passed_and_not_before() {
    paused(|| async {
        let setting = start(&[(5_000, 1), (90_000, 2)], 0);
        tokio::time::sleep(Duration::from_millis(4_999)).await;
        assert!(setting.finalized.take().is_empty());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(setting.finalized.take()[0].0, hash(1));
        tokio::time::sleep(Duration::from_secs(86)).await;
        assert_eq!(setting.finalized.take()[0].0, hash(2));
    });
}

#[test]
fn a_window_that_opens_later_and_closes_earlier_is_kept() {
    paused(|| async {
        let setting = start(&[(90_000, 1)], 0);
        settle().await;
        let final_from = setting.clock.now().after(Duration::from_secs(1));
        setting.windows.lock().unwrap().push((final_from.as_millis(), hash(2)));
        tell(&setting.finality.clone().recipient(), WindowOpened { final_from });
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(setting.finalized.take()[0].0, hash(2));
    });
}

#[test]
fn a_window_stays_open_with_a_frozen_clock_and_closes_with_a_jump() {
    paused(|| async {
        let setting = start(&[(5_000, 1)], 0);
        settle().await;
        setting.clock.freeze().unwrap();
        tokio::time::sleep(Duration::from_mins(50)).await;
        assert!(setting.finalized.take().is_empty(), "the network's time stands still");
        setting.clock.advance(Duration::from_secs(6)).unwrap();
        settle().await;
        assert_eq!(setting.finalized.take()[0].0, hash(1));
    });
}

#[test]
fn windows_that_were_moved_forward_are_looked_at_at_once() {
    paused(|| async {
        let setting = start(&[(90_000, 1)], 0);
        settle().await;
        setting.windows.lock().unwrap()[0].0 = 0;
        tell(&setting.finality.clone().recipient(), WindowsMoved);
        settle().await;
        assert_eq!(setting.finalized.take()[0].0, hash(1));
    });
}

#[test]
fn a_failing_store_is_asked_again() {
    paused(|| async {
        let setting = start(&[(0, 1)], 2);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(setting.finalized.take().len(), 3);
        assert!(setting.windows.lock().unwrap().is_empty());
    });
}

#[test]
fn after_shutdown_nothing_is_made_final() {
    paused(|| async {
        let setting = start(&[(5_000, 1)], 0);
        settle().await;
        setting.finality.send(Drain).await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(setting.finalized.take().is_empty());
    });
}
