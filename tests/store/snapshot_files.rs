//! Snapshots as files: from either database to either, and refused in words when they are no good.

use std::io::{Cursor, Read, Write};

use agora::domain::ledger::StoreError;
use agora::domain::{Digest, Status};
use agora::storage::{self, Connection, NewIdentity};

use crate::harness::{Store, alice, at, deploy};
use crate::snapshots::{present, quiet, unpacked};

on_both_databases!(
    a_file_that_is_no_good_is_refused_and_changes_nothing,
    a_fork_has_the_same_history_and_its_own_identity,
    a_file_that_holds_another_network_than_it_says_changes_nothing,
    a_damaged_snapshot_in_the_database_changes_nothing,
);

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// Why a file is refused; nothing may change.
fn refusal(store: &mut Store, file: Vec<u8>) -> String {
    let before = store.lines();
    let checked = storage::snapshot_check(Cursor::new(file), &mut quiet);
    let kept = checked.and_then(|mut checked| {
        store.try_write(|conn, _| storage::snapshot_import_in_txn(conn, &mut checked))
    });
    let Err(StoreError::Snapshot(reason)) = kept else { panic!("{kept:?}") };
    assert_eq!(store.lines(), before);
    assert_eq!(store.rows("snapshots"), 0);
    reason
}

fn a_file_that_is_no_good_is_refused_and_changes_nothing(store: &mut Store) {
    store.enrich();
    let file = store.export();
    for length in (0..file.len()).step_by(file.len() / 40).chain([file.len() - 1]) {
        let reason = refusal(store, file[..length].to_vec());
        assert!(reason.contains("truncated"), "{length} bytes: {reason}");
    }
    for place in (10..file.len()).step_by(file.len() / 40) {
        let mut damaged = file.clone();
        damaged[place] ^= 0x10;
        // A few bits of the form mean nothing.
        let mut text = String::new();
        let read = flate2::read::GzDecoder::new(&damaged[..]).read_to_string(&mut text);
        if read.is_err() || text != unpacked(&file) {
            refusal(store, damaged);
        }
    }
    let mut longer = file.clone();
    longer.extend(b"more");
    refusal(store, longer);
    let text = unpacked(&file);
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        packed(&text.replacen(from, to, 1))
    };
    let last_row = text.lines().rev().nth(1).unwrap();
    for (file, words) in [
        (b"PNG".to_vec(), "no snapshot at all"),
        (packed("{\"a\":1}\n"), "none of agora's"),
        (packed("hello\n"), "none of agora's"),
        (changed("\"version\":1", "\"version\":2"), "version 2"),
        (changed("\"codes\"", "\"cods\""), "other tables"),
        (changed(",\"nonce\"]", ",\"nonces\"]"), "other tables"),
        (changed(&format!("{last_row}\n"), ""), "rows"),
        (changed(&format!("{last_row}\n"), "[1]\n"), "1 values of"),
        (changed("{\"rows\":", "{\"more\":1,\"rows\":"), "more"),
        (changed("\"chain_id\":61999", "\"chain_id\":7"), "chain id 7"),
        (packed(&format!("{text}{{}}\n")), "follows its end"),
        (packed(text.trim_end()), "truncated"),
    ] {
        let reason = refusal(store, file);
        assert!(reason.contains(words), "{reason}");
    }
    let hash = text.split("\"seed_hash\":\"0x").nth(1).unwrap().get(..8).unwrap();
    let reason = refusal(store, changed(hash, "00000000"));
    assert!(reason.contains("another seed"), "{reason}");
    // A column of numbers and one of bytes with something else in them.
    let mut lines = text.lines().skip_while(|line| !line.starts_with("{\"table\":\"accounts\""));
    let account = lines.nth(1).unwrap();
    let parts: Vec<&str> = account.trim_end_matches(']').split(',').collect();
    for wrong in [
        format!("{},{},\"1\"]", parts[0], parts[1]),
        format!("[\"xy\",{},{}]", parts[1], parts[2]),
        format!("{},5,{}]", parts[0], parts[2]),
    ] {
        let reason = refusal(store, changed(account, &wrong));
        assert!(reason.contains("accounts."), "{reason}");
    }
}

