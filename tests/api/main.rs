//! The HTTP interface, driven over real sockets against a real network.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; clippy knows only the functions that are marked"
)]

mod access;
mod appeals;
mod bad_input;
mod clock;
mod document;
mod limits;
mod lint;
mod live;
mod models;
mod mutations;
mod routes;
mod rpc;
mod support;
