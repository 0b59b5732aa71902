//! Whatever snapshot is made can be restored; what cannot is refused, in words, and leaves no trace.

use std::io::Cursor;

use agora::domain::ledger::StoreError;
use agora::storage::{self, Connection};

use crate::harness::{Store, alice, at, call};
use crate::snapshots::quiet;

on_both_databases!(
    pages_of_the_largest_execution_can_be_read_back,
    a_row_that_could_not_be_read_back_is_refused,
    large_rows_are_read_a_few_at_a_time,
    snapshots_have_a_limit,
);

impl Store {
    fn refused_snapshot(&mut self) -> String {
        let made =
            self.try_write(|conn, _| storage::snapshot_create_in_txn(conn, at(20), &mut quiet));
        let Err(StoreError::Snapshot(reason)) = made else { panic!("{made:?}") };
        reason
    }

    /// An SQL expression for so many bytes, or characters.
    fn filling(&self, bytes: usize, is_text: bool) -> String {
        match (&self.conn, is_text) {
            (Connection::Sqlite(_), false) => format!("zeroblob({bytes})"),
            (Connection::Sqlite(_), true) => format!("hex(zeroblob({}))", bytes / 2),
            (Connection::Postgres(_), false) => format!("decode(repeat('00', {bytes}), 'hex')"),
            (Connection::Postgres(_), true) => format!("repeat('0', {bytes})"),
        }
    }
}

fn pages_of_the_largest_execution_can_be_read_back(store: &mut Store) {
    store.deployed();
    let pages = store.filling(33 << 20, false);
    store.sql(&format!("UPDATE decisions SET writes = {pages}")).unwrap();
    let file = store.export();
    storage::snapshot_check(Cursor::new(file), &mut quiet).unwrap();
}

fn a_row_that_could_not_be_read_back_is_refused(store: &mut Store) {
    store.deployed();
    let text = store.filling(260 << 20, true);
    store.sql(&format!("UPDATE decisions SET consensus = {text}")).unwrap();
    let reason = store.refused_snapshot();
    assert!(reason.contains("a row of decisions: a line has more than"), "{reason}");
    assert_eq!((store.rows("snapshots"), store.rows("snapshot_chunks")), (0, 0));
    store.sql("UPDATE decisions SET consensus = '{}'").unwrap();
    assert_eq!(store.snapshot(), 1, "the refusal left nothing behind");
}

fn large_rows_are_read_a_few_at_a_time(store: &mut Store) {
    let contract = store.deployed();
    for _ in 0..12 {
        let hash = store.submit(&call(alice(), contract, 0));
        store.accept(hash, &[]);
    }
    let page = store.filling(1 << 20, false);
    store.sql(&format!("UPDATE decisions SET writes = {page}")).unwrap();
    let mut steps = Vec::new();
    store.write(|conn, _| {
        let mut progress = |table: &str, rows| {
            if table == "decisions" {
                steps.push(rows);
            }
        };
        storage::snapshot_create_in_txn(conn, at(20), &mut progress)
    });
    assert_eq!(steps.last(), Some(&13));
    let most = std::iter::once(0).chain(steps.clone()).zip(&steps).map(|(a, b)| b - a).max();
    assert!(most <= Some(2), "2 MiB each, 4 MiB at a time: {steps:?}");
}

fn snapshots_have_a_limit(store: &mut Store) {
    let made = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
        INSERT INTO snapshots (id, created_at, transactions, bytes) SELECT i, 5, 5, 5 FROM n";
    store.sql(made).unwrap();
    store.sql("UPDATE snapshot_counters SET snapshot_last = 1000").unwrap();
    let reason = store.refused_snapshot();
    for words in ["1000", "limit", "DELETE /v1/snapshots/{id}", "sim_deleteSnapshot"] {
        assert!(reason.contains(words), "{words}: {reason}");
    }
    assert!(store.write(|conn, _| storage::snapshot_delete_in_txn(conn, 7)));
    assert_eq!(store.snapshot(), 1_001);
}
