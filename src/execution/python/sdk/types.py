"""Values contracts are written with: addresses and integers of a given size."""

import base64
import typing

import _genlayer
from genlayer import program


def _address(other):
    """What an Address is put in order with; anything else is an AssertionError, as in GenVM."""
    if not isinstance(other, Address):
        raise AssertionError(f"an Address has no order with `{type(other).__name__}`")
    return other


class Address:
    """An account or a contract."""

    SIZE = 20
    __slots__ = ("_bytes",)

    def __init__(self, value):
        if isinstance(value, Address):
            raw = value._bytes
        elif isinstance(value, (bytes, bytearray, memoryview)):
            raw = bytes(value)
        elif isinstance(value, str):
            raw = _parse(value)
        else:
            kind = type(value).__name__
            raise TypeError(f"cannot make an Address of `{kind}`: give hex, base64 or 20 bytes")
        if len(raw) != 20:
            raise ValueError(f"an Address has 20 bytes, not {len(raw)}")
        object.__setattr__(self, "_bytes", raw)

    def __setattr__(self, name, value):
        raise AttributeError("an Address cannot be changed")

    @property
    def as_bytes(self):
        """The 20 bytes."""
        return self._bytes

    @property
    def as_hex(self):
        """`0x…` with the EIP-55 checksum."""
        return _genlayer.checksum(self._bytes)

    @property
    def as_b64(self):
        """Base64 text."""
        return base64.b64encode(self._bytes).decode()

    @property
    def as_int(self):
        """The bytes read as a little-endian number."""
        return int.from_bytes(self._bytes, "little")

    def __hash__(self):
        return hash(self._bytes)

    def __eq__(self, other):
        if isinstance(other, Address):
            return self._bytes == other._bytes
        return NotImplemented

    def __lt__(self, other):
        return self._bytes < _address(other)._bytes

    def __le__(self, other):
        return self._bytes <= _address(other)._bytes

    def __gt__(self, other):
        return self._bytes > _address(other)._bytes

    def __ge__(self, other):
        return self._bytes >= _address(other)._bytes

    def __str__(self):
        return self.as_hex

    def __repr__(self):
        return f'Address("{self.as_hex}")'

    def __format__(self, spec):
        match spec:
            case "":
                return repr(self)
            case "s" | "x":
                return self.as_hex
            case "b64":
                return self.as_b64
            case "cd":
                return "addr#" + self._bytes.hex()
        raise TypeError(f"unknown Address format `{spec}`: use `s`, `x`, `b64` or `cd`")


def _parse(text):
    try:
        if text.startswith("0x"):
            return bytes.fromhex(text[2:])
        return base64.b64decode(text)
    except ValueError:
        raise ValueError(f"`{text[:80]}` is not an address") from None


class SizedInt:
    """An integer type of storage. Its values are plain ints, of any size until they are stored.

    Calling it returns its argument as it is; in v0.3 it makes an int of it, as `int` does.
    """

    def __init__(self, name, bits, signed):
        self.__name__ = self.__qualname__ = name
        self.__module__ = "genlayer"
        self.__supertype__ = int
        self.bits = bits
        self.signed = signed

    def __call__(self, *args):
        if program.is_newest():
            return int(*args)
        if len(args) != 1:
            raise TypeError(f"`{self.__name__}` takes one value, not {len(args)}")
        return args[0]

    def __repr__(self):
        return self.__name__

    def __or__(self, other):
        return typing.Union[self, other]

    def __ror__(self, other):
        return typing.Union[other, self]


bigint = SizedInt("bigint", None, True)

SIZED = {}
for _bits in range(8, 257, 8):
    SIZED[f"u{_bits}"] = SizedInt(f"u{_bits}", _bits, False)
    SIZED[f"i{_bits}"] = SizedInt(f"i{_bits}", _bits, True)
globals().update(SIZED)

ZERO_ADDRESS = Address.ZERO = Address(bytes(20))


class Lazy:
    """A value that is computed when it is first asked for."""

    def __init__(self, make):
        self._make = make
        self._value = None

    def get(self):
        """The value."""
        if self._make is not None:
            self._value, self._make = self._make(), None
        return self._value

    def __class_getitem__(cls, parameters):
        return cls


class Keccak256:
    """Keccak-256 in the manner of `hashlib`."""

    digest_size = 32

    def __init__(self, data=b""):
        self._data = bytes(data)

    def update(self, data):
        self._data += bytes(data)
        return self

    def digest(self):
        return _genlayer.keccak256(self._data)

    def hexdigest(self):
        return self.digest().hex()


class UserError(Exception):
    """An error of the contract's own making: its text is the transaction's result."""

    def __init__(self, message):
        super().__init__(message)
        self.message = message

    @property
    def data(self):
        """What the newest SDK calls the message."""
        return self.message

    @property
    def msg(self):
        """What the `Rollback` of v0.1 calls the message."""
        return self.message

    @staticmethod
    def immediate(message):
        """Ends the call with this error: what the contract does after it, if it catches it, is void."""
        error = Immediate(message)
        Immediate.raised.append(error)
        raise error

    def __repr__(self):
        return f"{type(self).__qualname__}(message={self.message!r})"

    def __str__(self):
        if program.has_rollback():
            return str(self.message)
        if program.is_newest():
            return f"UserError({self.message!r})"
        return repr(self)

    def __eq__(self, other):
        if type(other) is type(self):
            return self.message == other.message
        return NotImplemented

    def __hash__(self):
        return hash(self.message)


class Immediate(BaseException):
    """An error of the user that counts, whatever comes after it in the same code."""

    #: Those of the code that runs now, and of the code around it; the first one counts.
    raised = []

    def __init__(self, message):
        super().__init__(message)
        self.message = message
