//! Events: their topics, their fields, and which of them count.

use agora::domain::calldata::Value;
use agora::domain::{Digest, ExecutionOutcome, keccak256};

use crate::harness::*;

const EVENTS: &str = r#"
from genlayer import *

class Moved(gl.Event):
    def __init__(self, to: Address, amount: u256, /, **blob): ...

class Plain(gl.Event):
    def __init__(self): ...

class Emits(gl.Contract):
    def __init__(self):
        Plain().emit()

    @gl.public.write
    def move(self, note: str) -> None:
        Moved(7, gl.message.sender_address, note=note).emit()
        gl.advanced.emit_raw_event([bytes(32)], [1])

    @gl.public.write
    def long_topic(self) -> None:
        Moved("x" * 40, 1).emit()

    @gl.public.write
    def fail(self) -> None:
        Plain().emit()
        raise gl.vm.UserError("no")

    @gl.public.view
    def look(self) -> None:
        Plain().emit()

    @gl.public.write
    def wrong(self) -> None:
        gl.advanced.emit_raw_event([b"short"], None)

    @gl.public.write
    def many(self) -> None:
        gl.advanced.emit_raw_event([bytes(32)] * 5, None)

    @gl.public.write
    def count(self) -> None:
        Moved(1).emit()
"#;

fn padded(value: &Value) -> Digest {
    let mut topic = value.encode();
    topic.resize(32, 0);
    Digest::new(topic.try_into().unwrap())
}

#[tokio::test]
async fn topics_are_the_signature_and_the_indexed_fields() {
    let mut contract = Contract::deploy(&executor(), EVENTS, vec![]).await;
    let execution = contract.run(Some("move"), vec![text("n")]).await;
    let [moved, raw] = execution.events.as_slice() else { panic!("{execution:?}") };
    let sender = Value::Address(account(0xaa));
    let signature = keccak256(&[b"Moved(amount,to)"]);
    assert_eq!(moved.topics, [signature, padded(&int(7)), padded(&sender)]);
    let fields = Value::map([("amount", int(7)), ("note", text("n")), ("to", sender)]);
    assert_eq!(Value::decode(&moved.data).unwrap(), fields);
    assert_eq!(raw.topics, [Digest::new([0; 32])]);
    assert_eq!(Value::decode(&raw.data).unwrap(), Value::Array(vec![int(1)]));
}

#[tokio::test]
async fn long_fields_are_hashed() {
    let mut contract = Contract::deploy(&executor(), EVENTS, vec![]).await;
    let execution = contract.run(Some("long_topic"), vec![]).await;
    let long = text(&"x".repeat(40)).encode();
    assert_eq!(execution.events[0].topics[1], keccak256(&[&long]));
}

#[tokio::test]
async fn only_what_returns_and_may_write_emits() {
    let executor = executor();
    let mut contract = Contract::deploy(&executor, EVENTS, vec![]).await;
    assert_eq!(contract.run(None, vec![]).await.events.len(), 1);
    let failed = contract.run(Some("fail"), vec![]).await;
    assert_eq!(failed.outcome, ExecutionOutcome::UserError("no".into()));
    assert_eq!(failed.events, []);
    for (method, words) in [
        ("look", "`look` is a view method and cannot send messages"),
        ("wrong", "a topic has 32 bytes, not 5"),
        ("many", "an event has at most 4 topics, not 5"),
        ("count", "`Moved` has the indexed fields ('amount', 'to'), but 1 values came"),
    ] {
        let refused = contract.run(Some(method), vec![]).await;
        assert!(refused.stderr.contains(words), "{method}: {}", refused.stderr);
        assert_eq!(refused.events, []);
    }
}
