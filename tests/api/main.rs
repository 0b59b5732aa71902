//! The HTTP interface, driven over real sockets against a real network.

mod access;
mod bad_input;
mod document;
mod limits;
mod live;
mod routes;
mod support;
