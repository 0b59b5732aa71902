//! Setting a network back: in one database transaction, under the next generation.

use diesel::prelude::*;

use super::file::{Header, Item, Trust, Unpacker, refused};
use super::records::{
    CheckedSnapshot, SnapshotFile, check_same_network, delete, fatal, next_piece, snapshot_piece,
    unreadable,
};
use super::sql;
use super::tables::RESTORED;
use super::transfer::{Fetch, header_now, load};
use crate::domain::ledger::StoreError;
use crate::domain::{
    Address, ClockReading, Digest, EventKind, Generation, Progress, Timestamp, TxHash,
};
use crate::storage::batch::BatchContext;
use crate::storage::blocks;
use crate::storage::clock::clock_load;
use crate::storage::failure::During;
use crate::storage::outbox::{event_last_at, event_last_cursor};
use crate::storage::recovery::{Recover, recovery_requeue_in_txn};
use crate::storage::schema::{network, snapshot_counters};
use crate::storage::transactions::one_row;
use crate::storage::{Connection, network::network_load};

/// No crash of its own brings a transaction here, so none is given up.
const ATTEMPTS_MAX: u32 = u32::MAX;

/// What distinguishes a fork from the network it was; `None` keeps what that has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewIdentity {
    /// Everything random derives from it.
    pub seed: Option<Digest>,
    /// Part of every transaction's hash.
    pub chain_id: Option<u64>,
}

/// Where a restore takes its rows from.
struct Source<'a> {
    /// The snapshot's number; 0 for a file.
    id: i64,
    header: &'a Header,
    fetch: &'a mut Fetch<'a>,
    identity: NewIdentity,
}

/// The generation that a write must belong to.
pub fn generation_number(conn: &mut Connection) -> Result<i64, StoreError> {
    let counters = snapshot_counters::table.find(1).select(snapshot_counters::generation);
    counters.get_result(conn).during("reading the generation")
}

/// The present generation and how its clock stands.
pub fn generation_load(conn: &mut Connection) -> Result<Generation, StoreError> {
    let number = generation_number(conn)?;
    let shown = event_last_at(conn)?.unwrap_or_default();
    Ok(Generation { number, dial: clock_load(conn)?, shown })
}

/// The cursor of the event that told of the last restore; 0 before the first. What earlier events
/// told may be undone.
pub fn last_restoration(conn: &mut Connection) -> Result<i64, StoreError> {
    let counters = snapshot_counters::table.find(1).select(snapshot_counters::restored_cursor);
    counters.get_result(conn).during("reading when the network was restored")
}

/// Sets the network back to a snapshot and deletes later snapshots; answers whether there is such
/// a snapshot. `present` is what the clock of whoever asks shows.
///
/// What was in flight when the snapshot was made waits again. Every writer of before is refused
/// from now on, and what this batch has read of the tables before is forgotten.
pub fn snapshot_restore_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    id: i64,
    present: ClockReading,
    progress: &mut Progress<'_>,
) -> Result<bool, StoreError> {
    let Some(first) = snapshot_piece(conn, id, 0)? else { return Ok(false) };
    let header = header_in(&first)?;
    check_same_network(conn, &header)?;
    delete(conn, id.saturating_add(1), i64::MAX)?;
    let mut next = 0;
    let mut fetch = |conn: &mut Connection| {
        next += 1;
        snapshot_piece(conn, id, next - 1)
    };
    let identity = NewIdentity::default();
    let source = Source { id, header: &header, fetch: &mut fetch, identity };
    restore(conn, ctx, source, present, progress)?;
    Ok(true)
}

/// Fills a database that holds no network from a file.
pub fn snapshot_fork_in_txn<F: SnapshotFile>(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    snapshot: &mut CheckedSnapshot<F>,
    identity: NewIdentity,
    present: ClockReading,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    if network_load(conn)?.is_some() {
        return Err(StoreError::Snapshot("the database holds a network already".into()));
    }
    let CheckedSnapshot { file, header } = snapshot;
    file.rewind().map_err(unreadable)?;
    let mut fetch = |_: &mut Connection| next_piece(file);
    let source = Source { id: 0, header, fetch: &mut fetch, identity };
    restore(conn, ctx, source, present, progress)
}

/// What a file says of itself, by its first piece.
fn header_in(piece: &[u8]) -> Result<Header, StoreError> {
    let mut header = None;
    Unpacker::new(Trust::Ours).push(piece, &mut |item| {
        if let Item::Header(found) = item {
            header = Some(found.clone());
        }
        Ok(())
    })?;
    header.ok_or_else(|| refused("it does not say what it is"))
}

fn restore(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    source: Source<'_>,
    present: ClockReading,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    let Source { id, header, fetch, identity } = source;
    let revision = match network_load(conn)? {
        Some(_) => clock_load(conn)?.revision,
        None => 0,
    };
    let mut replace = || {
        sql::empty(conn, RESTORED.iter().rev())?;
        load(conn, fetch, Trust::Ours, progress)?;
        if !header.tells_of(&header_now(conn, present.now)?) {
            return Err(refused("it holds another network than it says"));
        }
        identify(conn, revision.saturating_add(1), identity)?;
        blocks::extend(conn, Timestamp::from_millis(header.at))?;
        let made_at = Timestamp::from_millis(header.at);
        let at = clock_load(conn)?.reading(present.wall).max(made_at);
        begin_generation(conn, ctx, id, at)?;
        recovery_requeue_in_txn(conn, ctx, Recover::All, ATTEMPTS_MAX, at).map(drop)
    };
    replace().map_err(|error| fatal("restoring a snapshot", error))
}

/// Gives the clock's dial a revision that everybody follows, and the network another name if asked.
fn identify(conn: &mut Connection, revision: u64, identity: NewIdentity) -> Result<(), StoreError> {
    const OPERATION: &str = "naming the restored network";
    let revision = i64::try_from(revision).during(OPERATION)?;
    let changed = diesel::update(network::table.find(1))
        .set(network::clock_revision.eq(revision))
        .execute(conn);
    one_row(changed, OPERATION)?;
    if let Some(seed) = identity.seed {
        let changed = diesel::update(network::table.find(1))
            .set(network::seed.eq(seed.as_bytes().as_slice()))
            .execute(conn);
        one_row(changed, OPERATION)?;
    }
    if let Some(chain_id) = identity.chain_id {
        let chain_id = i64::try_from(chain_id).during(OPERATION)?;
        let changed = diesel::update(network::table.find(1))
            .set(network::chain_id.eq(chain_id))
            .execute(conn);
        one_row(changed, OPERATION)?;
    }
    Ok(())
}

/// From here on the tables are another network's: whoever wrote before is refused, and listeners
/// are told.
fn begin_generation(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    snapshot: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "beginning another generation";
    let generation = generation_number(conn)? + 1;
    ctx.restored(generation);
    let kind = EventKind::NetworkRestored { snapshot };
    ctx.record(at, TxHash::new([0; 32]), Address::ZERO, kind);
    let told = i64::try_from(ctx.recorded()).during(OPERATION)?;
    let cursor = event_last_cursor(conn)? + told;
    let changed = diesel::update(snapshot_counters::table.find(1))
        .set((
            snapshot_counters::generation.eq(generation),
            snapshot_counters::restored_cursor.eq(cursor),
        ))
        .execute(conn);
    one_row(changed, OPERATION)
}
