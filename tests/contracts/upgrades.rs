//! Contracts that replace their own code, and slots that only their upgraders write.

use std::sync::Arc;

use agora::domain::calldata::Value;
use agora::domain::ledger::Snapshot;
use agora::domain::{Address, Bytes, Code, Execution, ExecutionOutcome};
use agora::execution::python::PythonExecutor;
use agora::execution::{ExecutionRequest, Executor, Role};

use crate::harness::*;
use crate::packages::board;

/// The pattern of GenLayer's documentation, and what its second version adds.
const FIRST: &str = include_str!("upgrades/first.py");
const SECOND: &str = include_str!("upgrades/second.py");

fn bytes(code: &str) -> Value {
    Value::Bytes(Bytes::copy_from_slice(code.as_bytes()))
}

/// The contract of the pattern, with these upgraders.
async fn first(executor: &PythonExecutor, upgraders: &[Address]) -> Contract {
    let upgraders = upgraders.iter().map(|address| Value::Address(*address)).collect();
    Contract::deploy(executor, FIRST, vec![Value::Array(upgraders)]).await
}

/// A contract with the body of its constructor and of its method `go`, and nothing else.
fn contract(constructor: &str, body: &str) -> String {
    let indented = |body: &str| body.replace('\n', "\n        ");
    format!(
        "from genlayer import *\nimport sys\n\nclass Own(gl.Contract):\n    n: u32\n    \
         names: DynArray[str]\n\n    def __init__(self):\n        root = gl.storage.Root.get()\n        \
         {}\n\n    @gl.public.write\n    def go(self):\n        root = gl.storage.Root.get()\n        \
         code = root.code.get()\n        {}\n\n    @gl.public.view\n    def look(self):\n        \
         gl.storage.Root.get().code.get().append(10)\n",
        indented(constructor),
        indented(body)
    )
}

/// What `go` does, called by whoever deployed and is an upgrader if the constructor says so.
async fn gone(constructor: &str, body: &str) -> (Contract, Execution) {
    let mut own = Contract::deploy(&executor(), &contract(constructor, body), vec![]).await;
    let execution = own.run(Some("go"), vec![]).await;
    (own, execution)
}

/// The constructor of who may upgrade.
const UPGRADER: &str = "root.upgraders.get().append(gl.message.sender_address)";

fn assert_refused(execution: &Execution, code: &str, words: &str) {
    let expected = ExecutionOutcome::VmError(code.to_owned());
    assert_eq!(execution.outcome, expected, "{words}\n{}", execution.stderr);
    assert!(execution.stderr.contains(words), "{words}\n{}", execution.stderr);
    assert!(execution.code.is_none() && execution.state.is_empty(), "{execution:?}");
}

const FORBIDDEN: &str = "SystemError: forbidden: the contract locked this slot";

#[tokio::test]
async fn an_upgrader_replaces_the_code_and_later_calls_run_it_on_the_same_state() {
    let executor = executor();
    let mut own = first(&executor, &[account(0x11), account(0xaa)]).await;
    assert_eq!(own.call("add", vec![]).await, int(2));
    let upgraded = own.run(Some("update_code"), vec![bytes(SECOND)]).await;
    // The execution went on with the old program, and read the new code back.
    assert_eq!(returned(&upgraded), text("first, and the next has 2 methods that add"));
    assert_eq!(upgraded.code, Some(Code::new(Bytes::from_static(SECOND.as_bytes()))));
    assert!(upgraded.state.is_empty());
    assert_eq!(own.call("add_many", vec![int(5)]).await, int(7));
    assert_eq!(own.call("version", vec![]).await, text("second"));
    assert_eq!(own.call("own_code", vec![]).await, bytes(SECOND));
}

#[tokio::test]
async fn who_is_no_upgrader_does_not_replace_the_code() {
    let executor = executor();
    let mut own = first(&executor, &[account(0xaa)]).await;
    own.sender = account(0xbb);
    let refused = own.run(Some("update_code"), vec![bytes(SECOND)]).await;
    assert_refused(&refused, "exit_code 1", FORBIDDEN);
    // What nobody locked is everybody's.
    assert_eq!(own.call("add", vec![]).await, int(2));
    // Whoever deployed it is nobody special either.
    let mut own = first(&executor, &[]).await;
    let refused = own.run(Some("update_code"), vec![bytes(SECOND)]).await;
    assert_refused(&refused, "exit_code 1", FORBIDDEN);
}

#[tokio::test]
async fn a_constructor_may_write_what_is_locked() {
    let source = contract("root.code.get().extend(b'\\n# the end\\n')", "pass");
    let own = Contract::deploy(&executor(), &source, vec![]).await;
    assert!(own.code.source.ends_with(b"\n# the end\n"));
}

