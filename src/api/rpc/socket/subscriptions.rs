//! `eth_subscribe`: new blocks, logs and transactions as they come.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Ended;
use crate::api::rpc::caller::Caller;
use crate::api::rpc::methods::logs_since;
use crate::api::rpc::views;
use crate::domain::BlockId;

/// Subscriptions of one client, at most.
const SUBSCRIPTIONS_MAX: usize = 1_000;

#[derive(Debug, Clone)]
enum Followed {
    Heads,
    Transactions,
    Logs(Json),
    /// Nothing is ever caught up, so nothing is ever told.
    Syncing,
}

/// What one client follows, by name.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    followed: BTreeMap<String, Followed>,
    last: u64,
    /// The last block that was told of.
    seen: u64,
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.followed.is_empty()
    }

    /// Answers a call about subscriptions; nothing when the call is about something else.
    pub(super) fn call(&mut self, frame: &Json, head: u64) -> Option<Json> {
        let id = frame.get("id").cloned().unwrap_or(Json::Null);
        let params = frame.get("params").and_then(Json::as_array).cloned().unwrap_or_default();
        let answer = match frame.get("method").and_then(Json::as_str) {
            Some("eth_subscribe") => self.add(&params, head),
            Some("eth_unsubscribe") => {
                let name = params.first().and_then(Json::as_str).unwrap_or_default();
                Ok(json!(self.followed.remove(name).is_some()))
            }
            _ => return None,
        };
        Some(match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }),
            Err(message) => {
                let error = json!({ "code": -32_602, "message": message });
                json!({ "jsonrpc": "2.0", "error": error, "id": id })
            }
        })
    }

    fn add(&mut self, params: &[Json], head: u64) -> Result<Json, String> {
        let followed = match params.first().and_then(Json::as_str) {
            Some("newHeads") => Followed::Heads,
            Some("newPendingTransactions") => Followed::Transactions,
            Some("logs") => Followed::Logs(params.get(1).cloned().unwrap_or_else(|| json!({}))),
            Some("syncing") => Followed::Syncing,
            other => {
                let given = other.unwrap_or("nothing").chars().take(80).collect::<String>();
                return Err(format!(
                    "`{given}` cannot be followed; expected newHeads, logs, newPendingTransactions or syncing"
                ));
            }
        };
        if self.followed.len() >= SUBSCRIPTIONS_MAX {
            return Err(format!("at most {SUBSCRIPTIONS_MAX} subscriptions at a time"));
        }
        if self.followed.is_empty() {
            self.seen = head;
        }
        self.last += 1;
        let name = format!("{:#x}", self.last);
        self.followed.insert(name.clone(), followed);
        Ok(json!(name))
    }

    /// What the chain has grown by since the last look, up to `head`, for each that follows it.
    pub(super) async fn news(
        &mut self,
        caller: &Caller,
        head: u64,
    ) -> Result<Vec<(String, Json)>, Ended> {
        let mut news = Vec::new();
        let since = self.seen.saturating_add(1);
        if head < since {
            return Ok(news);
        }
        self.seen = head;
        for number in since..=head {
            let Some(found) = caller.api.handles.block(BlockId::Number(number)).await? else {
                continue;
            };
            let block = views::block(&found.block, &[]);
            for (name, followed) in &self.followed {
                match followed {
                    Followed::Heads => news.push((name.clone(), block.clone())),
                    Followed::Transactions => {
                        let hashes = found.transactions.iter();
                        news.extend(hashes.map(|hash| (name.clone(), json!(hash))));
                    }
                    Followed::Logs(_) | Followed::Syncing => {}
                }
            }
        }
        for (name, followed) in &self.followed {
            if let Followed::Logs(filter) = followed {
                let logs = logs_since(caller, filter, since).await.unwrap_or_default();
                news.extend(logs.into_iter().map(|log| (name.clone(), log)));
            }
        }
        Ok(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_made_and_ended_by_name() {
        let mut all = Subscriptions::default();
        let call = |method: &str, param: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [param] });
        let made = all.call(&call("eth_subscribe", "newHeads"), 5).unwrap();
        assert_eq!(made["result"], "0x1");
        assert_eq!(all.call(&call("eth_unsubscribe", "0x1"), 5).unwrap()["result"], true);
        assert_eq!(all.call(&call("eth_unsubscribe", "0x1"), 5).unwrap()["result"], false);
        let refused = all.call(&call("eth_subscribe", "weather"), 5).unwrap();
        assert!(refused["error"]["message"].as_str().unwrap().contains("`weather`"));
        assert!(all.call(&call("eth_chainId", ""), 5).is_none());
    }
}