/// It is whole and well formed, and its header says that it is of this network.
fn a_file_that_holds_another_network_than_it_says_changes_nothing(store: &mut Store) {
    store.enrich();
    let text = unpacked(&store.export());
    let seed = text.lines().nth(2).unwrap().split('"').nth(1).unwrap().to_owned();
    let lying = packed(&text.replace(&seed, &"ab".repeat(32)));
    let mut checked = storage::snapshot_check(Cursor::new(lying), &mut quiet).unwrap();
    let id = store.write(|conn, _| storage::snapshot_import_in_txn(conn, &mut checked)).id;
    let before = store.lines();
    let refused = store.try_write(|conn, ctx| {
        storage::snapshot_restore_in_txn(conn, ctx, id, present(), &mut quiet)
    });
    // A refusal after something was written must end its whole batch.
    assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
    assert_eq!(store.lines(), before);
}

fn a_fork_has_the_same_history_and_its_own_identity(store: &mut Store) {
    store.enrich();
    let file = store.export();
    for identity in [
        NewIdentity::default(),
        NewIdentity { seed: Some(Digest::new([8; 32])), chain_id: Some(5) },
    ] {
        let mut fork = store.empty_like();
        let mut checked = storage::snapshot_check(Cursor::new(file.clone()), &mut quiet).unwrap();
        fork.write(|conn, ctx| {
            storage::snapshot_fork_in_txn(conn, ctx, &mut checked, identity, present(), &mut quiet)
        });
        let network = storage::network_load(&mut fork.conn).unwrap().unwrap();
        let own = storage::network_load(&mut store.conn).unwrap().unwrap();
        assert_eq!(network.seed, identity.seed.unwrap_or(own.seed));
        assert_eq!(network.chain_id, identity.chain_id.unwrap_or(own.chain_id));
        let (theirs, ours) = (fork.lines(), store.lines());
        let differences = theirs.iter().zip(&ours).filter(|(one, other)| one != other).count();
        assert_eq!(differences, usize::from(identity != NewIdentity::default()));
        assert_eq!(fork.events().len(), 1, "its listeners begin anew");
        let again = fork.try_write(|conn, ctx| {
            storage::snapshot_fork_in_txn(conn, ctx, &mut checked, identity, present(), &mut quiet)
        });
        assert!(matches!(again, Err(StoreError::Snapshot(_))), "{again:?}");
        fork.assert_conserved();
    }
}

fn a_damaged_snapshot_in_the_database_changes_nothing(store: &mut Store) {
    store.enrich();
    let id = store.snapshot();
    let whole = store.rows("snapshot_chunks");
    assert_eq!(whole, 1, "the piece below is the only one");
    let hash = store.submit(&deploy(alice(), 0));
    let before = store.lines();
    // Its last bytes are cut off.
    let cut = match &store.conn {
        Connection::Sqlite(_) => "substr(body, 1, length(body) - 9)",
        Connection::Postgres(_) => "substring(body FROM 1 FOR length(body) - 9)",
    };
    store.sql(&format!("UPDATE snapshot_chunks SET body = {cut}")).unwrap();
    let refused = store.try_write(|conn, ctx| {
        storage::snapshot_restore_in_txn(conn, ctx, id, present(), &mut quiet)
    });
    assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
    assert_eq!(store.lines(), before);
    assert_eq!(store.status(hash), Status::Pending);
}

#[test]
fn an_export_of_one_database_is_one_of_the_other() {
    let Some(mut postgres) = Store::postgres() else { return };
    let mut sqlite = Store::sqlite();
    sqlite.enrich();
    let original = sqlite.lines();
    let move_to = |from: &mut Store, to: &mut Store| {
        let mut checked = storage::snapshot_check(Cursor::new(from.export()), &mut quiet).unwrap();
        let id = to.write(|conn, _| storage::snapshot_import_in_txn(conn, &mut checked)).id;
        assert!(to.restore(id));
    };
    move_to(&mut sqlite, &mut postgres);
    assert_eq!(postgres.lines(), original);
    let hash = postgres.submit(&deploy(alice(), 0));
    postgres.accept(hash, &[(0, "here")]);
    let changed = postgres.lines();
    let mut other = Store::sqlite();
    move_to(&mut postgres, &mut other);
    assert_eq!(other.lines(), changed);
    other.assert_conserved();
    let record = storage::transaction_get(&mut other.conn, hash).unwrap().unwrap();
    assert_eq!(record.submitted_at, at(1));
}
