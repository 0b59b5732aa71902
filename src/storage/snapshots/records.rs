//! The snapshots that are kept, and their way in and out as files.

use std::fmt::Display;
use std::io::{Read, Seek, Write};

use diesel::prelude::*;

use super::file::{Header, Item, Trust, Unpacker, refused};
use super::transfer::{dump, header_now};
use crate::domain::ledger::StoreError;
use crate::domain::{Progress, SnapshotRecord, Timestamp};
use crate::storage::Connection;
use crate::storage::failure::{During, database_error};
use crate::storage::network::network_load;
use crate::storage::rows::number;
use crate::storage::schema::{snapshot_chunks, snapshot_counters, snapshots};
use crate::storage::transactions::one_row;

/// Snapshots that are kept at the same time.
const SNAPSHOTS_MAX: i64 = 1_000;
/// Bytes of a file that are read at a time.
const PIECE_BYTES: u64 = 256 << 10;

/// A snapshot outside of the database.
pub trait SnapshotFile: Read + Seek {}

impl<F: Read + Seek> SnapshotFile for F {}

/// A snapshot outside of the database that was read to its end and found good.
#[derive(Debug)]
pub struct CheckedSnapshot<F> {
    pub(super) file: F,
    pub(super) header: Header,
}

/// Every snapshot that is kept, oldest first.
pub fn snapshot_list(conn: &mut Connection) -> Result<Vec<SnapshotRecord>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64)> =
        snapshots::table.order(snapshots::id).load(conn).during("listing snapshots")?;
    rows.into_iter()
        .map(|(id, created_at, transactions, bytes)| {
            Ok(SnapshotRecord {
                id,
                created_at: Timestamp::from_millis(created_at),
                transactions: number(transactions)?,
                bytes: number(bytes)?,
            })
        })
        .collect()
}

/// Makes a snapshot of the network as it is; `at` is what its clock shows. Refuses, in words, where
/// as many as can be are kept, or where the network is too large to be restored.
pub fn snapshot_create_in_txn(
    conn: &mut Connection,
    at: Timestamp,
    progress: &mut Progress<'_>,
) -> Result<SnapshotRecord, StoreError> {
    let header = header_now(conn, at)?;
    let mut record = Keeper::begin(conn, &header)?;
    let dumped = dump(conn, &header, &mut |conn, piece| record.keep(conn, piece), progress);
    match dumped {
        Ok(()) => record.end(conn),
        Err(refusal @ StoreError::Snapshot(_)) => {
            record.discard(conn)?;
            Err(refusal)
        }
        Err(failure) => Err(failure),
    }
}

/// Writes the network as it is to a file, and keeps no snapshot.
pub fn snapshot_export_in_txn(
    conn: &mut Connection,
    at: Timestamp,
    out: &mut dyn Write,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    if network_load(conn)?.is_none() {
        return Err(StoreError::Snapshot("the database holds no network yet".into()));
    }
    let header = header_now(conn, at)?;
    let mut emit = |_: &mut Connection, piece: Vec<u8>| {
        let written = out.write_all(&piece);
        written.map_err(|error| StoreError::Snapshot(format!("cannot write the file: {error}")))
    };
    dump(conn, &header, &mut emit, progress)
}

/// Piece `number` of a snapshot's file; `None` after the last, and where there is none.
pub fn snapshot_piece(
    conn: &mut Connection,
    id: i64,
    number: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let piece = snapshot_chunks::table.find((id, number)).select(snapshot_chunks::body);
    piece.get_result(conn).optional().during("reading a snapshot")
}

/// Deletes a snapshot; answers whether there was one.
pub fn snapshot_delete_in_txn(conn: &mut Connection, id: i64) -> Result<bool, StoreError> {
    delete(conn, id, id).map(|deleted| deleted > 0)
}

/// Deletes every snapshot; answers how many.
pub fn snapshot_delete_all_in_txn(conn: &mut Connection) -> Result<u64, StoreError> {
    delete(conn, 0, i64::MAX)
}

/// Deletes the snapshots from `first` to `last`.
pub(super) fn delete(conn: &mut Connection, first: i64, last: i64) -> Result<u64, StoreError> {
    const OPERATION: &str = "deleting snapshots";
    let chunks = snapshot_chunks::table.filter(snapshot_chunks::snapshot.between(first, last));
    diesel::delete(chunks).execute(conn).during(OPERATION)?;
    let records = snapshots::table.filter(snapshots::id.between(first, last));
    let deleted = diesel::delete(records).execute(conn).during(OPERATION)?;
    u64::try_from(deleted).during(OPERATION)
}

/// Reads a file to its end and refuses it, in words, unless it is a whole snapshot that this
/// program can restore.
pub fn snapshot_check<F: SnapshotFile>(
    mut file: F,
    progress: &mut Progress<'_>,
) -> Result<CheckedSnapshot<F>, StoreError> {
    let mut unpacker = Unpacker::new(Trust::Foreign);
    let (mut header, mut rows) = (None, 0);
    let mut visit = |item: Item<'_>| {
        match item {
            Item::Header(found) => header = Some(found.clone()),
            Item::Row(table, _) => {
                rows += 1;
                progress(table.name, rows);
            }
            Item::End => {}
        }
        Ok(())
    };
    file.rewind().map_err(unreadable)?;
    while let Some(piece) = next_piece(&mut file)? {
        unpacker.push(&piece, &mut visit)?;
    }
    unpacker.finish(&mut visit)?;
    let header = header.ok_or_else(|| refused("it is empty"))?;
    Ok(CheckedSnapshot { file, header })
}

