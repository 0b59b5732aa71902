//! Snapshots: the whole network as a file, kept in the database or outside of it.
//!
//! One form serves all: what is made is a file ([`mod@file`]), what is kept is that file in pieces, and
//! to restore, to import or to fork is to fill the tables from one. Both databases write the same.

mod file;
mod records;
mod restore;
mod sql;
pub mod tables;
mod transfer;

pub use records::{
    CheckedSnapshot, SnapshotFile, snapshot_check, snapshot_create_in_txn,
    snapshot_delete_all_in_txn, snapshot_delete_in_txn, snapshot_export_in_txn,
    snapshot_import_in_txn, snapshot_list, snapshot_piece,
};
pub use restore::{
    NewIdentity, generation_load, generation_number, last_restoration, snapshot_fork_in_txn,
    snapshot_restore_in_txn,
};
