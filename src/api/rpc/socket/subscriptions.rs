//! `eth_subscribe`: new blocks, logs and transactions as they come.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::api::rpc::answer::RpcError;
use crate::api::rpc::caller::Caller;
use crate::api::rpc::logs::{logs_up_to, open_filter};
use crate::api::rpc::views;
use crate::domain::{BlockId, LogFilter};

/// Subscriptions of one client, at most.
const SUBSCRIPTIONS_MAX: usize = 32;

#[derive(Debug)]
enum Followed {
    Heads,
    Transactions,
    Logs(LogFilter),
    /// Nothing is ever caught up, so nothing is ever told.
    Syncing,
}

#[derive(Debug)]
struct Subscription {
    followed: Followed,
    /// The last block whose news were read for it.
    seen: u64,
}

/// What one client follows, by name.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    followed: BTreeMap<u64, Subscription>,
    last: u64,
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.followed.is_empty()
    }

    /// Answers a call about subscriptions; nothing when the call is about something else.
    pub(super) async fn call(&mut self, caller: &Caller, frame: &Json) -> Option<Json> {
        let id = frame.get("id").cloned().unwrap_or(Json::Null);
        let params = frame.get("params").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let answer = match frame.get("method").and_then(Json::as_str) {
            Some("eth_subscribe") => self.subscribe(caller, params).await,
            Some("eth_unsubscribe") => Ok(json!(self.remove(params.first()))),
            _ => return None,
        };
        Some(match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }),
            Err(error) => json!({ "jsonrpc": "2.0", "error": error, "id": id }),
        })
    }

    async fn subscribe(&mut self, caller: &Caller, params: &[Json]) -> Result<Json, RpcError> {
        // Without a head nobody could say what is new.
        let head = caller.head().await?;
        let followed = match params.first().and_then(Json::as_str) {
            Some("newHeads") => Followed::Heads,
            Some("newPendingTransactions") => Followed::Transactions,
            Some("logs") => {
                let all = json!({});
                let filter = params.get(1).filter(|it| !it.is_null()).unwrap_or(&all);
                Followed::Logs(open_filter(caller, filter, head).await?)
            }
            Some("syncing") => Followed::Syncing,
            other => {
                let given = other.unwrap_or("nothing").chars().take(80).collect::<String>();
                let message = format!(
                    "`{given}` cannot be followed; expected newHeads, logs, newPendingTransactions or syncing"
                );
                return Err(RpcError::new(RpcError::INVALID_PARAMS, message));
            }
        };
        self.add(followed, head)
    }

    /// Follows what comes after `head`; answers with a name.
    fn add(&mut self, followed: Followed, head: u64) -> Result<Json, RpcError> {
        if self.followed.len() >= SUBSCRIPTIONS_MAX {
            let message = format!("at most {SUBSCRIPTIONS_MAX} subscriptions at a time");
            return Err(RpcError::new(RpcError::LIMIT_EXCEEDED, message));
        }
        self.last += 1;
        self.followed.insert(self.last, Subscription { followed, seen: head });
        Ok(views::quantity(self.last))
    }

    fn remove(&mut self, name: Option<&Json>) -> bool {
        let digits = name.and_then(Json::as_str).and_then(|name| name.strip_prefix("0x"));
        let name = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        name.is_some_and(|name| self.followed.remove(&name).is_some())
    }

    /// The subscription that lacks the oldest news up to `head`.
    fn next_behind(&mut self, head: u64) -> Option<(u64, &mut Subscription)> {
        let behind = self.followed.iter_mut().filter(|(_, it)| it.seen < head);
        behind.min_by_key(|(_, it)| it.seen).map(|(name, it)| (*name, it))
    }

    /// Frames with what is new for one subscription, which are of one block unless they are logs;
    /// nothing once everybody has heard of all up to `head`. So a client is told bit by bit, and
    /// the next bit is read when he has taken the one before.
    ///
    /// An error means that nothing could be read, so that all of it is news still.
    pub(super) async fn news(
        &mut self,
        caller: &Caller,
        head: u64,
    ) -> Result<Option<Vec<Json>>, RpcError> {
        // A restore may have taken the chain back.
        self.followed.values_mut().for_each(|it| it.seen = it.seen.min(head));
        let Some((name, subscription)) = self.next_behind(head) else { return Ok(None) };
        let next = subscription.seen.saturating_add(1);
        let tell = |result: Json| {
            let params = json!({ "subscription": views::quantity(name), "result": result });
            json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params })
        };
        let (frames, seen) = match &subscription.followed {
            Followed::Logs(wanted) => {
                let news = logs_up_to(caller, wanted, next, head).await?;
                let frames = match news.logs {
                    Ok(logs) => logs.iter().map(|log| tell(views::log(log))).collect(),
                    Err(error) => vec![json!({ "jsonrpc": "2.0", "error": error, "id": null })],
                };
                (frames, news.last)
            }
            Followed::Syncing => (Vec::new(), head),
            followed => (block_news(caller, followed, next).await?.map(tell).collect(), next),
        };
        subscription.seen = seen;
        Ok(Some(frames))
    }
}

/// What the block `number` is for somebody who follows blocks or transactions.
async fn block_news(
    caller: &Caller,
    followed: &Followed,
    number: u64,
) -> Result<impl Iterator<Item = Json> + use<>, RpcError> {
    let news = match (caller.api.handles.block(BlockId::Number(number)).await?, followed) {
        (Some(found), Followed::Heads) => {
            let bloom = caller.bloom(number).await?;
            vec![views::block(&found.block, &[], &bloom)]
        }
        (Some(found), _) => found.transactions.iter().map(|hash| json!(hash)).collect(),
        (None, _) => Vec::new(),
    };
    Ok(news.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_made_and_ended_by_name() {
        let mut all = Subscriptions::default();
        assert_eq!(all.add(Followed::Heads, 5).unwrap(), "0x1");
        assert!(all.remove(Some(&json!("0x1"))));
        for nothing in [Some(&json!("0x1")), Some(&json!(1)), Some(&json!("1")), None] {
            assert!(!all.remove(nothing), "{nothing:?}");
        }
        assert!(all.is_empty());
    }

    #[test]
    fn each_hears_of_what_came_after_it_and_the_one_behind_hears_first() {
        let mut all = Subscriptions::default();
        all.add(Followed::Heads, 5).unwrap();
        all.add(Followed::Heads, 3).unwrap();
        let (name, behind) = all.next_behind(6).unwrap();
        assert_eq!((name, behind.seen), (2, 3));
        behind.seen = 6;
        assert_eq!(all.next_behind(6).unwrap().0, 1);
        assert!(all.next_behind(5).is_none());
    }

    #[test]
    fn there_are_only_so_many() {
        let mut all = Subscriptions::default();
        for _ in 0..SUBSCRIPTIONS_MAX {
            all.add(Followed::Heads, 0).unwrap();
        }
        let refused = serde_json::to_value(all.add(Followed::Heads, 0).unwrap_err()).unwrap();
        assert!(refused["message"].as_str().unwrap().contains("at most 32"), "{refused}");
        assert!(all.remove(Some(&json!("0x7"))));
        all.add(Followed::Heads, 0).unwrap();
    }
}
