//! Decisions are stored once, by the attempt that made them, with all their effects.

use agora::domain::ledger::{Decision, Persisted, StateVersion, StoreError};
use agora::domain::{
    Amount, EventKind, Evidence, Execution, ExecutionMode, ExecutionOutcome, Seat, Status, TxHash,
};
use agora::storage;

use crate::harness::{
    Store, WINDOW, accepted, alice, at, bob, call, decision, deploy, returning, step,
};

on_both_databases!(
    the_same_decision_again_changes_nothing,
    another_decision_is_stale,
    an_earlier_attempt_is_stale,
    steps_are_recorded_once_and_in_order,
    steps_of_an_earlier_attempt_are_skipped,
    an_illegal_step_is_refused_whole,
    a_decision_records_the_steps_that_were_not,
    an_impossible_decision_is_refused,
    an_accepted_deploy_is_a_contract,
    an_accepted_error_has_no_effects,
    an_undecided_value_goes_back,
    the_record_of_a_consensus_is_kept,
    modes_without_a_window_are_final_from_their_decision,
    emptied_pages_are_gone,
);

fn the_same_decision_again_changes_nothing(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 5));
    let job = store.job(hash);
    let decision = accepted(&job, &[(0, "new")]);
    assert_eq!(store.decide(&decision), Ok(Persisted::Stored { final_from: at(4 + WINDOW) }));
    let before = (store.balance(contract), store.events());
    assert_eq!(store.decide(&decision), Ok(Persisted::AlreadyStored));
    assert_eq!((store.balance(contract), store.events()), before);
    assert_eq!(before.0, Amount::from(5));
    for hash in [store.events()[0].transaction, hash] {
        assert!(store.finalize(hash, 9_000));
    }
    assert_eq!(store.decide(&decision), Ok(Persisted::AlreadyStored));
}

fn another_decision_is_stale(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    store.decide(&accepted(&job, &[(0, "new")])).unwrap();
    let others = [
        decision(&job, Status::Undetermined, returning(&[])),
        accepted(&job, &[(0, "other")]),
        Decision { decided_at: at(99), ..accepted(&job, &[(0, "new")]) },
    ];
    for other in others {
        assert!(matches!(store.decide(&other), Err(StoreError::Stale { .. })));
    }
    assert_eq!(store.page(contract, StateVersion::Accepted, 0), "new");
}

fn an_earlier_attempt_is_stale(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    store.write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, hash, 0, 3, "crash", at(3))
    });
    let stale = StoreError::Stale { hash, attempt: 0, found: Status::Pending, found_attempt: 1 };
    assert_eq!(store.decide(&accepted(&job, &[(0, "late")])), Err(stale));
    assert_eq!(store.page(contract, StateVersion::Accepted, 0), "init");
    store.accept(hash, &[(0, "second")]);
    assert!(matches!(store.decide(&accepted(&job, &[])), Err(StoreError::Stale { .. })));
}

fn steps_are_recorded_once_and_in_order(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let before = store.events().len();
    for sequences in [vec![0, 1], vec![0, 1, 1, 2], vec![2], vec![9]] {
        let steps: Vec<_> = sequences.into_iter().map(|sequence| step(&job, sequence)).collect();
        store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &steps));
    }
    assert_eq!(store.status(hash), Status::Revealing);
    let statuses: Vec<_> =
        store.events()[before..].iter().map(|event| event.kind.clone()).collect();
    let expected = [Status::Proposing, Status::Committing, Status::Revealing]
        .map(|status| EventKind::StatusChanged { status, rotation: Some(0) });
    assert_eq!(statuses, expected);
    store.decide(&accepted(&job, &[])).unwrap();
    assert_eq!(store.events().len(), before + 4);
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 3)]));
    assert_eq!(store.status(hash), Status::Accepted);
}

fn steps_of_an_earlier_attempt_are_skipped(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    store.write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, hash, 0, 3, "crash", at(3))
    });
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 0)]));
    assert_eq!(store.status(hash), Status::Pending);
}

fn an_illegal_step_is_refused_whole(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let mut steps = vec![step(&job, 0), step(&job, 1)];
    steps[1].status = Status::Revealing;
    let before = store.events();
    let refused =
        store.write(|conn, ctx| Ok(storage::announcements_record_in_txn(conn, ctx, &steps)));
    assert!(matches!(refused, Err(StoreError::IllegalStatusChange(_))));
    assert_eq!((store.status(hash), store.events()), (Status::Pending, before));
}

