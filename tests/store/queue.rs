//! Order, and one in flight per queue (law 2).

use std::sync::Arc;

use agora::domain::ledger::{Claim, Electorate, Position, StateVersion, StoreError};
use agora::domain::{Amount, Bytes, Payload, Status, TxHash};
use agora::storage;

use crate::harness::{Store, accepted, alice, bob, call, deploy, key, step, transfer};

on_both_databases!(
    of_two_claimers_one_wins,
    a_later_transaction_is_blocked_until_the_earlier_is_decided,
    other_contracts_are_not_blocked,
    the_database_itself_refuses_a_second_one_in_flight,
    a_job_holds_what_its_consensus_needs,
    a_deploy_brings_its_own_code,
    without_validators_it_waits,
    unknown_transactions_and_transfers_cannot_be_claimed,
    an_exclusive_claim_writes_nothing,
    large_states_are_not_sent_along,
    waiting_transactions_are_listed_in_order,
);

fn of_two_claimers_one_wins(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    assert!(matches!(store.claim_as(hash, "one"), Claim::Claimed(_)));
    assert!(matches!(store.claim_as(hash, "two"), Claim::NotPending(Status::Proposing)));
    assert_eq!(store.status(hash), Status::Proposing);
}

fn a_later_transaction_is_blocked_until_the_earlier_is_decided(store: &mut Store) {
    let contract = store.deployed();
    let first = store.submit(&call(alice(), contract, 0));
    let second = store.submit(&call(bob(), contract, 0));
    assert!(matches!(store.claim(second), Claim::Blocked));
    assert!(matches!(store.claim_as(first, "one"), Claim::Claimed(_)));
    assert!(matches!(store.claim_as(second, "one"), Claim::Blocked));
    // The durable claim recorded step 0, the decision the rest.
    let decision = {
        let electorate = store.electorate.clone();
        let record = storage::transaction_get(&mut store.conn, first).unwrap().unwrap();
        let view = storage::contract_view(&mut store.conn, contract, StateVersion::Accepted)
            .unwrap()
            .unwrap();
        let job = agora::domain::ledger::ConsensusJob {
            transaction: Arc::new(record.transaction),
            submitted_at: record.submitted_at,
            contract_now: record.submitted_at.into(),
            attempt: record.attempt,
            phase: agora::domain::Phase::Initial,
            past: Vec::new(),
            receipt: None,
            origin: alice(),
            overlay: Arc::default(),
            contract,
            contract_balance: Amount::ZERO,
            code: Some(view.record.code),
            snapshot: view.snapshot,
            validators: electorate.validators,
            models: electorate.models,
            views: agora::domain::ledger::SharedViews::default(),
            hold: agora::domain::ledger::Hold::default(),
        };
        accepted(&job, &[])
    };
    store.decide(&decision).unwrap();
    assert!(matches!(store.claim(second), Claim::Claimed(_)));
    assert!(matches!(store.claim(first), Claim::NotPending(Status::Accepted)));
}

fn other_contracts_are_not_blocked(store: &mut Store) {
    let first = store.try_submit(&deploy(alice(), 0), true).unwrap();
    let second = store.try_submit(&deploy(alice(), 0), true).unwrap();
    assert_ne!(first.contract, second.contract);
    assert!(matches!(store.claim_as(first.hash, "one"), Claim::Claimed(_)));
    assert!(matches!(store.claim_as(second.hash, "one"), Claim::Claimed(_)));
}

fn the_database_itself_refuses_a_second_one_in_flight(store: &mut Store) {
    let contract = store.deployed();
    store.submit(&call(alice(), contract, 0));
    store.submit(&call(alice(), contract, 0));
    store.sql("UPDATE transactions SET status = 'PROPOSING' WHERE position = 2").unwrap();
    let error = store.sql("UPDATE transactions SET status = 'REVEALING' WHERE position = 3");
    assert!(error.unwrap_err().to_string().to_lowercase().contains("unique"));
    assert!(store.sql("UPDATE transactions SET status = 'ACTIVATED' WHERE position = 3").is_err());
}

fn a_job_holds_what_its_consensus_needs(store: &mut Store) {
    let contract = store.deployed();
    let first = store.submit(&call(alice(), contract, 7));
    store.accept(first, &[(0, "seven"), (3, "three")]);
    let hash = store.submit(&call(bob(), contract, 2));
    let job = store.job(hash);
    assert_eq!((job.contract, job.contract_balance), (contract, Amount::from(7)));
    assert_eq!((job.transaction.hash, job.transaction.value), (hash, Amount::from(2)));
    assert_eq!(job.code.unwrap().source.to_vec(), b"class Contract: ...");
    assert!(job.snapshot.complete);
    let pages: Vec<_> =
        job.snapshot.pages.iter().map(|(key, page)| (*key, page.to_vec())).collect();
    assert_eq!(pages, [(key(0), b"seven".to_vec()), (key(3), b"three".to_vec())]);
    assert_eq!(job.validators.len(), 5);
}

