//! Money is exact, and conserved whatever happens (law 5).

use agora::domain::ledger::{Claim, TransactionFilter};
use agora::domain::{Address, Amount, Status};
use agora::storage::{self, Recover};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{
    Store, accepted, alice, at, bob, call, decision, deploy, returning, transfer,
};

on_both_databases!(
    transfers_mints_and_burns_are_exact,
    a_transfer_is_executed_once,
    what_cannot_be_paid_does_not_move,
    the_largest_amounts_are_exact,
    a_transfer_to_oneself_moves_nothing,
    transfers_keep_the_order_of_their_queue,
    money_is_conserved_by_every_program,
);

fn carol() -> Address {
    Address::new([0xca; 20])
}

fn transfers_mints_and_burns_are_exact(store: &mut Store) {
    for (new, [a, b, c]) in [
        (transfer(Some(alice()), Some(carol()), 999), [1, 10, 999]),
        (transfer(None, Some(bob()), 5), [1, 15, 999]),
        (transfer(Some(carol()), None, 900), [1, 15, 99]),
        (transfer(Some(alice()), Some(bob()), 0), [1, 15, 99]),
    ] {
        let hash = store.submit(&new);
        assert_eq!(store.execute(hash), Status::Finalized);
        let balances = [alice(), bob(), carol()].map(|address| store.balance(address));
        assert_eq!(balances, [a, b, c].map(Amount::from));
        store.assert_conserved();
    }
    let supply = storage::supply(&mut store.conn).unwrap();
    assert_eq!((supply.minted, supply.burned), (Amount::from(1_015), Amount::from(900)));
}

fn a_transfer_is_executed_once(store: &mut Store) {
    let hash = store.submit(&transfer(Some(alice()), Some(bob()), 1));
    assert_eq!(store.execute(hash), Status::Finalized);
    let events = store.events();
    assert_eq!(store.execute(hash), Status::Finalized);
    assert_eq!((store.balance(bob()), store.events()), (Amount::from(11), events));
    let call = store.submit(&deploy(alice(), 0));
    let refused =
        store.try_write(|conn, ctx| storage::transfer_execute_in_txn(conn, ctx, call, at(5)));
    assert!(refused.is_err());
}

fn what_cannot_be_paid_does_not_move(store: &mut Store) {
    for new in [
        transfer(Some(bob()), Some(alice()), 11),
        transfer(Some(bob()), None, 11),
        transfer(Some(carol()), Some(carol()), 1),
        transfer(None, None, 1),
    ] {
        let hash = store.submit(&new);
        assert_eq!(store.execute(hash), Status::Undetermined);
        assert_eq!(store.execute(hash), Status::Undetermined);
        let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
        assert!(record.reason.is_some() && record.final_from.is_some());
        assert_eq!((store.balance(alice()), store.balance(bob())), (1_000.into(), 10.into()));
        store.assert_conserved();
    }
}

fn the_largest_amounts_are_exact(store: &mut Store) {
    let room = Amount::MAX.checked_sub(Amount::from(1_010)).unwrap();
    let all = store.submit(&transfer(None, Some(carol()), room));
    assert_eq!(store.execute(all), Status::Finalized);
    store.assert_conserved();
    assert_eq!(store.balance(carol()), room);
    let more = store.submit(&transfer(None, Some(bob()), 1));
    assert_eq!(store.execute(more), Status::Undetermined);
    for (from, value) in [(alice(), Amount::from(1_000)), (bob(), Amount::from(10))] {
        let hash = store.submit(&transfer(Some(from), Some(carol()), value));
        assert_eq!(store.execute(hash), Status::Finalized);
    }
    assert_eq!(store.balance(carol()), Amount::MAX);
    let more = store.submit(&transfer(None, Some(carol()), 1));
    assert_eq!(store.execute(more), Status::Undetermined);
    let burn = store.submit(&transfer(Some(carol()), None, Amount::MAX));
    assert_eq!(store.execute(burn), Status::Finalized);
    assert_eq!(store.balance(carol()), Amount::ZERO);
    let supply = storage::supply(&mut store.conn).unwrap();
    assert_eq!((supply.minted, supply.burned), (Amount::MAX, Amount::MAX));
}

