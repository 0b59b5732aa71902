"""Calldata for contracts: the encoding of arguments and results."""

import abc
import collections.abc
import dataclasses
import enum
import json
import typing

import _genlayer
from genlayer.types import Address

#: For annotations: what can be encoded, and what decoding makes.
Encodable = Decoded = typing.Any

type EncodableWithDefault[T] = Encodable | T


class DecodingError(ValueError):
    """The bytes are not calldata."""


class CalldataEncodable(abc.ABC):
    """Base class of values that say themselves what they are encoded as."""

    @abc.abstractmethod
    def __to_calldata__(self):
        """The value to encode in its place."""


class DataclassMixin(CalldataEncodable):
    """Base class of dataclasses that are encoded as a map of their fields, as all are."""

    def __to_calldata__(self):
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


class Raw:
    """Bytes that are calldata already: encoding puts the value that they are in its place."""

    __slots__ = ("data",)

    def __init__(self, data):
        self.data = data

    def __eq__(self, other):
        return isinstance(other, Raw) and self.data == other.data

    def __hash__(self):
        return hash(self.data)

    def __repr__(self):
        return f"Raw({self.data!r})"


def _simple(value):
    """Puts a value the encoder does not know into terms that it does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, CalldataEncodable):
        return value.__to_calldata__()
    if isinstance(value, Raw):
        return decode(value.data)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, collections.abc.Mapping):
        return dict(value.items())
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, collections.abc.Sequence):
        return list(value)
    if isinstance(value, float):
        raise TypeError(f"not calldata encodable: {value!r} is a float; use an int, a str or scale "
                        "it")
    raise TypeError(f"not calldata encodable: `{type(value).__name__}`"
                    + getattr(type(value), "__agora_instead__", ""))


def _is_plain_sequence(value):
    return (isinstance(value, collections.abc.Sequence)
            and not isinstance(value, (str, bytes, bytearray, memoryview)))


def _replaced(value, default):
    """The value with `default` applied to it and to all that is in it."""
    value = default(value)
    if isinstance(value, CalldataEncodable):
        value = value.__to_calldata__()
    if isinstance(value, collections.abc.Mapping):
        return {key: _replaced(item, default) for key, item in value.items()}
    if _is_plain_sequence(value):
        return [_replaced(item, default) for item in value]
    return value


def encode(value, /, *, default=None):
    """The one encoding of a value; `default` may replace it and what is in it before."""
    if default is not None:
        value = _replaced(value, default)
    return _genlayer.encode(value, Address, _simple)


def _with_bytes(value, make):
    """The value with `make` applied to a view of all bytes in it."""
    if isinstance(value, bytes):
        return make(memoryview(value))
    if isinstance(value, dict):
        return {key: _with_bytes(item, make) for key, item in value.items()}
    return [_with_bytes(item, make) for item in value] if isinstance(value, list) else value


def decode(data, /, *, memview2bytes=bytes):
    """Reads exactly one value; `memview2bytes` makes what stands for bytes in it."""
    try:
        value = _genlayer.decode(bytes(data), Address)
    except ValueError as error:
        raise DecodingError(str(error)) from None
    return value if memview2bytes is bytes else _with_bytes(value, memview2bytes)


def to_str(value, /):
    """The value for people to read, much like JSON."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value)
    if isinstance(value, Raw):
        return "raw#" + bytes(value.data).hex()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "b#" + bytes(value).hex()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Address):
        return f"{value:cd}"
    if isinstance(value, collections.abc.Mapping):
        entries = (f"{json.dumps(key)}:{to_str(item)}" for key, item in value.items())
        return "{" + ",".join(entries) + "}"
    if isinstance(value, collections.abc.Sequence):
        return "[" + ",".join(map(to_str, value)) + "]"
    if isinstance(value, CalldataEncodable):
        return to_str(value.__to_calldata__())
    raise DecodingError(f"not calldata encodable: `{type(value).__name__}`")
