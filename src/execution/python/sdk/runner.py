"""Runs one job: loads the contract into a fresh module, calls it, and says how it ended."""

import builtins
import datetime
import decimal
import difflib
import random
import sys
import typing

import _genlayer
from genlayer import calldata, collections, generations, gl, program, schema, trace, vm
from genlayer.contract import Access, Contract, invoke, public_methods
from genlayer.program import NO_HOST
from genlayer.types import Address, Immediate, UserError
from genlayer.vm import RETURN, USER_ERROR, VM_ERROR

DENIED = frozenset(
    "posix nt glob shutil tempfile fcntl mmap pty io_ _io socket "
    "_socket ssl select selectors socketserver http ftplib smtplib subprocess _posixsubprocess "
    "multiprocessing concurrent threading _thread _threading_local queue asyncio _asyncio "
    "ctypes _ctypes signal _signal gc atexit faulthandler resource pwd grp _genlayer "
    "_genlayer_code _images _vectors _remote_debugging _imp importlib runpy code codeop pdb bdb site "
    "sysconfig platform _random marshal pickle shelve dbm sqlite3 webbrowser".split())


_NO_MODELS = ("models cannot be loaded on this network: `genlayer_embeddings.SentenceTransformer` makes "
              "vectors of texts")
#: What GenVM brings and this network does not, and what to do instead.
ABSENT = {"onnx": _NO_MODELS, "word_piece_tokenizer": _NO_MODELS}


class CallError(Exception):
    """The call does not fit the contract."""


class Message:
    """`gl.message`."""

    #: What a message is taken apart into: in GenVM it is a named tuple.
    _fields = ("contract_address", "sender_address", "origin_address", "value", "chain_id")

    def __init__(self, fields):
        self.__dict__.update(fields)

    def __setattr__(self, name, value):
        raise AttributeError("gl.message cannot be changed")

    def __getattr__(self, name):
        if name == "raw":
            return gl.message_raw
        if program.is_newest() and name in gl.message_raw:
            # In v0.3 the message has every field of the raw one, as it is where the code runs.
            return gl.message_raw[name]
        raise AttributeError(f"gl.message has no `{name}`"
                             + generations.hint(name, vars(self), generations.MESSAGE))

    def __iter__(self):
        return (vars(self)[name] for name in self._fields)

    def __len__(self):
        return len(self._fields)

    def __getitem__(self, place):
        return tuple(self)[place]

    def _asdict(self):
        return dict(zip(self._fields, self))

    def _replace(self, **changed):
        for name in changed:
            if name not in self._fields:
                raise ValueError(f"gl.message has no `{name}`")
        return Message({**vars(self), **changed})

    def __repr__(self):
        return f"Message({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


gl.MessageType, gl.MessageRawType = Message, dict

_real_import = builtins.__import__


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    # Whoever calls it by its name says nothing of where he is.
    here = sys._getframe(1).f_globals if globals is None else globals
    from_contract = program.is_own(here.get("__name__"))
    top = name.partition(".")[0]
    if from_contract and level == 0 and not program.is_own(top) and top in DENIED | ABSENT.keys():
        why = ABSENT.get(top, NO_HOST)
        raise ModuleNotFoundError(f"No module named '{name}': {why}", name=name)
    return _real_import(name, globals, locals, fromlist, level)


# The `import` statement asks the interpreter's own built-ins, whatever those of the module are.
builtins.__import__ = _import


def _unavailable(*args, **kwargs):
    raise PermissionError(NO_HOST)


def _builtins():
    """The built-ins of one contract: its own copy, so that nothing it does to them stays."""
    own = dict(vars(builtins))
    own["open"] = program.open_file
    own["input"] = own["breakpoint"] = _unavailable
    return own


def _set_up(runner, modules, files, job):
    program.begin(modules, files, _builtins())
    Contract._defined.clear()
    collections.FIRST_MAP.clear()
    random.seed(job["seed"])
    decimal.setcontext(decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN))
    at = datetime.datetime.fromtimestamp(job["at"] / 1_000_000, datetime.timezone.utc)
    fields = {
        "contract_address": Address(job["contract"]),
        "sender_address": Address(job["sender"]),
        "origin_address": Address(job["origin"]),
        "value": job["value"],
        "chain_id": job["chain_id"],
    }
    is_init = job["entry"] == "constructor"
    gl.message_raw = {
        **fields,
        "datetime": at.isoformat().replace("+00:00", "Z"),
        "is_init": is_init,
        "stack": [Address(caller) for caller in job["stack"]],
        "entry_kind": vm.MAIN,
        "entry_data": job["calldata"],
        "entry_stage_data": None,
    }
    source = program.source()
    gl.message = Message(generations.message_of(fields, is_init, runner, source))
    generations.begin(gl.message, gl.message_raw, runner, source)


def _tear_down():
    """Leaves things as they were, as far as that is ours to do."""
    gl.message = gl.message_raw = None
    generations.end()
    Immediate.raised.clear()
    Contract._defined.clear()
    collections.FIRST_MAP.clear()
    # Equal types are one to them, such as `Literal[0.0]` and `Literal[-0.0]`.
    for forget in typing._cleanups:
        forget()
    program.end()