fn a_deploy_brings_its_own_code(store: &mut Store) {
    let submitted = store.try_submit(&deploy(alice(), 0), true).unwrap();
    let job = store.job(submitted.hash);
    assert_eq!(Some(job.contract), submitted.contract);
    let code = job.code.unwrap();
    assert_eq!(code, agora::domain::Code::new(Bytes::from_static(b"class Contract: ...")));
    assert!(matches!(job.transaction.payload, Payload::Deploy { .. }));
    assert!(job.snapshot.complete && job.snapshot.pages.is_empty());
}

fn without_validators_it_waits(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    store.electorate = Electorate::default();
    assert!(matches!(store.claim_as(hash, "one"), Claim::NoValidators));
    store.write(|conn, _| storage::transaction_reason_set_in_txn(conn, hash, "no validators"));
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!((record.status, record.reason.as_deref()), (Status::Pending, Some("no validators")));
}

fn unknown_transactions_and_transfers_cannot_be_claimed(store: &mut Store) {
    let transfer = store.submit(&transfer(Some(alice()), Some(bob()), 1));
    for hash in [transfer, TxHash::new([1; 32])] {
        let electorate = store.electorate.clone();
        let claim = storage::transaction_claim_exclusive(&mut store.conn, hash, &electorate);
        assert!(matches!(claim, Err(StoreError::NotFound { .. })), "{claim:?}");
    }
}

fn an_exclusive_claim_writes_nothing(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let before = store.events();
    let job = store.job(hash);
    assert_eq!(store.status(hash), Status::Pending);
    assert_eq!(store.events(), before);
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 0)]));
    assert_eq!(store.status(hash), Status::Proposing);
}

fn large_states_are_not_sent_along(store: &mut Store) {
    let contract = store.deployed();
    let texts: Vec<String> = (0..=256).map(|index| format!("page {index}")).collect();
    let pages = |count: usize| -> Vec<(u32, &str)> {
        (0..).zip(texts.iter().take(count).map(String::as_str)).collect()
    };
    let full = store.submit(&call(alice(), contract, 0));
    store.accept(full, &pages(256));
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    assert!(job.snapshot.complete && job.snapshot.pages.len() == 256);
    store.accept(hash, &pages(257));
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    assert!(!job.snapshot.complete && job.snapshot.pages.is_empty());
    // The pages are read one by one, or in order.
    assert_eq!(store.page(contract, StateVersion::Accepted, 256), "page 256");
    assert_eq!(store.page(contract, StateVersion::Accepted, 999), "");
    let version = StateVersion::Accepted;
    let rest = storage::contract_page_list(&mut store.conn, contract, version, Some(key(250)), 4);
    let indexes: Vec<u32> = rest.unwrap().iter().map(|(key, _)| key.index).collect();
    assert_eq!(indexes, [251, 252, 253, 254]);
}

fn waiting_transactions_are_listed_in_order(store: &mut Store) {
    let contract = store.deployed();
    let first = store.submit(&call(alice(), contract, 0));
    let second = store.submit(&transfer(None, Some(bob()), 1));
    let third = store.submit(&call(bob(), contract, 0));
    let hashes = |list: Result<Vec<agora::domain::ledger::PendingTransaction>, _>| -> Vec<TxHash> {
        list.unwrap().iter().map(|pending| pending.hash).collect()
    };
    let start = Position::default();
    let all = hashes(storage::transaction_list_pending(&mut store.conn, start, 10));
    assert_eq!(all, [first, second, third]);
    let limited = storage::transaction_list_pending(&mut store.conn, Position(2), 1).unwrap();
    assert_eq!((limited.len(), limited[0].hash, limited[0].queue), (1, second, bob()));
    let of = hashes(storage::transaction_list_pending_of(&mut store.conn, contract, start, 10));
    assert_eq!(of, [first, third]);
    let behind =
        hashes(storage::transaction_list_pending_of(&mut store.conn, contract, Position(2), 10));
    assert_eq!(behind, [third]);
    assert_eq!(storage::pending_count(&mut store.conn).unwrap(), 3);
}
