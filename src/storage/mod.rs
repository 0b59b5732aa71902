//! The truth: tables in SQLite or PostgreSQL, and plain functions on a connection.
//!
//! No actors and no threads in here. Functions that end in `_in_txn` write, and run inside
//! [`batch()`], which commits many of them at once; each checks everything before it writes
//! anything, so that a refusal leaves no trace in the batch.

mod accounts;
mod api_keys;
mod appeals;
mod batch;
mod blocks;
mod cached;
mod children;
mod claims;
mod clock;
mod conditions;
mod connection;
mod consensus_json;
mod contexts;
mod contracts;
mod database;
mod decisions;
mod effects;
mod envelopes;
mod explorer;
mod failure;
mod finality;
mod history;
mod logs;
mod migrations;
mod network;
mod outbox;
mod providers;
mod queries;
mod receipts;
mod recovery;
mod rows;
mod schema;
mod snapshots;
mod submissions;
mod transactions;
mod transfers;
mod undo;
mod validators;
mod writes;

pub use accounts::{account_get, supply};
pub use api_keys::{
    api_key_create_in_txn, api_key_delete_in_txn, api_key_tier, api_tier_create_in_txn,
    api_tier_list,
};
pub use appeals::{appeal_open_in_txn, appeal_open_signed_in_txn};
pub use batch::{BatchContext, batch};
pub use blocks::{block_get, block_last, block_list};
pub use claims::{transaction_claim_exclusive, transaction_claim_in_txn};
pub use clock::{clock_change_in_txn, clock_load};
pub use connection::AnyConnection as Connection;
pub use contracts::{
    contract_get, contract_list, contract_page_list, contract_pages, contract_view,
};
pub use database::{
    Database, DatabaseOptions, ReaderManager, checkpoint, connect_unmigrated, is_alive,
};
pub use decisions::{announcements_record_in_txn, decision_persist_in_txn};
pub use envelopes::envelope_get;
pub use explorer::{contract_search, ledger_sums, transaction_search};
pub use finality::{
    finality_window_load, finality_window_set_in_txn, transaction_finalize_in_txn,
    transaction_list_due, transaction_next_due_at,
};
pub use logs::log_list;
pub use migrations::{MigrationStatus, migrate_down, migrate_status, migrate_up};
pub use network::{NetworkRecord, network_create_in_txn, network_load};
pub use outbox::{event_last_at, event_last_cursor, events_after};
pub use providers::{provider_change_in_txn, provider_list};
pub use queries::{
    pending_count, received_count, status_counts, transaction_get, transaction_list,
    transaction_list_of_address,
};
pub use recovery::{
    Recover, owner_heartbeat_in_txn, recovery_requeue_in_txn, shared_now,
    transaction_requeue_in_txn,
};
pub use snapshots::{
    CheckedSnapshot, NewIdentity, SnapshotFile, generation_load, generation_number,
    last_restoration, snapshot_check, snapshot_create_in_txn, snapshot_delete_all_in_txn,
    snapshot_delete_in_txn, snapshot_export_in_txn, snapshot_fork_in_txn, snapshot_import_in_txn,
    snapshot_list, snapshot_piece, snapshot_restore_in_txn, tables,
};
pub use submissions::{SubmitContext, transaction_submit_in_txn};
pub use transactions::{
    transaction_cancel_in_txn, transaction_list_pending, transaction_list_pending_of,
    transaction_reason_set_in_txn,
};
pub use transfers::transfer_execute_in_txn;
pub use validators::{
    electorate_load, validator_change_in_txn, validator_delete_all_in_txn, validator_records,
};
