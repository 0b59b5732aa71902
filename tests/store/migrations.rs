//! Tables come, go and stay equal; a database has one kind of owner.

use agora::domain::ledger::StoreError;
use agora::storage::{self, Database};
use diesel::connection::SimpleConnection;

use crate::harness::{Store, options};

on_both_databases!(tables_come_and_go, a_newer_database_is_refused);

fn tables_come_and_go(store: &mut Store) {
    assert!(storage::migrate_up(&mut store.conn).unwrap().is_empty());
    assert!(storage::migrate_status(&mut store.conn).unwrap().iter().all(|one| one.applied));
    let known = storage::migrate_status(&mut store.conn).unwrap();
    for migration in known.iter().rev() {
        let number = storage::migrate_down(&mut store.conn).unwrap();
        assert!(migration.name.starts_with(&number), "{number} of {migration:?}");
    }
    assert!(storage::network_load(&mut store.conn).is_err());
    assert!(storage::migrate_status(&mut store.conn).unwrap().iter().all(|one| !one.applied));
    let names: Vec<String> = known.into_iter().map(|migration| migration.name).collect();
    assert_eq!(storage::migrate_up(&mut store.conn).unwrap(), names);
    assert_eq!(storage::network_load(&mut store.conn), Ok(None));
}

fn a_newer_database_is_refused(store: &mut Store) {
    store.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
    for error in [
        storage::migrate_up(&mut store.conn).map(drop),
        storage::migrate_down(&mut store.conn).map(drop),
        storage::migrate_status(&mut store.conn).map(drop),
    ] {
        assert!(error.unwrap_err().to_string().contains("`9999`"));
    }
}

#[test]
fn a_second_process_is_refused_and_told_why() {
    let store = Store::sqlite();
    let error = Database::open(&store.url, options()).unwrap_err();
    let StoreError::Database { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("agora.sqlite") && reason.contains("another agora"), "{reason}");
    assert!(!store.database.is_shared());
    let Store { database, conn, url, _place: place, .. } = store;
    drop((database, conn));
    Database::open(&url, options()).unwrap();
    drop(place);
}

#[test]
fn a_stored_network_is_there_after_reopening() {
    let Store { database, conn, url, _place: place, .. } = Store::sqlite();
    drop((database, conn));
    let database = Database::open(&url, options()).unwrap();
    assert!(storage::network_load(&mut database.writer().unwrap()).unwrap().is_some());
    drop(place);
}

#[test]
fn a_database_in_memory_goes_when_it_is_closed() {
    let database = Database::open(":memory:", options()).unwrap();
    let mut conn = database.writer().unwrap();
    conn.batch_execute("INSERT INTO owners VALUES ('one', 1)").unwrap();
    let mut reader = database.readers().get().unwrap();
    assert_eq!(storage::network_load(&mut reader), Ok(None));
    let other = Database::open(":memory:", options()).unwrap();
    let mut conn = other.writer().unwrap();
    conn.batch_execute("INSERT INTO owners VALUES ('one', 1)").unwrap();
}

#[test]
fn an_address_of_nothing_is_refused() {
    for url in ["", "sqlite:", "mysql://root:secret@host/db"] {
        let error = Database::open(url, options()).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

/// The rules of migrations/README.md.
#[test]
fn both_databases_have_the_same_tables() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let folders = std::fs::read_dir(root.join("sqlite")).unwrap();
    let names: Vec<_> = folders.map(|folder| folder.unwrap().file_name()).collect();
    assert!(!names.is_empty());
    assert_eq!(std::fs::read_dir(root.join("postgres")).unwrap().count(), names.len());
    for name in names {
        for file in ["up.sql", "down.sql"] {
            let read = |database: &str| {
                std::fs::read_to_string(root.join(database).join(&name).join(file)).unwrap()
            };
            let derived = read("sqlite")
                .replace("BLOB", "BYTEA")
                .replace(" WITHOUT ROWID", "")
                .replace("position INTEGER NOT NULL PRIMARY", "position BIGINT NOT NULL PRIMARY")
                .replace("first_cursor INTEGER", "first_cursor BIGINT");
            assert_eq!(derived, read("postgres"), "{name:?}/{file}");
        }
    }
}
