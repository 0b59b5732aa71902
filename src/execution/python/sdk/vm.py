"""`gl.vm`: results of code that runs apart, sandboxes, and non-deterministic blocks."""

import contextlib
import dataclasses
import datetime
import types
import typing

import _genlayer
from genlayer import calldata, program
from genlayer import trace as traces
from genlayer.types import Immediate, UserError

RETURN, USER_ERROR, VM_ERROR = 0, 1, 2
#: What `gl.message_raw["entry_kind"]` can be.
MAIN, SANDBOX, CONSENSUS_STAGE = 0, 1, 2
T = typing.TypeVar("T")


@dataclasses.dataclass
class Return(typing.Generic[T]):
    """It returned this."""

    calldata: T


@dataclasses.dataclass
class VMError:
    """It failed; the message begins with a code, such as `exit_code 1`."""

    message: str

    @property
    def public_code(self):
        """The code that validators compare."""
        return self.message.partition(" # ")[0]

    @property
    def detail(self):
        """What is said besides the code."""
        return self.message.partition(" # ")[2]

    def __str__(self):
        return f'VMError("{self.message}")' if program.is_newest() else repr(self)


Result = typing.Union[Return[T], VMError, UserError]


class Disagreed(BaseException):
    """This validator does not accept the leader's output: nothing else of the call matters."""


class Lazy:
    """A result that is looked at later."""

    def __init__(self, work):
        try:
            self._value, self._error = work(), None
        except Exception as error:
            self._value, self._error = None, error

    def get(self):
        """The result, or the error it ended with."""
        if self._error is not None:
            raise self._error
        return self._value


def lazy_api(function):
    """Decorator: `function.lazy(…)` returns a `Lazy` of what `function(…)` returns."""

    def lazy(*args, **kwargs):
        return Lazy(lambda: function(*args, **kwargs))

    function.lazy = lazy
    return function


def exit_code(error):
    """The code that a `SystemExit` ends a program with."""
    code = error.code
    if code is None:
        return 0
    return code & 255 if isinstance(code, int) else 1


#: What an error of the user begins with in v0.3 when it is calldata and no text.
_CALLDATA = bytes(4)


def _message_of(error):
    message = getattr(error, "message", None)
    return message if message is not None or not error.args else error.args[0]


def text_of(error):
    """The text of an error of the user, whatever it was made of."""
    try:
        message = _message_of(error)
        if isinstance(message, str):
            return message
        if not program.is_newest():
            return "" if message is None else str(message)
        # The network keeps texts: the value is written as it is for people to read.
        return calldata.to_str(calldata.decode(calldata.encode(message)))
    except BaseException:
        # Whatever it raised, it is asked for when the call has ended.
        return traces.NO_TEXT


def _payload_of(error):
    """An error of the user as others get it: in v0.3 its value stays what it is."""
    if program.is_newest():
        try:
            message = _message_of(error)
            if not isinstance(message, str):
                return _CALLDATA + calldata.encode(message)
        except BaseException:
            return traces.NO_TEXT.encode()
    return text_of(error).encode(errors="replace")


def ending(work, what):
    """Runs `work`: one byte for how it ended, and its value or its error."""
    before = len(Immediate.raised)
    output = _ending(work, what)
    given_up = Immediate.raised[before:]
    del Immediate.raised[before:]
    return bytes([USER_ERROR]) + _payload_of(given_up[0]) if given_up else output


def _ending(work, what):
    try:
        return bytes([RETURN]) + calldata.encode(work())
    except (UserError, Immediate) as error:
        return bytes([USER_ERROR]) + _payload_of(error)
    except MemoryError:
        return bytes([VM_ERROR]) + b"OOM"
    except SystemExit as error:
        return bytes([VM_ERROR]) + f"exit_code {exit_code(error)}".encode()
    except BaseException as error:
        if isinstance(error, Disagreed) and _genlayer.has_disagreed():
            raise
        traces.note(f"{what} failed", error)
        return bytes([VM_ERROR]) + b"exit_code 1"


def decode(output):
    """What `ending` made, as a `Return`, `UserError` or `VMError`."""
    kind, payload = output[0], output[1:]
    if kind == RETURN:
        return Return(calldata.decode(payload))
    if kind == USER_ERROR:
        if program.is_newest() and payload[:4] == _CALLDATA:
            return UserError(calldata.decode(payload[4:]))
        return UserError(payload.decode())
    if kind == VM_ERROR:
        return VMError(payload.decode())
    raise ValueError(f"an output cannot begin with {kind}")


def unpack_result(result, /):
    """The value of a result; its error is raised, that of a `VMError` as a `UserError`."""
    if isinstance(result, UserError):
        raise result
    if isinstance(result, VMError):
        raise UserError("vm error: " + result.message)
    return result.calldata


