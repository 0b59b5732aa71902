//! Back to the queue after crashes, and given up after too many (protocol section 6).

use agora::domain::ledger::{Claim, StoreError};
use agora::domain::{Amount, AppealKind, EventKind, Phase, Status, TxHash};
use agora::storage::{self, Recover};

use crate::harness::{
    Store, WINDOW, accepted, alice, at, bob, call, decision, deploy, returning, step,
};
use crate::undo::add_validators;

on_both_databases!(
    a_crashed_transaction_waits_again_with_the_next_attempt,
    after_too_many_attempts_it_is_given_up_and_refunded,
    only_the_attempt_that_runs_can_be_sent_back,
    at_start_everything_in_flight_waits_again,
    only_lapsed_owners_lose_their_work,
    an_appeal_that_crashes_goes_back_to_the_decision_and_stays_open,
    an_appeal_that_crashed_too_often_has_failed,
    an_appeal_that_failed_so_leaves_the_way_to_the_next_one,
    what_crashed_before_the_decision_does_not_count_against_the_appeal,
    an_appeal_that_a_stopped_process_left_fails_at_the_third_start,
);

fn requeue(store: &mut Store, hash: TxHash, attempt: u32) -> Result<Status, StoreError> {
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

/// A call that is accepted at 4 and appealed at 6, so that the appeal is attempt 1.
fn appealed(store: &mut Store) -> TxHash {
    add_validators(store);
    let contract = store.deployed();
    let deploy = store.first_hash();
    assert!(store.finalize(deploy, 9_000), "its window keeps no other open");
    let hash = store.submit(&call(alice(), contract, 5));
    store.accept(hash, &[(0, "called")]);
    open_appeal(store, hash);
    hash
}

fn open_appeal(store: &mut Store, hash: TxHash) {
    let opened =
        store.write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, hash, bob(), at(6)));
    assert_eq!(opened, AppealKind::Validators);
}

/// The appeal's round is claimed, and whoever claimed it crashes at `now`.
fn crash(store: &mut Store, hash: TxHash, attempt: u32, now: i64) -> Status {
    assert!(matches!(store.claim_as(hash, "one"), Claim::Claimed(_)));
    assert_eq!(store.status(hash), Status::Committing);
    store.write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, hash, attempt, 3, "out of luck", at(now))
    })
}

/// How the last appeal over a transaction ended: kind, `successful` and when.
fn ended(store: &mut Store, hash: TxHash) -> [String; 3] {
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    let appeals = record.consensus.unwrap()["appeals"].take();
    let last = appeals.as_array().unwrap().last().unwrap();
    ["kind", "successful", "closed_at"].map(|field| last[field].to_string())
}

fn closed_events(store: &mut Store) -> Vec<EventKind> {
    let events = store.events().into_iter().map(|event| event.kind);
    events.filter(|kind| matches!(kind, EventKind::AppealClosed { .. })).collect()
}

fn an_appeal_that_crashes_goes_back_to_the_decision_and_stays_open(store: &mut Store) {
    let hash = appealed(store);
    assert_eq!(crash(store, hash, 1, 50), Status::Accepted);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!((record.status, record.attempt), (Status::Accepted, 2));
    assert_eq!(record.appeal, Some(AppealKind::Validators));
    assert_eq!((record.decided_at, record.final_from), (Some(at(4)), Some(at(4 + WINDOW))));
    assert!(record.reason.unwrap().contains("its validators appeal crashed 1 times"));
    assert_eq!(ended(store, hash), ["\"validators\"", "null", "null"]);
    assert_eq!(closed_events(store), []);
    assert!(!store.finalize(hash, 1_000_000), "not before it is judged");
    // It can be judged, by everybody who was drawn for it.
    let job = store.job(hash);
    assert_eq!((job.attempt, job.phase), (2, Phase::Appeal(AppealKind::Validators)));
}

fn an_appeal_that_crashed_too_often_has_failed(store: &mut Store) {
    let hash = appealed(store);
    for (attempt, now) in [(1, 50), (2, 60)] {
        assert_eq!(crash(store, hash, attempt, now), Status::Accepted);
    }
    assert_eq!(crash(store, hash, 3, 106), Status::Accepted);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!((record.status, record.appeal), (Status::Accepted, None));
    // A fifth shorter, and stopped from 6 to 106.
    assert_eq!((record.decided_at, record.final_from), (Some(at(4)), Some(at(4 + 800 + 100))));
    assert!(record.reason.unwrap().contains("its validators appeal failed after 3 crashes"));
    assert_eq!(ended(store, hash), ["\"validators\"", "false", &at(106).as_millis().to_string()]);
    let failed = EventKind::AppealClosed { kind: AppealKind::Validators, successful: false };
    assert_eq!(closed_events(store), [failed]);
    assert!(matches!(store.claim(hash), Claim::NotPending(Status::Accepted)));
    assert!(!store.finalize(hash, 903) && store.finalize(hash, 904));
    store.assert_conserved();
}

fn an_appeal_that_failed_so_leaves_the_way_to_the_next_one(store: &mut Store) {
    let hash = appealed(store);
    for (attempt, now) in [(1, 50), (2, 60), (3, 106)] {
        crash(store, hash, attempt, now);
    }
    let refused = requeue(store, hash, 4);
    assert!(matches!(refused, Err(StoreError::Stale { .. })), "{refused:?}");
    open_appeal(store, hash);
    assert_eq!(crash(store, hash, 5, 200), Status::Accepted, "with crashes of its own");
    let job = store.job(hash);
    let upheld = decision(&job, Status::Accepted, returning(&[(0, "called")]));
    let mut upheld = agora::domain::ledger::Decision { announced: Vec::new(), ..upheld };
    upheld.decided_at = at(206);
    store.decide(&upheld).unwrap();
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    // Shorter once more, and stopped from 6 to 106 and from 6 to 206.
    assert_eq!(record.final_from, Some(at(4 + 640 + 100 + 200)));
}

fn what_crashed_before_the_decision_does_not_count_against_the_appeal(store: &mut Store) {
    add_validators(store);
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    for attempt in 0..2 {
        requeue(store, hash, attempt).unwrap();
    }
    let decision = accepted(&store.job(hash), &[]);
    store.decide(&decision).unwrap();
    open_appeal(store, hash);
    assert_eq!(crash(store, hash, 3, 50), Status::Accepted);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.appeal, Some(AppealKind::Validators));
}

fn an_appeal_that_a_stopped_process_left_fails_at_the_third_start(store: &mut Store) {
    let hash = appealed(store);
    for start in 1..=3 {
        assert!(matches!(store.claim_as(hash, "one"), Claim::Claimed(_)), "start {start}");
        let recovered = store.write(|conn, ctx| {
            storage::recovery_requeue_in_txn(conn, ctx, Recover::All, 3, at(100 * start))
        });
        assert_eq!(recovered, [hash]);
    }
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!((record.status, record.appeal), (Status::Accepted, None));
    assert_eq!(record.final_from, Some(at(4 + 800 + 294)));
    assert_eq!(ended(store, hash)[1], "false");
}
