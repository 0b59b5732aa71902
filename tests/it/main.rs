//! The whole network with real actors, a real database and scripted contracts.

mod network;
mod order;
mod recovery;
