//! A network that is set back while it works: what was is there again, and what came after is not,
//! whoever still works on it.

use std::sync::Arc;
use std::time::Duration;

use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::domain::ledger::{StoreError, TransactionFilter, ValidatorChange};
use agora::domain::{ClockChange, EventKind, Stake, Status, TxHash};
use agora::execution::scripted::Scripted;
use diesel::connection::SimpleConnection;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::network::{
    Place, account, call, decided, deploy, deployed, on_both, settings, start, transfer, wait_until,
};
use crate::shared::Held;

fn owned_by(owner: &str) -> NetworkSettings {
    let mut settings = settings();
    settings.owner = owner.into();
    settings.heartbeat_interval = Duration::from_millis(100);
    settings
}

/// How often a transaction was accepted after the last restore.
async fn acceptances(handles: &Handles, hash: TxHash) -> usize {
    let restored = handles.last_restoration().await.unwrap();
    let events = handles.events_after(restored, 1_000_000).await.unwrap();
    let accepted = EventKind::StatusChanged { status: Status::Accepted, rotation: None };
    events.iter().filter(|event| event.transaction == hash && event.kind == accepted).count()
}

async fn assert_sound(handles: &Handles) {
    let supply = handles.supply().await.unwrap();
    assert!(supply.is_conserved(), "{supply:?}");
    let events = handles.events_after(0, 1_000_000).await.unwrap();
    assert!((1..).zip(&events).all(|(cursor, event)| event.cursor == cursor), "{events:?}");
}

