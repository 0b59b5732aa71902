//! The WebSocket.

use std::time::Duration;

use awc::error::WsProtocolError as ProtocolError;
use awc::ws::{Frame, Message};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde_json::{Value as Json, json};

use super::wallet::Wallet;
use crate::support::World;

pub(super) struct Socket<C>(C);

/// Opens a socket and hears its greeting.
async fn open(
    world: &World,
) -> Socket<
    impl Stream<Item = Result<Frame, ProtocolError>> + Sink<Message, Error = ProtocolError> + Unpin,
> {
    open_with(world, &[]).await
}

pub(super) async fn open_with(
    world: &World,
    headers: &[(&str, &str)],
) -> Socket<
    impl Stream<Item = Result<Frame, ProtocolError>> + Sink<Message, Error = ProtocolError> + Unpin,
> {
    let mut request = world.client.ws(format!("{}/ws", world.base));
    for (name, value) in headers {
        request = request.set_header(*name, *value);
    }
    let (_, connection) = request.connect().await.unwrap();
    let mut socket = Socket(connection);
    let greeting = socket.next().await;
    assert_eq!(greeting["event"], "connect");
    assert!(greeting["data"]["id"].is_string());
    socket
}

impl<C> Socket<C>
where
    C: Stream<Item = Result<Frame, ProtocolError>> + Sink<Message, Error = ProtocolError> + Unpin,
{
    async fn say(&mut self, frame: &Json) {
        self.0.send(Message::Text(frame.to_string().into())).await.unwrap();
    }

    /// The answer to a call, whatever else is told meanwhile.
    pub(super) async fn call(&mut self, method: &str, params: &Json) -> Json {
        let id = format!("{method} {params}");
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.find(|frame| frame["id"] == *id).await
    }

    /// The next frame of text.
    async fn next(&mut self) -> Json {
        let wait = async {
            loop {
                match self.0.next().await.expect("open").unwrap() {
                    Frame::Text(text) => return serde_json::from_slice(&text).unwrap(),
                    Frame::Ping(bytes) => self.0.send(Message::Pong(bytes)).await.unwrap(),
                    Frame::Close(reason) => panic!("closed: {reason:?}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a frame")
    }

    /// The next frame that fits.
    async fn find(&mut self, fits: impl Fn(&Json) -> bool) -> Json {
        loop {
            let frame = self.next().await;
            if fits(&frame) {
                return frame;
            }
        }
    }
}

#[actix_web::test]
async fn rooms_hear_of_their_transaction_up_to_its_contract() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    socket.say(&json!({ "event": "ping", "data": { "timestamp": 5 } })).await;
    assert_eq!(socket.next().await, json!({ "event": "pong", "data": { "timestamp": 5 } }));
    let wallet = Wallet::new(0);
    let raw = wallet.deploy(0);
    let hash = super::wallet::hash_of(&raw);
    socket.say(&json!({ "event": "subscribe", "data": [hash, "room"] })).await;
    for room in [&hash, "room"] {
        let answer = socket.next().await;
        assert_eq!(answer, json!({ "event": "subscribed", "data": { "room": room } }));
    }
    world.result("eth_sendRawTransaction", json!([raw])).await;
    let accepted = socket.find(|frame| frame["data"]["data"]["new_status"] == "ACCEPTED").await;
    assert_eq!(accepted["event"], "transaction_status_updated");
    assert_eq!(
        (&accepted["data"]["data"]["hash"], &accepted["data"]["transaction_hash"]),
        (&json!(hash), &json!(hash))
    );
    let deployed = socket.find(|frame| frame["event"] == "deployed_contract").await;
    let transaction = world.decided(&hash, "FINALIZED").await;
    assert_eq!(deployed["data"]["data"]["id"], transaction["data"]["contract_address"]);
    assert!(deployed["data"]["data"]["data"]["state"].is_object());
    socket.say(&json!({ "event": "unsubscribe", "data": "room" })).await;
    socket.find(|frame| frame["event"] == "unsubscribed").await;
}

#[actix_web::test]
async fn what_is_no_frame_is_answered_and_the_socket_stays() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    socket.0.send(Message::Text("{".into())).await.unwrap();
    assert_eq!(socket.next().await, json!({ "event": "error", "data": "Invalid JSON" }));
    socket.say(&json!({ "event": "dance" })).await;
    assert_eq!(socket.next().await["event"], "error");
    socket.say(&json!(7)).await;
    assert_eq!(socket.next().await["event"], "error");
    socket.say(&json!({ "jsonrpc": "2.0", "id": "x", "method": "eth_chainId" })).await;
    assert_eq!(socket.next().await, json!({ "jsonrpc": "2.0", "result": "0xf22f", "id": "x" }));
    socket.say(&json!([{ "jsonrpc": "2.0", "id": 1, "method": "nope" }])).await;
    assert_eq!(socket.next().await[0]["error"]["code"], -32_601);
}

#[actix_web::test]
async fn heads_and_logs_and_transactions_can_be_followed() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    let mut names = Vec::new();
    for what in ["newHeads", "logs", "newPendingTransactions"] {
        socket
            .say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": [what] }))
            .await;
        let answer = socket.find(|frame| frame.get("id").is_some()).await;
        names.push(answer["result"].clone());
    }
    let raw = Wallet::new(0).deploy(0);
    let hash = world.result("eth_sendRawTransaction", json!([raw])).await;
    let mut heard = [Json::Null, Json::Null, Json::Null];
    while heard.iter().any(Json::is_null) {
        let frame = socket.find(|frame| frame["method"] == "eth_subscription").await;
        let place = names.iter().position(|name| *name == frame["params"]["subscription"]).unwrap();
        heard[place] = frame["params"]["result"].clone();
    }
    assert!(heard[0]["hash"].is_string() && heard[0]["parentHash"].is_string(), "{}", heard[0]);
    assert_eq!((&heard[1]["transactionHash"], &heard[2]), (&hash, &hash));
    socket.say(&json!({ "jsonrpc": "2.0", "id": 2, "method": "eth_unsubscribe", "params": [names[0]] })).await;
    assert_eq!(socket.find(|frame| frame["id"] == 2).await["result"], true);
}

