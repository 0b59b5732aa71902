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
    Address, Block, Digest, EmittedEvent, Inclusion, LogFilter, LogRecord, new_transaction_log,
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
/// the asker sees that there are more. Every condition is the database's: what is left out there is
/// not counted against the limit.
pub fn log_list(
    conn: &mut Connection,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<LogRecord>, StoreError> {
    let mut chain = Chain::default();
    let mut found = accepted(conn, &mut chain, filter, limit)?;
    for row in contract_rows(conn, filter, limit)? {
        found.push(chain.contract_log(conn, row)?);
    }
    found.sort_by_key(|log| (log.block.number, log.index));
    found.truncate(limit.saturating_add(1));
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
        query = query.filter(logs::address.eq_any(columns(&filter.addresses)));
    }
    for (index, wanted) in filter.topics.iter().enumerate() {
        if wanted.is_empty() {
            continue;
        }
        let wanted = wanted.iter().map(|topic| topic.as_bytes().to_vec()).collect::<Vec<_>>();
        query = match index {
            0 => query.filter(logs::topic0.eq_any(wanted)),
            1 => query.filter(logs::topic1.eq_any(wanted)),
            2 => query.filter(logs::topic2.eq_any(wanted)),
            3 => query.filter(logs::topic3.eq_any(wanted)),
            // No log has a fifth.
            _ => return Ok(Vec::new()),
        };
    }
    query.load(conn).during("reading logs")
}

fn columns(addresses: &[Address]) -> Vec<Vec<u8>> {
    addresses.iter().map(|address| address.as_bytes().to_vec()).collect()
}

/// Which transactions the wanted logs of the network are about: what `new_transaction_log` makes
/// of a transaction, read backwards. `None` is any.
struct Wanted {
    hashes: Option<Vec<Vec<u8>>>,
    recipients: Option<Vec<Address>>,
    senders: Option<Vec<Address>>,
}

impl Wanted {
    /// `None` when no log of the network can fit.
    fn by(filter: &LogFilter) -> Option<Self> {
        let topic = |index: usize| filter.topics.get(index).filter(|wanted| !wanted.is_empty());
        let is_another = topic(0).is_some_and(|wanted| !wanted.contains(&new_transaction_topic()));
        if is_another || filter.topics.iter().skip(4).any(|wanted| !wanted.is_empty()) {
            return None;
        }
        let addresses = |index| {
            topic(index).map(|words| words.iter().filter_map(address_in).collect::<Vec<Address>>())
        };
        let hash = |hash: &Digest| hash.as_bytes().to_vec();
        let told = (!filter.addresses.is_empty()).then(|| filter.addresses.clone());
        Some(Self {
            hashes: topic(1).map(|wanted| wanted.iter().map(hash).collect()),
            recipients: match (told, addresses(2)) {
                (Some(told), Some(named)) => {
                    Some(told.into_iter().filter(|address| named.contains(address)).collect())
                }
                (told, named) => told.or(named),
            },
            senders: addresses(3),
        })
    }
}

/// The address that a topic of 32 bytes holds.
fn address_in(word: &Digest) -> Option<Address> {
    let (zeros, address) = word.as_bytes().split_at(12);
    if zeros.iter().all(|byte| *byte == 0) { Address::from_slice(address) } else { None }
}

/// Place, block, hash, sender, recipient, queue and kind.
type AcceptedRow = (i64, i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, String);

fn accepted_rows(
    conn: &mut Connection,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<AcceptedRow>, StoreError> {
    use super::schema::transactions::dsl as tx;
    let Some(wanted) = Wanted::by(filter) else { return Ok(Vec::new()) };
    let mut query = transactions::table
        .filter(tx::block.ge(saturated(filter.from)))
        .filter(tx::block.le(saturated(filter.to)))
        .order((tx::block, tx::position))
        .limit(limit_column(limit.saturating_add(1)))
        .select((
            tx::position,
            tx::block,
            tx::hash,
            tx::sender,
            tx::recipient,
            tx::queue_address,
            tx::kind,
        ))
        .into_boxed();
    if let Some(hashes) = wanted.hashes {
        query = query.filter(tx::hash.eq_any(hashes));
    }
    if let Some(senders) = wanted.senders {
        let is_one = tx::sender.eq_any(columns(&senders));
        query = if senders.contains(&Address::ZERO) {
            query.filter(is_one.or(tx::sender.is_null()))
        } else {
            query.filter(is_one)
        };
    }
    if let Some(recipients) = wanted.recipients {
        let is_deployed = tx::kind.eq("deploy").and(tx::queue_address.eq_any(columns(&recipients)));
        let is_one = tx::recipient.eq_any(columns(&recipients));
        query = if recipients.contains(&Address::ZERO) {
            let is_nobody = tx::kind.ne("deploy").or(is_deployed);
            query.filter(is_one.or(tx::recipient.is_null().and(is_nobody)))
        } else {
            query.filter(is_one.or(tx::recipient.is_null().and(is_deployed)))
        };
    }
    query.load(conn).during("reading accepted transactions")
}

/// One log of the network for every transaction that was accepted.
fn accepted(
    conn: &mut Connection,
    chain: &mut Chain,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<LogRecord>, StoreError> {
    let mut found = Vec::new();
    for (position, place, hash, sender, recipient, queue, kind) in
        accepted_rows(conn, filter, limit)?
    {
        let Some(inclusion) = chain.inclusion(conn, Position(position), place)? else { continue };
        let recipient = recipient.or((kind == "deploy").then_some(queue));
        let recipient = recipient.as_deref().map(address).transpose()?;
        let sender = sender.as_deref().map(address).transpose()?;
        found.push(new_transaction_log(digest(&hash)?, sender, recipient, inclusion));
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
    /// By position: the hash of a transaction, and its place within its block.
    transactions: BTreeMap<i64, (Digest, u64)>,
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
        Ok(Some(Inclusion { block, index: blocks::index(conn, position, place)? }))
    }

    /// The hash of a transaction, and its place within its block as its receipt tells it.
    fn transaction(
        &mut self,
        conn: &mut Connection,
        position: i64,
    ) -> Result<(Digest, u64), StoreError> {
        if let Some(known) = self.transactions.get(&position) {
            return Ok(*known);
        }
        let (hash, place): (Vec<u8>, i64) = transactions::table
            .find(position)
            .select((transactions::hash, transactions::block))
            .get_result(conn)
            .during("reading the transaction of a log")?;
        let known = (digest(&hash)?, blocks::index(conn, Position(position), place)?);
        self.transactions.insert(position, known);
        Ok(known)
    }

    /// The logs of contracts come after those of the network.
    fn contract_log(&mut self, conn: &mut Connection, row: Row) -> Result<LogRecord, StoreError> {
        const OPERATION: &str = "reading logs";
        let (block, accepted) = self.block(conn, row.block)?;
        let block = block.ok_or_else(|| {
            super::failure::database_error(OPERATION, format!("there is no block {}", row.block))
        })?;
        let (transaction, transaction_index) = self.transaction(conn, row.position)?;
        let topics = [row.topic0, row.topic1, row.topic2, row.topic3];
        let topics = topics.iter().flatten().map(|topic| digest(topic));
        Ok(LogRecord {
            address: address(&row.address)?,
            topics: topics.collect::<Result<Vec<Digest>, _>>()?,
            data: row.data.into(),
            block,
            transaction,
            transaction_index,
            index: number(accepted.saturating_add(row.place))?,
        })
    }
}