on_both! {
    async fn a_restore_brings_everything_back_and_the_network_goes_on(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let frozen = handles.change_clock(ClockChange::Freeze).await.unwrap();
        let mut accounts = Vec::new();
        for number in 0..3 {
            accounts.push(handles.account(account(number)).await.unwrap());
        }
        let validators = handles.validators().await.unwrap();
        let cursor = handles.last_cursor().await.unwrap();
        let mut listener = handles.subscribe().await.unwrap();
        let id = handles.create_snapshot().await.unwrap().id;

        let called = handles.submit(call(account(0), contract, "x")).await.unwrap();
        decided(&handles, called.hash).await;
        let sent = handles.submit(transfer(account(1), account(2), 5)).await.unwrap().hash;
        decided(&handles, sent).await;
        let change = ValidatorChange::Create { address: None, stake: Stake::try_from(9).unwrap(), models: None };
        handles.change_validators(change).await.unwrap();
        handles.change_clock(ClockChange::Advance(Duration::from_hours(50))).await.unwrap();
        handles.change_clock(ClockChange::Release).await.unwrap();
        handles.change_finality_window(Duration::from_hours(1)).await.unwrap();
        let later = handles.create_snapshot().await.unwrap().id;

        assert!(handles.restore_snapshot(id).await.unwrap());
        assert_eq!(handles.clock().now, frozen.now);
        assert!(handles.clock().frozen);
        for (number, before) in (0..).zip(&accounts) {
            assert_eq!(handles.account(account(number)).await.unwrap(), *before);
        }
        assert_eq!(handles.validators().await.unwrap(), validators);
        assert_eq!(handles.finality_window().await.unwrap(), settings().finality_window);
        assert!(handles.transaction(sent).await.unwrap().is_none());
        assert!(!handles.restore_snapshot(later).await.unwrap(), "it went with the rest");
        let told = async {
            loop {
                let event = listener.recv().await.unwrap();
                assert!(event.cursor > cursor);
                if matches!(event.kind, EventKind::NetworkRestored { .. }) {
                    return event;
                }
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(5), told).await.unwrap();
        assert_eq!(told.kind, EventKind::NetworkRestored { snapshot: id });

        // The very same transaction, and the contract takes it.
        let again = handles.submit(call(account(0), contract, "x")).await.unwrap();
        assert_eq!((again.hash, again.nonce), (called.hash, called.nonce));
        assert!(!again.duplicate);
        assert_eq!(decided(&handles, again.hash).await.status, Status::Accepted);
        assert_eq!(acceptances(&handles, again.hash).await, 1);
        handles.change_clock(ClockChange::Release).await.unwrap();
        wait_until(&handles, again.hash, |status| status == Status::Finalized).await;
        assert_sound(&handles).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
        // A restart begins where the restore has led.
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let now = network.handles().clock().now;
        assert!(now.since(frozen.now) < Duration::from_mins(10), "not where it was undone: {now:?}");
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

on_both! {
    async fn a_decision_of_before_is_not_one_about_the_same_transaction_after(place: Place) {
        let gate = Arc::new(Semaphore::new(0));
        let network = start(&place, owned_by("one"), Arc::new(Held(Arc::clone(&gate)))).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let id = handles.create_snapshot().await.unwrap().id;
        for round in 0..3 {
            let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
            wait_until(&handles, hash, Status::is_in_flight).await;
            assert!(handles.restore_snapshot(id).await.unwrap());
            assert!(handles.transaction(hash).await.unwrap().is_none(), "round {round}");
            // One that waits and one that runs, both of before.
            let again = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
            assert_eq!(again, hash);
            wait_until(&handles, hash, Status::is_in_flight).await;
            assert!(handles.restore_snapshot(id).await.unwrap());
        }
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        gate.add_permits(1_000);
        assert_eq!(decided(&handles, hash).await.attempt, 0);
        let next = handles.submit(call(account(0), contract, "y")).await.unwrap().hash;
        decided(&handles, next).await;
        assert_eq!(acceptances(&handles, hash).await, 1);
        let limits = handles.permits();
        assert!(limits.iter().all(|permits| permits.in_use <= 1), "nobody of before: {limits:?}");
        assert_sound(&handles).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

on_both! {
    async fn what_was_in_flight_in_the_snapshot_runs_again(place: Place) {
        let gate = Arc::new(Semaphore::new(0));
        let network = start(&place, owned_by("one"), Arc::new(Held(Arc::clone(&gate)))).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        let waiting = handles.submit(call(account(1), contract, "y")).await.unwrap().hash;
        wait_until(&handles, hash, Status::is_in_flight).await;
        let id = handles.create_snapshot().await.unwrap().id;
        for _ in 0..5 {
            assert!(handles.restore_snapshot(id).await.unwrap());
            wait_until(&handles, hash, Status::is_in_flight).await;
        }
        gate.add_permits(1_000);
        for hash in [hash, waiting] {
            // Or final already, where this test was slow.
            decided(&handles, hash).await;
            assert_eq!(acceptances(&handles, hash).await, 1);
        }
        assert_sound(&handles).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

on_both! {
    async fn nobody_loses_half_a_submission_to_a_restore(place: Place) {
        let network = start(&place, owned_by("one"), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let id = handles.create_snapshot().await.unwrap().id;
        let submitting = async {
            for number in 0..120_u64 {
                let new = match number % 3 {
                    0 => transfer(account(number % 4), account(3), 1),
                    1 => deploy(account(number % 4)),
                    _ => call(account(number % 4), contract, "x"),
                };
                handles.submit(new).await.unwrap();
            }
        };
        let restoring = async {
            for _ in 0..10 {
                assert!(handles.restore_snapshot(id).await.unwrap());
                assert_sound(&handles).await;
            }
        };
        futures_util::future::join(submitting, restoring).await;
        // Whatever is there is decided.
        let all = handles.transactions(TransactionFilter::default(), None, 200).await.unwrap();
        for record in all.items {
            decided(&handles, record.transaction.hash).await;
        }
        assert_sound(&handles).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

on_both! {
    async fn a_thousand_times_back_and_forth_is_quick(place: Place) {
        let network = start(&place, owned_by("one"), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        decided(&handles, hash).await;
        // Fewer where every statement is a way to a server and back.
        let rounds = if place.url.starts_with("postgres") { 200 } else { 1_000 };
        let begun = Instant::now();
        for round in 1..=rounds {
            assert_eq!(handles.create_snapshot().await.unwrap().id, round);
            assert!(handles.restore_snapshot(round).await.unwrap());
            if round % 100 == 0 {
                assert_eq!(handles.delete_snapshots().await.unwrap(), 100);
            }
        }
        println!("created and restored in {:?} each time", begun.elapsed() / u32::try_from(rounds).unwrap());
        let next = handles.submit(call(account(0), contract, "y")).await.unwrap().hash;
        assert_eq!(decided(&handles, next).await.status, Status::Accepted);
        assert_sound(&handles).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

#[actix::test]
async fn a_snapshot_that_cannot_be_read_leaves_the_network_as_it_is() {
    let place = Place::sqlite();
    let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
    let handles = network.handles();
    let id = handles.create_snapshot().await.unwrap().id;
    let contract = deployed(&handles).await;
    let mut other =
        <diesel::SqliteConnection as diesel::Connection>::establish(&place.url).unwrap();
    let cut = "UPDATE snapshot_chunks SET body = substr(body, 1, length(body) - 9)";
    other.batch_execute(cut).unwrap();
    let refused = handles.restore_snapshot(id).await;
    assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
    assert!(handles.contract(contract).await.unwrap().is_some(), "nothing happened");
    assert_eq!(handles.last_restoration().await.unwrap(), 0);
    let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
    assert_eq!(decided(&handles, hash).await.status, Status::Accepted);
    assert!(network.shut_down(Duration::from_secs(5)).await);
}

/// The other process stays in its generation for a moment; nothing it does then counts.
#[actix::test]
async fn another_process_follows_a_restore_and_its_late_decision_is_refused() {
    let Some(place) = Place::postgres() else { return };
    let gate = Arc::new(Semaphore::new(0));
    let first = start(&place, owned_by("first"), Arc::new(Held(Arc::clone(&gate)))).await;
    let second = start(&place, owned_by("second"), Arc::new(Scripted::echo())).await;
    let (one, other) = (first.handles(), second.handles());
    let contract = deployed(&one).await;
    one.change_clock(ClockChange::Freeze).await.unwrap();
    let id = other.create_snapshot().await.unwrap().id;
    one.change_clock(ClockChange::Advance(Duration::from_hours(24))).await.unwrap();
    let frozen = other.clock();
    let hash = one.submit(call(account(0), contract, "x")).await.unwrap().hash;
    wait_until(&one, hash, |status| status.is_in_flight() || status.is_decided()).await;
    assert!(other.restore_snapshot(id).await.unwrap());
    gate.add_permits(1_000);
    let hash = other.submit(call(account(0), contract, "x")).await.unwrap().hash;
    assert_eq!(decided(&other, hash).await.attempt, 0);
    assert_eq!(acceptances(&other, hash).await, 1);
    // The first one refuses until it has followed, and then works on.
    let submitted = async {
        loop {
            match one.submit(transfer(account(1), account(2), 1)).await {
                Ok(submitted) => return submitted.hash,
                Err(StoreError::Restored) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let sent = tokio::time::timeout(Duration::from_secs(10), submitted).await.unwrap();
    decided(&one, sent).await;
    assert_eq!(one.clock().now, other.clock().now);
    assert!(one.clock().frozen && one.clock().now <= frozen.now, "set back, in both");
    assert_sound(&one).await;
    assert!(first.shut_down(Duration::from_secs(5)).await);
    assert!(second.shut_down(Duration::from_secs(5)).await);
}
