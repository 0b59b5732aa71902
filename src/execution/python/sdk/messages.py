"""Messages to other contracts and to accounts: what a contract asks the network to do after it."""

import dataclasses
import difflib
import sys

import _genlayer
from genlayer import calldata, program, vm
from genlayer.types import Address

_NO_EVM = ("there are no EVM contracts on this network: of a `gl.evm` interface only "
           "`emit_transfer` works; for a contract of this network use `gl.get_contract_at`")


def _target(address):
    if not isinstance(address, Address):
        raise TypeError(f"the target must be an Address, not `{type(address).__name__}`: write "
                        "`Address(…)`")
    return address


def _integer(name, value):
    # A bool is an int to Python, but never an amount.
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{name}` must be an int, not `{type(value).__name__}`")
    return value


def _value(value):
    """An amount as the worker wants it; if the contract has that much is checked when it is sent."""
    if _integer("value", value) < 0:
        raise ValueError(f"`value` cannot be negative: {value}")
    if value.bit_length() > 256:
        raise ValueError("`value` is more than there can be: at most 2**256 - 1")
    return value.to_bytes(32, "big")


def _is_accepted(on):
    if on == "decided" and program.is_newest():
        return True
    if on not in ("finalized", "accepted"):
        raise ValueError(f"`on` must be 'finalized' or 'accepted', not {on!r}")
    return on == "accepted"


#: What older and newer contracts call the two states of a contract.
_STATES = {"accepted": "accepted", "latest_non_final": "accepted", "finalized": "finalized",
           "latest_final": "finalized", 0: "accepted", 1: "finalized", 2: "accepted"}


@dataclasses.dataclass(frozen=True)
class InternalMessageParams:
    """`fee_params` of v0.3. Messages cost nothing here: they are taken and not looked at."""

    leader_time_units_allocation: int
    validator_time_units_allocation: int
    execution_budget_per_round: int
    rotations: list
    max_price_gen_per_time_unit: int
    storage_fee_max_gas_price: int
    receipt_fee_max_gas_price: int


@dataclasses.dataclass(frozen=True)
class ExternalMessageParams:
    """The same of messages to Ethereum's contracts."""

    gas_limit: int
    max_gas_price: int


def _state(state):
    name = getattr(state, "value", state)
    known = _STATES.get(name) if isinstance(name, (str, int)) else None
    if known is None:
        raise ValueError(f"`state` must be 'accepted' or 'finalized', not {state!r}")
    return known


def _ask(question):
    answer = _genlayer.ask_chain(question, Address, calldata._simple)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["ok"]


def _balance(address):
    from genlayer import gl

    if address == gl.message.contract_address:
        return _genlayer.balance()
    return _ask({"ask": "balance", "of": address})


def _call(method, args, kwargs):
    """An encoded call; empty parts are left out."""
    parts = {"method": method, "args": list(args), "kwargs": kwargs}
    return calldata.encode({name: part for name, part in parts.items() if part})


def _pay(accepted, amount, address):
    """Pays an account, never before finality."""
    if accepted:
        print("warning: a transfer to an account waits until the transaction is finalized: it "
              "could not be taken back", file=sys.stderr)
    _genlayer.send_transfer(amount, address.as_bytes)


class _Methods:
    """What `.emit(…)` returns: each attribute is a method of the target, and sends when called."""

    def __init__(self, interface, target, on, value):
        self._message = (interface, target, on, value)

    def __getattr__(self, name):
        if name.startswith("__") and name != "__receive__":
            raise AttributeError(f"`{name}` cannot be called from outside: names of public methods "
                                 "do not start with `__`")
        interface, target, on, value = self._message
        interface.check(name, "Write")

        def send(*args, **kwargs):
            _genlayer.send_call(on, value, target.as_bytes, _call(name, args, kwargs))

        return send


class _Views:
    """What `.view()` returns: each attribute is a view method of the target, and asks when called."""

    def __init__(self, interface, target, state, catch_vm_error):
        self._target = (interface, target, state, catch_vm_error)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"`{name}` cannot be called from outside: names of public methods "
                                 "do not start with `__`")
        interface, target, state, catch_vm_error = self._target
        interface.check(name, "View")

        def ask(*args, **kwargs):
            output = _ask({"ask": "view", "contract": target, "state": state,
                           "calldata": _call(name, args, kwargs)})
            result = vm.decode(output)
            if catch_vm_error and isinstance(result, vm.VMError):
                return result
            return vm.unpack_result(result)

        return vm.lazy_api(ask)


class ContractProxy:
    """Another contract, or this one, as seen from a contract."""

    def __init__(self, interface, address):
        self._interface = interface
        self.address = _target(address)

    def emit(self, *, value=0, on="finalized", use_balance=False, fee_params=None):
        """Calls a method, once this transaction is accepted or finalized: `.emit().method(…)`."""
        return _Methods(self._interface, self.address, _is_accepted(on), _value(value))

    def emit_transfer(self, value, *, on="finalized", use_balance=False, fee_params=None):
        """Sends value without calling a method: a contract's `__receive__` runs, an account is paid."""
        accepted, amount = _is_accepted(on), _value(value)
        if value == 0:
            raise ValueError("`value` must be greater than 0 for `emit_transfer`")
        if not _ask({"ask": "is_contract", "of": self.address}):
            _pay(accepted, amount, self.address)
            return
        _genlayer.send_call(accepted, amount, self.address.as_bytes, _call(None, (), {}))

    def view(self, *, state="accepted", catch_vm_error=False, **options):
        """Asks a view method, at once: `.view().method(…)`; of `state` accepted or finalized.

        What the machine ends the method with is raised, or with `catch_vm_error` returned.
        """
        return _Views(self._interface, self.address, _state(state), catch_vm_error)

    @property
    def balance(self):
        """What the contract has; of the running one itself, what it has left."""
        return _balance(self.address)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(f"a proxy of a contract has no `{name}`")
        raise AttributeError(f"a proxy of a contract has no `{name}`: to call that method, write "
                             f"`.view().{name}(…)` or `.emit().{name}(…)`")

    def __repr__(self):
        return f"{self._interface.name}({self.address!r})"


class _NoMethods:
    """What stands for methods of Ethereum's contracts; by itself it does nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"an EVM contract has no `{name}`")
        raise NotImplementedError(_NO_EVM)


class AccountProxy:
    """An account outside the network's contracts: it can only be paid."""

    def __init__(self, address):
        self.address = _target(address)

    def emit_transfer(self, value=0, *, on="finalized", **ignored):
        """Pays the account once this transaction is finalized."""
        for name in ignored:
            print(f"warning: `{name}` of `emit_transfer` is ignored", file=sys.stderr)
        _pay(_is_accepted(on), _value(value), self.address)

    def emit_call(self, value, data, /):
        """Pays the account, as v0.3 says it for accounts that are no contracts."""
        if data:
            raise NotImplementedError(_NO_EVM)
        self.emit_transfer(value)

    def emit(self, **options):
        return _NoMethods()

    def view(self, **options):
        return _NoMethods()

    @property
    def balance(self):
        """What the account has."""
        return _balance(self.address)


class _Anything:
    """The interface of a contract nothing is known of."""

    name = "gl.get_contract_at"

    def check(self, method, part):
        """Any method may be there."""


class _Interface:
    """A declared interface: called with an address, it makes a proxy."""

    def __init__(self, declaration):
        self.name = declaration.__name__
        self._parts = {part: getattr(declaration, part, None) for part in ("View", "Write")}

    def check(self, method, part):
        """Warns of methods that are not declared: the SDK leaves it to the called contract."""
        declaration = self._parts[part]
        if not any(self._parts.values()) or callable(getattr(declaration, method, None)):
            return
        declared = [name for name in dir(declaration) if not name.startswith("__")]
        close = difflib.get_close_matches(method, declared, 1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        print(f"warning: `{self.name}` declares no method `{method}` in `{part}`{hint}",
              file=sys.stderr)

    def __call__(self, address):
        return ContractProxy(self, address)


_ANYTHING = _Anything()


def _class(name, declaration):
    if not isinstance(declaration, type):
        raise TypeError(f"`{name}` decorates a class with the inner classes `View` and `Write`, "
                        f"not `{type(declaration).__name__}`")
    return declaration


def get_contract_at(address):
    """The contract at an address, whatever methods it has."""
    return ContractProxy(_ANYTHING, address)


def contract_interface(declaration):
    """Decorator: the class declares another contract's methods in `View` and `Write`."""
    return _Interface(_class("contract_interface", declaration))


def evm_contract_interface(declaration):
    """Decorator: as `contract_interface`; what it makes can be paid, and nothing else."""
    _class("gl.evm.contract_interface", declaration)
    return AccountProxy


def gl_call_generic(request, decode=None):
    """`gl_call`: a request to the machine itself. Payments are made; nothing else is known here."""
    kind = next(iter(request), None)
    if kind != "EthSend" or len(request) != 1:
        raise NotImplementedError(f"the call `{kind}` of the machine is not supported: use what "
                                  "`gl` offers for it")
    parts = request[kind]
    if parts.get("calldata"):
        raise NotImplementedError(_NO_EVM)
    target = _target(parts["address"])
    return vm.Lazy(lambda: _pay(False, _value(parts.get("value", 0)), target))


def _source(code):
    if not isinstance(code, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"`code` must be str or bytes, not `{type(code).__name__}`")
    if not code:
        raise ValueError("`code` is empty: give the source of the contract")
    return code.encode() if isinstance(code, str) else bytes(code)


def _salt(salt):
    if _integer("salt_nonce", salt) < 0 or salt.bit_length() > 256:
        raise ValueError("`salt_nonce` must be from 0 to 2**256 - 1")
    return salt.to_bytes(32, "big")


def deploy_contract(*, code, args=(), kwargs=None, salt_nonce=0, value=0, on="finalized",
                    use_balance=False, fee_params=None):
    """Deploys a contract; with a salt other than 0 its address is known at once, and returned."""
    kwargs = {} if kwargs is None else kwargs
    # A str is a sequence too, but its letters are hardly meant as arguments.
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"`args` must be a list, not `{type(args).__name__}`")
    if not isinstance(kwargs, dict):
        raise TypeError(f"`kwargs` must be a dict, not `{type(kwargs).__name__}`")
    data = _call(None, args, kwargs)
    sent = (_is_accepted(on), _value(value), _source(code), data, _salt(salt_nonce))
    address = _genlayer.send_deploy(*sent)
    return None if address is None else Address(address)
