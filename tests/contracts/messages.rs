//! Messages of contracts: what is sent, what is refused in words, and that nothing else gets out.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use agora::domain::calldata::Value;
use agora::domain::ledger::StateVersion;
use agora::domain::{
    Address, Amount, Bytes, EmittedMessage, Execution, ExecutionOutcome, MessageBody, Pages,
    Trigger, U256, keccak256,
};
use agora::execution::nondeterminism::Services;
use agora::execution::python::{PythonExecutor, PythonSettings};
use agora::execution::{Executor, Role};

use crate::harness::*;
use crate::surroundings::Neighbours;

/// Shared, so that whatever one of these contracts leaves behind meets the next.
static EXECUTOR: LazyLock<PythonExecutor> =
    LazyLock::new(|| PythonExecutor::start(settings(2), Services::none()).unwrap());

/// What the contract has in these tests.
const BALANCE: u64 = 100;

/// A contract whose public method `go` (of the given kind) has this body.
fn contract_of(kind: &str, body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        r#"
from genlayer import *

OTHER = Address(b"\x0e" * 20)

@gl.contract_interface
class Other:
    class View:
        def total(self) -> int: ...

    class Write:
        def add(self, amount: int, /, *, note: str = "") -> None: ...

@gl.evm.contract_interface
class Account:
    class View:
        pass

    class Write:
        pass

class Sender(gl.Contract):
    def __init__(self):
        pass

    @gl.public.{kind}
    def go(self):
        {body}
"#
    )
}

fn contract(body: &str) -> String {
    contract_of("write", body)
}

/// There is a contract at `OTHER`, and nowhere else.
fn neighbours() -> Neighbours {
    let at = (account(0x0e), StateVersion::Accepted);
    Neighbours {
        contracts: BTreeMap::from([(at, (String::new(), Pages::new()))]),
        ..Neighbours::default()
    }
}

async fn run_source(source: &str, role: Role) -> Execution {
    let mut request = request(source, Some("go"), vec![]);
    request.message.balance = Amount::from(BALANCE);
    request.role = role;
    request.world = Arc::new(neighbours());
    EXECUTOR.execute(request).await.unwrap()
}

/// What a body returns and which messages it sends.
async fn sent(body: &str) -> (Value, Vec<EmittedMessage>) {
    let execution = run_source(&contract(body), Role::Leader).await;
    (returned(&execution), execution.messages)
}

/// The only message a body sends.
async fn one(body: &str) -> EmittedMessage {
    let (_, messages) = sent(body).await;
    let [message] = <[EmittedMessage; 1]>::try_from(messages).unwrap();
    message
}

fn check_execution(execution: &Execution, words: &str) {
    let failed = ExecutionOutcome::VmError("exit_code 1".into());
    assert_eq!(execution.outcome, failed, "{words}: {execution:?}");
    assert!(execution.stderr.contains(words), "not `{words}`: {}", execution.stderr);
    assert_eq!(execution.messages, []);
}

/// The body fails with these words, and sends nothing.
async fn check_error(body: &str, words: &str) {
    check_execution(&run_source(&contract(body), Role::Leader).await, words);
}

fn calldata(method: Option<&str>, args: Vec<Value>, kwargs: BTreeMap<String, Value>) -> Bytes {
    Value::call(method, args, kwargs).encode().into()
}

fn call(on: Trigger, value: u64, calldata: Bytes) -> EmittedMessage {
    let body = MessageBody::Call { to: account(0x0e), calldata };
    EmittedMessage { on, value: Amount::from(value), body }
}

fn deploy(on: Trigger, value: u64, calldata: Bytes, salt: Option<U256>) -> EmittedMessage {
    let body = MessageBody::Deploy { code: Bytes::from_static(b"x = 1"), calldata, salt };
    EmittedMessage { on, value: Amount::from(value), body }
}

fn nothing() -> Bytes {
    calldata(None, vec![], BTreeMap::new())
}