#[actix_web::test]
async fn everybody_hears_of_another_finality_window() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    world.result("sim_setFinalityWindowTime", json!([7])).await;
    let frame = socket.find(|frame| frame["event"] == "finality_window_time_updated").await;
    assert_eq!(frame["data"]["data"], json!({ "time": 7 }));
    assert_eq!(world.result("sim_getFinalityWindowTime", json!([])).await, 7);
}

#[actix_web::test]
async fn what_cannot_be_followed_is_refused_by_its_name() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    let nowhere = format!("0x{}", "cd".repeat(32));
    for (params, named) in [
        (json!(["weather"]), "`weather`"),
        (json!(["logs", { "address": "0x12" }]), "`\"0x12\"`"),
        (json!(["logs", { "topics": [7] }]), "`7`"),
        (json!(["logs", { "blockHash": nowhere }]), &*nowhere),
        (json!(["logs", "all"]), "`\"all\"`"),
    ] {
        let answer = socket.call("eth_subscribe", &params).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(answer["error"]["code"] == -32_602 && message.contains(named), "{answer}");
    }
    for _ in 0..32 {
        assert!(socket.call("eth_subscribe", &json!(["syncing"])).await["result"].is_string());
    }
    let answer = socket.call("eth_subscribe", &json!(["syncing"])).await;
    assert_eq!(answer["error"]["message"], "at most 32 subscriptions at a time");
}

#[actix_web::test]
async fn subscribed_logs_are_those_that_are_wanted_and_each_comes_once() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    let wallet = Wallet::new(0);
    let head = world.result("eth_blockNumber", json!([])).await;
    let past = json!(["logs", { "toBlock": head }]);
    let past = socket.call("eth_subscribe", &past).await["result"].clone();
    let all = socket.call("eth_subscribe", &json!(["logs"])).await["result"].clone();
    let mut sent = Vec::new();
    for nonce in 0..10 {
        sent.push(world.result("eth_sendRawTransaction", json!([wallet.deploy(nonce)])).await);
    }
    let mut told = Vec::new();
    while told.last() != sent.last() {
        let frame = socket.find(|frame| frame["method"] == "eth_subscription").await;
        assert_ne!(frame["params"]["subscription"], past);
        assert_eq!(frame["params"]["subscription"], all);
        told.push(frame["params"]["result"]["transactionHash"].clone());
    }
    assert_eq!(told, sent);
}

#[actix_web::test]
async fn a_room_that_is_entered_again_is_not_told_of_the_past_again() {
    let world = World::open().await;
    let mut socket = open(&world).await;
    let hash = world.result("eth_sendRawTransaction", json!([Wallet::new(0).deploy(0)])).await;
    world.decided(hash.as_str().unwrap(), "FINALIZED").await;
    let enter = json!({ "event": "subscribe", "data": [hash] });
    socket.say(&enter).await;
    socket.find(|frame| frame["event"] == "transaction_status_updated").await;
    socket.find(|frame| frame["event"] == "deployed_contract").await;
    socket.say(&enter).await;
    assert_eq!(socket.next().await["event"], "subscribed");
    socket.say(&json!({ "event": "ping", "data": { "timestamp": 5 } })).await;
    assert_eq!(socket.next().await["event"], "pong");
}

#[actix_web::test]
async fn frames_count_as_requests() {
    let settings = agora::api::ApiSettings {
        requests_per_second: std::num::NonZeroU32::new(5),
        ..agora::api::ApiSettings::default()
    };
    let world = World::with(settings).await;
    let mut socket = open(&world).await;
    let mut refused = 0;
    for _ in 0..20 {
        let answer = socket.call("eth_chainId", &json!([])).await;
        if answer["error"]["code"] == -32_029 {
            assert_eq!(answer["error"]["message"], "Rate limit exceeded: 5 requests per second");
            refused += 1;
        }
    }
    assert!(refused > 0, "20 frames at once are more than 5 per second");
    for _ in 0..20 {
        socket.say(&json!({ "event": "ping", "data": {} })).await;
    }
    let told = socket.find(|frame| frame["event"] == "error").await;
    assert_eq!(told["data"], "Rate limit exceeded: 5 requests per second");
}
