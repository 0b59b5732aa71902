//! Logs: the events of contracts whose decision stands, and one of the network's own for every
//! transaction that was accepted.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::blocks;
use super::failure::During;
use super::rows::{Progress, address, digest, number};
use super::schema::{logs, transactions};
use super::transactions::limit_column;
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{
    Block, Digest, EmittedEvent, Inclusion, LogFilter, LogRecord, new_transaction_log,
    new_transaction_topic,
};

/// Stores the events of a decision that takes effect, in the block of the present batch.
pub(super) fn insert(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    progress: &Progress,
    events: &[EmittedEvent],
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing logs";
    for event in events {
        let block = i64::try_from(ctx.block_next(conn)?).during(OPERATION)?;
        let topic = |index: usize| event.topics.get(index).map(|topic| topic.as_bytes().as_slice());
        diesel::insert_into(logs::table)
            .values((
                logs::block.eq(block),
                logs::place.eq(ctx.log_place()),
                logs::position.eq(progress.position.0),
                logs::address.eq(progress.queue.as_bytes().as_slice()),
                logs::topic0.eq(topic(0)),
                logs::topic1.eq(topic(1)),
                logs::topic2.eq(topic(2)),
                logs::topic3.eq(topic(3)),
                logs::data.eq(event.data.as_ref()),
            ))
            .execute(conn)
            .during(OPERATION)?;
    }
    Ok(())
}

/// Forgets what an undone decision told.
pub(super) fn remove(conn: &mut Connection, position: Position) -> Result<(), StoreError> {
    diesel::delete(logs::table.filter(logs::position.eq(position.0)))
        .execute(conn)
        .during("undoing logs")
        .map(drop)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = logs)]
struct Row {
    block: i64,
    place: i64,
    position: i64,
    address: Vec<u8>,
    topic0: Option<Vec<u8>>,
    topic1: Option<Vec<u8>>,
    topic2: Option<Vec<u8>>,
    topic3: Option<Vec<u8>>,
    data: Vec<u8>,
}

