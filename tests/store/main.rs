//! The store on both databases: every test runs on SQLite, and on PostgreSQL when
//! `AGORA_TEST_POSTGRES_URL` names a server on which databases can be created.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod harness;

mod api_keys;
mod clock;
mod cost;
mod decisions;
mod events;
mod explorer;
mod finality;
mod ledger;
mod logs;
mod migrations;
mod models;
mod money;
mod plans;
mod queue;
mod recovery;
mod snapshot_files;
mod snapshot_limits;
mod snapshots;
mod submissions;
mod undo;
mod upgrades;
mod windows;
