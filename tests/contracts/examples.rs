//! Every example end to end.

use agora::domain::calldata::Value;
use agora::domain::{Amount, EmittedMessage, ExecutionOutcome, MessageBody, Trigger};
use agora::execution::Executor;
use agora::execution::python::examples;

use crate::harness::*;

fn source(name: &str) -> &'static str {
    examples().iter().find(|example| example.name == name).unwrap().source
}

fn user_error(text: &str) -> ExecutionOutcome {
    ExecutionOutcome::UserError(text.into())
}

#[tokio::test]
async fn key_value_store() {
    let mut store = Contract::deploy(&executor(), source("key_value_store"), vec![]).await;
    for (key, value) in [("b", "2"), ("a", "1"), ("c", "3"), ("b", "two")] {
        assert_eq!(store.call("put", vec![text(key), text(value)]).await, Value::Null);
    }
    assert_eq!(store.call("get", vec![text("b")]).await, text("two"));
    assert_eq!(store.call("get", vec![text("z")]).await, text(""));
    store.call("remove", vec![text("a")]).await;
    assert_eq!(store.call("keys", vec![]).await, Value::Array(vec![text("b"), text("c")]));
    assert_eq!(store.call("size", vec![]).await, int(2));
    let missing = store.run(Some("remove"), vec![text("a")]).await;
    assert_eq!(missing.outcome, user_error("there is nothing under a"));
}

#[tokio::test]
async fn guest_book() {
    let mut book = Contract::deploy(&executor(), source("guest_book"), vec![text("Ours")]).await;
    assert_eq!(book.call("sign", vec![text(" hello ")]).await, int(1));
    book.sender = account(0xbb);
    assert_eq!(book.call("sign", vec![text("good day")]).await, int(2));
    assert_eq!(book.call("sign", vec![text("again")]).await, int(3));
    let entry = Value::map([
        ("author", Value::Address(account(0xaa))),
        ("text", text("hello")),
        ("written_at", text("2023-11-14T22:13:20.123456+00:00")),
    ]);
    assert_eq!(book.call("entry", vec![int(0)]).await, entry);
    let (first, second) = (account(0xaa).to_string(), account(0xbb).to_string());
    let counts = Value::map([(first.as_str(), int(1)), (second.as_str(), int(2))]);
    assert_eq!(book.call("authors", vec![]).await, counts);
    let Value::Array(latest) = book.call("latest", vec![int(2)]).await else { panic!() };
    assert_eq!(latest.len(), 2);
    let empty = book.run(Some("sign"), vec![text("  ")]).await;
    assert_eq!(empty.outcome, user_error("an entry needs a text"));
}

#[tokio::test]
async fn token() {
    let supply = "1000000000000000000000000";
    let integer =
        |decimal: &str| Value::Integer(agora::domain::calldata::Integer::parse(decimal).unwrap());
    let [owner, friend, spender] = [0xaa, 0xbb, 0xdd].map(|byte| Value::Address(account(byte)));
    let arguments = vec![text("Obol"), integer(supply)];
    let mut token = Contract::deploy(&executor(), source("token"), arguments).await;
    token.call("transfer", vec![friend.clone(), int(400)]).await;
    token.call("approve", vec![spender.clone(), int(50)]).await;
    token.sender = account(0xdd);
    let move_30 = vec![owner.clone(), spender.clone(), int(30)];
    token.call("transfer_from", move_30.clone()).await;
    let refused = token.run(Some("transfer_from"), move_30).await;
    let spender_name = account(0xdd);
    let text = format!("{spender_name} may move 20, which is less than 30");
    assert_eq!(refused.outcome, user_error(&text));
    assert!(refused.state.is_empty());
    let left = vec![owner.clone(), spender.clone()];
    assert_eq!(token.call("allowance", left).await, int(20));
    assert_eq!(token.call("balance_of", vec![owner]).await, integer("999999999999999999999570"));
    assert_eq!(token.call("balance_of", vec![friend]).await, int(400));
    assert_eq!(token.call("balance_of", vec![spender]).await, int(30));
    assert_eq!(token.call("total_supply", vec![]).await, integer(supply));
}

