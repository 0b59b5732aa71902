//! Reads, validators, and rows that cannot be.

use agora::domain::ledger::{Position, StoreError, TransactionFilter, ValidatorChange};
use agora::domain::{Address, PayloadKind, Stake, Status, TxHash};
use agora::storage;

use crate::harness::{Store, alice, at, bob, call, deploy, transfer, validator};

on_both_databases!(
    transactions_are_listed_newest_first_by_page_and_filter,
    contracts_are_listed_in_the_order_of_their_deploys,
    nothing_is_found_under_unknown_names,
    validators_come_change_and_go,
    a_network_is_created_once,
    impossible_rows_are_an_error_in_words,
    readers_read_and_do_not_write,
    a_batch_that_waited_for_another_in_vain_can_be_tried_again,
);

fn transactions_are_listed_newest_first_by_page_and_filter(store: &mut Store) {
    let contract = store.deployed();
    let deployed = store.events()[0].transaction;
    let called = store.submit(&call(bob(), contract, 0));
    let sent = store.submit(&transfer(Some(alice()), Some(contract), 1));
    let burned = store.submit(&transfer(Some(alice()), None, 1));
    let list = |store: &mut Store, filter: TransactionFilter| -> Vec<TxHash> {
        let page = storage::transaction_list(&mut store.conn, &filter, None, 50).unwrap();
        assert_eq!(page.next, None);
        page.items.iter().map(|record| record.transaction.hash).collect()
    };
    let all = TransactionFilter::default();
    assert_eq!(list(store, all.clone()), [burned, sent, called, deployed]);
    let filter = TransactionFilter { to: Some(contract), ..all.clone() };
    assert_eq!(list(store, filter), [sent, called, deployed]);
    assert!(list(store, TransactionFilter { to: Some(alice()), ..all.clone() }).is_empty());
    let filter = TransactionFilter { from: Some(alice()), ..all.clone() };
    assert_eq!(list(store, filter.clone()), [burned, sent, deployed]);
    let filter = TransactionFilter { kind: Some(PayloadKind::Deploy), ..filter };
    assert_eq!(list(store, filter), [deployed]);
    let filter = TransactionFilter { status: Some(Status::Accepted), ..all.clone() };
    assert_eq!(list(store, filter), [deployed]);

    let first = storage::transaction_list(&mut store.conn, &all, None, 3).unwrap();
    assert_eq!((first.items.len(), first.next), (3, Some(Position(2))));
    let rest = storage::transaction_list(&mut store.conn, &all, first.next, 3).unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let counts = storage::status_counts(&mut store.conn).unwrap();
    assert_eq!(counts, [(Status::Pending, 3), (Status::Accepted, 1)]);
}

fn contracts_are_listed_in_the_order_of_their_deploys(store: &mut Store) {
    let contracts: Vec<Address> = (0..3).map(|_| store.deployed()).collect();
    let first = storage::contract_list(&mut store.conn, Position::default(), 2).unwrap();
    let rest = storage::contract_list(&mut store.conn, first.next.unwrap(), 2).unwrap();
    assert_eq!(rest.next, None);
    let listed: Vec<Address> =
        first.items.iter().chain(&rest.items).map(|record| record.address).collect();
    assert_eq!(listed, contracts);
}

fn nothing_is_found_under_unknown_names(store: &mut Store) {
    let (hash, address) = (TxHash::new([1; 32]), Address::new([1; 20]));
    assert!(storage::transaction_get(&mut store.conn, hash).unwrap().is_none());
    assert!(storage::contract_get(&mut store.conn, address).unwrap().is_none());
    assert!(storage::account_get(&mut store.conn, address).unwrap().is_none());
    let finalized =
        store.try_write(|conn, ctx| storage::transaction_finalize_in_txn(conn, ctx, hash, at(1)));
    assert!(matches!(finalized, Err(StoreError::NotFound { what: "transaction", .. })));
}

fn validators_come_change_and_go(store: &mut Store) {
    let stake = |weight: u64| Stake::try_from(weight).unwrap();
    // The numbers 0 to 4 went to the validators of the start; number 5 is taken by another one.
    let derive = |number: u64| Address::new([u8::try_from(number).unwrap(); 20]);
    let mut change = |change: ValidatorChange| {
        store.try_write(|conn, ctx| {
            storage::validator_change_in_txn(conn, ctx, &change, at(7), &derive)
        })
    };
    let address = |number| validator(number).address;
    let derived =
        change(ValidatorChange::Create { address: None, stake: stake(8), models: None }).unwrap();
    assert_eq!((derived.validator.address, derived.created_at), (address(6), at(7)));
    change(ValidatorChange::Create { address: Some(address(9)), stake: stake(1), models: None })
        .unwrap();
    assert!(
        change(ValidatorChange::Create {
            address: Some(address(9)),
            stake: stake(1),
            models: None
        })
        .is_err()
    );
    let changed = change(ValidatorChange::Update {
        address: address(1),
        stake: Some(stake(77)),
        models: None,
    });
    assert_eq!(changed.unwrap().validator.stake, stake(77));
    change(ValidatorChange::Delete { address: address(2) }).unwrap();
    for gone in [
        ValidatorChange::Delete { address: address(2) },
        ValidatorChange::Update { address: address(2), stake: Some(stake(1)), models: None },
    ] {
        assert!(matches!(change(gone), Err(StoreError::NotFound { what: "validator", .. })));
    }
    let again =
        change(ValidatorChange::Create { address: None, stake: stake(8), models: None }).unwrap();
    assert_eq!(again.validator.address, address(7));
    let list = storage::electorate_load(&mut store.conn).unwrap().validators;
    let weights: Vec<(Address, u64)> =
        list.iter().map(|validator| (validator.address, validator.stake.get())).collect();
    let expected = [(1, 77), (3, 3), (4, 3), (5, 3), (6, 8), (7, 8), (9, 1)];
    assert_eq!(weights, expected.map(|(number, weight)| (address(number), weight)));
}

