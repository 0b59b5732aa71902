//! Snapshots: every row of every table comes back, from either database to either, or nothing
//! changes.

use std::io::Read;

use agora::domain::ledger::{Claim, StoreError};
use agora::domain::{ClockChange, ClockReading, EventKind, Status, TxHash};
use agora::storage::tables::{Form, KEPT, RESTORED};
use agora::storage::{self, Connection};
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};

use crate::harness::{Store, alice, at, bob, call, transfer};

on_both_databases!(
    the_list_names_every_table_and_every_column,
    everything_comes_back_as_it_was,
    what_was_in_flight_waits_again_and_is_never_given_up,
    later_snapshots_go_and_numbers_are_not_used_twice,
    events_go_on_behind_a_restore_and_the_clock_by_what_they_tell_since,
    a_writer_of_an_earlier_generation_is_refused,
    long_tables_are_read_in_pages,
);

pub fn quiet(_: &str, _: u64) {}

pub fn present() -> ClockReading {
    ClockReading { now: at(50), wall: at(50), frozen: false }
}

impl Store {
    pub fn snapshot(&mut self) -> i64 {
        self.write(|conn, _| storage::snapshot_create_in_txn(conn, at(20), &mut quiet)).id
    }

    pub fn restore(&mut self, id: i64) -> bool {
        self.write(|conn, ctx| {
            storage::snapshot_restore_in_txn(conn, ctx, id, present(), &mut quiet)
        })
    }

    pub fn export(&mut self) -> Vec<u8> {
        self.write(|conn, _| {
            let mut file = Vec::new();
            storage::snapshot_export_in_txn(conn, at(20), &mut file, &mut quiet)?;
            Ok(file)
        })
    }

    /// The lines of an export, but for the header; the dial's revision grows and is left out.
    pub fn lines(&mut self) -> Vec<String> {
        unpacked(&self.export()).lines().skip(1).map(normal).collect()
    }

    pub fn rows(&mut self, table: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let query = diesel::sql_query(format!("SELECT count(*) AS rows FROM {table}"));
        let count: Count = match &mut self.conn {
            Connection::Sqlite(conn) => query.get_result(conn).unwrap(),
            Connection::Postgres(conn) => query.get_result(conn).unwrap(),
        };
        count.rows
    }

    /// Puts something into every table, and leaves nothing in flight.
    pub fn enrich(&mut self) {
        let contract = self.deployed();
        let first = self.submit(&call(bob(), contract, 7));
        self.accept(first, &[(0, "one"), (3, "three\0\n")]);
        self.finalize(first, 9_000);
        self.submit(&call(alice(), contract, 0));
        let sent = self.submit(&transfer(Some(alice()), Some(bob()), 5));
        self.execute(sent);
        // Values that both databases copy from where they are.
        for copy in [
            "INSERT INTO children SELECT position + 1, position, 'accepted', queue_address \
             FROM transactions WHERE position = 1",
            "INSERT INTO appeals SELECT position, 1, 'leader', queue_address, 5, 6, 1 \
             FROM transactions WHERE position = 1",
            "INSERT INTO providers (id, choice) VALUES (10001, '{}')",
            "INSERT INTO run_contexts SELECT position, '{}' FROM transactions WHERE position = 1",
            "INSERT INTO logs SELECT 1, 0, position, queue_address, hash, hash, hash, hash, hash \
             FROM transactions WHERE position = 1",
            "INSERT INTO envelopes SELECT hash, hash, queue_address, '{}' \
             FROM transactions WHERE position = 1",
            "UPDATE transactions SET reason = '„quoted\" \\ and \u{1F980}, \t' WHERE position = 1",
        ] {
            self.sql(copy).unwrap();
        }
    }
}

pub fn unpacked(file: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn normal(line: &str) -> String {
    let mut json: serde_json::Value = serde_json::from_str(line).unwrap();
    // The only row whose first value is 1 and whose second is a seed.
    let is_network = json[0] == 1 && json[1].as_str().is_some_and(|seed| seed.len() == 64);
    if is_network && json.as_array().unwrap().len() == RESTORED[0].columns.len() {
        let revision = RESTORED[0].columns.iter().position(|(name, _)| *name == "clock_revision");
        json[revision.unwrap()] = 0.into();
    }
    json.to_string()
}

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    form: String,
    #[diesel(sql_type = BigInt)]
    key: i64,
}

