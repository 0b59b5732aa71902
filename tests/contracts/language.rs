//! What authors may call, and how they are told what they may not.

use agora::domain::calldata::Value;
use agora::domain::{Amount, ExecutionOutcome};
use agora::execution::{Entry, Executor, Role};

use crate::harness::*;

const CALLS: &str = r#"
from genlayer import *
import genlayer.gl as also_gl

class Calls(gl.Contract):
    n: u256

    def __init__(self, start: int = 0):
        self.n = start

    @gl.public.write
    def add(self, amount: int, *, twice: bool = False) -> int:
        self.n += amount * (2 if twice else 1)
        return self.n

    @gl.public.write.payable
    def pay(self) -> dict:
        message = gl.message
        return {
            "value": message.value, "sender": message.sender_address, "chain": message.chain_id,
            "contract": self.address, "balance": self.balance, "origin": message.origin_address,
        }

    @gl.public.view
    def cheat(self):
        self.n = 1

    @gl.public.view
    def nondet(self):
        return gl.nondet.exec_prompt("hello")

    @gl.public.view
    def half(self):
        return 0.5

    def hidden(self):
        pass

    @gl.public.view
    def _private(self):
        pass
"#;

async fn check_error(method: &str, args: Vec<Value>, words: &str) {
    let mut calls = Contract::deploy(&executor(), CALLS, vec![]).await;
    let execution = calls.run(Some(method), args).await;
    assert_eq!(execution.outcome, ExecutionOutcome::VmError("exit_code 1".into()));
    assert!(execution.stderr.contains(words), "{}", execution.stderr);
}

#[tokio::test]
async fn calls_that_do_not_fit_are_refused_in_words() {
    check_error("ad", vec![], "has no public method `ad`; did you mean `add`?").await;
    check_error("__init__", vec![], "the constructor cannot be called").await;
    check_error("_hidden", vec![], "has no public method `_hidden`").await;
    check_error("hidden", vec![], "`hidden` is not public: decorate it").await;
    check_error("__setattr__", vec![], "`__setattr__` is private").await;
    check_error("add", vec![], "TypeError").await;
    check_error("cheat", vec![], "`cheat` is a view method and cannot change state").await;
    check_error("nondet", vec![], "models and the web can be asked only within a").await;
    check_error("half", vec![], "not calldata encodable: 0.5 is a float").await;
}

#[tokio::test]
async fn values_need_a_payable_method() {
    let executor = executor();
    let calls = Contract::deploy(&executor, CALLS, vec![]).await;
    let mut request = calls.request(Some("pay"), vec![]);
    request.message.value = Amount::from(5);
    request.message.balance = Amount::coins(7);
    let answer = returned(&executor.execute(request).await.unwrap());
    let expected = Value::map([
        ("value", int(5)),
        ("sender", Value::Address(account(0xaa))),
        ("chain", int(61_999)),
        ("contract", Value::Address(account(0xcc))),
        ("balance", int(7_000_000_000_000_000_000)),
        ("origin", Value::Address(account(0xaa))),
    ]);
    assert_eq!(answer, expected);
    let mut request = calls.request(Some("add"), vec![int(1)]);
    request.message.value = Amount::from(5);
    let refused = executor.execute(request).await.unwrap();
    assert!(refused.stderr.contains("`add` takes no value, but 5 was sent"), "{}", refused.stderr);
    // Money alone needs no method that takes it.
    let mut plain = calls.request(None, vec![]);
    (plain.entry, plain.message.value) = (Entry::Method, Amount::from(5));
    assert!(executor.execute(plain.clone()).await.unwrap().outcome.is_success());
    plain.message.value = Amount::default();
    let refused = executor.execute(plain).await.unwrap();
    assert!(refused.stderr.contains("no `__receive__`"), "{}", refused.stderr);
}

#[tokio::test]
async fn readers_change_nothing() {
    let executor = executor();
    let calls = Contract::deploy(&executor, CALLS, vec![]).await;
    let mut request = calls.request(Some("add"), vec![int(1)]);
    request.role = Role::Reader;
    let refused = executor.execute(request).await.unwrap();
    assert!(refused.stderr.contains("this is a read-only call"), "{}", refused.stderr);
    assert!(refused.state.is_empty());
}

#[tokio::test]
async fn named_arguments_arrive() {
    let executor = executor();
    let calls = Contract::deploy(&executor, CALLS, vec![int(40)]).await;
    let named = [("twice".to_owned(), Value::Bool(true))].into();
    let mut request = calls.request(Some("add"), vec![]);
    request.calldata = Value::call(Some("add"), vec![int(1)], named).encode().into();
    assert_eq!(returned(&executor.execute(request).await.unwrap()), int(42));
}

/// The schema of a source that has none, in words.
async fn check_source(source: &str, words: &str) {
    let error = executor().schema(request(source, None, vec![]).code).await.unwrap().unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[tokio::test]
async fn files_that_are_no_contract_are_refused_in_words() {
    let class = "from genlayer import *\nclass A(gl.Contract):\n    def __init__(self): pass\n";
    check_source("x = 1", "the file defines no contract").await;
    check_source("def f(:\n", "SyntaxError").await;
    check_source("import pandas", "No module named 'pandas'").await;
    check_source(&format!("{class}class B(gl.Contract): pass\n"), "only one contract").await;
    check_source("from genlayer import *\nclass A(gl.Contract): pass", "has no `__init__`").await;
    check_source(
        &format!("{class}    @gl.public.view\n    def f(self, x: float): pass\n"),
        "method `f`: `float` has no encoding",
    )
    .await;
    check_source(
        &format!("{class}    @gl.public.view\n    def f(self, *args): pass\n"),
        "`*args` cannot be in a public method",
    )
    .await;
}

const TYPES: &str = r#"
import typing
from genlayer import *

class Types(gl.Contract):
    def __init__(self, owner: Address, *, note: str = ""):
        pass

    @gl.public.view
    def all(self, a: u256, b: bool, c: bytes, d: list[str], e: dict[str, int], f: typing.Any,
            g: str | None, h: tuple[int, str], i: DynArray[u8], j: TreeMap[str, bool], k, l: list,
            m: dict, n: typing.Literal["x"]) -> typing.Optional[int]:
        return None

    @gl.public.write.min_gas(leader=1, validator=2).payable
    def rich(self):
        pass
"#;

#[tokio::test]
async fn schemas_name_every_type() {
    let schema = executor().schema(request(TYPES, None, vec![]).code).await.unwrap().unwrap();
    let expected = serde_json::json!({
        "ctor": { "params": [["owner", "address"]], "kwparams": { "note": "string" } },
        "methods": {
            "all": {
                "params": [
                    ["a", "int"], ["b", "bool"], ["c", "bytes"], ["d", [{ "$rep": "string" }]],
                    ["e", { "$dict": "int" }], ["f", "any"], ["g", { "$or": ["string", "null"] }],
                    ["h", ["int", "string"]], ["i", [{ "$rep": "int" }]], ["j", { "$dict": "bool" }],
                    ["k", "any"], ["l", "array"], ["m", "dict"], ["n", "any"],
                ],
                "kwparams": {}, "readonly": true, "ret": { "$or": ["int", "null"] },
            },
            "rich": {
                "params": [], "kwparams": {}, "readonly": false, "payable": true,
                "min_gas_leader": 1, "min_gas_validator": 2, "ret": "any",
            },
        },
    });
    assert_eq!(schema, expected);
}
