//! Logs: every one that fits is found, whatever else happened in between.

use agora::domain::{
    Address, BlockId, Bytes, Digest, EmittedEvent, LogFilter, LogRecord, Payload,
    new_transaction_topic,
};
use agora::domain::{Status, TxHash};
use agora::storage;

use crate::harness::{Store, alice, bob, call, decision, deploy, returning, transfer};

on_both_databases!(
    what_does_not_fit_counts_nothing_against_the_limit,
    own_logs_are_found_by_every_part,
    logs_of_contracts_are_found_by_every_topic,
    logs_tell_the_place_of_their_transaction,
    blocks_are_listed_as_they_are_read_one_by_one,
);

fn all() -> LogFilter {
    LogFilter { from: 0, to: u64::MAX, addresses: Vec::new(), topics: Vec::new() }
}

fn listed(store: &mut Store, filter: &LogFilter, limit: usize) -> Vec<LogRecord> {
    storage::log_list(&mut store.conn, filter, limit).unwrap()
}

fn about(store: &mut Store, filter: &LogFilter) -> Vec<TxHash> {
    listed(store, filter, 100).iter().map(|log| log.transaction).collect()
}

fn topic(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

/// An address as a topic.
fn word(address: Address) -> Digest {
    let mut bytes = [0; 32];
    bytes[12..].copy_from_slice(address.as_bytes());
    Digest::new(bytes)
}

/// A call that is accepted after it told one event with each of these topics first.
fn told(store: &mut Store, contract: Address, topics: &[[Digest; 4]]) -> TxHash {
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    let mut execution = returning(&[]);
    for topics in topics {
        let event = EmittedEvent { topics: topics.to_vec(), data: Bytes::from_static(b"x") };
        execution.events.push(event);
    }
    store.decide(&decision(&job, Status::Accepted, execution)).unwrap();
    hash
}

fn what_does_not_fit_counts_nothing_against_the_limit(store: &mut Store) {
    for _ in 0..30 {
        store.submit(&transfer(None, Some(bob()), 1));
    }
    let last = store.submit(&transfer(None, Some(alice()), 1));
    let contract = store.deployed();
    let common = [topic(1), topic(2), topic(3), topic(4)];
    told(store, contract, &vec![common; 30]);
    let rare = told(store, contract, &[[topic(1), topic(2), topic(3), topic(9)]]);
    let to_alice = LogFilter { addresses: vec![alice()], ..all() };
    let found = listed(store, &to_alice, 1);
    assert_eq!(found.iter().map(|log| log.transaction).collect::<Vec<_>>(), [last]);
    let wanted = vec![vec![topic(1)], Vec::new(), Vec::new(), vec![topic(9)]];
    let found = listed(store, &LogFilter { topics: wanted, ..all() }, 1);
    assert_eq!(found.iter().map(|log| log.transaction).collect::<Vec<_>>(), [rare]);
    assert_eq!(listed(store, &all(), 4).len(), 5, "one more tells that there are more");
}

fn own_logs_are_found_by_every_part(store: &mut Store) {
    let deployed = store.submit(&deploy(alice(), 0));
    let contract = storage::transaction_get(&mut store.conn, deployed).unwrap().unwrap();
    assert!(matches!(contract.transaction.payload, Payload::Deploy { .. }));
    let contract = contract.transaction.queue_address();
    let minted = store.submit(&transfer(None, Some(bob()), 1));
    let paid = store.submit(&transfer(Some(alice()), Some(bob()), 1));
    let own = || vec![new_transaction_topic()];
    for (addresses, topics, expected) in [
        (vec![contract], vec![], vec![deployed]),
        (vec![bob()], vec![own()], vec![minted, paid]),
        (vec![bob(), contract], vec![], vec![deployed, minted, paid]),
        (vec![alice()], vec![], vec![]),
        (vec![], vec![vec![topic(7)]], vec![]),
        (vec![], vec![own(), vec![paid, deployed]], vec![deployed, paid]),
        (vec![], vec![vec![], vec![], vec![word(bob())]], vec![minted, paid]),
        (vec![], vec![vec![], vec![], vec![word(contract), topic(5)]], vec![deployed]),
        (vec![], vec![vec![], vec![], vec![topic(5)]], vec![]),
        (vec![contract], vec![vec![], vec![], vec![word(bob())]], vec![]),
        (vec![], vec![vec![], vec![], vec![], vec![word(alice())]], vec![deployed, paid]),
        (vec![], vec![vec![], vec![], vec![], vec![word(Address::ZERO)]], vec![minted]),
        (vec![], vec![vec![], vec![], vec![], vec![], vec![topic(1)]], vec![]),
    ] {
        let filter = LogFilter { addresses, topics, ..all() };
        assert_eq!(about(store, &filter), expected, "{filter:?}");
    }
}

fn logs_of_contracts_are_found_by_every_topic(store: &mut Store) {
    let contract = store.deployed();
    let first = told(store, contract, &[[topic(1), topic(2), topic(3), topic(4)]]);
    let second = told(store, contract, &[[topic(1), topic(6), topic(7), topic(8)]]);
    for (topics, expected) in [
        (vec![vec![topic(1)]], vec![first, second]),
        (vec![vec![], vec![topic(2)]], vec![first]),
        (vec![vec![], vec![], vec![topic(7), topic(3)]], vec![first, second]),
        (vec![vec![], vec![], vec![], vec![topic(8)]], vec![second]),
        (vec![vec![topic(1)], vec![topic(2)], vec![topic(7)]], vec![]),
    ] {
        let filter = LogFilter { topics, ..all() };
        assert_eq!(about(store, &filter), expected, "{filter:?}");
    }
}

fn logs_tell_the_place_of_their_transaction(store: &mut Store) {
    let contract = store.deployed();
    let submit = storage::SubmitContext {
        chain_id: crate::harness::CHAIN,
        sandbox_mint: true,
        at: crate::harness::at(1),
    };
    // Two in one block: the call is the second.
    let hash = store.write(|conn, ctx| {
        let before = transfer(None, Some(bob()), 1);
        storage::transaction_submit_in_txn(conn, ctx, &before, &submit)?;
        let call = call(alice(), contract, 0);
        Ok(storage::transaction_submit_in_txn(conn, ctx, &call, &submit)?.hash)
    });
    let job = store.job(hash);
    let mut execution = returning(&[]);
    execution.events.push(EmittedEvent { topics: vec![topic(1)], data: Bytes::new() });
    store.decide(&decision(&job, Status::Accepted, execution)).unwrap();
    let found = listed(store, &LogFilter { topics: vec![vec![topic(1)]], ..all() }, 9);
    assert_eq!(found[0].transaction_index, 1);
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.logs[0].transaction_index, 1);
}

fn blocks_are_listed_as_they_are_read_one_by_one(store: &mut Store) {
    store.deployed();
    store.submit(&transfer(None, Some(bob()), 1));
    store.write(|_, ctx| {
        ctx.want_block(crate::harness::at(9));
        Ok(())
    });
    store.submit(&transfer(None, Some(bob()), 1));
    let head = storage::block_last(&mut store.conn).unwrap().unwrap().number;
    let one = |store: &mut Store, number| {
        storage::block_get(&mut store.conn, BlockId::Number(number)).unwrap()
    };
    let all: Vec<_> = (0..=head).filter_map(|number| one(store, number)).collect();
    assert!(all.len() > 3 && all.iter().any(|found| found.transactions.is_empty()));
    for from in 0..=head + 1 {
        for to in 0..=head + 1 {
            for limit in [1, 2, 100] {
                let wanted = all.iter().filter(|it| (from..=to).contains(&it.block.number));
                let wanted: Vec<_> = wanted.take(limit).cloned().collect();
                let found = storage::block_list(&mut store.conn, from, to, limit).unwrap();
                assert_eq!(found, wanted, "{from}..={to} {limit}");
            }
        }
    }
}
