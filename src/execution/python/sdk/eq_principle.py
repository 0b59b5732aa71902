"""`gl.eq_principle`: ways to tell if a leader's result and a validator's are equivalent."""

from genlayer import vm
from genlayer.nondet import ask


@vm.lazy_api
def strict_eq(fn):
    """Both must end the same: the same value, or the same error."""

    def judge(leaders):
        own = vm.spawn_sandbox(fn)
        return type(own) is type(leaders) and own == leaders

    return vm.run_nondet_unsafe(fn, judge)


def _text(name, value):
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a str, not `{type(value).__name__}`")
    return value


@vm.lazy_api
def prompt_comparative(fn, principle):
    """A model tells if the leader's result and the validator's agree by a principle."""
    _text("principle", principle)

    def judge(leaders):
        own = fn()
        if not isinstance(leaders, vm.Return):
            return False
        return ask({"ask": "comparative", "leader": format(leaders.calldata),
                    "validator": format(own), "principle": principle})

    return vm.run_nondet_default(fn, judge)


@vm.lazy_api
def prompt_non_comparative(fn, *, task, criteria):
    """The leader's model does a task with what `fn` returns; the validators' judge its result."""
    _text("task", task)
    _text("criteria", criteria)

    def lead():
        given = _text("the result of `fn`", fn())
        return ask({"ask": "non_comparative_leader", "task": task, "input": given,
                    "criteria": criteria})

    def judge(leaders):
        given = fn()
        if not isinstance(leaders, vm.Return):
            return False
        return ask({"ask": "non_comparative_validator", "task": task,
                    "output": _text("the leader's output", leaders.calldata),
                    "input": _text("the result of `fn`", given), "criteria": criteria})

    return vm.run_nondet_default(lead, judge)