#[tokio::test]
async fn a_call_carries_method_arguments_value_and_trigger() {
    let body = "proxy = gl.get_contract_at(OTHER)\n\
                return proxy.emit(value=7, on='accepted').add(1, OTHER, [b'x'], note='hi')";
    let args = vec![
        int(1),
        Value::Address(account(0x0e)),
        Value::Array(vec![Value::Bytes(Bytes::from_static(b"x"))]),
    ];
    let data = calldata(Some("add"), args, [("note".to_owned(), text("hi"))].into());
    assert_eq!(sent(body).await, (Value::Null, vec![call(Trigger::Accepted, 7, data)]));
}

#[tokio::test]
async fn a_call_waits_for_finality_and_carries_nothing_unless_told_otherwise() {
    let data = calldata(Some("add"), vec![], BTreeMap::new());
    let expected = call(Trigger::Finalized, 0, data);
    assert_eq!(one("gl.get_contract_at(OTHER).emit().add()").await, expected);
    assert_eq!(one("gl.ContractAt(OTHER).emit(on='finalized').add()").await, expected);
}

#[tokio::test]
async fn a_plain_transfer_to_a_contract_is_a_call_without_a_method() {
    assert_eq!(nothing(), Bytes::from_static(&[6]));
    let message = one("gl.get_contract_at(OTHER).emit_transfer(value=5, on='accepted')").await;
    assert_eq!(message, call(Trigger::Accepted, 5, nothing()));
    let message = one("gl.get_contract_at(OTHER).emit_transfer(value=u256(5))").await;
    assert_eq!(message, call(Trigger::Finalized, 5, nothing()));
}

#[tokio::test]
async fn declared_interfaces_send_what_they_declare() {
    let message = one("Other(OTHER).emit(value=3).add(4, note='x')").await;
    let kwargs = [("note".to_owned(), text("x"))].into();
    let data = calldata(Some("add"), vec![int(4)], kwargs);
    assert_eq!(message, call(Trigger::Finalized, 3, data));
    let message = one("Other(OTHER).emit_transfer(value=2, on='accepted')").await;
    assert_eq!(message, call(Trigger::Accepted, 2, nothing()));
    // What an interface does not declare is the called contract's to refuse.
    let data = calldata(Some("total"), vec![], BTreeMap::new());
    assert_eq!(one("Other(OTHER).emit().total()").await, call(Trigger::Finalized, 0, data));
    let undeclared = "@gl.contract_interface\nclass Loose:\n    def any(self): ...\n\
                      Loose(OTHER).emit().whatever()";
    let data = calldata(Some("whatever"), vec![], BTreeMap::new());
    assert_eq!(one(undeclared).await, call(Trigger::Finalized, 0, data));
    check_error("gl.contract_interface(5)", "TypeError: `contract_interface` decorates a class")
        .await;
}

#[tokio::test]
async fn money_for_an_account_waits_for_finality() {
    let expected = EmittedMessage {
        on: Trigger::Finalized,
        value: Amount::from(9),
        body: MessageBody::Transfer { to: account(0xaa) },
    };
    let body = "Account(gl.message.sender_address).emit_transfer(value=9)";
    assert_eq!(one(body).await, expected);
    let body = "Account(gl.message.sender_address).emit_transfer(value=9, on='accepted')";
    let execution = run_source(&contract(body), Role::Leader).await;
    assert_eq!(execution.messages, [expected]);
    assert!(execution.stderr.contains("warning: a transfer to an account"), "{execution:?}");
    check_error("Account(OTHER).emit().pay()", "only `emit_transfer` works").await;
    check_error("Account(OTHER).view().total()", "only `emit_transfer` works").await;
}

#[tokio::test]
async fn a_transfer_to_where_no_contract_is_pays_the_account() {
    for transfer in [
        "gl.get_contract_at(Address(b'\\x0d' * 20)).emit_transfer(value=5, on='accepted')",
        "gl.get_contract_at(Address(b'\\x0d' * 20)).emit_transfer(5)",
    ] {
        let message = one(transfer).await;
        assert_eq!((message.on, message.value), (Trigger::Finalized, Amount::from(5)));
        assert_eq!(message.body, MessageBody::Transfer { to: account(0x0d) });
    }
}