/// All columns there are, by table, as the database tells.
fn columns(store: &mut Store) -> Vec<Column> {
    match &mut store.conn {
        Connection::Sqlite(conn) => diesel::sql_query(
            "SELECT t.name AS of_table, c.name AS name, lower(c.type) AS form, c.pk AS key \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' ORDER BY t.name, c.cid",
        )
        .load(conn)
        .unwrap(),
        Connection::Postgres(conn) => diesel::sql_query(
            "SELECT c.table_name::text AS of_table, c.column_name::text AS name, \
             c.data_type::text AS form, \
             coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint AS key \
             FROM information_schema.columns c \
             JOIN pg_class t ON t.relname = c.table_name AND t.relkind = 'r' \
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = c.column_name \
             JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary \
             WHERE c.table_schema = 'public' ORDER BY c.table_name, c.ordinal_position",
        )
        .load(conn)
        .unwrap(),
    }
}

fn the_list_names_every_table_and_every_column(store: &mut Store) {
    let found = columns(store);
    let mut tables: Vec<&str> = found.iter().map(|column| column.of_table.as_str()).collect();
    tables.dedup();
    tables.retain(|name| *name != "__diesel_schema_migrations");
    let mut listed: Vec<&str> = RESTORED.iter().map(|table| table.name).collect();
    listed.extend(KEPT);
    listed.sort_unstable();
    assert_eq!(tables, listed, "src/storage/snapshots/tables.rs names other tables");
    for table in RESTORED {
        let own = || found.iter().filter(|column| column.of_table == table.name);
        let mut expected: Vec<(&str, Form)> = own()
            .map(|column| {
                let form = match column.form.as_str() {
                    "integer" | "bigint" => Form::Integer,
                    "text" => Form::Text,
                    "blob" | "bytea" => Form::Bytes,
                    other => panic!("{}.{}: {other}", table.name, column.name),
                };
                (column.name.as_str(), form)
            })
            .collect();
        let mut listed = table.columns.to_vec();
        let mut keys: Vec<(i64, &str)> = own()
            .filter(|column| column.key > 0)
            .map(|column| (column.key, column.name.as_str()))
            .collect();
        keys.sort_unstable();
        let keys: Vec<&str> = keys.into_iter().map(|(_, name)| name).collect();
        let listed_keys: Vec<&str> = listed.iter().take(table.key).map(|(name, _)| *name).collect();
        assert_eq!(listed_keys, keys, "the key of {}", table.name);
        expected.sort_unstable_by_key(|(name, _)| *name);
        listed.sort_unstable_by_key(|(name, _)| *name);
        assert_eq!(listed, expected, "the columns of {}", table.name);
    }
}

fn everything_comes_back_as_it_was(store: &mut Store) {
    store.enrich();
    for table in RESTORED {
        assert!(store.rows(table.name) > 0, "{} is empty: the test proves too little", table.name);
    }
    let (before, rows) = (store.lines(), RESTORED.map_rows(store));
    let id = store.snapshot();
    let other = store.deployed();
    let hash = store.submit(&call(alice(), other, 3));
    store.accept(hash, &[(0, "other")]);
    store.sql("DELETE FROM appeals").unwrap();
    store.sql("UPDATE accounts SET balance = '1'").unwrap();
    store.sql("UPDATE network SET minted = '9', clock_offset = 77").unwrap();
    store.sql("DELETE FROM validators").unwrap();
    assert!(store.lines() != before);
    assert!(store.restore(id));
    assert_eq!(store.lines(), before);
    assert_eq!(RESTORED.map_rows(store), rows);
    store.assert_conserved();
    assert!(store.restore(id), "and again");
    assert_eq!(store.lines(), before);
    assert_eq!(storage::transaction_get(&mut store.conn, hash).unwrap().map(|_| ()), None);
}

/// How many rows every table has.
trait Rows {
    fn map_rows(&self, store: &mut Store) -> Vec<i64>;
}

impl Rows for [storage::tables::Table] {
    fn map_rows(&self, store: &mut Store) -> Vec<i64> {
        self.iter().map(|table| store.rows(table.name)).collect()
    }
}

fn what_was_in_flight_waits_again_and_is_never_given_up(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 40));
    store.claim_as(hash, "one");
    // It crashed often before, and for reasons of its own.
    store.sql("UPDATE transactions SET crashes = 7 WHERE status = 'PROPOSING'").unwrap();
    let id = store.snapshot();
    let job = store.write(|conn, ctx| {
        storage::transaction_requeue_in_txn(conn, ctx, hash, 0, 100, "out of luck", at(3))
    });
    assert_eq!(job, Status::Pending);
    for _ in 0..3 {
        assert!(store.restore(id));
        let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
        assert_eq!((record.status, record.attempt), (Status::Pending, 1));
    }
    assert!(matches!(store.claim(hash), Claim::Claimed(_)));
    store.assert_conserved();
}