fn a_transfer_to_oneself_moves_nothing(store: &mut Store) {
    let hash = store.submit(&transfer(Some(alice()), Some(alice()), 1_000));
    assert_eq!(store.execute(hash), Status::Finalized);
    assert_eq!(store.balance(alice()), Amount::from(1_000));
    store.assert_conserved();
}

fn transfers_keep_the_order_of_their_queue(store: &mut Store) {
    let contract = store.deployed();
    let call = store.submit(&call(alice(), contract, 0));
    let hash = store.submit(&transfer(Some(alice()), Some(contract), 1));
    assert_eq!(store.execute(hash), Status::Pending);
    assert_eq!(store.balance(contract), Amount::ZERO);
    store.accept(call, &[]);
    assert_eq!(store.execute(hash), Status::Finalized);
    assert_eq!(store.balance(contract), Amount::from(1));
}

/// One step of a random program: what to do, with whom, and how much.
type Step = (u8, u8, u8, u64);

fn money_is_conserved_by_every_program(store: &mut Store) {
    let contract = store.deployed();
    let steps = prop::collection::vec((0..9_u8, 0..4_u8, 0..4_u8, 0..500_u64), 1..25);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 12, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let store = std::cell::RefCell::new(store);
    runner
        .run(&steps, |program| {
            let store = &mut **store.borrow_mut();
            for step in program {
                run_step(store, contract, step);
                let supply = storage::supply(&mut store.conn).unwrap();
                prop_assert!(supply.is_conserved(), "{step:?}: {supply:?}");
            }
            Ok(())
        })
        .unwrap();
    let store = store.into_inner();
    let counts = storage::status_counts(&mut store.conn).unwrap();
    assert!(counts.len() > 4, "the programs must do something: {counts:?}");
}

fn run_step(store: &mut Store, contract: Address, (what, from, to, value): Step) {
    let who = [alice(), bob(), carol(), contract].map(Some);
    let (from, to) = (who[usize::from(from)], who[usize::from(to)]);
    match what {
        0 => drop(store.try_submit(&transfer(from, to, value), true)),
        1 => drop(store.try_submit(&transfer(None, to, value), true)),
        2 => drop(store.try_submit(&transfer(from, None, value), true)),
        3 => drop(store.try_submit(&call(from.unwrap(), contract, value), value % 2 == 0)),
        4 => drop(store.try_submit(&deploy(from.unwrap(), value), true)),
        8 => {
            store.write(|conn, ctx| {
                storage::recovery_requeue_in_txn(conn, ctx, Recover::All, 3, at(6))
            });
        }
        _ => work_on_one(store, what, value),
    }
}

/// Moves one waiting or running transaction on, one way or another.
fn work_on_one(store: &mut Store, what: u8, value: u64) {
    let filter = TransactionFilter { status: Some(Status::Pending), ..Default::default() };
    let list = storage::transaction_list(&mut store.conn, &filter, None, 100).unwrap();
    for record in list.items.iter().rev() {
        let hash = record.transaction.hash;
        if record.transaction.payload == agora::domain::Payload::Transfer {
            store.execute(hash);
            continue;
        }
        let Claim::Claimed(job) = store.claim(hash) else { continue };
        let attempt = job.attempt;
        match (what, value % 3) {
            (5, _) => drop(store.decide(&accepted(&job, &[(1, "x")])).unwrap()),
            (6, 0) => drop(store.claim_as(hash, "one")),
            (6, _) => {
                let failed = decision(&job, Status::Undetermined, returning(&[]));
                store.decide(&failed).unwrap();
            }
            _ => drop(store.write(|conn, ctx| {
                storage::transaction_requeue_in_txn(conn, ctx, hash, attempt, 3, "", at(3))
            })),
        }
        return;
    }
}