def _load():
    program.load_main(lambda names: generations.prepare(names, gl.message_raw))
    if not Contract._defined:
        generations.adopt(sys.modules[program.MAIN])
    if not Contract._defined:
        raise TypeError("the file defines no contract: write `class X(gl.Contract)`")
    return Contract._defined[-1]


def _find(cls, name):
    """The public method of that name."""
    if name == "__init__":
        raise CallError("the constructor cannot be called: it ran when the contract was deployed")
    methods = public_methods(cls)
    if name in methods and not name.startswith("__"):
        return methods[name]
    if name.startswith("_") and hasattr(cls, name):
        raise CallError(f"`{name}` is private")
    if callable(getattr(cls, name, None)):
        raise CallError(f"`{name}` is not public: decorate it with `@gl.public.view` or "
                        "`@gl.public.write`")
    close = difflib.get_close_matches(name, methods, 1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    raise CallError(f"`{cls.__name__}` has no public method `{name}`{hint}")


def _arguments(data):
    call = calldata.decode(data)
    if not isinstance(call, dict):
        raise CallError(f"the calldata is not a call but `{type(call).__name__}`")
    unknown = sorted(set(call) - {"method", "", "args", "kwargs"})
    if unknown:
        raise CallError(f"the call has an unknown part `{unknown[0]}`")
    name = call.get("method", call.get(""))
    args, kwargs = call.get("args", []), call.get("kwargs", {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CallError("`args` of a call is an array and `kwargs` a map")
    if name is not None and not isinstance(name, str):
        raise CallError("`method` of a call is text")
    # An empty name is none.
    return name or None, args, kwargs


def _special(cls, name):
    """A special method, when the contract has it and made it public."""
    method = getattr(cls, name, None)
    access = getattr(method, "__agora_public__", None)
    return (method, access) if isinstance(access, Access) else None


def _takes_plain_transfers(cls):
    """Does the contract look at calls that name no method?"""
    handlers = ("__receive__", "__handle_undefined_method__")
    return any(_special(cls, name) is not None for name in handlers)


def _choose(cls, name, args, kwargs):
    """The method to call and its arguments."""
    undefined = _special(cls, "__handle_undefined_method__")
    if name is None:
        special = _special(cls, "__receive__")
        if special is not None:
            return special, [], {}
        if undefined is not None:
            return undefined, ["", args, kwargs], {}
        raise CallError("the call names no method, and the contract has no `__receive__` for "
                        "plain transfers")
    # What is there and private is not undefined, and names with `__` are nobody's to call.
    if undefined is not None and not name.startswith("__") and getattr(cls, name, None) is None:
        return undefined, [name, args, kwargs], {}
    return _find(cls, name), args, kwargs


def _call(job):
    name, args, kwargs = _arguments(job["calldata"])
    cls = _load()
    schema.constructor_of(cls)
    if job["entry"] == "constructor":
        _genlayer.allow_messages()
        invoke(cls, cls.__init__, args, kwargs)
        return None
    if name is None and job["value"] and not _takes_plain_transfers(cls):
        # Money that the contract does not look at arrives all the same, as on Studio.
        return None
    (method, access), args, kwargs = _choose(cls, name, args, kwargs)
    if job["value"] and not access.payable:
        raise CallError(f"`{method.__name__}` takes no value, but {job['value']} was sent: "
                        "decorate it with `@gl.public.write.payable`")
    if job["reader"]:
        _genlayer.set_readonly("this is a read-only call: state cannot change")
    elif access.readonly and not cls._agora_views_write:
        name, hint = f"`{method.__name__}`", "decorate it with `@gl.public.write`"
        _genlayer.set_readonly(f"{name} is a view method and cannot change state: {hint}")
        _genlayer.refuse_messages(f"{name} is a view method and cannot send messages: {hint}")
    _genlayer.allow_messages()
    return invoke(cls, method, args, kwargs)


def _guarded(work):
    """Runs `work`; returns the kind of the end, its payload, and a traceback."""
    ended = _ended(work)
    if not Immediate.raised:
        return ended
    error = Immediate.raised[0]
    return USER_ERROR, vm.text_of(error), trace.report(error)


def _ended(work):
    try:
        return RETURN, work(), ""
    except (UserError, Immediate) as error:
        return USER_ERROR, vm.text_of(error), trace.report(error)
    except MemoryError as error:
        return VM_ERROR, "OOM", trace.report(error)
    except SystemExit as error:
        return VM_ERROR, f"exit_code {vm.exit_code(error)}", trace.report(error)
    except BaseException as error:
        disagreed = isinstance(error, vm.Disagreed) and _genlayer.has_disagreed()
        return VM_ERROR, "validator_disagrees" if disagreed else "exit_code 1", trace.report(error)


def run(runner, modules, files, job):
    """Runs a job of the contract of these modules and files."""

    def work():
        if job["entry"] == "schema":
            return schema.schema_of(_load())
        return calldata.encode(_call(job))

    try:
        _set_up(runner, modules, files, job)
        return _guarded(work)
    finally:
        _tear_down()