/// Keeps a file as a snapshot of this network; refuses another network's.
pub fn snapshot_import_in_txn<F: SnapshotFile>(
    conn: &mut Connection,
    snapshot: &mut CheckedSnapshot<F>,
) -> Result<SnapshotRecord, StoreError> {
    let CheckedSnapshot { file, header } = snapshot;
    check_same_network(conn, header)?;
    let mut record = Keeper::begin(conn, header)?;
    let mut copy = || {
        file.rewind().map_err(unreadable)?;
        while let Some(piece) = next_piece(file)? {
            record.keep(conn, piece)?;
        }
        Ok(())
    };
    copy().map_err(|error| fatal("keeping a snapshot", error))?;
    record.end(conn)
}

/// A refusal after something was written has to undo it, as only a failure of the database does.
pub(super) fn fatal(operation: &'static str, error: StoreError) -> StoreError {
    match error {
        StoreError::Database { .. } => error,
        refusal => database_error(operation, refusal),
    }
}

/// Refuses a snapshot of another network than the one in the database, if it has one.
pub(super) fn check_same_network(conn: &mut Connection, header: &Header) -> Result<(), StoreError> {
    if network_load(conn)?.is_none() {
        return Ok(());
    }
    let own = header_now(conn, Timestamp::default())?;
    if own.is_of_network(header) {
        return Ok(());
    }
    let what = if own.chain_id == header.chain_id {
        "another seed".to_owned()
    } else {
        format!("chain id {} where this one has {}", header.chain_id, own.chain_id)
    };
    Err(refused(format_args!(
        "it is of another network, with {what}; `agora snapshot fork` makes a network of its own of it"
    )))
}

/// The next piece of a file that is read from where it stands; `None` at its end.
pub(super) fn next_piece(file: &mut impl Read) -> Result<Option<Vec<u8>>, StoreError> {
    let mut piece = Vec::new();
    file.take(PIECE_BYTES).read_to_end(&mut piece).map_err(unreadable)?;
    Ok((!piece.is_empty()).then_some(piece))
}

pub(super) fn unreadable(error: impl Display) -> StoreError {
    refused(format_args!("its file cannot be read: {error}"))
}

/// A snapshot that is being written into the database.
struct Keeper {
    record: SnapshotRecord,
    pieces: i64,
}

impl Keeper {
    fn begin(conn: &mut Connection, header: &Header) -> Result<Self, StoreError> {
        const OPERATION: &str = "numbering a snapshot";
        let kept: i64 = snapshots::table.count().get_result(conn).during(OPERATION)?;
        if kept >= SNAPSHOTS_MAX {
            return Err(StoreError::Snapshot(format!(
                "{kept} snapshots are kept, and {SNAPSHOTS_MAX} is the limit: delete one first \
                 (DELETE /v1/snapshots/{{id}} or sim_deleteSnapshot)"
            )));
        }
        let last: i64 = snapshot_counters::table
            .find(1)
            .select(snapshot_counters::snapshot_last)
            .get_result(conn)
            .during(OPERATION)?;
        let id = last + 1;
        let changed = diesel::update(snapshot_counters::table.find(1))
            .set(snapshot_counters::snapshot_last.eq(id))
            .execute(conn);
        one_row(changed, OPERATION)?;
        let transactions = i64::try_from(header.transactions).during(OPERATION)?;
        let inserted = diesel::insert_into(snapshots::table)
            .values((
                snapshots::id.eq(id),
                snapshots::created_at.eq(header.at),
                snapshots::transactions.eq(transactions),
                snapshots::bytes.eq(0),
            ))
            .execute(conn);
        one_row(inserted, OPERATION)?;
        let created_at = Timestamp::from_millis(header.at);
        let transactions = header.transactions;
        Ok(Self { record: SnapshotRecord { id, created_at, transactions, bytes: 0 }, pieces: 0 })
    }

    fn keep(&mut self, conn: &mut Connection, piece: Vec<u8>) -> Result<(), StoreError> {
        const OPERATION: &str = "storing a piece of a snapshot";
        self.record.bytes += u64::try_from(piece.len()).during(OPERATION)?;
        let inserted = diesel::insert_into(snapshot_chunks::table)
            .values((
                snapshot_chunks::snapshot.eq(self.record.id),
                snapshot_chunks::number.eq(self.pieces),
                snapshot_chunks::body.eq(piece),
            ))
            .execute(conn);
        self.pieces += 1;
        one_row(inserted, OPERATION)
    }

    /// Takes back all that was written, so that a refusal leaves no trace.
    fn discard(self, conn: &mut Connection) -> Result<(), StoreError> {
        const OPERATION: &str = "giving up a snapshot";
        delete(conn, self.record.id, self.record.id)?;
        let changed = diesel::update(snapshot_counters::table.find(1))
            .set(snapshot_counters::snapshot_last.eq(self.record.id - 1))
            .execute(conn);
        one_row(changed, OPERATION)
    }

    fn end(self, conn: &mut Connection) -> Result<SnapshotRecord, StoreError> {
        const OPERATION: &str = "storing a snapshot";
        let bytes = i64::try_from(self.record.bytes).during(OPERATION)?;
        let changed = diesel::update(snapshots::table.find(self.record.id))
            .set(snapshots::bytes.eq(bytes))
            .execute(conn);
        one_row(changed, OPERATION)?;
        Ok(self.record)
    }
}
