"""The base class of contracts and the decorators of their methods."""

import sys
import types

import _genlayer
from genlayer import program, storage


class Access:
    """What a decorator says of a public method."""

    def __init__(self, readonly, payable=False, gas=None):
        self.readonly = readonly
        self.payable = payable
        self.gas = gas


def _mark(function, access):
    if not callable(function):
        raise TypeError(f"only methods can be public, not `{type(function).__name__}`")
    _evaluate_annotations(function)
    function.__agora_public__ = access
    return function


def _evaluate_annotations(function):
    """Now, while the method does not hide a type of its name: `def list(self) -> list[str]`.

    A name that there is not, or not yet, is an error of the file.
    """
    try:
        function.__annotations__
    except (NameError, AttributeError):
        raise
    except Exception:
        # Whoever needs them looks again.
        pass


class _Write:
    """`@gl.public.write`, `.payable` and `.min_gas(leader=…, validator=…)`."""

    def __init__(self, payable=False, gas=None):
        self._access = (payable, gas)

    def __call__(self, function):
        payable, gas = self._access
        return _mark(function, Access(False, payable, gas))

    @property
    def payable(self):
        return _Write(True, self._access[1])

    def min_gas(self, leader=0, validator=0):
        return _Write(self._access[0], {"leader": leader, "validator": validator})


class public:
    """Decorators that make methods callable from outside."""

    write = _Write()

    @staticmethod
    def view(function):
        """Callable without a transaction; cannot change state."""
        return _mark(function, Access(True))


class _OfNewest:
    """A method that contracts of v0.3 have, and no others: `hasattr` tells, too."""

    def __init__(self, function):
        self._function = function

    def __get__(self, instance, owner=None):
        if program.is_newest():
            return self._function.__get__(instance, owner)
        raise AttributeError(f"`{owner.__name__}` has no attribute 'emit_transfer': write "
                             "`gl.get_contract_at(address).emit_transfer(…)`")


def _send_to_itself(contract, value, *, on="finalized"):
    """Sends value to the contract itself, which is an account like others in v0.3."""
    from genlayer import messages

    messages.get_contract_at(contract.address).emit_transfer(value, on=on)


class Contract:
    """Base class: annotated fields of a subclass live in storage, zero at first."""

    #: May a view method change state? Those of 2024 are views by their names only.
    _agora_views_write = False
    #: Contract classes the running job has defined.
    _defined = []

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Contract._check_only(cls)
        for member in list(vars(cls).values()):
            if isinstance(member, types.FunctionType):
                _evaluate_annotations(member)
        fields, _ = storage.lay_out(cls.__name__, storage.fields_of(cls, Contract))
        for field in fields:
            if field.name in cls.__dict__ and not isinstance(cls.__dict__[field.name],
                                                             storage.Field):
                print(f"warning: the default of the stored field `{field.name}` is ignored: assign "
                      "it in `__init__`", file=sys.stderr)
            setattr(cls, field.name, field)
        Contract._defined.append(cls)

    @staticmethod
    def _check_only(cls):
        defined = Contract._defined
        if defined:
            first, second = defined[-1].__name__, cls.__name__
            raise TypeError(f"only one contract is allowed in a file; first: `{first}`, "
                            f"second: `{second}`")

    @staticmethod
    def _register(cls, base):
        """Takes a class whose attributes are not laid out in storage."""
        Contract._check_only(cls)
        Contract._defined.append(cls)

    @staticmethod
    def _agora_invoke(instance, method, args, kwargs):
        return method(instance, *args, **kwargs)

    def __setattr__(self, name, value):
        if not hasattr(type(getattr(type(self), name, None)), "__set__"):
            if name not in self.__dict__ and not name.startswith("__"):
                print(f"warning: `self.{name}` is not a declared field of the contract; it is lost "
                      "when the call ends", file=sys.stderr)
        object.__setattr__(self, name, value)

    @property
    def balance(self):
        """What the contract has, the value of this call included."""
        return _genlayer.balance()

    @property
    def address(self):
        """The contract's own address."""
        from genlayer import gl

        return gl.message.contract_address

    emit_transfer = _OfNewest(_send_to_itself)


def instance_of(cls):
    """The one instance, at its place in storage, without running its constructor."""
    contract = object.__new__(cls)
    object.__setattr__(contract, "_slot", _genlayer.child(bytes(32), 0))
    object.__setattr__(contract, "_offset", 0)
    return contract


def invoke(cls, method, args, kwargs):
    """Calls a method on the one instance."""
    return cls._agora_invoke(instance_of(cls), method, args, kwargs)


def contract_class(cls):
    """The decorator `@gl.contract` of the first SDK: makes a plain class the contract."""
    if not isinstance(cls, type):
        raise TypeError("`@gl.contract` decorates a class")
    if issubclass(cls, Contract):
        return cls
    with storage.unmarked_records():
        return type(cls.__name__, (cls, Contract), {"__module__": cls.__module__,
                                                    "__doc__": cls.__doc__})


def private(function):
    """Decorator without effect: what is not public is private."""
    return function


def public_methods(cls):
    """Public methods by name, sorted."""
    methods = {}
    for name in sorted(dir(cls)):
        member = getattr(cls, name, None)
        access = getattr(member, "__agora_public__", None)
        if isinstance(access, Access):
            methods[name] = (member, access)
    return methods
