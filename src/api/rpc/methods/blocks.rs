//! Blocks and logs.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Block, Flag, Hash, Integer, Object};
use super::super::definition::{Args, Caller, Definition, amount, may, needs};
use super::super::views::{self, quantity};
use crate::domain::{Address, BlockId, BlockRecord, Digest, LogFilter};

/// Logs of one answer, at most.
const LOGS_MAX: usize = 10_000;
/// Addresses, and topics of one position, in one filter at most.
const ALTERNATIVES_MAX: usize = 100;

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "eth_blockNumber",
        "The number of the newest block. It grows with everything that becomes durable, and at least once a second while somebody asks.",
        &[],
        "a quantity",
        |caller, _| Box::pin(async move { Ok(quantity(caller.head_while_waiting().await?)) }),
    )
    .differs("a real chain instead of the seconds since 1970"),
    Definition::new(
        "eth_getBlockByNumber",
        "A block with the transactions that were accepted in it.",
        &[needs("number", Block).or("block_number"), may("full", Flag).or("full_transactions")],
        "a block, or null",
        |caller, args| Box::pin(by_number(caller, args)),
    )
    .differs("real hashes, each derived from the one before"),
    Definition::new(
        "eth_getBlockByHash",
        "A block with the transactions that were accepted in it.",
        &[needs("hash", Hash).or("block_hash"), may("full", Flag).or("full_transactions")],
        "a block, or null",
        |caller, args| Box::pin(by_hash(caller, args)),
    ),
    Definition::new(
        "eth_getBlockTransactionCountByNumber",
        "How many transactions were accepted in a block.",
        &[needs("number", Block)],
        "a quantity, or null",
        |caller, args| Box::pin(count_by_number(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getBlockTransactionCountByHash",
        "How many transactions were accepted in a block.",
        &[needs("hash", Hash)],
        "a quantity, or null",
        |caller, args| Box::pin(count_by_hash(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getTransactionByBlockNumberAndIndex",
        "A transaction by its place in a block.",
        &[needs("number", Block), needs("index", Integer)],
        "a transaction, or null",
        |caller, args| Box::pin(by_number_and_index(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getTransactionByBlockHashAndIndex",
        "A transaction by its place in a block.",
        &[needs("hash", Hash), needs("index", Integer)],
        "a transaction, or null",
        |caller, args| Box::pin(by_hash_and_index(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getUncleCountByBlockNumber",
        "How many uncles a block has: none.",
        &[needs("number", Block)],
        "`0x0`",
        |_, _| Box::pin(async { Ok(json!("0x0")) }),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getLogs",
        "Events of contracts whose decision stands, and one of the network's own for every transaction that was accepted.",
        &[may("filter", Object)],
        "an array of logs",
        |caller, args| Box::pin(logs(caller, args)),
    )
    .differs("real logs instead of none"),
    Definition::new(
        "eth_newFilter",
        "Remembers a filter of logs whose news can be asked for.",
        &[may("filter", Object)],
        "a quantity: the name of the filter",
        |caller, args| Box::pin(new_filter(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_newBlockFilter",
        "Remembers that the hashes of new blocks will be asked for.",
        &[],
        "a quantity: the name of the filter",
        |caller, _| Box::pin(new_plain_filter(caller, Watched::Blocks)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_newPendingTransactionFilter",
        "Remembers that the hashes of new transactions will be asked for.",
        &[],
        "a quantity: the name of the filter",
        |caller, _| Box::pin(new_plain_filter(caller, Watched::Transactions)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getFilterChanges",
        "What is new since a filter was asked last.",
        &[needs("filter", Integer)],
        "an array of logs or hashes",
        |caller, args| Box::pin(filter_changes(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getFilterLogs",
        "All logs of a filter.",
        &[needs("filter", Integer)],
        "an array of logs",
        |caller, args| Box::pin(filter_logs(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_uninstallFilter",
        "Forgets a filter.",
        &[needs("filter", Integer)],
        "whether there was one",
        |caller, args| Box::pin(async move { uninstall(&caller, &args) }),
    )
    .differs("absent there"),
];

/// What a filter watches.
#[derive(Debug, Clone)]
pub(in crate::api::rpc) enum Watched {
    /// Logs that fit.
    Logs(Json),
    /// Hashes of blocks.
    Blocks,
    /// Hashes of transactions.
    Transactions,
}

/// The number a block is named by, `head` standing for the newest.
pub(super) fn number_of(args: &Args, name: &str, head: u64) -> Result<u64, RpcError> {
    let Some(text) = args.raw(name) else { return Ok(head) };
    number_in(text, head).ok_or_else(|| RpcError::invalid(name, text, Block.words()))
}

fn number_in(text: &str, head: u64) -> Option<u64> {
    match text.trim_matches('"') {
        "latest" | "pending" | "safe" | "finalized" => Some(head),
        "earliest" => Some(0),
        _ => u64::try_from(amount(text)?.get()).ok(),
    }
}

/// Reads of the state know the present only; what names another block must at least be a name.
pub(super) fn check_tag(args: &Args, name: &str) -> Result<(), RpcError> {
    match args.raw(name) {
        // EIP-1898: a block by number or hash in an object.
        Some(text) if text.starts_with('{') => Ok(()),
        _ => number_of(args, name, 0).map(|_| ()),
    }
}

async fn record(caller: &Caller, args: &Args, name: &str) -> Result<Option<BlockRecord>, RpcError> {
    let id = if name == "hash" {
        BlockId::Hash(args.required(name, args.hash(name)?)?)
    } else {
        let head = caller.head().await?;
        BlockId::Number(number_of(args, name, head)?)
    };
    Ok(caller.api.handles.block(id).await?)
}

async fn by_number(caller: Caller, args: Args) -> Answer {
    whole(&caller, &args, "number").await
}

async fn by_hash(caller: Caller, args: Args) -> Answer {
    whole(&caller, &args, "hash").await
}

async fn whole(caller: &Caller, args: &Args, name: &str) -> Answer {
    let Some(found) = record(caller, args, name).await? else { return Ok(Json::Null) };
    let mut transactions = Vec::with_capacity(found.transactions.len());
    for hash in &found.transactions {
        transactions.push(match args.flag("full")? {
            Some(true) => caller.transaction_view(*hash).await?,
            _ => json!(hash),
        });
    }
    Ok(views::block(&found.block, &transactions))
}

async fn count_by_number(caller: Caller, args: Args) -> Answer {
    count(&caller, &args, "number").await
}

async fn count_by_hash(caller: Caller, args: Args) -> Answer {
    count(&caller, &args, "hash").await
}

async fn count(caller: &Caller, args: &Args, name: &str) -> Answer {
    let found = record(caller, args, name).await?;
    let count = found.map(|found| u64::try_from(found.transactions.len()).unwrap_or(u64::MAX));
    Ok(count.map_or(Json::Null, quantity))
}

async fn by_number_and_index(caller: Caller, args: Args) -> Answer {
    at(&caller, &args, "number").await
}

async fn by_hash_and_index(caller: Caller, args: Args) -> Answer {
    at(&caller, &args, "hash").await
}

async fn at(caller: &Caller, args: &Args, name: &str) -> Answer {
    let index = args.required("index", args.integer("index")?)?;
    let found = record(caller, args, name).await?;
    let hash = found.and_then(|found| {
        found.transactions.get(usize::try_from(index).unwrap_or(usize::MAX)).copied()
    });
    match hash {
        Some(hash) => caller.transaction_view(hash).await,
        None => Ok(Json::Null),
    }
}

async fn logs(caller: Caller, args: Args) -> Answer {
    let filter = args.json("filter")?.unwrap_or_else(|| json!({}));
    Ok(Json::Array(found(&caller, &filter, None).await?))
}

/// The logs of a filter; `since` replaces where it begins.
async fn found(caller: &Caller, filter: &Json, since: Option<u64>) -> Result<Vec<Json>, RpcError> {
    let head = caller.head().await?;
    let begins = since.unwrap_or(head);
    let Some(mut filter) = read_filter(caller, filter, head, begins).await? else {
        return Ok(Vec::new());
    };
    if let Some(since) = since {
        filter.from = filter.from.max(since);
        filter.to = filter.to.max(head);
    }
    let logs = caller.api.handles.logs(filter, LOGS_MAX).await?;
    if logs.len() > LOGS_MAX {
        let message = format!("more than {LOGS_MAX} logs fit; ask for fewer blocks at a time");
        return Err(RpcError::new(-32_005, message));
    }
    Ok(logs.iter().map(views::log).collect())
}

/// The logs of a filter from block `since` on, for somebody who follows them.
pub(in crate::api::rpc) async fn logs_since(
    caller: &Caller,
    filter: &Json,
    since: u64,
) -> Result<Vec<Json>, RpcError> {
    found(caller, filter, Some(since)).await
}

/// Reads a filter as `eth_getLogs` has it, which begins at `begins` unless it says where; none when
/// it names a block that does not exist.
async fn read_filter(
    caller: &Caller,
    filter: &Json,
    head: u64,
    begins: u64,
) -> Result<Option<LogFilter>, RpcError> {
    let number = |name: &str, otherwise: u64| match filter.get(name).filter(|it| !it.is_null()) {
        None => Ok(otherwise),
        Some(value) => number_in(&value.to_string(), head).ok_or_else(|| {
            RpcError::invalid(&format!("filter.{name}"), &value.to_string(), Block.words())
        }),
    };
    let (mut from, mut to) = (number("fromBlock", begins)?, number("toBlock", head)?);
    if let Some(hash) = filter.get("blockHash").filter(|it| !it.is_null()) {
        let hash = one::<Digest>("filter.blockHash", hash, Hash.words())?;
        let Some(block) = caller.api.handles.block(BlockId::Hash(hash)).await? else {
            return Ok(None);
        };
        (from, to) = (block.block.number, block.block.number);
    }
    let addresses = filter.get("address").filter(|it| !it.is_null());
    let addresses = addresses.map(|given| {
        alternatives::<Address>("filter.address", given, "an address, or an array of them")
    });
    let topics = match filter.get("topics") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(positions)) if positions.len() <= 4 => positions
            .iter()
            .map(|given| match given {
                Json::Null => Ok(Vec::new()),
                given => alternatives::<Digest>("filter.topics", given, "topics, at most four"),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(RpcError::invalid(
                "filter.topics",
                &other.to_string(),
                "an array of at most four",
            ));
        }
    };
    Ok(Some(LogFilter { from, to, addresses: addresses.transpose()?.unwrap_or_default(), topics }))
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

async fn new_filter(caller: Caller, args: Args) -> Answer {
    let filter = args.json("filter")?.unwrap_or_else(|| json!({}));
    let head = caller.head().await?;
    read_filter(&caller, &filter, head, head).await?;
    Ok(quantity(caller.api.rpc.filters.add(Watched::Logs(filter), head)))
}

async fn new_plain_filter(caller: Caller, watched: Watched) -> Answer {
    let head = caller.head().await?;
    Ok(quantity(caller.api.rpc.filters.add(watched, head)))
}

fn filter_name(args: &Args) -> Result<u64, RpcError> {
    args.required("filter", args.integer("filter")?)
}

fn no_filter(name: u64) -> RpcError {
    RpcError::not_found("filter", &format!("{name:#x}"))
}

async fn filter_changes(caller: Caller, args: Args) -> Answer {
    let name = filter_name(&args)?;
    let head = caller.head_while_waiting().await?;
    let (watched, since) =
        caller.api.rpc.filters.advance(name, head).ok_or_else(|| no_filter(name))?;
    let since = since.saturating_add(1);
    if let Watched::Logs(filter) = &watched {
        return Ok(Json::Array(found(&caller, filter, Some(since)).await?));
    }
    let mut news = Vec::new();
    for number in since..=head {
        let Some(found) = caller.api.handles.block(BlockId::Number(number)).await? else { break };
        match watched {
            Watched::Transactions => news.extend(found.transactions.iter().map(|hash| json!(hash))),
            _ => news.push(json!(found.block.hash)),
        }
        if news.len() > LOGS_MAX {
            break;
        }
    }
    Ok(Json::Array(news))
}

async fn filter_logs(caller: Caller, args: Args) -> Answer {
    let name = filter_name(&args)?;
    match caller.api.rpc.filters.watched(name) {
        Some(Watched::Logs(filter)) => Ok(Json::Array(found(&caller, &filter, None).await?)),
        Some(_) => Err(RpcError::invalid("filter", &format!("{name:#x}"), "a filter of logs")),
        None => Err(no_filter(name)),
    }
}

fn uninstall(caller: &Caller, args: &Args) -> Answer {
    Ok(json!(caller.api.rpc.filters.remove(filter_name(args)?)))
}