fn a_network_is_created_once(store: &mut Store) {
    let network = storage::network_load(&mut store.conn).unwrap().unwrap();
    assert_eq!(network.chain_id, crate::harness::CHAIN);
    assert_eq!(network.seed.as_bytes(), &[7; 32]);
    assert_eq!(network.finality_window, std::time::Duration::from_secs(1));
    let genesis = agora::domain::ledger::Genesis {
        seed: network.seed,
        chain_id: 1,
        validators: Vec::new(),
        accounts: Vec::new(),
        profile: agora::domain::Profile::Studio,
        finality_window: std::time::Duration::ZERO,
        at: at(0),
    };
    let again = store.try_write(|conn, ctx| storage::network_create_in_txn(conn, ctx, &genesis));
    assert!(again.is_err());
    assert_eq!(storage::network_load(&mut store.conn).unwrap(), Some(network));
}

fn impossible_rows_are_an_error_in_words(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.events()[0].transaction;
    // What the database's own checks let pass.
    for damage in [
        "UPDATE accounts SET balance = 'much'",
        "UPDATE transactions SET value = '-1'",
        "UPDATE decisions SET consensus = '{'",
        "UPDATE decisions SET writes = contract_storage.slot FROM contract_storage",
    ] {
        store.sql(damage).unwrap();
    }
    let errors = [
        storage::account_get(&mut store.conn, alice()).map(drop),
        storage::transaction_get(&mut store.conn, hash).map(drop),
        storage::contract_get(&mut store.conn, contract).map(drop),
        storage::supply(&mut store.conn).map(drop),
    ];
    for error in errors {
        assert!(matches!(error, Err(StoreError::Database { .. })), "{error:?}");
    }
    store.sql("UPDATE transactions SET value = '0'").unwrap();
    let consensus = storage::transaction_get(&mut store.conn, hash);
    assert!(matches!(consensus, Err(StoreError::Database { .. })));
    let finalized = store
        .try_write(|conn, ctx| storage::transaction_finalize_in_txn(conn, ctx, hash, at(9_000)));
    assert!(matches!(finalized, Err(StoreError::Database { .. })), "{finalized:?}");
    for refused in [
        "UPDATE transactions SET kind = 'upgrade'",
        "UPDATE transactions SET nonce = -1",
        "UPDATE transactions SET status = 'FINALIZED'",
        "UPDATE validators SET stake = 0",
        "UPDATE contract_storage SET accepted = NULL, page = -1",
        "UPDATE transactions SET code_hash = NULL",
    ] {
        assert!(store.sql(refused).is_err(), "{refused}");
    }
}

fn readers_read_and_do_not_write(store: &mut Store) {
    use diesel::connection::SimpleConnection;
    let hash = store.submit(&deploy(alice(), 0));
    let mut reader = store.database.readers().get().unwrap();
    assert!(storage::transaction_get(&mut reader, hash).unwrap().is_some());
    assert!(reader.batch_execute("UPDATE accounts SET nonce = 9").is_err());
    // A reader does not see what is not committed, and does not wait for it.
    let submit =
        storage::SubmitContext { chain_id: crate::harness::CHAIN, sandbox_mint: true, at: at(1) };
    store.write(|conn, ctx| {
        let new = transfer(None, Some(bob()), 1);
        let hash = storage::transaction_submit_in_txn(conn, ctx, &new, &submit)?.hash;
        assert!(storage::transaction_get(conn, hash)?.is_some());
        assert!(storage::transaction_get(&mut reader, hash)?.is_none());
        Ok(())
    });
    storage::checkpoint(&mut store.conn).unwrap();
}

fn a_batch_that_waited_for_another_in_vain_can_be_tried_again(store: &mut Store) {
    let impatient = match &store.conn {
        storage::Connection::Sqlite(_) => "PRAGMA busy_timeout = 50",
        storage::Connection::Postgres(_) => "SET lock_timeout = '50ms'",
    };
    store.sql(impatient).unwrap();
    let mut other = store.database.writer().unwrap();
    storage::batch(&mut other, |_, _| {
        let refused = store.try_submit(&deploy(alice(), 0), true);
        assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
        Ok(())
    })
    .unwrap();
    let hash = store.submit(&deploy(alice(), 0));
    assert_eq!(store.status(hash), Status::Pending);
}