#[tokio::test]
async fn a_deployment_with_a_salt_tells_the_address() {
    let body = "return gl.deploy_contract(code='x = 1', args=[1], kwargs={'a': 'b'}, salt_nonce=258,\n\
                    value=4, on='accepted')";
    let (value, messages) = sent(body).await;
    let data = calldata(None, vec![int(1)], [("a".to_owned(), text("b"))].into());
    assert_eq!(messages, [deploy(Trigger::Accepted, 4, data, Some(U256::from(258)))]);
    let (salt, chain) = (U256::from(258), U256::from(61_999));
    let (salt, chain) = (salt.to_be_bytes::<32>(), chain.to_be_bytes::<32>());
    let digest = keccak256(&[&[1], account(0xcc).as_bytes(), &salt, &chain]);
    assert_eq!(value, Value::Address(Address::from_slice(&digest.as_bytes()[..20]).unwrap()));
}

#[tokio::test]
async fn a_deployment_without_a_salt_has_no_address_yet() {
    let (value, messages) = sent("return gl.deploy_contract(code=b'x = 1')").await;
    assert_eq!(
        (value, messages),
        (Value::Null, vec![deploy(Trigger::Finalized, 0, nothing(), None)])
    );
}

#[tokio::test]
async fn messages_keep_their_order_and_the_balance_shows_what_is_left() {
    let body = "left = [self.balance]\n\
                gl.get_contract_at(OTHER).emit(value=60, on='accepted').a()\n\
                left.append(self.balance)\n\
                Account(OTHER).emit_transfer(value=30)\n\
                left.append(gl.get_contract_at(self.address).balance)\n\
                gl.deploy_contract(code='x = 1', value=10)\n\
                left.append(self.balance)\n\
                gl.get_contract_at(OTHER).emit().b()\n\
                return left";
    let (value, messages) = sent(body).await;
    assert_eq!(value, Value::Array([100, 40, 10, 0].map(int).into()));
    let values: Vec<_> = messages.iter().map(|message| message.value).collect();
    assert_eq!(values, [60, 30, 10, 0].map(Amount::from));
    assert!(matches!(messages[1].body, MessageBody::Transfer { .. }));
    assert!(matches!(messages[2].body, MessageBody::Deploy { .. }));
}

#[tokio::test]
async fn more_than_the_contract_has_cannot_be_sent() {
    let words = "SystemError: inbalance: `value` is 101, but the contract has only 100";
    check_error("Other(OTHER).emit(value=101).add(1)", words).await;
    check_error("Account(OTHER).emit_transfer(value=101)", words).await;
    check_error("gl.deploy_contract(code='x', value=101)", words).await;
    let twice = "Other(OTHER).emit(value=60).add(1)\nOther(OTHER).emit(value=41).add(1)";
    let words =
        "`value` is 41, but the contract has only 40: earlier messages of this call take 60";
    check_error(twice, words).await;
    let huge = "Other(OTHER).emit(value=2**300).add(1)";
    check_error(huge, "ValueError: `value` is more than there can be").await;
    let caught = "try:\n    Other(OTHER).emit(value=101).add(1)\nexcept SystemError:\n    pass\n\
                  Other(OTHER).emit(value=100).add(1)";
    assert_eq!(one(caught).await.value, Amount::from(100));
}

#[tokio::test]
async fn values_and_triggers_that_make_no_sense_are_refused_in_words() {
    for make in [
        "Other(OTHER).emit(VALUE).add(1)",
        "Account(OTHER).emit_transfer(VALUE)",
        "gl.get_contract_at(OTHER).emit_transfer(VALUE)",
        "gl.deploy_contract(code='x', VALUE)",
    ] {
        let with = |argument: &str| make.replace("VALUE", argument);
        check_error(&with("value=-1"), "ValueError: `value` cannot be negative: -1").await;
        check_error(&with("value=1.5"), "TypeError: `value` must be an int, not `float`").await;
        check_error(&with("value='1'"), "TypeError: `value` must be an int, not `str`").await;
        let words = "ValueError: `on` must be 'finalized' or 'accepted', not 'final'";
        check_error(&with("value=1, on='final'"), words).await;
    }
}

