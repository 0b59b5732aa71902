//! What the API may ask about snapshots of the whole network.

use std::fs::File;

use super::handles::Handles;
use super::messages::{
    CreateSnapshot, DeleteSnapshot, DeleteSnapshots, GetLastRestoration, ImportSnapshot,
    ListSnapshots, ReadSnapshotPiece, RestoreSnapshot,
};
use crate::domain::SnapshotRecord;
use crate::domain::ledger::StoreError;

impl Handles {
    /// Makes a snapshot of the network as it is; no other gets its number.
    pub async fn create_snapshot(&self) -> Result<SnapshotRecord, StoreError> {
        self.ask(CreateSnapshot).await
    }

    /// Sets the network back to a snapshot and deletes later ones; false when there is no such
    /// snapshot, and then nothing happens.
    ///
    /// Whoever asks something meanwhile waits. It is finished also when the future is dropped.
    pub async fn restore_snapshot(&self, id: i64) -> Result<bool, StoreError> {
        self.root.send(RestoreSnapshot(id)).await.unwrap_or(Err(StoreError::Closed))
    }

    /// Deletes a snapshot; answers whether there was one.
    pub async fn delete_snapshot(&self, id: i64) -> Result<bool, StoreError> {
        self.ask(DeleteSnapshot(id)).await
    }

    /// Deletes every snapshot; answers how many.
    pub async fn delete_snapshots(&self) -> Result<u64, StoreError> {
        self.ask(DeleteSnapshots).await
    }

    /// Every snapshot, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotRecord>, StoreError> {
        self.ask(ListSnapshots).await
    }

    /// One snapshot.
    pub async fn snapshot(&self, id: i64) -> Result<Option<SnapshotRecord>, StoreError> {
        let snapshots = self.snapshots().await?;
        Ok(snapshots.into_iter().find(|snapshot| snapshot.id == id))
    }

    /// Piece `number`, counted from 0, of a snapshot's file; `None` after the last.
    pub async fn snapshot_piece(
        &self,
        id: i64,
        number: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(ReadSnapshotPiece { id, number }).await
    }

    /// Keeps a file as a snapshot of this network; refuses, in words, what is none.
    pub async fn import_snapshot(&self, file: File) -> Result<SnapshotRecord, StoreError> {
        // It may take long, and a restore need not wait for it: then this one is refused.
        let store = self.gate.read().await.store.clone();
        store.send(ImportSnapshot(file)).await.unwrap_or(Err(StoreError::Closed))
    }

    /// The cursor of the event that told of the last restore; 0 before the first. What earlier
    /// events told may be undone.
    pub async fn last_restoration(&self) -> Result<i64, StoreError> {
        self.ask(GetLastRestoration).await
    }
}
