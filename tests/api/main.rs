//! The HTTP interface, driven over real sockets against a real network.
