"""The names of all generations of the SDK, bound to what this one offers.

`from genlayer import *` with nested `gl.*` is v0.2; `import genlayer as gl` with
`gl.contract.Contract` is v0.3; flat names such as `gl.exec_prompt` are v0.1, `@gl.contract` is
v0.0, and `IContract` is of 2024. What `genlayer.vm`, `nondet` and `eq_principle` offer is looked up
when it is used.
"""

import abc
import difflib
import re
import sys
import types as _types
import typing

import _genlayer
import genlayer
from genlayer import (abi, calldata, contract, events, gl, icontract, memory, messages, program,
                      public_abi, storage)
from genlayer import types as _values
from genlayer.types import UserError

#: Hashes of runners that have no flat names any more.
_STRICT_PINS = ("1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6",
                "5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng")
_DEPENDS = re.compile(r'"Depends"\s*:\s*"py-genlayer:([^"]*)"')
_ON = typing.Literal["decided", "finalized"]
_SUBMODULES = ("vm", "nondet", "eq_principle")
#: What `from genlayer import *` binds, also in v0.3. Always these two lists: another one would be a
#: trace that a job left.
_STAR = genlayer.__all__
_STAR_OF_NEWEST = [*_STAR, "contract", "chain", "message", "vm", "evm", "nondet", "eq_principle",
                   "types", "calldata", "storage", "wasi", "public", "private"]
_NAMES_OF_2024 = ("contract_runner", "IContract", "EquivalencePrinciple", "_with_principle")

#: Flat names of v0.1: where they are now.
_FLAT = {
    "exec_prompt": "nondet.exec_prompt",
    "get_webpage": "nondet.web.render",
    "eq_principle_strict_eq": "eq_principle.strict_eq",
    "eq_principle_refl": "eq_principle.strict_eq",
    "eq_principle_prompt_comparative": "eq_principle.prompt_comparative",
    "eq_principle_prompt_non_comparative": "eq_principle.prompt_non_comparative",
    "run_nondet": "vm.run_nondet",
    "run_nondet_unsafe": "vm.run_nondet_unsafe",
    "sandbox": "vm.spawn_sandbox",
    "rollback_immediate": "advanced.user_error_immediate",
    "UserError": "vm.UserError",
    "Rollback": "vm.UserError",
}

#: What authors invent, and what they mean.
INVENTED = {"transfer": "get_contract_at(address).emit_transfer", "block": "message_raw",
            "dataclass": "storage.allow", "eq_principles": "eq_principle",
            "http_fetch": "nondet.web.get", "UserError": "vm.UserError", "msg": "message",
            "revert": "vm.UserError", "get_web_page": "nondet.web.render",
            "call_llm": "nondet.exec_prompt", "log": "trace"}
MESSAGE = {"sender": "sender_address", "timestamp": "gl.message_raw['datetime']",
           "datetime": "gl.message_raw['datetime']", "sender_account": "sender_address",
           "contract_account": "contract_address",
           "from_address": "sender_address", "transfer": "gl.get_contract_at(…).emit_transfer"}


def hint(name, known, meant):
    """`; did you mean …?`, when that can be said."""
    close = meant.get(name)
    if close is None:
        found = difflib.get_close_matches(name, known, 1)
        close = found[0] if found else None
    return f"; did you mean `{close}`?" if close else ""


def _late(name):
    return sys.modules.get(f"genlayer.{name}")


def _moved(name):
    """What a flat name stands for, or None."""
    if name == "rollback_immediate":
        return UserError.immediate
    found = gl
    for part in _FLAT[name].split("."):
        if found is gl and part in _SUBMODULES and _late(part) is not None:
            found = _late(part)
        else:
            found = getattr(found, part, None)
    return found


class _Names:
    """The flat names are there or not, by the running contract's pin."""

    strict = False
    old = False


def _of_gl(name):
    if name in _SUBMODULES and _late(name) is not None:
        return _late(name)
    if name in _FLAT and not _Names.strict:
        moved = _moved(name)
        if moved is not None:
            return moved
    if name.startswith("__"):
        raise AttributeError(f"module 'genlayer.gl' has no attribute '{name}'")
    meant = INVENTED | _FLAT
    text = hint(name, [known for known in gl.__dict__ if not known.startswith("_")], meant)
    raise AttributeError(f"module 'genlayer.gl' has no attribute '{name}'{text}")


def _of_std(name):
    """The first SDK's modules are `gl` themselves."""
    return gl.__dict__[name] if name in gl.__dict__ else _of_gl(name)


def _of_package(name):
    if name in _SUBMODULES and _late(name) is not None:
        return _late(name)
    if name == "advanced":
        return gl.advanced
    if name.startswith("__"):
        raise AttributeError(f"module 'genlayer' has no attribute '{name}'")
    known = [known for known in genlayer.__dict__ if not known.startswith("_")]
    old = {"Contract": "contract.Contract", "get_contract_at": "contract.get_at",
           "deploy_contract": "contract.deploy", "contract_interface": "contract.interface",
           "Event": "chain.Event"}
    text = hint(name, known, old | INVENTED)
    raise AttributeError(f"module 'genlayer' has no attribute '{name}'{text}")


