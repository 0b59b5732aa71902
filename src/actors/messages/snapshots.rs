//! Snapshots of the whole network, and the change from one generation of it to the next.

use std::fs::File;

use actix::{Addr, Message};

use crate::actors::store::Store;
use crate::domain::ledger::StoreError;
use crate::domain::{Generation, SnapshotRecord};

/// Make a snapshot of the network as it is. Answered after it is durable.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<SnapshotRecord, StoreError>")]
pub struct CreateSnapshot;

/// Read which snapshots there are, oldest first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<SnapshotRecord>, StoreError>")]
pub struct ListSnapshots;

/// Delete a snapshot. Answers whether there was one.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct DeleteSnapshot(pub i64);

/// Delete every snapshot. Answers how many there were.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<u64, StoreError>")]
pub struct DeleteSnapshots;

/// Read a piece of a snapshot's file; none after the last.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Vec<u8>>, StoreError>")]
pub struct ReadSnapshotPiece {
    /// Which snapshot.
    pub id: i64,
    /// Which piece, counted from 0.
    pub number: i64,
}

/// Keep a file as a snapshot of this network, if it is one.
#[derive(Debug, Message)]
#[rtype(result = "Result<SnapshotRecord, StoreError>")]
pub struct ImportSnapshot(pub File);

/// Read the cursor of the event that told of the last restore; 0 before the first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<i64, StoreError>")]
pub struct GetLastRestoration;

// ---- api, heartbeat → root -----------------------------------------------------------------------

/// Set the network back to a snapshot, and start everything anew on it. Answers whether there is
/// such a snapshot.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct RestoreSnapshot(pub i64);

/// The database is shared: follow, if another process restored the network.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct FollowGeneration;

// ---- root → store --------------------------------------------------------------------------------

/// Fill the tables from a snapshot, under the next generation. From then on the store that is asked
/// writes nothing; see [`RenewStore`]. Answers whether there is such a snapshot.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct RestoreTables(pub i64);

/// Is the present generation a later one than the store's?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct IsOutdated;

/// Start a store of the present generation, if it is not the store's own.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Renewed>, StoreError>")]
pub struct RenewStore;

/// A store of the present generation.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// Knows nothing of what was before.
    pub store: Addr<Store>,
    /// The generation.
    pub generation: Generation,
}
