//! The whole protocol on the real actors and virtual time: the end-to-end scenarios of the network
//! Agora grows from, and the rules around them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod appeals;
mod messages;
mod origin;
mod origin_weak;
mod rules;
mod scenario;
mod stage;
mod timeouts;
mod world;
