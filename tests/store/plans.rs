//! No statement of SQLite walks the history: the work per transaction stays the same for ever.

use std::cell::RefCell;
use std::collections::BTreeSet;

use agora::domain::ledger::{Position, TransactionFilter};
use agora::domain::{ContractSearch, HexPrefix, Status, TransactionSearch};
use agora::storage::{self, Connection, Recover};
use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::harness::{Store, alice, at, bob, call, deploy, step, transfer};

thread_local! {
    static TEXTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

#[expect(clippy::needless_pass_by_value, reason = "diesel hands events over by value")]
fn remember(event: InstrumentationEvent<'_>) {
    if let InstrumentationEvent::StartQuery { query, .. } = event {
        let text = query.to_string();
        let text = text.split(" -- binds").next().unwrap_or_default().to_owned();
        TEXTS.with_borrow_mut(|texts| texts.insert(text));
    }
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Does about everything a network does all the time.
fn work(store: &mut Store) {
    let contract = store.deployed();
    let first = store.submit(&call(alice(), contract, 3));
    let job = store.job(first);
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[step(&job, 0)]));
    store.write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, first, 0, 3, "crash", at(3))
    });
    store.accept(first, &[(0, "x"), (1, ""), (2, "y")]);
    store.claim_as(first, "one");
    let pending = store.submit(&deploy(bob(), 0));
    store.claim_as(pending, "one");
    let paid = store.submit(&transfer(None, Some(bob()), 1));
    store.execute(paid);
    let conn = &mut store.conn;
    storage::transaction_list_due(conn, at(9_000), None, 9).unwrap();
    storage::transaction_next_due_at(conn, at(0)).unwrap();
    storage::transaction_list_pending(conn, Position(0), 9).unwrap();
    storage::transaction_list_pending_of(conn, contract, Position(0), 9).unwrap();
    storage::status_counts(conn).unwrap();
    storage::pending_count(conn).unwrap();
    storage::transaction_get(conn, first).unwrap();
    let all = TransactionFilter::default();
    let from = TransactionFilter { from: Some(bob()), ..all.clone() };
    let to = TransactionFilter { to: Some(contract), ..all.clone() };
    let both = TransactionFilter { status: Some(Status::Pending), ..from.clone() };
    for filter in [from, to, both] {
        storage::transaction_list(conn, &filter, None, 9).unwrap();
    }
    let one =
        ContractSearch { named: Some(contract.into()), limit: 1, ..ContractSearch::default() };
    storage::contract_search(conn, &one).unwrap();
    for text in [first.to_string(), contract.to_string()] {
        let named = HexPrefix::read(&text);
        let search = TransactionSearch { named, limit: 9, ..TransactionSearch::default() };
        storage::transaction_search(conn, &search).unwrap();
    }
    storage::events_after(conn, 3, 9).unwrap();
    store.set_window(7_000);
    for hash in [store.events()[0].transaction, first] {
        assert!(store.finalize(hash, 9_000));
    }
    store.write(|conn, ctx| storage::recovery_requeue_in_txn(conn, ctx, Recover::All, 3, at(9)));
}

#[test]
fn no_statement_walks_the_history() {
    let mut store = Store::sqlite();
    store.conn.set_instrumentation(remember);
    work(&mut store);
    let texts = TEXTS.take();
    let Connection::Sqlite(conn) = &mut store.conn else { panic!("not SQLite") };
    let mut explained = 0;
    let is_about =
        |text: &&String| ["`transactions`", "FROM transactions"].iter().any(|it| text.contains(it));
    for text in texts.iter().filter(is_about) {
        let plan: Vec<Plan> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(conn).unwrap();
        for Plan { detail } in plan {
            let scans = detail.starts_with("SCAN transactions") && !detail.contains("INDEX");
            let history = detail.contains("transactions_addressee") && !text.contains("coalesce");
            // What an explorer finds by the beginnings of names is sorted, and nothing else.
            let sorts = detail.contains("TEMP B-TREE FOR ORDER BY") && !text.contains("BETWEEN");
            assert!(!scans && !history && !sorts, "{detail}: {text}");
            explained += 1;
        }
    }
    assert!(explained > 20, "{explained} steps");
}
