//! Finality: in order, never early, the state of that very transaction (law 9).

use agora::domain::ledger::StateVersion;
use agora::domain::{EventKind, Status};
use agora::storage;

use crate::harness::{Store, WINDOW, accepted, alice, at, bob, call, deploy, transfer};

on_both_databases!(
    nothing_is_final_before_its_window,
    the_finalized_state_is_that_of_the_transaction,
    earlier_ones_of_a_queue_come_first,
    a_decision_without_a_window_waits_for_an_earlier_one_that_has,
    due_transactions_are_listed_by_the_end_of_their_window,
    a_contract_has_a_finalized_state_from_its_deploy_on,
    an_impossible_transfer_becomes_final_too,
);

fn nothing_is_final_before_its_window(store: &mut Store) {
    let hash = store.submit(&deploy(alice(), 0));
    assert!(!store.finalize(hash, 9_000), "it is not decided");
    store.accept(hash, &[]);
    assert_eq!(storage::transaction_next_due_at(&mut store.conn, at(5)), Ok(Some(at(4 + WINDOW))));
    assert!(
        storage::transaction_list_due(&mut store.conn, at(3 + WINDOW), None, 9).unwrap().is_empty()
    );
    assert!(!store.finalize(hash, 3 + WINDOW));
    assert!(store.finalize(hash, 4 + WINDOW));
    assert_eq!(store.status(hash), Status::Finalized);
    let events = store.events().len();
    assert!(!store.finalize(hash, 5 + WINDOW), "it is final already");
    assert_eq!(store.events().len(), events);
    let last = EventKind::StatusChanged { status: Status::Finalized, rotation: None };
    assert_eq!(store.events().last().unwrap().kind, last);
    assert_eq!(storage::transaction_next_due_at(&mut store.conn, at(5)), Ok(None));
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.finalized_at, Some(at(4 + WINDOW)));
}

fn the_finalized_state_is_that_of_the_transaction(store: &mut Store) {
    let contract = store.deployed();
    let deploy = store.events()[0].transaction;
    let first = store.submit(&call(alice(), contract, 0));
    store.accept(first, &[(0, "first"), (1, "only the first")]);
    let second = store.submit(&call(alice(), contract, 0));
    store.accept(second, &[(0, "second"), (1, "")]);
    for (hash, zero, one) in
        [(deploy, "init", ""), (first, "first", "only the first"), (second, "second", "")]
    {
        assert!(store.finalize(hash, 9_000));
        assert_eq!(store.page(contract, StateVersion::Finalized, 0), zero);
        assert_eq!(store.page(contract, StateVersion::Finalized, 1), one);
        assert_eq!(store.page(contract, StateVersion::Accepted, 0), "second");
        assert_eq!(store.page(contract, StateVersion::Accepted, 1), "");
    }
}

fn earlier_ones_of_a_queue_come_first(store: &mut Store) {
    let contract = store.deployed();
    let deploy = store.events()[0].transaction;
    let call = store.submit(&call(alice(), contract, 0));
    store.accept(call, &[]);
    assert!(!store.finalize(call, 9_000));
    assert!(store.finalize(deploy, 9_000));
    assert!(store.finalize(call, 9_000));
}

fn a_decision_without_a_window_waits_for_an_earlier_one_that_has(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let mut decision = accepted(&job, &[]);
    decision.has_window = false;
    store.decide(&decision).unwrap();
    assert!(storage::transaction_list_due(&mut store.conn, at(5), None, 9).unwrap().is_empty());
    let due = storage::transaction_list_due(&mut store.conn, at(4 + WINDOW), None, 9).unwrap();
    assert_eq!((due.len(), due[1].hash), (2, hash));
    assert_eq!(due[1].final_from, at(4 + WINDOW));
}

fn due_transactions_are_listed_by_the_end_of_their_window(store: &mut Store) {
    let slow = store.submit(&deploy(alice(), 0));
    let fast = store.submit(&deploy(alice(), 0));
    let (slow_job, fast_job) = (store.job(slow), store.job(fast));
    let mut late = accepted(&slow_job, &[]);
    late.decided_at = at(9_000 - WINDOW);
    store.decide(&late).unwrap();
    store.decide(&accepted(&fast_job, &[])).unwrap();
    let due = |store: &mut Store, now, limit| -> Vec<_> {
        let due = storage::transaction_list_due(&mut store.conn, at(now), None, limit).unwrap();
        due.into_iter().map(|due| due.hash).collect()
    };
    assert_eq!(due(store, 8_999, 9), [fast]);
    assert_eq!(due(store, 9_000, 9), [fast, slow]);
    assert_eq!(due(store, 9_000, 1), [fast]);
}

fn a_contract_has_a_finalized_state_from_its_deploy_on(store: &mut Store) {
    let contract = store.deployed();
    let deploy = store.events()[0].transaction;
    let view = |store: &mut Store, version| {
        storage::contract_view(&mut store.conn, contract, version).unwrap()
    };
    assert!(view(store, StateVersion::Finalized).is_none());
    assert_eq!(view(store, StateVersion::Accepted).unwrap().snapshot.pages.len(), 1);
    store.finalize(deploy, 9_000);
    assert_eq!(view(store, StateVersion::Finalized).unwrap().snapshot.pages.len(), 1);
}

fn an_impossible_transfer_becomes_final_too(store: &mut Store) {
    let hash = store.submit(&transfer(Some(bob()), Some(alice()), 11));
    assert_eq!(store.execute(hash), Status::Undetermined);
    assert!(!store.finalize(hash, 4 + WINDOW));
    assert!(store.finalize(hash, 5 + WINDOW));
    assert_eq!(store.status(hash), Status::Finalized);
}