#[tokio::test]
async fn targets_and_arguments_that_make_no_sense_are_refused_in_words() {
    for make in ["gl.get_contract_at", "Other", "Account", "gl.ContractAt"] {
        let words = "TypeError: the target must be an Address, not `str`: write `Address(…)`";
        check_error(&format!("{make}('0x' + '0e' * 20)"), words).await;
    }
    check_error("Other(OTHER).emit().add(0.5)", "not calldata encodable: 0.5 is a float").await;
    check_error("gl.deploy_contract(code='x', args=[0.5])", "0.5 is a float").await;
    check_error("Other(OTHER).emit().add(self)", "not calldata encodable: `Sender`").await;
    check_error("gl.get_contract_at(OTHER).emit().__init__x__()", "cannot be called from outside")
        .await;
    check_error("gl.get_contract_at(OTHER).add(1)", "write `.view().add(…)` or `.emit().add(…)`")
        .await;
    check_error("gl.get_contract_at(OTHER).emit(1).add()", "TypeError").await;
}

#[tokio::test]
async fn code_that_makes_no_sense_is_refused_in_words() {
    let words = "TypeError: `code` must be str or bytes, not `int`";
    check_error("gl.deploy_contract(code=5)", words).await;
    check_error("gl.deploy_contract(code='')", "ValueError: `code` is empty").await;
    check_error("gl.deploy_contract(code='x', args='ab')", "`args` must be a list, not `str`")
        .await;
    check_error("gl.deploy_contract(code='x', kwargs=[1])", "`kwargs` must be a dict, not `list`")
        .await;
    for (salt, words) in [
        ("'1'", "TypeError: `salt_nonce` must be an int, not `str`"),
        ("-1", "ValueError: `salt_nonce` must be from 0 to 2**256 - 1"),
        ("2**256", "ValueError: `salt_nonce` must be from 0 to 2**256 - 1"),
    ] {
        check_error(&format!("gl.deploy_contract(code='x', salt_nonce={salt})"), words).await;
    }
}

#[tokio::test]
async fn views_readers_and_loading_files_send_nothing() {
    let emit = "gl.get_contract_at(OTHER).emit().add(1)";
    let transfer = "Account(OTHER).emit_transfer(value=1)";
    let deploy = "gl.deploy_contract(code='x')";
    for body in [emit, transfer, deploy] {
        let view = run_source(&contract_of("view", body), Role::Leader).await;
        check_execution(&view, "`go` is a view method and cannot send messages: decorate it with");
        let reader = run_source(&contract(body), Role::Reader).await;
        check_execution(&reader, "this is a read-only call: messages cannot be sent");
        let loading = format!("{}\n{body}\n", contract("pass"));
        let loading = run_source(&loading, Role::Leader).await;
        check_execution(&loading, "messages can be sent only by methods and the constructor");
    }
    // A view that looks for a way around is still a view.
    let around = "import sys\ntry:\n    sys.modules['_genlayer'].allow_messages()\n\
                  except Exception:\n    pass\n";
    let view = run_source(&contract_of("view", &format!("{around}{emit}")), Role::Leader).await;
    check_execution(&view, "`go` is a view method and cannot send messages");
}

#[tokio::test]
async fn constructors_send_messages() {
    let source = "from genlayer import *\nclass A(gl.Contract):\n    def __init__(self):\n        \
                  gl.get_contract_at(gl.message.sender_address).emit(value=6).born(self.address)\n";
    let mut request = request(source, None, vec![]);
    request.message.value = Amount::from(6);
    request.message.balance = Amount::from(6);
    let execution = EXECUTOR.execute(request).await.unwrap();
    assert_eq!(returned(&execution), Value::Null);
    let data = calldata(Some("born"), vec![Value::Address(account(0xcc))], BTreeMap::new());
    let body = MessageBody::Call { to: account(0xaa), calldata: data };
    let expected = EmittedMessage { on: Trigger::Finalized, value: Amount::from(6), body };
    assert_eq!(execution.messages, [expected]);
}