def _of_chain(name):
    if name == "id":
        return gl.message.chain_id
    raise AttributeError(f"module 'genlayer.chain' has no attribute '{name}'")


def _path(name, **entries):
    module = sys.modules.get(name)
    if module is None:
        module = sys.modules[name] = _types.ModuleType(name)
    module.__dict__.update(entries)
    return module


class _Contracts(_types.ModuleType):
    """`gl.contract`: the module of v0.3 and, called, the decorator of v0.0."""

    def __call__(self, cls):
        return contract.contract_class(cls)


class IAccount(abc.ABC):
    """`gl.chain.IAccount`: whatever has an address and a balance and can be paid."""


class Account(IAccount):
    """`gl.chain.Account`: any account, which can be paid."""

    def __init__(self, address, /):
        self.address = address
        self._proxy = messages.get_contract_at(address)

    @property
    def balance(self):
        return self._proxy.balance

    def emit_transfer(self, value=0, *, on="finalized"):
        self._proxy.emit_transfer(value=value, on=on)


for _kind in (contract.Contract, messages.ContractProxy, messages.AccountProxy):
    IAccount.register(_kind)


def _set_up():
    contracts = _Contracts("genlayer.contract")
    contracts.__dict__.update({name: value for name, value in vars(contract).items()
                               if not name.startswith("__")})
    contracts.__dict__.update(
        Contract=contract.Contract, interface=messages.contract_interface,
        contract_interface=messages.contract_interface, deploy=messages.deploy_contract,
        deploy_contract=messages.deploy_contract, get_at=messages.get_contract_at,
        get_contract_at=messages.get_contract_at, ContractProxy=messages.ContractProxy,
        Proxy=messages.ContractProxy, StorageType=public_abi.StorageType,
        StorageView=public_abi.StorageView, ON=_ON)
    sys.modules["genlayer.contract"] = genlayer.contract = gl.contract = contracts
    chain = _path("genlayer.chain", Account=Account, IAccount=IAccount, Event=events.Event, ON=_ON,
                  InternalMessageParams=messages.InternalMessageParams,
                  ExternalMessageParams=messages.ExternalMessageParams, __getattr__=_of_chain)
    advanced = _path("genlayer.gl.advanced", emit_raw_event=events.emit_raw_event,
                     user_error_immediate=UserError.immediate, UserError=UserError)
    sys.modules["genlayer.advanced"] = advanced
    machine = sys.modules["genlayer.vm"]
    gl.__dict__.update(chain=chain, advanced=advanced, trace=machine.trace, types=_values,
                       trace_time_micro=machine.trace_time_micro,
                       **{name: getattr(genlayer, name) for name in genlayer.__all__
                          if name not in ("gl", "Rollback")})
    evm = _path("genlayer.evm", Account=messages.AccountProxy,
                **{name: value for name, value in vars(gl.evm).items() if not name.startswith("__")})
    genlayer.__dict__.update(
        chain=chain, evm=evm, public=contract.public, private=contract.private,
        allow=storage.allow_storage, allow_storage=storage.allow_storage, __getattr__=_of_package)
    gl.__dict__["__getattr__"] = _of_gl
    for name in _SUBMODULES:
        if _late(name) is not None:
            setattr(gl, name, _late(name))
            sys.modules[f"genlayer.gl.{name}"] = _late(name)
    _paths(contracts, evm)


def _create2_address(contract_address, salt_nonce, chain_id):
    """Where a contract will be that this one deploys with a salt."""
    parts = [b"\x01", contract_address.as_bytes, salt_nonce.to_bytes(32, "big"),
             chain_id.to_bytes(32, "big")]
    return _values.Address(_genlayer.keccak256(b"".join(parts))[:20])


def _module_files():
    """The files of GenVM's SDK that its packages are made of."""
    _path("genlayer.py.storage.tree_map", TreeMap=genlayer.TreeMap)
    _path("genlayer.py.storage.vec", DynArray=genlayer.DynArray, Array=genlayer.Array)
    _path("genlayer.gl.annotations", public=contract.public, private=contract.private)
    _path("genlayer.gl.events", Event=events.Event, emit_raw_event=events.emit_raw_event)
    _path("genlayer.gl.genvm_contracts", Contract=contract.Contract,
          contract_interface=messages.contract_interface,
          deploy_contract=messages.deploy_contract, get_contract_at=messages.get_contract_at,
          ContractProxy=messages.ContractProxy)


