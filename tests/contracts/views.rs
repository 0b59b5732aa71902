//! Contracts that ask other contracts, and what they have.

use std::sync::Arc;

use agora::domain::calldata::Value;
use agora::domain::ledger::StateVersion;
use agora::domain::{Amount, Execution, ExecutionOutcome, Pages};
use agora::execution::{ExecutionRequest, Executor, Role};

use crate::harness::*;
use crate::surroundings::Neighbours;

const COUNTER: &str = r#"
from genlayer import *

class Counter(gl.Contract):
    n: u256

    def __init__(self):
        self.n = 4

    @gl.public.view
    def get(self, more: int = 0, *, twice: bool = False) -> int:
        return (self.n + more) * (2 if twice else 1)

    @gl.public.view
    def who(self) -> list:
        message = gl.message
        return [message.sender_address, message.origin_address, message.contract_address,
                message.value, self.balance, message.chain_id, gl.message_raw["stack"]]

    @gl.public.write
    def set(self, n: int):
        self.n = n

    @gl.public.view
    def no(self):
        raise gl.vm.UserError("never")

    @gl.public.view
    def broken(self):
        return 1 // 0

    @gl.public.view
    def guess(self):
        return gl.eq_principle.strict_eq(lambda: 1)

    @gl.public.view
    def deeper(self, n: int) -> int:
        return gl.get_contract_at(self.address).view().deeper(n + 1)
"#;

fn contract(body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        "from genlayer import *\n\n@gl.contract_interface\nclass Counter:\n    class View:\n        \
         def get(self) -> int: ...\n    class Write:\n        def set(self, n: int): ...\n\n\
         OTHER = Address(b'\\x0e' * 20)\n\nclass Asks(gl.Contract):\n    def __init__(self):\n        \
         pass\n\n    @gl.public.write\n    def go(self):\n        {body}\n"
    )
}

/// The counter at `0x0e…`, 4 in its accepted state and 0 in the finalized one.
async fn world() -> Arc<Neighbours> {
    let counter = Contract::deploy(&executor(), COUNTER, vec![]).await;
    let mut world = Neighbours::default();
    let at = |version| (account(0x0e), version);
    world.contracts.insert(at(StateVersion::Accepted), (COUNTER.into(), counter.state));
    world.contracts.insert(at(StateVersion::Finalized), (COUNTER.into(), Pages::new()));
    world.balances.insert(account(0x0f), Amount::from(11));
    Arc::new(world)
}

async fn run(body: &str) -> Execution {
    let request = request(&contract(body), Some("go"), vec![]);
    // One worker: who asks must make room for who answers.
    executor().execute(ExecutionRequest { world: world().await, ..request }).await.unwrap()
}

async fn check(body: &str, expected: Value) {
    assert_eq!(returned(&run(body).await), expected, "{body}");
}

#[tokio::test]
async fn views_see_the_state_they_ask_for() {
    check("return gl.get_contract_at(OTHER).view().get()", int(4)).await;
    check("return Counter(OTHER).view().get(1, twice=True)", int(10)).await;
    check("return Counter(OTHER).view(state='finalized').get()", int(0)).await;
    check("return Counter(OTHER).view().get.lazy().get()", int(4)).await;
    let both = "other = Counter(OTHER)\nreturn other.view().get() + other.view().get(6)";
    check(both, int(14)).await;
}

#[tokio::test]
async fn a_view_sees_the_sender_and_who_asks_for_him() {
    let expected = vec![
        Value::Address(account(0xaa)),
        Value::Address(account(0xaa)),
        Value::Address(account(0x0e)),
        int(0),
        int(70),
        int(61_999),
        Value::Array(vec![Value::Address(account(0xcc))]),
    ];
    check("return gl.get_contract_at(OTHER).view().who()", Value::Array(expected)).await;
}

#[tokio::test]
async fn errors_of_a_view_are_errors_here() {
    for (call, error) in [
        ("no()", "never"),
        ("broken()", "vm error: exit_code 1"),
        ("set(5)", "vm error: exit_code 1"),
        ("nothing()", "vm error: exit_code 1"),
        ("guess()", "vm error: exit_code 1"),
    ] {
        let execution = run(&format!("return gl.get_contract_at(OTHER).view().{call}")).await;
        assert_eq!(execution.outcome, ExecutionOutcome::UserError(error.into()), "{call}");
    }
    let absent = run("return gl.get_contract_at(Address(b'n' * 20)).view().get()").await;
    let error = "vm error: invalid_contract absent";
    assert_eq!(absent.outcome, ExecutionOutcome::UserError(error.into()));
    let caught = "try:\n    Counter(OTHER).view().get(1, 2, 3)\nexcept gl.vm.UserError as error:\n    \
                  return error.message";
    check(caught, text("vm error: exit_code 1")).await;
    let caught = "other = gl.get_contract_at(OTHER).view(catch_vm_error=True)\nerror = other.broken()\n\
                  assert type(error) is gl.vm.VMError and other.who()\ntry:\n    other.no()\n\
                  except gl.vm.UserError as refused:\n    return f'{error.message} {refused.message}'";
    check(caught, text("exit_code 1 never")).await;
}

#[tokio::test]
async fn undeclared_methods_and_states_are_named() {
    for (call, words) in [
        ("Counter(OTHER).view().got()", "declares no method `got` in `View`; did you mean `get`?"),
        ("Counter(OTHER).view(state='newest').get()", "'accepted' or 'finalized', not 'newest'"),
        ("Counter(OTHER).view().__nothing__()", "cannot be called from outside"),
    ] {
        let execution = run(&format!("return {call}")).await;
        assert!(execution.stderr.contains(words), "{}", execution.stderr);
    }
}

#[tokio::test]
async fn contracts_that_ask_each_other_for_ever_come_to_an_end() {
    let execution = run("return gl.get_contract_at(OTHER).view().deeper(0)").await;
    assert_eq!(execution.outcome, ExecutionOutcome::UserError("vm error: too_deep".into()));
}

#[tokio::test]
async fn balances_of_others_are_known() {
    let body = "return [gl.get_contract_at(Address(b'\\x0f' * 20)).balance, \
                gl.get_contract_at(OTHER).balance, gl.get_contract_at(self.address).balance]";
    check(body, Value::Array(vec![int(11), int(0), int(0)])).await;
}

#[tokio::test]
async fn validators_see_what_the_leader_saw() {
    let request = ExecutionRequest {
        world: world().await,
        ..request(&contract("return Counter(OTHER).view().get()"), Some("go"), vec![])
    };
    let receipt = executor().execute(request.clone()).await.unwrap();
    let role = Role::Validator(receipt.clone().into());
    let own = executor().execute(ExecutionRequest { role, ..request }).await.unwrap();
    assert_eq!(agora::protocol::judge(&own, &receipt), agora::domain::Vote::Agree);
}
