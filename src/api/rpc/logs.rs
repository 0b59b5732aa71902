//! Logs as `eth_getLogs`, filters and subscriptions ask for them.

use alloy_primitives::Bloom;
use serde_json::{Value as Json, json};

use super::answer::RpcError;
use super::caller::Caller;
use super::definition::Kind::{Block, Hash};
use super::methods::number_in;
use super::views;
use crate::domain::{Address, BlockId, Digest, LogFilter, LogRecord};

/// Logs of one answer, at most.
pub(super) const LOGS_MAX: usize = 10_000;
/// Addresses, and topics of one position, in one filter at most.
const ALTERNATIVES_MAX: usize = 100;

/// Logs that fit, of the filter's own blocks from `since` to `head`; too many are refused.
pub(super) async fn logs_between(
    caller: &Caller,
    wanted: &LogFilter,
    since: u64,
    head: u64,
) -> Result<Vec<LogRecord>, RpcError> {
    let logs = read(caller, wanted, since, head).await?;
    if logs.len() > LOGS_MAX {
        let message = format!("more than {LOGS_MAX} logs fit; ask for fewer blocks at a time");
        return Err(RpcError::new(RpcError::LIMIT_EXCEEDED, message));
    }
    Ok(logs)
}

/// What somebody who follows logs is told of some blocks.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    /// The logs, or why those of the last block cannot be told.
    pub(super) logs: Result<Vec<LogRecord>, RpcError>,
    /// The last block that this is about.
    pub(super) last: u64,
}

/// The same for somebody who follows them and cannot ask for fewer blocks: of too many he gets
/// those of the first whole blocks. One block with too many is refused and left behind, as nothing
/// would ever be told again otherwise.
///
/// An error means that nothing could be read, so that all of it is news still.
pub(super) async fn logs_up_to(
    caller: &Caller,
    wanted: &LogFilter,
    since: u64,
    head: u64,
) -> Result<News, RpcError> {
    Ok(whole_blocks(read(caller, wanted, since, head).await?, LOGS_MAX, head))
}

/// Cuts the last block off `logs` up to `head` when they are more than `limit`, as it may not be
/// all there.
fn whole_blocks(mut logs: Vec<LogRecord>, limit: usize, head: u64) -> News {
    let Some(last) = logs.last().map(|log| log.block.number).filter(|_| logs.len() > limit) else {
        return News { logs: Ok(logs), last: head };
    };
    logs.retain(|log| log.block.number < last);
    if logs.is_empty() {
        let message = format!("more than {limit} logs of block {last} fit: they are left out");
        let refused = RpcError::new(RpcError::LIMIT_EXCEEDED, message);
        return News { logs: Err(refused.with(json!({ "block": last }))), last };
    }
    News { logs: Ok(logs), last: last.saturating_sub(1) }
}

async fn read(
    caller: &Caller,
    wanted: &LogFilter,
    since: u64,
    head: u64,
) -> Result<Vec<LogRecord>, RpcError> {
    let bounded =
        LogFilter { from: wanted.from.max(since), to: wanted.to.min(head), ..wanted.clone() };
    if bounded.from > bounded.to {
        return Ok(Vec::new());
    }
    Ok(caller.api.handles.logs(bounded, LOGS_MAX).await?)
}

impl Caller {
    /// What the logs of a block can be looked for by; everything where there are too many to tell.
    pub(super) async fn bloom(&self, block: u64) -> Result<Bloom, RpcError> {
        let all = LogFilter { from: block, to: block, addresses: Vec::new(), topics: Vec::new() };
        let logs = self.api.handles.logs(all, LOGS_MAX).await?;
        Ok(if logs.len() > LOGS_MAX { Bloom::repeat_byte(0xff) } else { views::bloom(&logs) })
    }
}

/// The filter of somebody who will ask again; one that could never tell anything is refused.
pub(super) async fn open_filter(
    caller: &Caller,
    filter: &Json,
    head: u64,
) -> Result<LogFilter, RpcError> {
    let read = read_filter(caller, filter, head).await?;
    read.ok_or_else(|| {
        let given = filter.get("blockHash").map(Json::to_string).unwrap_or_default();
        RpcError::invalid("filter.blockHash", &given, "the hash of a block of this chain")
    })
}

