//! What is accepted, and how often.

use agora::domain::ledger::{NewTransaction, StoreError, Submitted};
use agora::domain::{Address, Amount, Bytes, Payload, Status};
use agora::storage;

use crate::harness::{Store, alice, bob, call, decision, deploy, returning, transfer};

on_both_databases!(
    nonces_follow_each_other,
    the_same_transaction_again_is_a_repetition,
    an_idempotency_key_stands_for_one_transaction,
    calls_need_a_contract_or_a_deploy_of_it,
    values_of_calls_are_locked_and_values_of_transfers_are_not,
    a_missing_value_is_minted_or_refused,
    a_refusal_leaves_no_trace_in_its_batch,
    a_code_is_stored_once,
    a_stored_transaction_reads_back_as_it_was_sent,
);

fn with_nonce(new: NewTransaction, nonce: u64) -> NewTransaction {
    NewTransaction { nonce: Some(nonce), ..new }
}

fn nonces_follow_each_other(store: &mut Store) {
    let send = |nonce| with_nonce(transfer(Some(alice()), Some(bob()), 1), nonce);
    assert_eq!(store.try_submit(&send(0), true).unwrap().nonce, 0);
    let unnumbered = transfer(Some(alice()), Some(bob()), 1);
    assert_eq!(store.try_submit(&unnumbered, true).unwrap().nonce, 1);
    let gap = store.try_submit(&send(3), true);
    assert_eq!(gap, Err(StoreError::Nonce { account: alice(), given: 3, next: 2 }));
    // Nonce 0 was used for another value.
    let other = with_nonce(transfer(Some(alice()), Some(bob()), 2), 0);
    let used = store.try_submit(&other, true);
    assert_eq!(used, Err(StoreError::Nonce { account: alice(), given: 0, next: 2 }));
    let huge = store.try_submit(&send(u64::MAX), true);
    assert!(matches!(huge, Err(StoreError::Nonce { .. })));
    let mints: Vec<Submitted> =
        (0..2).map(|_| store.try_submit(&transfer(None, Some(bob()), 1), true).unwrap()).collect();
    assert_eq!((mints[0].nonce, mints[1].nonce), (3, 4));
    assert_ne!(mints[0].hash, mints[1].hash);
}

fn the_same_transaction_again_is_a_repetition(store: &mut Store) {
    let new = with_nonce(deploy(alice(), 5), 0);
    let first = store.try_submit(&new, true).unwrap();
    assert!(!first.duplicate && first.contract.is_some());
    let (balance, events) = (store.balance(alice()), store.events());
    let again = store.try_submit(&new, true).unwrap();
    assert_eq!(again, Submitted { duplicate: true, ..first });
    assert_eq!((store.balance(alice()), store.events()), (balance, events));
}

fn an_idempotency_key_stands_for_one_transaction(store: &mut Store) {
    let keyed = |value: u64| NewTransaction {
        idempotency_key: Some("order 1".into()),
        ..deploy(alice(), value)
    };
    let first = store.try_submit(&keyed(5), true).unwrap();
    let again = store.try_submit(&keyed(5), true).unwrap();
    assert_eq!(again, Submitted { duplicate: true, ..first });
    let reused = Err(StoreError::IdempotencyKeyReused("order 1".into()));
    assert_eq!(store.try_submit(&keyed(6), true), reused);
    let other_code = Payload::Deploy { code: Bytes::from_static(b"x"), calldata: Bytes::new() };
    let other = NewTransaction { payload: other_code, ..keyed(5) };
    assert_eq!(store.try_submit(&other, true), reused);
    assert_eq!(store.try_submit(&with_nonce(keyed(5), 7), true), reused);
    assert!(store.try_submit(&with_nonce(keyed(5), 0), true).unwrap().duplicate);
    assert_eq!(store.balance(alice()), Amount::from(995));
}

fn calls_need_a_contract_or_a_deploy_of_it(store: &mut Store) {
    let nowhere = Address::new([0xee; 20]);
    let missing = StoreError::NotFound { what: "contract", name: nowhere.to_string() };
    assert_eq!(store.try_submit(&call(alice(), nowhere, 1), true), Err(missing));
    let no_address = NewTransaction { to: None, ..call(alice(), nowhere, 1) };
    assert!(matches!(store.try_submit(&no_address, true), Err(StoreError::NotFound { .. })));

    // It may be called while its deploy waits, and when that failed, but not when it was given up.
    let deployed = store.try_submit(&deploy(alice(), 0), true).unwrap();
    let contract = deployed.contract.unwrap();
    store.try_submit(&call(alice(), contract, 0), true).unwrap();
    let job = store.job(deployed.hash);
    store.decide(&decision(&job, Status::Undetermined, returning(&[]))).unwrap();
    store.try_submit(&call(alice(), contract, 0), true).unwrap();
    store.sql("UPDATE transactions SET status = 'CANCELED' WHERE kind = 'deploy'").unwrap();
    assert!(store.try_submit(&call(alice(), contract, 0), true).is_err());
}