fn a_decision_records_the_steps_that_were_not(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 0)]));
    let before = store.events().len();
    store.decide(&accepted(&job, &[])).unwrap();
    let statuses: Vec<_> = store.events()[before..]
        .iter()
        .map(|event| match &event.kind {
            EventKind::StatusChanged { status, .. } => *status,
            EventKind::TransactionSubmitted => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(statuses, [Status::Committing, Status::Revealing, Status::Accepted]);
}

fn an_impossible_decision_is_refused(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let mut skipping = accepted(&job, &[(0, "x")]);
    skipping.announced.remove(1);
    let mut hasty = accepted(&job, &[(0, "x")]);
    hasty.announced.truncate(2);
    let undecided = Decision { status: Status::Revealing, ..accepted(&job, &[(0, "x")]) };
    let unbegun = Decision {
        announced: Vec::new(),
        ..decision(&job, Status::ValidatorsTimeout, returning(&[]))
    };
    for impossible in [skipping, hasty, undecided, unbegun] {
        assert!(store.decide(&impossible).is_err(), "{impossible:?}");
    }
    assert_eq!(store.status(hash), Status::Pending);
    assert_eq!(store.page(contract, StateVersion::Accepted, 0), "init");
    let unknown = Decision { hash: TxHash::new([1; 32]), ..accepted(&job, &[]) };
    assert!(matches!(store.decide(&unknown), Err(StoreError::NotFound { .. })));
}

fn an_accepted_deploy_is_a_contract(store: &mut Store) {
    let submitted = store.try_submit(&deploy(alice(), 30), true).unwrap();
    let contract = submitted.contract.unwrap();
    assert!(storage::contract_get(&mut store.conn, contract).unwrap().is_none());
    store.accept(submitted.hash, &[(0, "init")]);
    let record = storage::contract_get(&mut store.conn, contract).unwrap().unwrap();
    assert_eq!((record.address, record.deployed_by), (contract, submitted.hash));
    assert_eq!((record.balance, record.deployed_at), (Amount::from(30), at(4)));
    assert_eq!(record.position.0, 1);
    store.assert_conserved();
}

fn an_accepted_error_has_no_effects(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 5));
    let mut receipt = returning(&[(0, "must not be seen")]);
    receipt.outcome = ExecutionOutcome::UserError("no".into());
    let job = store.job(hash);
    store.decide(&decision(&job, Status::Accepted, receipt)).unwrap();
    assert_eq!(store.page(contract, StateVersion::Accepted, 0), "init");
    assert_eq!((store.balance(alice()), store.balance(contract)), (1_000.into(), 0.into()));
    store.assert_conserved();
    // A deploy that ends in an error leaves no contract.
    let failing = store.try_submit(&deploy(alice(), 0), true).unwrap();
    let job = store.job(failing.hash);
    let receipt = Execution::ending(ExecutionOutcome::VmError("exit_code 1".into()));
    store.decide(&decision(&job, Status::Accepted, receipt)).unwrap();
    let contract = failing.contract.unwrap();
    assert!(storage::contract_get(&mut store.conn, contract).unwrap().is_none());
}

fn an_undecided_value_goes_back(store: &mut Store) {
    let contract = store.deployed();
    for status in [Status::Undetermined, Status::ValidatorsTimeout, Status::LeaderTimeout] {
        let hash = store.submit(&call(alice(), contract, 5));
        assert_eq!(store.balance(alice()), Amount::from(995));
        let job = store.job(hash);
        let mut decision = decision(&job, status, returning(&[(0, "no")]));
        if status == Status::LeaderTimeout {
            decision.announced.truncate(1);
            decision.rotations[0].evidence =
                vec![Evidence::NodeFailed { seat: Seat(0), cause: "provider down".into() }];
        }
        store.decide(&decision).unwrap();
        assert_eq!(store.balance(alice()), Amount::from(1_000));
        assert_eq!(store.page(contract, StateVersion::Accepted, 0), "init");
        let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
        assert_eq!(record.status, status);
        let reason = record.reason.unwrap();
        assert_eq!(reason.contains("provider down"), status == Status::LeaderTimeout, "{reason}");
        store.assert_conserved();
    }
}

fn the_record_of_a_consensus_is_kept(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let mut decision = accepted(&job, &[(0, "a"), (1, "b")]);
    let mut receipt = returning(&[(0, "a"), (1, "b")]);
    receipt.stdout = "x".repeat(100_000);
    decision.rotations[0].leader_receipt = Some(receipt.into());
    store.decide(&decision).unwrap();
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    let rotation = &record.consensus.unwrap()["rotations"][0];
    assert_eq!(rotation["committee"].as_array().unwrap().len(), 5);
    assert_eq!(rotation["committee"][1]["seat"], 1);
    assert_eq!(rotation["committee"][1]["vote"], "agree");
    assert_eq!(rotation["committee"][1]["stake"], 3);
    let receipt = &rotation["leader_receipt"];
    assert_eq!((&receipt["outcome"], &receipt["result"]), (&"return".into(), &"done".into()));
    assert_eq!(receipt["pages_written"], 2);
    assert!(receipt["stdout"].as_str().unwrap().len() < 20_000);
}

fn modes_without_a_window_are_final_from_their_decision(store: &mut Store) {
    let mut new = deploy(alice(), 0);
    new.rules.mode = ExecutionMode::LeaderOnly;
    let hash = store.submit(&new);
    let job = store.job(hash);
    let mut decision = accepted(&job, &[(0, "init")]);
    decision.announced.truncate(1);
    store.decide(&decision).unwrap();
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.final_from, record.decided_at);
    assert!(store.finalize(hash, 4));
}

fn emptied_pages_are_gone(store: &mut Store) {
    let contract = store.deployed();
    let first = store.submit(&call(bob(), contract, 0));
    store.accept(first, &[(0, ""), (1, "one")]);
    let view = storage::contract_view(&mut store.conn, contract, StateVersion::Accepted).unwrap();
    let keys: Vec<u32> = view.unwrap().snapshot.pages.keys().map(|key| key.index).collect();
    assert_eq!(keys, [1]);
    for hash in [store.events()[0].transaction, first] {
        assert!(store.finalize(hash, 9_000));
    }
    let view = storage::contract_view(&mut store.conn, contract, StateVersion::Finalized).unwrap();
    let keys: Vec<u32> = view.unwrap().snapshot.pages.keys().map(|key| key.index).collect();
    assert_eq!(keys, [1]);
    // One row is left, so that one row can be copied under one key.
    store.sql("INSERT INTO owners SELECT 'row', 1 FROM contract_storage").unwrap();
}
