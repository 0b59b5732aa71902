//! The chain of blocks: one for every batch that has events.

use diesel::prelude::*;

use super::Connection;
use super::failure::During;
use super::rows::{digest, number};
use super::schema::{blocks, logs, transactions};
use super::transactions::{limit_column, one_row};
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{Block, BlockId, BlockRecord, Digest, Inclusion, Timestamp};

type Row = (i64, Vec<u8>, Vec<u8>, i64);

fn block((place, hash, parent, at): Row) -> Result<Block, StoreError> {
    Ok(Block {
        number: number(place)?,
        hash: digest(&hash)?,
        parent: digest(&parent)?,
        at: Timestamp::from_millis(at),
    })
}

/// The newest block; `None` before the first.
pub fn block_last(conn: &mut Connection) -> Result<Option<Block>, StoreError> {
    let row: Option<Row> = blocks::table
        .order(blocks::number.desc())
        .first(conn)
        .optional()
        .during("reading the last block")?;
    row.map(block).transpose()
}

/// One block with what was accepted in it.
pub fn block_get(conn: &mut Connection, id: BlockId) -> Result<Option<BlockRecord>, StoreError> {
    const OPERATION: &str = "reading a block";
    let found = match id {
        BlockId::Number(place) => at(conn, place)?,
        BlockId::Hash(hash) => {
            let row: Option<Row> = blocks::table
                .filter(blocks::hash.eq(hash.as_bytes().as_slice()))
                .first(conn)
                .optional()
                .during(OPERATION)?;
            row.map(block).transpose()?
        }
    };
    let Some(block) = found else { return Ok(None) };
    let hashes: Vec<Vec<u8>> = transactions::table
        .filter(transactions::block.eq(i64::try_from(block.number).during(OPERATION)?))
        .order(transactions::position)
        .select(transactions::hash)
        .load(conn)
        .during(OPERATION)?;
    let transactions = hashes.iter().map(|hash| digest(hash)).collect::<Result<_, _>>()?;
    Ok(Some(BlockRecord { block, transactions }))
}

/// The blocks from the place `from` up to `to`, `limit` of them at most, each with what was accepted
/// in it.
pub fn block_list(
    conn: &mut Connection,
    from: u64,
    to: u64,
    limit: usize,
) -> Result<Vec<BlockRecord>, StoreError> {
    const OPERATION: &str = "reading blocks";
    let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
    let rows: Vec<Row> = blocks::table
        .filter(blocks::number.ge(from))
        .filter(blocks::number.le(i64::try_from(to).unwrap_or(i64::MAX)))
        .order(blocks::number)
        .limit(limit_column(limit))
        .load(conn)
        .during(OPERATION)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Vec::new()) };
    let accepted: Vec<(i64, Vec<u8>)> = transactions::table
        .filter(transactions::block.ge(from))
        .filter(transactions::block.le(last))
        .order((transactions::block, transactions::position))
        .select((transactions::block, transactions::hash))
        .load(conn)
        .during(OPERATION)?;
    let mut accepted = accepted.into_iter().peekable();
    rows.into_iter()
        .map(|row| {
            let (place, mut transactions) = (row.0, Vec::new());
            while let Some((_, hash)) = accepted.next_if(|(block, _)| *block <= place) {
                transactions.push(digest(&hash)?);
            }
            Ok(BlockRecord { block: block(row)?, transactions })
        })
        .collect()
}

/// The block at a place.
pub(super) fn at(conn: &mut Connection, place: u64) -> Result<Option<Block>, StoreError> {
    let Ok(place) = i64::try_from(place) else { return Ok(None) };
    let row: Option<Row> =
        blocks::table.find(place).first(conn).optional().during("reading a block")?;
    row.map(block).transpose()
}

/// Where the transaction at `position` was accepted.
pub(super) fn inclusion(
    conn: &mut Connection,
    position: Position,
    place: i64,
) -> Result<Option<Inclusion>, StoreError> {
    let Some(block) = at(conn, number(place)?)? else { return Ok(None) };
    Ok(Some(Inclusion { block, index: index(conn, position, place)? }))
}

/// The 0-based place of the transaction at `position` within the block at `place`.
pub(super) fn index(
    conn: &mut Connection,
    position: Position,
    place: i64,
) -> Result<u64, StoreError> {
    let earlier: i64 = transactions::table
        .filter(transactions::block.eq(place))
        .filter(transactions::position.lt(position.0))
        .select(diesel::dsl::count_star())
        .get_result(conn)
        .during("reading where a transaction was accepted")?;
    number(earlier)
}

/// Adds a block with the events `body` to the chain that ends with `parent`.
pub(super) fn append(
    conn: &mut Connection,
    parent: Option<Block>,
    at: Timestamp,
    body: &[u8],
) -> Result<(), StoreError> {
    const OPERATION: &str = "adding a block";
    let place = parent.map_or(0, |parent| parent.number.saturating_add(1));
    let at = parent.map_or(at, |parent| parent.at.max(at));
    let parent = parent.map_or(Digest::new([0; 32]), |parent| parent.hash);
    let hash = Block::hash_of(place, &parent, at, body);
    let inserted = diesel::insert_into(blocks::table)
        .values((
            blocks::number.eq(i64::try_from(place).during(OPERATION)?),
            blocks::hash.eq(hash.as_bytes().as_slice()),
            blocks::parent.eq(parent.as_bytes().as_slice()),
            blocks::at.eq(at.as_millis()),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)
}

/// Lets the chain reach every block that transactions and logs name. Those of a network that was
/// carried here name blocks of another chain; on their own network nothing is missing.
pub(super) fn extend(conn: &mut Connection, at: Timestamp) -> Result<(), StoreError> {
    const OPERATION: &str = "extending the chain of blocks";
    let of_transactions: Option<i64> = transactions::table
        .select(diesel::dsl::max(transactions::block))
        .get_result(conn)
        .during(OPERATION)?;
    let of_logs: Option<i64> =
        logs::table.select(diesel::dsl::max(logs::block)).get_result(conn).during(OPERATION)?;
    let Some(named) = of_transactions.max(of_logs) else { return Ok(()) };
    let named: u64 = number(named)?;
    let mut head = block_last(conn)?;
    while head.is_none_or(|head| head.number < named) {
        append(conn, head, at, b"carried here")?;
        head = block_last(conn)?;
    }
    Ok(())
}