#[tokio::test]
async fn upgraders_and_locks_count_as_they_were_when_the_execution_began() {
    // The lists are not locked, so anybody becomes an upgrader; from the next call on.
    let constructor = "root.locked_slots.get().clear()\n\
                       root.locked_slots.get().append(root.code.slot().as_int())";
    let body = "if len(root.upgraders.get()) == 0:\n    \
                root.upgraders.get().append(gl.message.sender_address)\n    try:\n        \
                code.append(10)\n    except SystemError:\n        return 'not yet'\ncode.append(10)";
    let (mut own, execution) = gone(constructor, body).await;
    assert_eq!(returned(&execution), text("not yet"));
    let before = own.code.source.len();
    own.call("go", vec![]).await;
    assert_eq!(own.code.source.len(), before + 1);
    // Nothing is locked where the constructor said so.
    let (own, _) = gone("root.locked_slots.get().clear()", "code.assign(b'x = 1')").await;
    assert_eq!(&own.code.source[..], b"x = 1");
    // Who unlocked something meets that in the next call.
    let body = "root.locked_slots.get().clear()\nroot.upgraders.get().clear()\ncode.append(10)";
    let (own, execution) = gone(UPGRADER, body).await;
    assert!(own.code.source.ends_with(b"\n\n"), "{}", execution.stderr);
}

#[tokio::test]
async fn any_slot_can_be_locked_and_no_way_leads_around_the_lock() {
    let fields = "root.contract_instance.slot()";
    let lock = format!("root.locked_slots.get().append({fields}.as_int())\n");
    for (body, is_locked) in [
        ("self.n = 5", true),
        ("self.names.append('x')", true),
        ("sys.modules['_genlayer'].write(self._slot, 0, b'x')", true),
        ("sys.modules['_genlayer'].write_blob(self._slot, 0, b'x')", true),
        ("sys.modules['_genlayer_code'].replace(0, 9, b'x')", true),
        ("sys.modules['_genlayer'].write(root.upgraders.slot(), 0, b'x')", true),
        ("gl.vm.spawn_sandbox(lambda: code.append(10), allow_write_ops=True)\nreturn 1", false),
        ("root.slot().indirect(77).write(0, b'x')", false),
    ] {
        let (own, execution) = gone(&lock, body).await;
        if is_locked {
            assert_refused(&execution, "exit_code 1", FORBIDDEN);
        } else {
            assert!(execution.outcome.is_success() && execution.code.is_none(), "{body}");
        }
        drop(own);
        let constructor = format!("{lock}{UPGRADER}");
        let (_, execution) = gone(&constructor, body).await;
        assert!(execution.outcome.is_success(), "{body}\n{}", execution.stderr);
    }
}

#[tokio::test]
async fn locks_that_were_not_sent_along_are_fetched_and_hold() {
    let executor = executor();
    let mut own = first(&executor, &[account(0xaa)]).await;
    for (sender, is_upgrader) in [(0xaa, true), (0xbb, false)] {
        own.sender = account(sender);
        let remote = Arc::new(Remote { pages: own.state.clone(), ..Remote::default() });
        let request = ExecutionRequest {
            snapshot: Snapshot { pages: Arc::default(), complete: false },
            pages: Arc::<Remote>::clone(&remote),
            ..own.request(Some("update_code"), vec![bytes(SECOND)])
        };
        let execution = executor.execute(request).await.unwrap();
        assert_eq!(execution.code.is_some(), is_upgrader, "{}", execution.stderr);
        // Both lists in one question, and both are known the next time.
        assert_eq!((*remote.times.lock().unwrap(), remote.asked.lock().unwrap().len()), (1, 2));
    }
}

#[tokio::test]
async fn more_locks_than_there_may_be_refuse_every_write() {
    for list in ["upgraders", "locked_slots"] {
        let constructor = format!("root.{list}.slot().write(0, (65_537).to_bytes(4, 'little'))");
        let (_, execution) = gone(&constructor, "self.n = 5").await;
        assert_refused(&execution, "exit_code 1", "locks more than 65536 slots, or has more");
    }
}

#[tokio::test]
async fn code_that_is_none_is_refused_and_leaves_everything_as_it_was() {
    let too_large = "OverflowError: a contract's code has at most 1048576 bytes";
    for (body, code, words) in [
        ("code.truncate()", "invalid_contract", "the contract's new code is empty\n"),
        ("code.assign(b'\\xff\\xfe')", "invalid_contract", "neither UTF-8 text nor a zip archive"),
        ("code.extend(bytes(1 << 20))", "exit_code 1", too_large),
        ("code.extend('text')", "exit_code 1", "TypeError: code is bytes, not `str`"),
        ("code.extend(5)", "exit_code 1", "TypeError: code is bytes, not `int`"),
        ("code.append(256)", "exit_code 1", "ValueError"),
        ("code[10**6] = 1", "exit_code 1", "IndexError"),
    ] {
        let (_, execution) = gone(UPGRADER, &format!("self.n = 9\n{body}")).await;
        assert_refused(&execution, code, words);
    }
    let raising = "code.append(10)\nraise gl.vm.UserError('no')";
    let (_, execution) = gone(UPGRADER, raising).await;
    assert_eq!(execution.outcome, ExecutionOutcome::UserError("no".into()));
    assert!(execution.code.is_none());
}

