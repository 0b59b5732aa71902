//! The whole network with real actors, a real database and scripted contracts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it measured"
)]

mod clock;
mod contracts;
mod models;
mod network;
mod order;
mod recovery;
mod shared;
