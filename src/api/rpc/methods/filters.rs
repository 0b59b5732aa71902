//! Logs, and filters whose news are asked for.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Amount, Object};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::logs::{LOGS_MAX, logs_between, logs_up_to, open_filter, read_filter};
use super::super::state::{Filter, FilterName};
use super::super::views;
use crate::domain::LogFilter;

/// Blocks of one read, at most.
const PAGE_BLOCKS: usize = 100;

pub(super) const METHODS: &[Definition] = &[
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
        &[needs("filter", Amount)],
        "an array of logs or hashes",
        |caller, args| Box::pin(filter_changes(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_getFilterLogs",
        "All logs of a filter.",
        &[needs("filter", Amount)],
        "an array of logs",
        |caller, args| Box::pin(filter_logs(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_uninstallFilter",
        "Forgets a filter.",
        &[needs("filter", Amount)],
        "whether there was one",
        |caller, args| Box::pin(async move { uninstall(&caller, &args) }),
    )
    .differs("absent there"),
];

/// What a filter watches.
#[derive(Debug)]
pub(in crate::api::rpc) enum Watched {
    /// Logs that fit.
    Logs(LogFilter),
    /// Hashes of blocks.
    Blocks,
    /// Hashes of transactions.
    Transactions,
}

async fn logs(caller: Caller, args: Args) -> Answer {
    let filter = args.json("filter")?.unwrap_or_else(|| json!({}));
    let head = caller.head().await?;
    let Some(filter) = read_filter(&caller, &filter, head).await? else { return Ok(json!([])) };
    let logs = logs_between(&caller, &filter, 0, head).await?;
    Ok(logs.iter().map(views::log).collect())
}

async fn new_filter(caller: Caller, args: Args) -> Answer {
    let filter = args.json("filter")?.unwrap_or_else(|| json!({}));
    let head = caller.head().await?;
    let filter = open_filter(&caller, &filter, head).await?;
    Ok(json!(caller.api.rpc.filters.add(Watched::Logs(filter), head)))
}

async fn new_plain_filter(caller: Caller, watched: Watched) -> Answer {
    let head = caller.head().await?;
    Ok(json!(caller.api.rpc.filters.add(watched, head)))
}

fn filter_name(args: &Args) -> Result<FilterName, RpcError> {
    let number = args.required("filter", args.amount("filter")?)?;
    let name = u128::try_from(number.get()).map(FilterName);
    name.map_err(|_too_large| RpcError::not_found("filter", &format!("{:#x}", number.get())))
}

fn kept(caller: &Caller, name: FilterName) -> Result<Filter, RpcError> {
    let filter = caller.api.rpc.filters.find(name);
    filter.ok_or_else(|| RpcError::not_found("filter", &name))
}

async fn filter_changes(caller: Caller, args: Args) -> Answer {
    let filter = kept(&caller, filter_name(&args)?)?;
    // Held while the news are read, so that nobody else is told the same; what fails, or is given
    // up, is news still.
    let mut seen = filter.seen.lock().await;
    let head = caller.head_while_waiting().await?;
    if head <= *seen {
        // A restore may have taken the chain back.
        *seen = head;
        return Ok(json!([]));
    }
    let since = seen.saturating_add(1);
    let (news, told) = match &*filter.watched {
        Watched::Logs(wanted) => {
            let news = logs_up_to(&caller, wanted, since, head).await?;
            (news.logs.map(|logs| logs.iter().map(views::log).collect()), news.last)
        }
        Watched::Blocks => hashes(&caller, since, head, false).await?,
        Watched::Transactions => hashes(&caller, since, head, true).await?,
    };
    *seen = told;
    news
}

/// The hashes of blocks, or of what was accepted in them, and the last block whose are told: once
/// there are [`LOGS_MAX`] the rest is for the next time.
async fn hashes(
    caller: &Caller,
    since: u64,
    head: u64,
    of_transactions: bool,
) -> Result<(Answer, u64), RpcError> {
    let (mut news, mut next) = (Vec::new(), since);
    while next <= head && news.len() < LOGS_MAX {
        let page = caller.api.handles.blocks(next, head, PAGE_BLOCKS).await?;
        let Some(last) = page.last().map(|found| found.block.number) else { break };
        for found in &page {
            if of_transactions {
                news.extend(found.transactions.iter().map(|hash| json!(hash)));
            } else {
                news.push(json!(found.block.hash));
            }
        }
        next = last.saturating_add(1);
    }
    Ok((Ok(Json::Array(news)), next.saturating_sub(1)))
}

async fn filter_logs(caller: Caller, args: Args) -> Answer {
    let name = filter_name(&args)?;
    let Watched::Logs(wanted) = &*kept(&caller, name)?.watched else {
        return Err(RpcError::invalid("filter", &name.to_string(), "a filter of logs"));
    };
    let head = caller.head().await?;
    let logs = logs_between(&caller, wanted, 0, head).await?;
    Ok(logs.iter().map(views::log).collect())
}

fn uninstall(caller: &Caller, args: &Args) -> Answer {
    Ok(json!(caller.api.rpc.filters.remove(filter_name(args)?)))
}
