//! Snapshots, and the store of the generation after a restore.

use std::time::Duration;

use actix::{Actor, Context, Handler};
use tokio::time::Instant;

use super::{Answer, Store};
use crate::actors::messages::{
    CreateSnapshot, DeleteSnapshot, DeleteSnapshots, GetLastRestoration, ImportSnapshot,
    IsOutdated, ListSnapshots, ReadSnapshotPiece, RenewStore, Renewed, RestoreTables,
};
use crate::domain::{Clock, SnapshotRecord};
use crate::storage;

/// Pause between words in the log about how far a work is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Tells the log, now and then, how far a long work is.
fn progress(what: &'static str) -> impl FnMut(&str, u64) + Send + 'static {
    let mut told = Instant::now();
    move |table, rows| {
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            log::info!(target: "store", "snapshot {what}: {table}, {rows} rows");
        }
    }
}

impl Handler<CreateSnapshot> for Store {
    type Result = Answer<SnapshotRecord>;

    fn handle(&mut self, _: CreateSnapshot, _: &mut Context<Self>) -> Self::Result {
        let (at, mut progress) = (self.clock.now(), progress("made"));
        Box::pin(
            self.writer.write(None, move |conn, _| {
                storage::snapshot_create_in_txn(conn, at, &mut progress)
            }),
        )
    }
}

impl Handler<ListSnapshots> for Store {
    type Result = Answer<Vec<SnapshotRecord>>;

    fn handle(&mut self, _: ListSnapshots, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::snapshot_list)
    }
}

impl Handler<DeleteSnapshot> for Store {
    type Result = Answer<bool>;

    fn handle(&mut self, message: DeleteSnapshot, _: &mut Context<Self>) -> Self::Result {
        Box::pin(
            self.writer
                .write(None, move |conn, _| storage::snapshot_delete_in_txn(conn, message.0)),
        )
    }
}

impl Handler<DeleteSnapshots> for Store {
    type Result = Answer<u64>;

    fn handle(&mut self, _: DeleteSnapshots, _: &mut Context<Self>) -> Self::Result {
        Box::pin(self.writer.write(None, |conn, _| storage::snapshot_delete_all_in_txn(conn)))
    }
}

impl Handler<ReadSnapshotPiece> for Store {
    type Result = Answer<Option<Vec<u8>>>;

    fn handle(&mut self, message: ReadSnapshotPiece, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::snapshot_piece(conn, message.id, message.number))
    }
}

impl Handler<ImportSnapshot> for Store {
    type Result = Answer<SnapshotRecord>;

    /// The file is read to its end before the writer hears of it.
    fn handle(&mut self, message: ImportSnapshot, _: &mut Context<Self>) -> Self::Result {
        let mut progress = progress("checked");
        let checked = self.read(move |_| storage::snapshot_check(message.0, &mut progress));
        let writer = self.writer.clone();
        Box::pin(async move {
            let mut checked = checked.await?;
            let kept = writer
                .write(None, move |conn, _| storage::snapshot_import_in_txn(conn, &mut checked));
            kept.await
        })
    }
}

impl Handler<GetLastRestoration> for Store {
    type Result = Answer<i64>;

    fn handle(&mut self, _: GetLastRestoration, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::last_restoration)
    }
}

impl Handler<RestoreTables> for Store {
    type Result = Answer<bool>;

    fn handle(&mut self, message: RestoreTables, _: &mut Context<Self>) -> Self::Result {
        let (id, clock) = (message.0, self.clock.clone());
        let mut progress = progress("restored");
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::snapshot_restore_in_txn(conn, ctx, id, clock.reading(), &mut progress)
        }))
    }
}

impl Handler<IsOutdated> for Store {
    type Result = Answer<bool>;

    fn handle(&mut self, _: IsOutdated, _: &mut Context<Self>) -> Self::Result {
        let own = self.writer.generation();
        self.read(move |conn| Ok(storage::generation_number(conn)? != own))
    }
}

impl Handler<RenewStore> for Store {
    type Result = Answer<Option<Renewed>>;

    fn handle(&mut self, _: RenewStore, _: &mut Context<Self>) -> Self::Result {
        let (own, present) = (self.writer.generation(), self.read(storage::generation_load));
        let next = self.successor();
        Box::pin(async move {
            let generation = present.await?;
            if generation.number == own {
                return Ok(None);
            }
            let store = next(generation.number).start();
            Ok(Some(Renewed { store, generation }))
        })
    }
}

impl Store {
    /// Makes the store of another generation: the same writer, readers and database, and nothing
    /// that this one knows of the network.
    fn successor(&self) -> impl FnOnce(i64) -> Self + use<> {
        let (database, is_shared) = (self.database.clone(), self.is_shared);
        let (writer, readers) = (self.writer.clone(), self.readers.clone());
        let (crawler, settings) = (self.crawler.clone(), self.settings.clone());
        let clock = self.clock.clone();
        move |generation| Self {
            database,
            is_shared,
            writer: writer.of(generation),
            readers,
            electorate: super::ElectorateCache::default(),
            claims: super::Claims::default(),
            crawler,
            settings,
            clock,
        }
    }
}