class _Copier:
    """Copies what a function holds on to: what runs apart cannot change what others see.

    Containers, dataclasses and other functions' variables are copied; the contract, its storage
    and everything else are not: storage is read-only then.
    """

    def __init__(self):
        self._copies = {}

    def copy(self, value):
        kind = type(value)
        known = self._copies.get(id(value))
        if known is not None:
            return known[1]
        if kind is types.FunctionType and value.__closure__ and program.is_own(value.__module__):
            return self._function(value)
        if kind is list:
            made = self._remember(value, [])
            made.extend(self.copy(item) for item in value)
        elif kind is dict:
            made = self._remember(value, {})
            made.update((key, self.copy(item)) for key, item in value.items())
        elif kind is set or kind is bytearray:
            made = self._remember(value, kind(value))
        elif kind is tuple:
            made = self._remember(value, tuple(self.copy(item) for item in value))
        elif dataclasses.is_dataclass(kind) and not hasattr(value, "_slot"):
            made = self._remember(value, object.__new__(kind))
            for name, item in vars(value).items():
                object.__setattr__(made, name, self.copy(item))
        else:
            made = value
        return made

    def _remember(self, value, made):
        self._copies[id(value)] = (value, made)
        return made

    def _function(self, function):
        cells = tuple(types.CellType() for _ in function.__closure__)
        made = types.FunctionType(function.__code__, function.__globals__, function.__name__,
                                  function.__defaults__, cells)
        made.__kwdefaults__ = function.__kwdefaults__
        self._remember(function, made)
        for cell, own in zip(function.__closure__, cells):
            try:
                own.cell_contents = self.copy(cell.cell_contents)
            except ValueError:
                # A variable that has no value yet.
                pass
        return made


def isolated(function):
    """The function with copies of what it holds on to."""
    if not callable(function):
        raise TypeError("a function is needed here, not "
                        f"`{type(function).__name__}`: pass it without calling it")
    return _Copier().copy(function)


@contextlib.contextmanager
def _entered(kind, stage=None):
    """Tells in `gl.message_raw` what kind of code runs."""
    from genlayer import gl

    before = gl.message_raw
    gl.message_raw = {**before, "entry_kind": kind, "entry_stage_data": stage}
    try:
        yield
    finally:
        gl.message_raw = before


@lazy_api
def spawn_sandbox(fn, *, allow_write_ops=False, allow_write_storage=False,
                  allow_send_messages=False, **options):
    """Runs a function apart: its errors are results, and what a failed one changed is not kept."""
    fn = isolated(fn)
    _genlayer.enter_sandbox(bool(allow_write_ops or allow_write_storage or allow_send_messages))
    kept = False
    try:
        with _entered(SANDBOX):
            output = ending(fn, "a sandbox")
        kept = output[0] == RETURN
    finally:
        _genlayer.leave_sandbox(kept)
    return decode(output)


def _block(leader, judge):
    """The leader's result: produced here by the leader, and judged here by a validator."""
    handed = _genlayer.block_open()
    if handed is None:
        output = b""
        try:
            with _entered(CONSENSUS_STAGE):
                output = ending(leader, "the non-deterministic block")
        finally:
            _genlayer.block_close(output)
        return decode(output)
    if handed is not False:
        agrees = False
        try:
            with _entered(CONSENSUS_STAGE, {"leaders_result": handed}):
                agrees = judge(decode(handed)) is True
        except BaseException as error:
            traces.note("the validator's function failed, which is a disagreement", error)
        finally:
            if agrees:
                _genlayer.block_close(handed)
            else:
                _genlayer.block_disagree()
        if agrees:
            return decode(handed)
    raise Disagreed("this validator does not accept the leader's output")


def _agreed(leader, judge, catch_vm_error):
    """What a block returns: its value, or its `VMError` for who wants to catch it."""
    result = _block(leader, judge)
    return result if catch_vm_error and isinstance(result, VMError) else unpack_result(result)


@lazy_api
def run_nondet_unsafe(leader_fn, validator_fn, /, *, catch_vm_error=False, custom_runners=None):
    """A block: the leader runs `leader_fn`; a validator agrees when `validator_fn(result)` is True.

    An error of `validator_fn` is a disagreement.
    """
    return _agreed(isolated(leader_fn), isolated(validator_fn), catch_vm_error)


def _same_message(own, other):
    return own.message == other.message


def _same_vm_error(own, other):
    if program.is_newest():
        return own.public_code == other.public_code
    return own.message == other.message


@lazy_api
def run_nondet_default(leader_fn, validator_fn, /, *, compare_user_errors=_same_message,
                       compare_vm_errors=_same_vm_error, catch_vm_error=False, custom_runners=None):
    """As `run_nondet_unsafe`, but the validator's errors are compared with the leader's."""
    leader_fn, validator_fn = isolated(leader_fn), isolated(validator_fn)

    def judge(leaders):
        own = spawn_sandbox(lambda: validator_fn(leaders), allow_write_ops=True)
        if type(own) is not type(leaders):
            return False
        if isinstance(own, Return):
            if not isinstance(own.calldata, bool):
                raise TypeError("a validator's function returns True or False, not "
                                f"`{type(own.calldata).__name__}`")
            return own.calldata
        compare = compare_user_errors if isinstance(own, UserError) else compare_vm_errors
        return compare(leaders, own)

    return _agreed(leader_fn, judge, catch_vm_error)


@lazy_api
def run_nondet(leader_fn, validator_fn, /, **options):
    """A block: in v0.3 as `run_nondet_unsafe`, before that as `run_nondet_default`."""
    run = run_nondet_unsafe if program.is_newest() else run_nondet_default
    return run(leader_fn, validator_fn, **options)


def get_timestamp():
    """The time of the transaction, in whole seconds."""
    from genlayer import gl

    now = datetime.datetime.fromisoformat(gl.message_raw["datetime"])
    return now.replace(microsecond=0)


def trace(*values, sep=" "):
    """Prints, in any kind of code."""
    print(sep.join(map(str, values)))


def trace_time_micro():
    """How long the code runs: nothing, as the clock stands still in a contract."""
    return 0


def yield_():
    """Lets others work, which happens by itself."""


def _no_runners(*args, **options):
    raise NotImplementedError("runners are not files on this network: put what the contract needs "
                              "into its archive, or into the contract itself")


register_runner = map_file = _no_runners