/// Logs of contracts and of the network that fit `filter`, in order; at most `limit + 1`, so that
/// the asker sees that there are more.
pub fn log_list(
    conn: &mut Connection,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<LogRecord>, StoreError> {
    let mut chain = Chain::default();
    let mut found = accepted(conn, &mut chain, filter, limit)?;
    for row in contract_rows(conn, filter, limit)? {
        let log = chain.contract_log(conn, row)?;
        if filter.admits_topics(&log.topics) {
            found.push(log);
        }
    }
    found.sort_by_key(|log| (log.block.number, log.index));
    Ok(found)
}

/// What the decision over the transaction at `position` told.
pub(super) fn of_transaction(
    conn: &mut Connection,
    position: Position,
) -> Result<Vec<LogRecord>, StoreError> {
    let rows: Vec<Row> = logs::table
        .filter(logs::position.eq(position.0))
        .order((logs::block, logs::place))
        .select(Row::as_select())
        .load(conn)
        .during("reading the logs of a transaction")?;
    let mut chain = Chain::default();
    rows.into_iter().map(|row| chain.contract_log(conn, row)).collect()
}

fn contract_rows(
    conn: &mut Connection,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut query = logs::table
        .filter(logs::block.ge(saturated(filter.from)))
        .filter(logs::block.le(saturated(filter.to)))
        .order((logs::block, logs::place))
        .limit(limit_column(limit.saturating_add(1)))
        .select(Row::as_select())
        .into_boxed();
    if !filter.addresses.is_empty() {
        let addresses = filter.addresses.iter().map(|address| address.as_bytes().to_vec());
        query = query.filter(logs::address.eq_any(addresses.collect::<Vec<_>>()));
    }
    if let Some(wanted) = filter.topics.first().filter(|wanted| !wanted.is_empty()) {
        let wanted = wanted.iter().map(|topic| topic.as_bytes().to_vec());
        query = query.filter(logs::topic0.eq_any(wanted.collect::<Vec<_>>()));
    }
    query.load(conn).during("reading logs")
}

/// Place, block, hash, sender, recipient, queue and kind.
type AcceptedRow = (i64, i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, String);

/// One log of the network for every transaction that was accepted.
fn accepted(
    conn: &mut Connection,
    chain: &mut Chain,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<LogRecord>, StoreError> {
    const OPERATION: &str = "reading accepted transactions";
    let first = filter.topics.first().filter(|wanted| !wanted.is_empty());
    if first.is_some_and(|wanted| !wanted.contains(&new_transaction_topic())) {
        return Ok(Vec::new());
    }
    let mut query = transactions::table
        .filter(transactions::block.ge(saturated(filter.from)))
        .filter(transactions::block.le(saturated(filter.to)))
        .order((transactions::block, transactions::position))
        .limit(limit_column(limit.saturating_add(1)))
        .select((
            transactions::position,
            transactions::block,
            transactions::hash,
            transactions::sender,
            transactions::recipient,
            transactions::queue_address,
            transactions::kind,
        ))
        .into_boxed();
    if let Some(hashes) = filter.topics.get(1).filter(|wanted| !wanted.is_empty()) {
        let hashes = hashes.iter().map(|hash| hash.as_bytes().to_vec());
        query = query.filter(transactions::hash.eq_any(hashes.collect::<Vec<_>>()));
    }
    let rows: Vec<AcceptedRow> = query.load(conn).during(OPERATION)?;
    let mut found = Vec::new();
    for (position, place, hash, sender, recipient, queue, kind) in rows {
        let Some(inclusion) = chain.inclusion(conn, Position(position), place)? else { continue };
        let recipient = recipient.or((kind == "deploy").then_some(queue));
        let recipient = recipient.as_deref().map(address).transpose()?;
        let sender = sender.as_deref().map(address).transpose()?;
        let log = new_transaction_log(digest(&hash)?, sender, recipient, inclusion);
        if filter.admits_topics(&log.topics) && filter.admits_address(&log.address) {
            found.push(log);
        }
    }
    Ok(found)
}

fn saturated(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// What was read of the chain already.
#[derive(Default)]
struct Chain {
    blocks: BTreeMap<i64, (Option<Block>, i64)>,
}

impl Chain {
    /// A block, and how many transactions were accepted in it.
    fn block(
        &mut self,
        conn: &mut Connection,
        place: i64,
    ) -> Result<(Option<Block>, i64), StoreError> {
        if let Some(known) = self.blocks.get(&place) {
            return Ok(*known);
        }
        let count: i64 = transactions::table
            .filter(transactions::block.eq(place))
            .select(diesel::dsl::count_star())
            .get_result(conn)
            .during("counting the transactions of a block")?;
        let known = (blocks::at(conn, number(place)?)?, count);
        self.blocks.insert(place, known);
        Ok(known)
    }

    fn inclusion(
        &mut self,
        conn: &mut Connection,
        position: Position,
        place: i64,
    ) -> Result<Option<Inclusion>, StoreError> {
        let (block, _) = self.block(conn, place)?;
        let Some(block) = block else { return Ok(None) };
        let found = blocks::inclusion(conn, position, place)?;
        Ok(found.map(|found| Inclusion { block, ..found }))
    }

    /// The logs of contracts come after those of the network.
    fn contract_log(&mut self, conn: &mut Connection, row: Row) -> Result<LogRecord, StoreError> {
        const OPERATION: &str = "reading logs";
        let (block, accepted) = self.block(conn, row.block)?;
        let block = block.ok_or_else(|| {
            super::failure::database_error(OPERATION, format!("there is no block {}", row.block))
        })?;
        let hash: Vec<u8> = transactions::table
            .find(row.position)
            .select(transactions::hash)
            .get_result(conn)
            .during(OPERATION)?;
        let topics = [row.topic0, row.topic1, row.topic2, row.topic3];
        let topics = topics.iter().flatten().map(|topic| digest(topic));
        Ok(LogRecord {
            address: address(&row.address)?,
            topics: topics.collect::<Result<Vec<Digest>, _>>()?,
            data: row.data.into(),
            block,
            transaction: digest(&hash)?,
            transaction_index: 0,
            index: number(accepted.saturating_add(row.place))?,
        })
    }
}