#[tokio::test]
async fn executions_that_fail_send_nothing() {
    let emit = "Other(OTHER).emit(value=1).add(1)";
    check_error(&format!("{emit}\nraise KeyError('later')"), "KeyError: 'later'").await;
    let body = format!("{emit}\nraise gl.vm.UserError('no')");
    let execution = run_source(&contract(&body), Role::Leader).await;
    assert_eq!(execution.outcome, ExecutionOutcome::UserError("no".into()));
    assert_eq!(execution.messages, []);
}

#[tokio::test]
async fn there_is_a_limit_of_messages_and_of_their_bytes() {
    let (_, messages) = sent("for n in range(256):\n    Other(OTHER).emit().add(n)").await;
    assert_eq!(messages.len(), 256);
    let data = calldata(Some("add"), vec![int(255)], BTreeMap::new());
    assert_eq!(messages[255], call(Trigger::Finalized, 0, data));
    let words = "OverflowError: one call can send at most 256 messages";
    check_error("for n in range(257):\n    Other(OTHER).emit().add(n)", words).await;
    let body = "gl.deploy_contract(code='x' * (1 << 19))\n";
    assert_eq!(sent(body).await.1.len(), 1);
    let words = "OverflowError: the messages of one call can have at most 1048576 bytes";
    check_error(&body.repeat(2), words).await;
    check_error("Other(OTHER).emit().add(b'x' * (1 << 20))", words).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_next_job_has_a_fresh_outbox_in_the_same_worker() {
    let settings = PythonSettings { memory_limit_bytes: 192_000_003, ..settings(1) };
    let executor = PythonExecutor::start(settings, Services::none()).unwrap();
    let source = contract(
        "Other(OTHER).emit(value=60).add(1)\nAccount(OTHER).emit_transfer(value=1)\n\
         gl.deploy_contract(code='x', salt_nonce=1)\nreturn self.balance",
    );
    let mut first = None;
    for _ in 0..3 {
        let mut request = request(&source, Some("go"), vec![]);
        request.message.balance = Amount::from(BALANCE);
        let execution = executor.execute(request).await.unwrap();
        assert_eq!((returned(&execution), execution.messages.len()), (int(39), 3));
        let workers = crate::sandbox::workers(192_000_003);
        assert_eq!(*first.get_or_insert_with(|| workers.clone()), workers, "not replaced");
    }
    let quiet = executor.execute(request(&contract("return 1"), Some("go"), vec![])).await.unwrap();
    assert_eq!((returned(&quiet), quiet.messages), (int(1), vec![]));
}

#[tokio::test]
async fn what_a_contract_does_to_proxies_does_not_reach_the_next_one() {
    let executor = executor();
    for leak in [
        "gl.get_contract_at = gl.deploy_contract = gl.evm.contract_interface = None",
        "type(gl.get_contract_at(OTHER)).emit = None",
        "type(gl.get_contract_at(OTHER).emit()).__getattr__ = None",
        "gl.get_contract_at(OTHER)._interface.check = None",
        "Account.emit_transfer = None",
        "Other.__class__.__call__ = None",
        "import sys\nsys.modules['_genlayer'].send_call = None",
        "getattr(type(gl.get_contract_at(OTHER)).emit, '__kwde' + 'faults__')['on'] = 'accepted'",
        "setattr(gl.get_contract_at, '__co' + 'de__', getattr(lambda a: 1, '__co' + 'de__'))",
        "import sys\nsys.modules['genlayer.messages']._is_accepted = lambda on: True",
    ] {
        let source = contract(&format!("{leak}\nreturn 'done'"));
        let execution = executor.execute(request(&source, Some("go"), vec![])).await.unwrap();
        assert_eq!(returned(&execution), text("done"), "{leak}");
        let probe = contract("Other(OTHER).emit().add()\nAccount(OTHER).emit_transfer(value=0)");
        let execution = executor.execute(request(&probe, Some("go"), vec![])).await.unwrap();
        assert_eq!(returned(&execution), Value::Null, "{leak}");
        let on: Vec<_> = execution.messages.iter().map(|message| message.on).collect();
        assert_eq!(on, [Trigger::Finalized; 2], "{leak}");
    }
}
