//! JSON-RPC 2.0 at `/api`: what the clients of GenLayer Studio speak, unchanged.
//!
//! `protocol` reads a body and frames the answers, `definition` says what a method is and takes
//! its parameters, `methods` holds every method in one table per subject, `logs` is what filters and
//! subscriptions share with `eth_getLogs`, `raw` reads signed Ethereum transactions, and `views` writes what the network knows in the shapes that clients
//! take apart. The table also gives the `OpenRPC` document and the documentation of methods.

mod answer;
mod caller;
mod definition;
mod document;
mod explorer_views;
mod logs;
mod methods;
mod protocol;
mod raw;
mod socket;
mod state;
mod views;

pub use document::{method_table, openrpc};
pub(super) use explorer_views::{provider_views, transaction_view, validator_view};
pub(super) use protocol::{PATH, discover, refusal, serve};
pub(super) use socket::connect;
pub(super) use state::RpcState;
pub(super) use views::{iso8601, plain};
