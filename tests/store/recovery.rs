//! Back to the queue after crashes, and given up after too many (protocol section 6).

use agora::domain::ledger::{Claim, StoreError};
use agora::domain::{Amount, Status};
use agora::storage::{self, Recover};

use crate::harness::{Store, alice, at, call, deploy, step};

on_both_databases!(
    a_crashed_transaction_waits_again_with_the_next_attempt,
    after_too_many_attempts_it_is_given_up_and_refunded,
    only_the_attempt_that_runs_can_be_sent_back,
    at_start_everything_in_flight_waits_again,
    only_lapsed_owners_lose_their_work,
);

fn requeue(
    store: &mut Store,
    hash: agora::domain::TxHash,
    attempt: u32,
) -> Result<Status, StoreError> {
    store.try_write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, hash, attempt, 3, "out of luck", at(3))
    })
}

fn a_crashed_transaction_waits_again_with_the_next_attempt(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    store.claim_as(hash, "one");
    let events = store.events().len();
    assert_eq!(requeue(store, hash, 0), Ok(Status::Pending));
    assert_eq!(store.events().len(), events + 1);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!((record.status, record.attempt), (Status::Pending, 1));
    assert!(record.reason.unwrap().contains("out of luck"));
    let job = store.job(hash);
    assert_eq!(job.attempt, 1);
    // Its steps are numbered anew.
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 0)]));
    assert_eq!(store.status(hash), Status::Proposing);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.reason, None);
}

fn after_too_many_attempts_it_is_given_up_and_refunded(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 40));
    let next = store.submit(&call(alice(), contract, 0));
    assert_eq!(requeue(store, hash, 0), Ok(Status::Pending));
    assert_eq!(requeue(store, hash, 1), Ok(Status::Pending));
    assert_eq!(store.balance(alice()), Amount::from(960));
    assert_eq!(requeue(store, hash, 2), Ok(Status::Canceled));
    assert_eq!(store.balance(alice()), Amount::from(1_000));
    store.assert_conserved();
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert!(record.reason.unwrap().contains("out of luck"));
    assert!(matches!(requeue(store, hash, 2), Err(StoreError::Stale { .. })));
    assert_eq!(store.balance(alice()), Amount::from(1_000));
    // The contract is free for the next one.
    assert!(matches!(store.claim(next), Claim::Claimed(_)));
}

fn only_the_attempt_that_runs_can_be_sent_back(store: &mut Store) {
    let hash = store.submit(&deploy(alice(), 0));
    assert!(matches!(requeue(store, hash, 1), Err(StoreError::Stale { .. })));
    store.accept(hash, &[]);
    assert!(matches!(requeue(store, hash, 0), Err(StoreError::Stale { .. })));
    assert_eq!(store.status(hash), Status::Accepted);
}

fn at_start_everything_in_flight_waits_again(store: &mut Store) {
    let running = store.submit(&deploy(alice(), 0));
    let waiting = store.submit(&deploy(alice(), 0));
    let crashing = store.submit(&deploy(alice(), 7));
    store.claim_as(running, "one");
    for attempt in 0..2 {
        requeue(store, crashing, attempt).unwrap();
    }
    store.claim_as(crashing, "two");
    let recovered = store
        .write(|conn, ctx| storage::recovery_requeue_in_txn(conn, ctx, Recover::All, 3, at(9)));
    assert_eq!(recovered, [running, crashing]);
    assert_eq!(store.status(running), Status::Pending);
    assert_eq!(store.status(waiting), Status::Pending);
    assert_eq!(store.status(crashing), Status::Canceled);
    assert_eq!((store.job(running).attempt, store.job(waiting).attempt), (1, 0));
    store.assert_conserved();
}

fn only_lapsed_owners_lose_their_work(store: &mut Store) {
    let hashes: Vec<_> = (0..3).map(|_| store.submit(&deploy(alice(), 0))).collect();
    for (hash, owner) in hashes.iter().zip(["alive", "lapsed", "unknown"]) {
        store.claim_as(*hash, owner);
    }
    for (owner, heartbeat) in [("alive", 1), ("lapsed", 50), ("alive", 100)] {
        store.write(|conn, _| storage::owner_heartbeat_in_txn(conn, owner, at(heartbeat)));
    }
    let recover = Recover::LapsedBefore { owner_heartbeat: at(100) };
    let recovered =
        store.write(|conn, ctx| storage::recovery_requeue_in_txn(conn, ctx, recover, 3, at(101)));
    assert_eq!(recovered, hashes[1..]);
    assert_eq!(store.status(hashes[0]), Status::Proposing);
}