fn values_of_calls_are_locked_and_values_of_transfers_are_not(store: &mut Store) {
    let contract = store.deployed();
    store.submit(&call(alice(), contract, 300));
    assert_eq!(store.balance(alice()), Amount::from(700));
    store.submit(&transfer(Some(alice()), Some(bob()), 300));
    assert_eq!(store.balance(alice()), Amount::from(700));
    let supply = storage::supply(&mut store.conn).unwrap();
    assert_eq!((supply.locked, supply.minted), (Amount::from(300), Amount::from(1_010)));
    assert!(supply.is_conserved());
}

fn a_missing_value_is_minted_or_refused(store: &mut Store) {
    let contract = store.deployed();
    let poor = call(bob(), contract, 25);
    let refused = StoreError::InsufficientFunds {
        account: bob(),
        balance: Amount::from(10),
        needed: Amount::from(25),
    };
    assert_eq!(store.try_submit(&poor, false), Err(refused));
    store.try_submit(&poor, true).unwrap();
    assert_eq!(store.balance(bob()), Amount::ZERO);
    let supply = storage::supply(&mut store.conn).unwrap();
    assert_eq!(supply.minted, Amount::from(1_025));
    assert!(supply.is_conserved());
    // Not more than there can be.
    let endless = NewTransaction { value: Amount::MAX, ..call(bob(), contract, 0) };
    assert_eq!(store.try_submit(&endless, true), Err(StoreError::Overflow(bob())));
}

fn a_refusal_leaves_no_trace_in_its_batch(store: &mut Store) {
    use crate::harness::{CHAIN, at};
    let submit = storage::SubmitContext { chain_id: CHAIN, sandbox_mint: false, at: at(1) };
    let contract = store.deployed();
    let refused = [
        with_nonce(transfer(Some(bob()), None, 1), 9),
        call(bob(), Address::new([0xee; 20]), 1),
        call(bob(), contract, 11),
        NewTransaction { value: Amount::from(11), ..deploy(bob(), 0) },
    ];
    let good = transfer(Some(bob()), Some(alice()), 1);
    let (answers, events) = storage::batch(&mut store.conn, |conn, ctx| {
        let mut answers = Vec::new();
        for new in &refused {
            answers.push(storage::transaction_submit_in_txn(conn, ctx, new, &submit).is_err());
        }
        let good = storage::transaction_submit_in_txn(conn, ctx, &good, &submit)?;
        Ok((answers, good))
    })
    .unwrap();
    assert_eq!(answers.0, [true; 4]);
    assert_eq!((answers.1.nonce, events.len()), (0, 1));
    let account = storage::account_get(&mut store.conn, bob()).unwrap().unwrap();
    assert_eq!((account.balance, account.nonce), (Amount::from(10), 1));
    let record = storage::transaction_get(&mut store.conn, answers.1.hash).unwrap().unwrap();
    assert_eq!(record.position.0, 2, "the refused took no place");
    // A batch that fails is undone whole.
    let failed = store.try_write(|conn, ctx| {
        storage::transaction_submit_in_txn(conn, ctx, &transfer(Some(bob()), None, 1), &submit)?;
        Err::<(), _>(StoreError::Closed)
    });
    assert_eq!(failed, Err(StoreError::Closed));
    assert_eq!(storage::account_get(&mut store.conn, bob()).unwrap().unwrap().nonce, 1);
    assert_eq!(store.events().last().unwrap().transaction, answers.1.hash);
}

fn a_code_is_stored_once(store: &mut Store) {
    store.submit(&deploy(alice(), 0));
    store.submit(&deploy(bob(), 0));
    // A second row would break the key of `codes` and with it the submission.
    let pending = storage::pending_count(&mut store.conn).unwrap();
    assert_eq!(pending, 2);
}

fn a_stored_transaction_reads_back_as_it_was_sent(store: &mut Store) {
    let new = deploy(alice(), 5);
    let submitted = store.try_submit(&new, true).unwrap();
    let record = storage::transaction_get(&mut store.conn, submitted.hash).unwrap().unwrap();
    let read = record.transaction;
    assert_eq!((read.from, read.to, read.value), (new.from, new.to, new.value));
    assert_eq!((&read.payload, read.rules, read.nonce), (&new.payload, new.rules, 0));
    assert_eq!(agora::domain::Transaction::hash_of(crate::harness::CHAIN, &read), submitted.hash);
    assert_eq!((record.status, record.attempt), (Status::Pending, 0));
    assert!(record.consensus.is_none() && record.decided_at.is_none());
}
