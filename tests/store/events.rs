//! Every event tells of a stored change and can be replayed (law 10).

use agora::domain::EventKind;
use agora::storage;

use crate::harness::{CHAIN, Store, alice, at, bob, transfer};

on_both_databases!(
    events_are_numbered_without_gaps_in_the_order_of_commits,
    events_are_replayed_from_any_cursor,
    a_batch_hands_back_what_it_committed,
    damaged_events_are_an_error,
);

fn events_are_numbered_without_gaps_in_the_order_of_commits(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&transfer(None, Some(bob()), 1));
    store.execute(hash);
    let events = store.events();
    let cursors: Vec<i64> = events.iter().map(|event| event.cursor).collect();
    assert_eq!(cursors, (1..=7).collect::<Vec<_>>());
    assert_eq!(events[0].kind, EventKind::TransactionSubmitted);
    assert_eq!((events[0].address, events[4].address), (contract, contract));
    assert_eq!((events[5].transaction, events[5].address), (hash, bob()));
    assert_eq!(storage::event_last_cursor(&mut store.conn), Ok(7));
}

fn events_are_replayed_from_any_cursor(store: &mut Store) {
    assert_eq!(storage::event_last_cursor(&mut store.conn), Ok(0));
    assert!(store.events().is_empty());
    // More batches than are read at a time, of different sizes.
    for _ in 0..20 {
        store.deployed();
    }
    let all = store.events();
    assert_eq!(all.len(), 100);
    for cursor in 0..=all.len() {
        for limit in [1, 3, 1_000] {
            let from = i64::try_from(cursor).unwrap();
            let events = storage::events_after(&mut store.conn, from, limit).unwrap();
            let expected: Vec<_> = all[cursor..].iter().take(limit).cloned().collect();
            assert_eq!(events, expected, "{cursor} {limit}");
        }
    }
    assert!(storage::events_after(&mut store.conn, i64::MAX, 5).unwrap().is_empty());
}

fn a_batch_hands_back_what_it_committed(store: &mut Store) {
    let submit = storage::SubmitContext { chain_id: CHAIN, sandbox_mint: true, at: at(1) };
    let (hashes, events) = storage::batch(&mut store.conn, |conn, ctx| {
        (0..3)
            .map(|_| {
                let new = transfer(Some(alice()), Some(bob()), 1);
                Ok(storage::transaction_submit_in_txn(conn, ctx, &new, &submit)?.hash)
            })
            .collect::<Result<Vec<_>, _>>()
    })
    .unwrap();
    let told: Vec<_> = events.iter().map(|event| event.transaction).collect();
    assert_eq!(told, hashes);
    assert_eq!(store.events(), events);
}

fn damaged_events_are_an_error(store: &mut Store) {
    store.submit(&transfer(None, Some(bob()), 1));
    for damage in ["body = '[]'", "body = 'nonsense'", "count = 2"] {
        store.sql(&format!("UPDATE outbox SET {damage}")).unwrap();
        assert!(storage::events_after(&mut store.conn, 0, 9).is_err(), "{damage}");
    }
}