#[tokio::test]
async fn a_saver_feeds_a_vault_and_the_vault_pays_out() {
    let executor = executor();
    let to_vault = vec![Value::Address(account(0xee)), int(20)];
    let mut saver = Contract::deploy(&executor, source("saver"), to_vault).await;
    (saver.value, saver.balance) = (Amount::from(50), Amount::from(53));
    let earned = saver.run(Some("earn"), vec![]).await;
    assert_eq!(returned(&earned), int(10));
    let [message] = <[EmittedMessage; 1]>::try_from(earned.messages).unwrap();
    assert_eq!((message.on, message.value), (Trigger::Accepted, Amount::from(10)));
    let MessageBody::Call { to, calldata } = message.body else { panic!("{message:?}") };
    assert_eq!(to, account(0xee));
    saver.value = Amount::ZERO;
    assert_eq!(saver.call("saved_by", vec![Value::Address(account(0xaa))]).await, int(10));

    // What the saver sent is what the vault gets.
    let mut vault = Contract::deploy(&executor, source("vault"), vec![]).await;
    (vault.value, vault.balance) = (message.value, message.value);
    let deposit =
        agora::execution::ExecutionRequest { calldata, ..vault.request(Some("deposit"), vec![]) };
    let deposited = executor.execute(deposit).await.unwrap();
    assert_eq!((returned(&deposited), &deposited.messages[..]), (Value::Null, &[][..]));
    vault.apply(&deposited);
    vault.value = Amount::ZERO;
    let paid = vault.run(Some("withdraw"), vec![int(4)]).await;
    let to_account = EmittedMessage {
        on: Trigger::Finalized,
        value: Amount::from(4),
        body: MessageBody::Transfer { to: account(0xaa) },
    };
    assert_eq!(paid.messages, [to_account]);
    assert_eq!(vault.call("held", vec![Value::Address(account(0xaa))]).await, int(6));
    let refused = vault.run(Some("withdraw"), vec![int(7)]).await;
    let text = format!("{} has 6 in here, so 7 cannot be paid out", account(0xaa));
    assert_eq!((refused.outcome, refused.messages), (user_error(&text), vec![]));
}

#[tokio::test]
async fn user_errors_and_crashes_change_nothing() {
    let mut fussy = Contract::deploy(&executor(), source("user_error"), vec![int(5)]).await;
    fussy.call("add", vec![int(4)]).await;
    let refused = fussy.run(Some("add"), vec![int(4)]).await;
    assert_eq!(refused.outcome, user_error("8 is more than 5"));
    assert!(refused.state.is_empty());
    let crash = fussy.run(Some("crash"), vec![]).await;
    assert_eq!(crash.outcome, ExecutionOutcome::VmError("exit_code 1".into()));
    let trace = "Traceback (most recent call last):\n  File \"contract.py\", line 25, in crash\n    \
                 nothing[\"a key that is not there\"]\nKeyError: 'a key that is not there'\n";
    assert_eq!(crash.stderr, trace);
    assert_eq!(fussy.call("total", vec![]).await, int(4));
}

#[tokio::test]
async fn prints_are_captured() {
    let mut print = Contract::deploy(&executor(), source("print"), vec![]).await;
    let execution = print.run(Some("say"), vec![text("hello")]).await;
    assert_eq!(execution.stdout, "call 1: hello\n");
    let execution = print.run(Some("count"), vec![]).await;
    assert_eq!((returned(&execution), execution.stdout.as_str()), (int(1), "counting\n"));
}

#[tokio::test]
async fn every_example_has_a_schema() {
    let executor = executor();
    for example in examples() {
        let code = request(example.source, None, vec![]).code;
        let schema = executor.schema(code).await.unwrap().unwrap();
        assert!(schema["methods"].as_object().unwrap().len() > 1, "{}", example.name);
    }
    let code = request(source("print"), None, vec![]).code;
    let schema = serde_json::json!({
        "ctor": { "params": [], "kwparams": {} },
        "methods": {
            "count": { "params": [], "kwparams": {}, "readonly": true, "ret": "int" },
            "say": {
                "params": [["text", "string"]], "kwparams": {}, "readonly": false,
                "payable": false, "ret": "null",
            },
        },
    });
    assert_eq!(executor.schema(code).await.unwrap().unwrap(), schema);
}