def _paths(contracts, evm):
    values = {name: getattr(genlayer, name) for name in genlayer.__all__ if name != "gl"}
    _values.__dict__.update(Keccak256=_values.Keccak256, Rollback=UserError)
    _path("genlayer.types.keccak", Keccak256=_values.Keccak256)
    _values.__path__ = []
    _path("genlayer.py.types", **values, ZERO_ADDRESS=_values.ZERO_ADDRESS)
    calls = {name: value for name, value in vars(evm).items() if not name.startswith("__")}
    for path in ("genlayer.evm", "genlayer.py.evm", "genlayer.py.eth"):
        _path(path, **calls, __path__=[]).calldata = _path(f"{path}.calldata", **calls)
    internal = _path("genlayer.py._internal", create2_address=_create2_address, __path__=[])
    _path("genlayer._internal", create2_address=_create2_address, __path__=[])
    _module_files()
    native = _path("genlayer.py._native", keccak256=_values.Keccak256)
    std = _path("genlayer.std", **values, gl=gl, contract=contract.contract_class,
                public=contract.public, private=contract.private, calldata=calldata)
    std.__dict__["__getattr__"] = _of_std
    _path("genlayer.std.advanced", **values, user_error_immediate=UserError.immediate,
          emit_raw_event=events.emit_raw_event)
    _path("genlayer.std.types", **values)
    sdk = _path("genlayer.sdk", **values, gl=gl, contract=contract.contract_class,
                public=contract.public)
    sdk.__dict__["__getattr__"] = _of_std
    sys.modules["gsdk"] = sdk
    _path("genlayer.message")
    genlayer.py.__dict__.update(_internal=internal, _native=native, evm=evm, eth=evm)
    genlayer.__dict__.update(std=std, sdk=sdk)
    for path in ("genlayer.py.public_abi", "genlayer.vm.public_abi"):
        sys.modules[path] = public_abi
    genlayer.py.public_abi = public_abi
    _wasi()
    _of_2024(values)


def _wasi():
    """What contracts reach for when they want the machine itself."""
    wasi = _path("genlayer.gl.wasi", get_self_balance=_genlayer.balance)
    wasi.get_balance = lambda address: messages.get_contract_at(_values.Address(address)).balance
    gl.wasi = genlayer.wasi = sys.modules["genlayer.wasi"] = sys.modules["_genlayer_wasi"] = wasi
    calls = _path("genlayer.gl._internal.gl_call", gl_call_generic=messages.gl_call_generic)
    gl._internal = _path("genlayer.gl._internal", gl_call=calls, __path__=[])
    machine = sys.modules["genlayer.vm"]
    machine.ABI = machine.public_abi = public_abi
    machine.gl_call = calls


def _of_2024(values):
    old = {"IContract": icontract.IContract}
    principles = {name: getattr(icontract, name) for name in (
        "EquivalencePrinciple", "call_llm_with_principle", "get_webpage_with_principle")}
    for path in ("backend", "backend.node", "backend.node.genvm", "genvm", "genvm.base",
                 "genvm.contracts"):
        _path(path, __path__=[])
    for path in ("backend.node.genvm.icontract", "genvm.base.icontract", "genvm.contracts.base"):
        _path(path, **old)
    for path in ("backend.node.genvm", "genvm.base", "genvm.contracts"):
        _path(f"{path}.equivalence_principle", **principles)
    _path("backend.node.genvm.std", **values, gl=gl, __path__=[])
    _path("backend.node.genvm.types", **values)


def _pin(runner):
    found = _DEPENDS.search(runner)
    return found.group(1) if found else ""


def message_of(fields, is_init, runner, source):
    """The fields of `gl.message` of the generation the source is of."""
    if _pin(runner) in _STRICT_PINS or "_account" not in source:
        return fields
    return {**fields, "sender_account": fields["sender_address"],
            "contract_account": fields["contract_address"], "is_init": is_init}


def begin(message, raw, runner, source):
    """Tells what the running contract's call is."""
    _Names.strict = _pin(runner) in _STRICT_PINS
    _Names.old = any(name in source for name in _NAMES_OF_2024)
    genlayer.__all__ = _STAR_OF_NEWEST if program.is_newest() else _STAR
    genlayer.message = message
    sys.modules["genlayer.message"].__dict__.update(raw, **vars(message), raw=raw)


def prepare(module, raw):
    """Puts the names of 2024 into the contract's module, which are there without an import."""
    if _Names.old:
        module["contract_runner"] = icontract.ContractRunner(raw)
        module["Contract"] = icontract.ExternalContract


def adopt(module):
    """Makes the first class of a file of 2024 the contract, where nothing says which one is."""
    if _Names.old:
        classes = (value for value in vars(module).values()
                   if isinstance(value, type) and value.__module__ == module.__name__)
        for cls in classes:
            icontract.publish(cls)
            type(cls.__name__, (cls, icontract.IContract), {"__module__": module.__name__})
            return


def end():
    """Takes the call away."""
    _Names.strict = _Names.old = False
    genlayer.__all__ = _STAR
    genlayer.message = None
    told = sys.modules.get("genlayer.message")
    for name in [name for name in vars(told) if not name.startswith("__")]:
        del told.__dict__[name]


_set_up()
