//! JSON-RPC over real sockets.

mod chain;
mod explorer;
mod filters;
mod framing;
mod fuzz;
mod keys;
mod methods;
mod socket;
mod wallet;

use serde_json::{Value as Json, json};

use crate::support::{Reply, World};

impl World {
    /// What is answered to a body.
    pub(crate) async fn api(&self, body: &str) -> Reply {
        let headers = [("content-type", "application/json")];
        self.request("POST", "/api", &headers, Some(body.as_bytes().to_vec())).await
    }

    /// The answer to one call, whole.
    pub(crate) async fn rpc(&self, method: &str, params: Json) -> Json {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.api(&body.to_string()).await.expect(200)
    }

    /// The result of one call.
    pub(crate) async fn result(&self, method: &str, params: Json) -> Json {
        let answer = self.rpc(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Code and message of a call that is refused.
    pub(crate) async fn refused(&self, method: &str, params: Json) -> (i64, String) {
        let answer = self.rpc(method, params).await;
        let error = &answer["error"];
        assert!(answer.get("result").is_none() && error.is_object(), "{method}: {answer}");
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// The receipt of a transaction, once that is accepted.
    pub(crate) async fn decided_receipt(&self, hash: &Json) -> Json {
        self.wait(hash.as_str().unwrap(), "ACCEPTED").await;
        self.result("eth_getTransactionReceipt", json!([hash])).await
    }
}
