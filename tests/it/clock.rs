//! The network's clock and its finality window outlive the process, and reach all of them.

use std::sync::Arc;
use std::time::Duration;

use agora::actors::handles::Handles;
use agora::domain::{ClockChange, Status, Timestamp, TxHash};
use agora::execution::scripted::Scripted;

use crate::network::{Place, account, decided, deploy, on_both, settings, start, wait_until};

const DAY: Duration = Duration::from_hours(24);

async fn submitted(handles: &Handles) -> TxHash {
    handles.submit(deploy(account(0))).await.unwrap().hash
}

async fn finalized(handles: &Handles, hash: TxHash) {
    wait_until(handles, hash, |status| status == Status::Finalized).await;
}

on_both! {
    async fn a_restart_keeps_clock_and_window(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let before = handles.change_clock(ClockChange::Advance(DAY)).await.unwrap().now;
        handles.change_finality_window(DAY).await.unwrap();
        let hash = submitted(&handles).await;
        let record = decided(&handles, hash).await;
        let window = record.final_from.unwrap().since(record.decided_at.unwrap());
        assert_eq!(window, DAY, "what was decided after the change");
        assert!(network.shut_down(Duration::from_secs(5)).await);

        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let reading = handles.clock();
        assert!(reading.now >= before.max(record.decided_at.unwrap()), "{reading:?}");
        assert!(reading.now.since(reading.wall) + Duration::from_secs(5) > DAY, "{reading:?}");
        assert_eq!(handles.finality_window().await.unwrap(), DAY, "not that of the settings");
        let frozen = handles.change_clock(ClockChange::Freeze).await.unwrap();
        assert!(network.shut_down(Duration::from_secs(5)).await);

        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let reading = handles.clock();
        assert_eq!((reading.now, reading.frozen), (frozen.now, true));
        let hash = submitted(&handles).await;
        let record = decided(&handles, hash).await;
        assert_eq!(record.decided_at, Some(frozen.now));
        let later = frozen.now.after(DAY);
        assert_eq!(handles.change_clock(ClockChange::Set(later)).await.unwrap().now, later);
        finalized(&handles, hash).await;
        let released = handles.change_clock(ClockChange::Release).await.unwrap();
        assert!(released.now >= later && !released.frozen, "{released:?}");
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

/// Waits, a few seconds at most, until the clock of `handles` is frozen at `instant`.
async fn frozen_at(handles: &Handles, instant: Timestamp) {
    let learned = async {
        while !(handles.clock().frozen && handles.clock().now >= instant) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), learned).await.expect("it follows the other one");
}

#[actix::test]
async fn another_process_follows_the_clock_and_has_the_window_at_once() {
    let Some(place) = Place::postgres() else { return };
    let owned_by = |owner: &str| {
        let mut settings = settings();
        settings.owner = owner.into();
        settings
    };
    let first = start(&place, owned_by("first"), Arc::new(Scripted::echo())).await;
    let second = start(&place, owned_by("second"), Arc::new(Scripted::echo())).await;
    let (one, other) = (first.handles(), second.handles());
    one.change_finality_window(DAY).await.unwrap();
    // Whoever decides it: the window is read where the decision is written.
    let hash = submitted(&other).await;
    let record = decided(&other, hash).await;
    assert_eq!(record.final_from.unwrap().since(record.decided_at.unwrap()), DAY);

    one.change_clock(ClockChange::Freeze).await.unwrap();
    let moved = one.change_clock(ClockChange::Advance(DAY)).await.unwrap();
    frozen_at(&other, moved.now).await;
    assert_eq!(other.clock().now, moved.now);
    finalized(&one, hash).await;
    // The other way round, and no process goes back.
    let moved = other.change_clock(ClockChange::Advance(DAY)).await.unwrap();
    frozen_at(&one, moved.now).await;
    assert!(first.shut_down(Duration::from_secs(5)).await);
    assert!(second.shut_down(Duration::from_secs(5)).await);
}
