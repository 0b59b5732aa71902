"""The contracts of 2024: `class X(IContract)` with ordinary attributes and async methods.

All attributes of the instance are kept as one blob in the first field's place of the contract's
slot. Its form is calldata: null, booleans, integers, text, bytes and addresses stand for
themselves; everything else is an array that begins with a letter: `l` list, `t` tuple, `s` set
(sorted by encoding), `d` dict (key, value, key, value, in order of insertion), `f` float (as hex),
`D` datetime (as ISO text), `e` member of an enum, `o` object of a class of the file. Objects that
are reachable twice come back as two.
"""

import datetime
import enum
import sys

import _genlayer
from genlayer import calldata, program
from genlayer.contract import Access, Contract
from genlayer.types import Address

_READS = ("get_", "is_", "has_", "list_", "view_", "read_", "show_")
_DEPTH_MAX = 60


def _pack(value, depth=0):
    if depth > _DEPTH_MAX:
        raise TypeError("the contract's attributes are nested too deeply to be kept")
    deeper = depth + 1
    if value is None or isinstance(value, (bool, bytes, Address)):
        return value
    if isinstance(value, enum.Enum):
        return ["e", type(value).__qualname__, value.name]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return ["f", value.hex()]
    if isinstance(value, datetime.datetime):
        return ["D", value.isoformat()]
    if isinstance(value, list):
        return ["l", *(_pack(item, deeper) for item in value)]
    if isinstance(value, tuple):
        return ["t", *(_pack(item, deeper) for item in value)]
    if isinstance(value, (set, frozenset)):
        return ["s", *sorted((_pack(item, deeper) for item in value), key=calldata.encode)]
    if isinstance(value, dict):
        flat = [_pack(part, deeper) for entry in value.items() for part in entry]
        return ["d", *flat]
    if hasattr(value, "__dict__") and program.is_own(type(value).__module__):
        attributes = {name: _pack(item, deeper) for name, item in vars(value).items()}
        return ["o", type(value).__qualname__, attributes]
    raise TypeError(f"a `{type(value).__name__}` cannot be kept in the contract's attributes")


def _class(name):
    found = sys.modules["contract"]
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise TypeError(f"the file no longer defines the class `{name}`")
    return found


def _unpack(value):
    if not isinstance(value, list):
        return value
    letter, rest = value[0], value[1:]
    match letter:
        case "l":
            return [_unpack(item) for item in rest]
        case "t":
            return tuple(_unpack(item) for item in rest)
        case "s":
            return {_unpack(item) for item in rest}
        case "d":
            items = [_unpack(item) for item in rest]
            return dict(zip(items[::2], items[1::2]))
        case "f":
            return float.fromhex(rest[0])
        case "D":
            return datetime.datetime.fromisoformat(rest[0])
        case "e":
            return _class(rest[0])[rest[1]]
    made = object.__new__(_class(rest[0]))
    made.__dict__.update({name: _unpack(item) for name, item in rest[1].items()})
    return made


def run_to_end(coroutine):
    """The result of a coroutine; nothing here ever has to wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("an async method may await only what the SDK offers")


_OWN = ("_slot", "_offset")


class _Unless:
    """A property that gives way to an attribute of its name."""

    def __init__(self, original):
        self._original = original

    def __get__(self, instance, owner=None):
        return self if instance is None else self._original.fget(instance)


def publish(cls):
    """Makes the methods of a class public, those that only read as such."""
    for name, member in list(vars(cls).items()):
        if not name.startswith("_") and hasattr(member, "__code__"):
            member.__agora_public__ = Access(name.startswith(_READS), payable=True)


class IContract(Contract):
    """Base class of the contracts of 2024."""

    gas_used = 0
    _agora_views_write = True
    balance = _Unless(Contract.balance)
    address = _Unless(Contract.address)

    def __init__(self):
        pass

    def __init_subclass__(cls, **options):
        Contract._register(cls, IContract)
        publish(cls)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    @staticmethod
    def _agora_invoke(instance, method, args, kwargs):
        slot = instance._slot
        kept = _genlayer.read_blob(slot, 0)
        if kept:
            attributes = calldata.decode(kept)
            instance.__dict__.update({name: _unpack(item) for name, item in attributes.items()})
        result = method(instance, *args, **kwargs)
        if hasattr(result, "send") and hasattr(result, "close"):
            result = run_to_end(result)
        packed = {name: _pack(item) for name, item in vars(instance).items() if name not in _OWN}
        data = calldata.encode(packed)
        if data != kept and (packed or kept):
            _genlayer.write_blob(slot, 0, data)
        return _plain(result)


def _plain(result):
    """Results of those days could have keys of any type."""
    if isinstance(result, dict):
        return {key if isinstance(key, str) else str(key): _plain(item)
                for key, item in result.items()}
    if isinstance(result, (list, tuple, set)):
        return [_plain(item) for item in result]
    if isinstance(result, float):
        return repr(result)
    return result


def _late(module, name):
    found = getattr(sys.modules.get(f"genlayer.{module}"), name, None)
    if found is None:
        raise NotImplementedError(f"`{module}.{name}` is not supported yet")
    return found


class EquivalencePrinciple:
    """`async with EquivalencePrinciple(...) as eq`: what comes from outside is agreed on.

    A page is the leader's when the validator can read it too; a model's answer is compared by the
    principle. What follows from them is computed by every node.
    """

    def __init__(self, *context, result=None, principle="", comparative=True, **more):
        texts = [item for item in context if isinstance(item, str)]
        self._principle = principle or (texts[0] if texts else "")
        self._comparative = comparative
        self._result = result

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return False

    async def get_webpage(self, url, mode="text", **more):
        return _page(url, mode)

    async def call_llm(self, prompt, **more):
        return _answer(prompt, self._principle, self._comparative)

    def set(self, value):
        """Tells the agreed value, as `result["output"]`."""
        if isinstance(self._result, dict):
            self._result["output"] = value


def _page(url, mode):
    render = _late("nondet", "web").render
    leader = lambda: render(url, mode=mode)
    return _late("vm", "run_nondet_unsafe")(leader, lambda _: isinstance(leader(), str))


def _answer(prompt, principle, comparative):
    if comparative:
        ask = _late("nondet", "exec_prompt")
        return _late("eq_principle", "prompt_comparative")(lambda: ask(prompt), principle)
    judge = _late("eq_principle", "prompt_non_comparative")
    return judge(lambda: prompt, task="answer the prompt", criteria=principle)


async def call_llm_with_principle(prompt, eq_principle="", comparative=True):
    """A model's answer, agreed on by the principle."""
    return _answer(prompt, eq_principle, comparative)


async def get_webpage_with_principle(url, eq_principle="", comparative=True):
    """A page, as those functions told it."""
    return {"output": _page(url, "text")}


class ExternalContract:
    """`Contract(address)`: another contract, whose methods are called at once."""

    def __init__(self, address):
        self._address = address if isinstance(address, Address) else Address(address)

    def __getattr__(self, name):
        from genlayer import messages

        return getattr(messages.get_contract_at(self._address).view(), name)


class ContractRunner:
    """`contract_runner`: the call, as the contracts of 2024 saw it."""

    gas_used = 0

    def __init__(self, message):
        self.from_address = message["sender_address"].as_hex
        self.contract_address = message["contract_address"].as_hex
        self.value = message["value"]
