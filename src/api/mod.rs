//! HTTP: the REST interface, its description and its measurements.
//!
//! Holds [`crate::actors::handles::Handles`] and never an actor or a connection. A request passes
//! [`server`]'s watch (rate limit, pages of others, measurement, error shape), then one handler of [`rest`], which
//! reads every field by name (`input`), asks the network, and answers a documented view. Every
//! refusal has the one shape of [`error`].

pub mod access;
pub mod error;
mod explorer;
mod input;
pub mod limits;
mod metrics;
pub mod openapi;
mod origins;
mod rate;
pub mod rest;
pub mod rpc;
pub mod server;

pub use access::Access;
pub use actix_web::dev::ServerHandle;
pub use limits::{ApiSettings, Details};
pub use server::start;
