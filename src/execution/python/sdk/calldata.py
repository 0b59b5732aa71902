"""Calldata for contracts: the encoding of arguments and results."""

import collections.abc
import dataclasses
import enum

import _genlayer
from genlayer.types import Address


def _simple(value):
    """Puts a value the encoder does not know into terms that it does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
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
    raise TypeError(f"not calldata encodable: `{type(value).__name__}`")


def encode(value):
    """The one encoding of a value."""
    return _genlayer.encode(value, Address, _simple)


def decode(data):
    """Reads exactly one value."""
    return _genlayer.decode(bytes(data), Address)
