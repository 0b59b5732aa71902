//! Blocks.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Block, Flag, Hash, Integer};
use super::super::definition::{Args, Caller, Definition, amount, may, needs};
use super::super::views::{self, quantity};
use crate::domain::{BlockId, BlockRecord};

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
];

/// The number a block is named by, `head` standing for the newest.
pub(super) fn number_of(args: &Args, name: &str, head: u64) -> Result<u64, RpcError> {
    let Some(text) = args.raw(name) else { return Ok(head) };
    number_in(text, head).ok_or_else(|| RpcError::invalid(name, text, Block.words()))
}

/// The number in `text`, `head` standing for the newest.
pub(in crate::api::rpc) fn number_in(text: &str, head: u64) -> Option<u64> {
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
            Some(true) => views::within_block(caller.transaction_view(*hash).await?),
            _ => json!(hash),
        });
    }
    let bloom = caller.bloom(found.block.number).await?;
    Ok(views::block(&found.block, &transactions, &bloom))
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
        Some(hash) => Ok(views::within_block(caller.transaction_view(hash).await?)),
        None => Ok(Json::Null),
    }
}
