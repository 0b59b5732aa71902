//! The finality window: stored, changed while the network runs, in force for what is decided and
//! for what awaits finality.

use std::time::Duration;

use agora::domain::{ExecutionMode, Timestamp, TxHash};
use agora::storage;

use crate::harness::{Store, WINDOW, accepted, alice, at, bob, call, deploy, transfer};

on_both_databases!(
    a_decision_has_the_window_that_is_stored_at_that_moment,
    another_window_moves_everything_that_awaits_finality,
    the_windows_of_a_queue_close_in_its_order_after_a_change,
    what_is_final_stays_as_it_was,
    a_change_and_a_decision_of_one_batch_fit_together,
);

fn final_from(store: &mut Store, hash: TxHash) -> Timestamp {
    storage::transaction_get(&mut store.conn, hash).unwrap().unwrap().final_from.unwrap()
}

fn accepted_deploy(store: &mut Store, mode: ExecutionMode) -> TxHash {
    let mut new = deploy(alice(), 0);
    new.rules.mode = mode;
    let hash = store.submit(&new);
    store.accept(hash, &[]);
    hash
}

fn a_decision_has_the_window_that_is_stored_at_that_moment(store: &mut Store) {
    let load = |store: &mut Store| storage::finality_window_load(&mut store.conn).unwrap();
    assert_eq!(load(store), Duration::from_secs(1), "that of the first start");
    store.set_window(70);
    assert_eq!(load(store), Duration::from_millis(70));
    let hash = accepted_deploy(store, ExecutionMode::Normal);
    assert_eq!(final_from(store, hash), at(4 + 70));
    let impossible = store.submit(&transfer(Some(bob()), Some(alice()), 11));
    store.execute(impossible);
    assert_eq!(final_from(store, impossible), at(5 + 70));
}

fn another_window_moves_everything_that_awaits_finality(store: &mut Store) {
    let normal = accepted_deploy(store, ExecutionMode::Normal);
    let alone = accepted_deploy(store, ExecutionMode::LeaderOnly);
    let impossible = store.submit(&transfer(Some(bob()), Some(alice()), 11));
    store.execute(impossible);
    for millis in [50, 90_000, 0] {
        store.set_window(millis);
        let window = i64::try_from(millis).unwrap();
        assert_eq!(final_from(store, normal), at(4 + window));
        assert_eq!(final_from(store, alone), at(4), "a mode without a window has none");
        assert_eq!(final_from(store, impossible), at(5 + window));
    }
    for hash in [normal, alone, impossible] {
        assert!(store.finalize(hash, 5));
    }
}

fn the_windows_of_a_queue_close_in_its_order_after_a_change(store: &mut Store) {
    let contract = store.deployed();
    let mut hashes = vec![store.events()[0].transaction];
    // Decided by processes whose clocks differ, and in a mode without a window.
    for (decided, mode) in
        [(500, ExecutionMode::Normal), (20, ExecutionMode::Normal), (30, ExecutionMode::LeaderOnly)]
    {
        let mut new = call(alice(), contract, 0);
        new.rules.mode = mode;
        let hash = store.submit(&new);
        let mut decision = accepted(&store.job(hash), &[]);
        decision.decided_at = at(decided);
        store.decide(&decision).unwrap();
        hashes.push(hash);
    }
    let ends = |store: &mut Store| -> Vec<Timestamp> {
        hashes.iter().map(|hash| final_from(store, *hash)).collect()
    };
    let first = ends(store);
    assert_eq!(first, [4 + WINDOW, 500 + WINDOW, 500 + WINDOW, 500 + WINDOW].map(at));
    store.set_window(0);
    assert_eq!(ends(store), [4, 500, 500, 500].map(at));
    let due = storage::transaction_list_due(&mut store.conn, at(500), None, 9).unwrap();
    assert_eq!(due.iter().map(|due| due.hash).collect::<Vec<_>>(), hashes);
    store.set_window(WINDOW.unsigned_abs());
    assert_eq!(ends(store), first, "a change there and back changes nothing");
}

fn what_is_final_stays_as_it_was(store: &mut Store) {
    let hash = accepted_deploy(store, ExecutionMode::Normal);
    assert!(store.finalize(hash, 4 + WINDOW));
    store.set_window(90_000);
    assert_eq!(final_from(store, hash), at(4 + WINDOW));
    assert_eq!(storage::transaction_next_due_at(&mut store.conn, at(500)), Ok(None));
}

fn a_change_and_a_decision_of_one_batch_fit_together(store: &mut Store) {
    let (before, after) = (store.submit(&deploy(alice(), 0)), store.submit(&deploy(alice(), 0)));
    let decisions = [before, after].map(|hash| accepted(&store.job(hash), &[]));
    store.write(|conn, ctx| {
        storage::decision_persist_in_txn(conn, ctx, &decisions[0], at(4))?;
        storage::finality_window_set_in_txn(conn, ctx, Duration::from_millis(7))?;
        storage::decision_persist_in_txn(conn, ctx, &decisions[1], at(4))
    });
    assert_eq!([before, after].map(|hash| final_from(store, hash)), [at(11); 2]);
}
