//! What an explorer asks: lists that tell what the consensus came to, and contracts in every order.

use agora::domain::{
    Address, AddressSearch, ContractOrder, ContractSearch, HexPrefix, Side, TransactionSearch,
    TxHash,
};
use agora::storage;

use crate::harness::{Store, alice, bob, call, transfer};

on_both_databases!(
    lists_tell_what_the_consensus_came_to,
    transactions_of_an_address_go_on_before_the_last_one,
    contracts_are_ordered_and_counted,
    transactions_are_found_by_how_their_names_begin,
);

fn lists_tell_what_the_consensus_came_to(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    store.accept(hash, &[(0, "one")]);
    let child = "INSERT INTO children SELECT position + 1, position, 'accepted', queue_address \
        FROM transactions WHERE position = 1";
    store.sql(child).unwrap();
    let search = TransactionSearch { limit: 10, ..TransactionSearch::default() };
    let found = storage::transaction_search(&mut store.conn, &search).unwrap();
    let search = AddressSearch { address: contract, side: Side::Either, before: None, limit: 10 };
    let listed = storage::transaction_list_of_address(&mut store.conn, &search).unwrap();
    for list in [found.items, listed] {
        assert_eq!(list.len(), 2);
        for record in list {
            let hash = record.transaction.hash;
            let whole = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
            assert!(record.consensus.is_some() && record.inclusion.is_some());
            assert_eq!((record.consensus, record.inclusion), (whole.consensus, whole.inclusion));
            assert_eq!((record.children, record.parent), (whole.children, whole.parent));
        }
    }
}

fn transactions_of_an_address_go_on_before_the_last_one(store: &mut Store) {
    let mut hashes: Vec<TxHash> = Vec::new();
    for (from, to) in [(alice(), bob()), (bob(), alice()), (alice(), alice()), (bob(), bob())] {
        hashes.push(store.submit(&transfer(Some(from), Some(to), 1)));
    }
    hashes.reverse();
    let mut list = |side, before, limit| {
        let search = AddressSearch { address: alice(), side, before, limit };
        storage::transaction_list_of_address(&mut store.conn, &search).unwrap()
    };
    let first = list(Side::Either, None, 2);
    let rest = list(Side::Either, first.last().map(|last| last.position), 2);
    let found = first.iter().chain(&rest).map(|record| record.transaction.hash);
    assert_eq!(found.collect::<Vec<_>>(), hashes[1..], "each once, newest first");
    let mut named = |side| {
        let records = list(side, None, 9);
        records.iter().map(|record| record.transaction.hash).collect::<Vec<_>>()
    };
    assert_eq!(named(Side::Sender), [hashes[1], hashes[3]]);
    assert_eq!(named(Side::Recipient), [hashes[1], hashes[2]]);
}

fn contracts_are_ordered_and_counted(store: &mut Store) {
    let contracts: Vec<Address> = (0..3).map(|_| store.deployed()).collect();
    for (contract, calls) in [(contracts[1], 3), (contracts[0], 1)] {
        for _ in 0..calls {
            store.submit(&call(alice(), contract, 0));
        }
    }
    let mut search = |order, ascending, skip, limit| {
        let search = ContractSearch { named: None, order, ascending, skip, limit };
        let (found, total) = storage::contract_search(&mut store.conn, &search).unwrap();
        assert_eq!(total, 3);
        found
    };
    let busiest = search(ContractOrder::Transactions, false, 0, 9);
    let seen: Vec<_> = busiest.iter().map(|it| (it.address, it.transactions)).collect();
    assert_eq!(seen, [(contracts[1], 4), (contracts[0], 2), (contracts[2], 1)]);
    let page = search(ContractOrder::Transactions, true, 1, 1);
    assert_eq!(page.iter().map(|it| it.address).collect::<Vec<_>>(), [contracts[0]]);
    for order in [ContractOrder::Created, ContractOrder::Updated] {
        let mut down = search(order, false, 0, 9);
        down.reverse();
        assert_eq!(down, search(order, true, 0, 9));
    }
    let mut named = |text: &str| {
        let named = HexPrefix::read(text);
        let search = ContractSearch { named, limit: 9, ..ContractSearch::default() };
        storage::contract_search(&mut store.conn, &search).unwrap()
    };
    let whole = contracts[1].to_string();
    for text in [&whole, &whole[..41], &whole[2..11]] {
        let (found, total) = named(text);
        assert_eq!((found.len(), total, found[0].transactions), (1, 1, 4), "{text}");
    }
    assert_eq!(named(&format!("{whole}0")).1, 0, "no address is so long");
    assert_eq!(named("0x").1, 3);
    let found = named(&whole).0;
    assert!(found[0].updated_at >= found[0].created_at);
}

fn transactions_are_found_by_how_their_names_begin(store: &mut Store) {
    let there = store.submit(&transfer(Some(alice()), Some(bob()), 1));
    let back = store.submit(&transfer(Some(bob()), Some(alice()), 1));
    let minted = store.submit(&transfer(None, Some(bob()), 1));
    let mut found = |text: &str| {
        let named = Some(HexPrefix::read(text).unwrap());
        let search = TransactionSearch { named, limit: 9, ..TransactionSearch::default() };
        let found = storage::transaction_search(&mut store.conn, &search).unwrap();
        assert_eq!(u64::try_from(found.items.len()), Ok(found.total));
        found.items.iter().map(|record| record.transaction.hash).collect::<Vec<_>>()
    };
    for hash in [there, back, minted] {
        let whole = hash.to_string();
        for text in [&whole, &whole[..65], &whole[2..20]] {
            assert_eq!(found(text), [hash], "{text}");
        }
    }
    let (alice, bob) = (alice().to_string(), bob().to_string());
    for text in [&alice, &alice[..41], &alice[2..19]] {
        assert_eq!(found(text), [back, there], "{text}");
    }
    assert_eq!(found(&bob), [minted, back, there]);
    assert_eq!(found("0x"), [minted, back, there]);
    assert_eq!(found(&format!("{bob}0")), [], "no address is so long");
}