fn later_snapshots_go_and_numbers_are_not_used_twice(store: &mut Store) {
    let ids: Vec<i64> = (0..3).map(|_| store.snapshot()).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(store.restore(2));
    let listed = |store: &mut Store| -> Vec<i64> {
        let listed = storage::snapshot_list(&mut store.conn).unwrap();
        listed.into_iter().map(|snapshot| snapshot.id).collect()
    };
    assert_eq!(listed(store), [1, 2]);
    let generation = storage::generation_number(&mut store.conn).unwrap();
    assert!(!store.restore(3) && !store.restore(0) && !store.restore(-1));
    assert_eq!(storage::generation_number(&mut store.conn).unwrap(), generation);
    assert_eq!(store.snapshot(), 4);
    let delete =
        |store: &mut Store, id| store.write(|conn, _| storage::snapshot_delete_in_txn(conn, id));
    assert!(delete(store, 4) && !delete(store, 4) && !delete(store, 9));
    assert_eq!(listed(store), [1, 2]);
    assert_eq!(store.write(|conn, _| storage::snapshot_delete_all_in_txn(conn)), 2);
    assert_eq!(store.rows("snapshot_chunks"), 0);
    assert_eq!(store.snapshot(), 5);
}

fn events_go_on_behind_a_restore_and_the_clock_by_what_they_tell_since(store: &mut Store) {
    let change = |store: &mut Store, change| {
        store.write(|conn, ctx| storage::clock_change_in_txn(conn, ctx, change, present()))
    };
    let frozen = change(store, ClockChange::Freeze);
    let id = store.snapshot();
    change(store, ClockChange::Set(at(1_000_000)));
    store.write(|_, ctx| {
        ctx.record(at(1_000_000), TxHash::new([1; 32]), alice(), EventKind::TransactionSubmitted);
        Ok(())
    });
    let last = storage::event_last_cursor(&mut store.conn).unwrap();
    assert_eq!(storage::event_last_at(&mut store.conn).unwrap(), Some(at(1_000_000)));
    assert!(store.restore(id));
    let events = store.events();
    let cursors: Vec<i64> = events.iter().map(|event| event.cursor).collect();
    assert_eq!(cursors, (1..=last + 1).collect::<Vec<_>>(), "each once, and none again");
    let told = events.last().unwrap();
    assert_eq!(told.kind, EventKind::NetworkRestored { snapshot: id });
    assert!(told.concerns(TxHash::new([7; 32])), "everybody");
    let generation = storage::generation_load(&mut store.conn).unwrap();
    assert_eq!(generation.dial.frozen_at, frozen.frozen_at);
    assert!(generation.dial.revision > frozen.revision + 1, "every process follows it");
    assert_eq!(generation.shown, at(50), "as it was, not as it had been");
    assert_eq!(storage::last_restoration(&mut store.conn).unwrap(), last + 1);
}

fn a_writer_of_an_earlier_generation_is_refused(store: &mut Store) {
    let id = store.snapshot();
    let old = storage::generation_number(&mut store.conn).unwrap();
    store.write(|conn, ctx| ctx.admit(conn, old));
    let answers = store.write(|conn, ctx| {
        let restored = storage::snapshot_restore_in_txn(conn, ctx, id, present(), &mut quiet)?;
        Ok((restored, ctx.admit(conn, old), ctx.admit(conn, old + 1)))
    });
    assert_eq!(answers, (true, Err(StoreError::Restored), Ok(())), "in the same batch");
    let late = store.try_write(|conn, ctx| ctx.admit(conn, old));
    assert_eq!(late, Err(StoreError::Restored), "and later");
    store.write(|conn, ctx| ctx.admit(conn, old + 1));
}

fn long_tables_are_read_in_pages(store: &mut Store) {
    let contract = store.deployed();
    let hash = store.submit(&call(alice(), contract, 0));
    let texts: Vec<String> = (0..700).map(|index| format!("page {index}")).collect();
    let writes: Vec<(u32, &str)> = (0..).zip(texts.iter().map(String::as_str)).collect();
    store.accept(hash, &writes);
    for _ in 0..300 {
        store.submit(&transfer(Some(alice()), None, 0));
    }
    let before = store.lines();
    assert!(store.rows("contract_storage") >= 700 && store.rows("transactions") > 256);
    let rows: i64 = RESTORED.map_rows(store).iter().sum();
    assert_eq!(
        i64::try_from(before.len()).unwrap(),
        rows + 1 + i64::try_from(RESTORED.len()).unwrap(),
        "each row once"
    );
    let id = store.snapshot();
    store.sql("UPDATE contract_storage SET accepted = NULL WHERE page > 300").unwrap();
    assert!(store.restore(id));
    assert_eq!(store.lines(), before);
}