#[tokio::test]
async fn code_that_does_not_load_is_taken_and_fails_when_it_is_called() {
    for (code, words) in [
        ("b'def broken(:'", "SyntaxError"),
        ("b'PK\\x03\\x04 and nothing'", "the package is no zip archive"),
    ] {
        let (mut own, execution) = gone(UPGRADER, &format!("code.assign({code})")).await;
        assert!(execution.code.is_some(), "{}", execution.stderr);
        let failed = own.run(Some("go"), vec![]).await;
        assert!(matches!(failed.outcome, ExecutionOutcome::VmError(_)), "{failed:?}");
        assert!(failed.stderr.contains(words), "{}", failed.stderr);
    }
}

#[tokio::test]
async fn code_is_read_and_edited_like_an_array_of_bytes() {
    let body = "old = bytes(code)
assert code[:4] == b'from' and code[0] == 102 and len(code) == len(old) and list(code) == list(old)
assert b'class Own' in code and code == old and code.decode() == old.decode() and code[-1] == 10
code.truncate(4)
code.append(33)
code.extend([33, 34])
code += b'ab'
assert code == b'from!!\"ab', repr(code)
code[0] = 70
code[1:4] = b'x'
del code[-1]
code.insert(0, 9)
code.pop()
assert bytes(code) == b'\\tFx!!\"', repr(code)
code.clear()
assert len(code) == 0 and bytes(root.code.get()) == b''
root.code.set(b'one')
assert code.assign(bytearray(b'two')) == b'two' and code.assign(iter((51,))) == b'3'
code.assign(code)
code.extend(code)
assert code == b'33'
code.assign(b'kept')
gl.vm.spawn_sandbox(lambda: [code.assign(b'lost'), 1 / 0], allow_write_ops=True)
assert code == b'kept'
gl.vm.spawn_sandbox(lambda: code.assign(b'sand') and 1, allow_write_ops=True)
assert code == b'sand'
code.assign(old)";
    let (_, execution) = gone(UPGRADER, body).await;
    assert!(execution.outcome.is_success(), "{}", execution.stderr);
    // Equal code is no change, whatever it was meanwhile.
    assert!(execution.code.is_none() && execution.state.is_empty());
}

#[tokio::test]
async fn what_changes_no_state_changes_no_code() {
    let executor = executor();
    let own = Contract::deploy(&executor, &contract(UPGRADER, "code.append(10)"), vec![]).await;
    let view = executor.execute(own.request(Some("look"), vec![])).await.unwrap();
    assert_refused(&view, "exit_code 1", "`look` is a view method and cannot change state");
    let reader = ExecutionRequest { role: Role::Reader, ..own.request(Some("go"), vec![]) };
    let read = executor.execute(reader).await.unwrap();
    assert_refused(&read, "exit_code 1", "this is a read-only call: state cannot change");
    let apart = "gl.vm.unpack_result(gl.vm.spawn_sandbox(lambda: code.append(10)))";
    let block = "gl.eq_principle.strict_eq(lambda: code.append(10) or 1)";
    for (body, words) in [
        (apart, "storage cannot change in this sandbox"),
        (block, "storage changes cannot happen within a non-deterministic block"),
    ] {
        let (_, execution) = gone(UPGRADER, body).await;
        let expected = ExecutionOutcome::UserError("vm error: exit_code 1".into());
        assert_eq!(execution.outcome, expected, "{}", execution.stderr);
        assert!(execution.stderr.contains(words) && execution.code.is_none());
    }
}

#[tokio::test]
async fn a_package_is_code_like_any_other() {
    let executor = executor();
    let mut own = first(&executor, &[account(0xaa)]).await;
    let packed = board(&FIRST.replace("return \"first\"", "return \"packed\""));
    let packed = Value::Bytes(packed.into());
    own.call("update_code", vec![packed.clone()]).await;
    assert_eq!(own.call("version", vec![]).await, text("packed"));
    assert_eq!(own.call("own_code", vec![]).await, packed);
    own.call("update_code", vec![bytes(SECOND)]).await;
    assert_eq!(own.call("version", vec![]).await, text("second"));
}

#[tokio::test]
async fn what_a_contract_replaces_no_other_contract_meets() {
    let executor = executor();
    let mut changed = first(&executor, &[account(0xaa)]).await;
    let mut same = first(&executor, &[account(0xaa)]).await;
    changed.call("update_code", vec![bytes(SECOND)]).await;
    assert_eq!(same.call("version", vec![]).await, text("first"));
    assert_eq!(same.call("own_code", vec![]).await, bytes(FIRST));
    assert_eq!(changed.call("version", vec![]).await, text("second"));
}
