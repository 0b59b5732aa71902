//! Contracts that want to end what they did not begin: blocks, sandboxes, and the network's verdict.

use agora::domain::ExecutionOutcome;
use agora::execution::Executor;

use crate::harness::*;
use crate::trial::{Trial, Verdict};

use Verdict::{Fails, Returns};

#[tokio::test]
async fn what_a_contract_did_not_enter_it_does_not_leave() {
    let trial = Trial::new(1).await;
    let head = "native = sys.modules['_genlayer']\ndef run(lead):\n    result = \
                gl.vm.run_nondet_unsafe(lead, lambda result: True, catch_vm_error=True)\n    \
                if isinstance(result, gl.vm.VMError):\n        raise RuntimeError\n    \
                return result\n";
    for (body, verdict) in [
        (
            "def lead():\n    native.leave_sandbox(True)\n    native.write(bytes(32), 0, b'x')\n\
             run(lead)",
            Fails("exit_code 1", "no sandbox can be left here"),
        ),
        (
            "def lead():\n    native.enter_sandbox(True)\n    native.write(bytes(32), 0, b'x')\n\
             run(lead)",
            Fails("exit_code 1", "cannot happen within a non-deterministic block"),
        ),
        (
            // A sandbox that is left open ends with its block.
            "def lead():\n    native.enter_sandbox(False)\n    return 'a'\n\
             self.n = len(run(lead))\nreturn 'done'",
            Returns("done"),
        ),
        ("native.leave_sandbox(True)", Fails("exit_code 1", "no sandbox can be left here")),
        (
            "native.block_close(b'\\0\\0')",
            Fails("exit_code 1", "no non-deterministic block is open"),
        ),
        (
            "run(lambda: native.block_close(b'\\0\\0'))",
            Fails("exit_code 1", "no non-deterministic block is open"),
        ),
    ] {
        trial.check(&format!("{head}{body}"), verdict).await;
    }
}

#[tokio::test]
async fn a_disagreement_is_the_networks_to_say() {
    let trial = Trial::new(1).await;
    trial
        .check_all(&[
            ("raise gl.vm.Disagreed('mine')", Fails("exit_code 1", "Disagreed: mine")),
            (
                "def lead():\n    raise gl.vm.Disagreed('mine')\n\
                 try:\n    gl.vm.run_nondet_unsafe(lead, lambda result: True)\n\
                 except gl.vm.UserError as error:\n    return error.message",
                Returns("vm error: exit_code 1"),
            ),
            (
                "sys.modules['_genlayer'].block_disagree()\nraise gl.vm.Disagreed('mine')",
                Fails("exit_code 1", "Disagreed: mine"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn values_that_lie_about_themselves_are_taken_for_what_they_are() {
    let trial = Trial::new(1).await;
    let odd = "class Odd(int):\n    __le__ = __ge__ = __lt__ = __gt__ = lambda *given: True\n    \
               def to_bytes(self, *given, **named):\n        return b'x' * 100\n";
    trial.check(&format!("{odd}self.n = Odd(5)\nreturn str(self.n)"), Returns("5")).await;
    trial
        .check(&format!("{odd}self.n = Odd(-1)"), Fails("exit_code 1", "-1 is out of range"))
        .await;
    trial
        .check(
            "class Odd(BaseException):\n    def __str__(self):\n        raise KeyboardInterrupt\n\
             raise Odd",
            Fails("exit_code 1", "Odd: <its text cannot be had>"),
        )
        .await;
    trial
        .check(
            "class Odd:\n    def __str__(self):\n        raise KeyboardInterrupt\n\
             ended = gl.vm.spawn_sandbox(lambda: gl.vm.UserError.immediate(Odd()))\n\
             return ended.message",
            Returns("<its text cannot be had>"),
        )
        .await;
}

#[tokio::test]
async fn an_immediate_error_counts_whoever_catches_it() {
    let source = "from genlayer import *\nclass C(gl.Contract):\n    n: u256\n    def __init__(self):\n        \
                  try:\n            gl.vm.UserError.immediate('no')\n        except BaseException:\n            \
                  self.n = 5\n";
    let ended = executor().execute(request(source, None, vec![])).await.unwrap();
    assert_eq!(ended.outcome, ExecutionOutcome::UserError("no".into()));
    assert!(ended.state.is_empty());
}