/// Reads a filter as `eth_getLogs` has it, which begins at `head` unless it says where, and is open
/// unless it says where it ends; none when it names a block that does not exist.
pub(super) async fn read_filter(
    caller: &Caller,
    filter: &Json,
    head: u64,
) -> Result<Option<LogFilter>, RpcError> {
    if !filter.is_object() {
        return Err(RpcError::invalid("filter", &filter.to_string(), "an object"));
    }
    let given = |name: &str| filter.get(name).filter(|it| !it.is_null());
    let number = |name: &str, newest: u64| match given(name) {
        None => Ok(newest),
        Some(value) => number_in(&value.to_string(), newest).ok_or_else(|| {
            RpcError::invalid(&format!("filter.{name}"), &value.to_string(), Block.words())
        }),
    };
    let (mut from, mut to) = (number("fromBlock", head)?, number("toBlock", u64::MAX)?);
    let addresses = given("address").map(|given| {
        alternatives::<Address>("filter.address", given, "an address, or an array of them")
    });
    let addresses = addresses.transpose()?.unwrap_or_default();
    let topics = given("topics").map(topics).transpose()?.unwrap_or_default();
    if let Some(hash) = given("blockHash") {
        let hash = one::<Digest>("filter.blockHash", hash, Hash.words())?;
        let Some(block) = caller.api.handles.block(BlockId::Hash(hash)).await? else {
            return Ok(None);
        };
        (from, to) = (block.block.number, block.block.number);
    }
    Ok(Some(LogFilter { from, to, addresses, topics }))
}

fn topics(given: &Json) -> Result<Vec<Vec<Digest>>, RpcError> {
    let Some(positions) = given.as_array().filter(|positions| positions.len() <= 4) else {
        let given = given.to_string();
        return Err(RpcError::invalid("filter.topics", &given, "an array of at most four"));
    };
    let read = |given: &Json| match given {
        Json::Null => Ok(Vec::new()),
        given => alternatives("filter.topics", given, "topics, at most four"),
    };
    positions.iter().map(read).collect()
}

fn one<T: std::str::FromStr>(name: &str, given: &Json, valid: &str) -> Result<T, RpcError> {
    let value = given.as_str().and_then(|text| text.parse().ok());
    value.ok_or_else(|| RpcError::invalid(name, &given.to_string(), valid))
}

fn alternatives<T: std::str::FromStr>(
    name: &str,
    given: &Json,
    valid: &str,
) -> Result<Vec<T>, RpcError> {
    match given {
        Json::Array(items) if items.len() <= ALTERNATIVES_MAX => {
            items.iter().map(|item| one(name, item, valid)).collect()
        }
        other => one(name, other, valid).map(|value| vec![value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Inclusion, Timestamp, new_transaction_log};

    fn log(number: u64, index: u64) -> LogRecord {
        let (zero, at) = (Digest::new([0; 32]), Timestamp::from_millis(0));
        let block = crate::domain::Block { number, hash: zero, parent: zero, at };
        new_transaction_log(zero, None, None, Inclusion { block, index })
    }

    #[test]
    fn of_too_many_logs_those_of_the_first_whole_blocks_are_told() {
        let logs = vec![log(3, 0), log(3, 1), log(5, 0), log(5, 1)];
        let news = whole_blocks(logs.clone(), 4, 9);
        assert_eq!((news.logs.unwrap().len(), news.last), (4, 9));
        let news = whole_blocks(logs.clone(), 3, 9);
        assert_eq!(news.logs.unwrap(), logs[..2], "block 5 may not be all there");
        assert_eq!(news.last, 4);
        let news = whole_blocks(logs[2..].to_vec(), 1, 9);
        let refused = serde_json::to_value(news.logs.unwrap_err()).unwrap();
        assert_eq!((&refused["code"], &refused["data"]["block"]), (&json!(-32_005), &json!(5)));
        assert_eq!(news.last, 5, "nobody waits at it for ever");
    }
}
