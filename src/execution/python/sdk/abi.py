"""The encoding of Ethereum contracts' calls: what `gl.evm.encode` and `decode` do."""

import typing

import _genlayer
from genlayer.collections import Array, DynArray
from genlayer.types import Address, SizedInt

_LISTS = (list, DynArray, Array)


def signature_of(type_):
    """The type's name in a method's signature."""
    if isinstance(type_, SizedInt) and type_.bits is not None:
        return f"{'int' if type_.signed else 'uint'}{type_.bits}"
    simple = {bool: "bool", str: "string", bytes: "bytes", Address: "address"}.get(type_)
    if simple is not None:
        return simple
    if isinstance(type_, (tuple, list)):
        return f"({','.join(map(signature_of, type_))})"
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin is tuple:
        return f"({','.join(map(signature_of, args))})"
    if origin is Array:
        return f"{signature_of(args[0])}[{_length(args)}]"
    if origin in _LISTS:
        return f"{signature_of(args[0])}[]"
    raise TypeError(f"`{getattr(type_, '__name__', type_)}` has no encoding for Ethereum: use a "
                    "sized integer, bool, str, bytes, Address, list[…] or tuple[…]")


def _length(args):
    length = args[1]
    return typing.get_args(length)[0] if typing.get_origin(length) is typing.Literal else length


def _parts(type_):
    """The types within a tuple, or None."""
    if isinstance(type_, (tuple, list)):
        return list(type_)
    return list(typing.get_args(type_)) if typing.get_origin(type_) is tuple else None


def _is_dynamic(type_):
    parts = _parts(type_)
    if parts is not None:
        return any(map(_is_dynamic, parts))
    if typing.get_origin(type_) is Array:
        return _is_dynamic(typing.get_args(type_)[0])
    return type_ in (str, bytes) or typing.get_origin(type_) in _LISTS


def _head_size(type_):
    if _is_dynamic(type_):
        return 32
    parts = _parts(type_)
    if parts is not None:
        return sum(map(_head_size, parts))
    if typing.get_origin(type_) is Array:
        args = typing.get_args(type_)
        return _head_size(args[0]) * _length(args)
    return 32


def _word(number):
    return number.to_bytes(32, "big")


def _encode_all(types, values):
    if len(types) != len(values):
        raise ValueError(f"{len(types)} values are needed, not {len(values)}")
    head, tail = b"", b""
    start = sum(map(_head_size, types))
    for type_, value in zip(types, values):
        data = _encode(type_, value)
        if _is_dynamic(type_):
            head += _word(start + len(tail))
            tail += data
        else:
            head += data
    return head + tail


def _encode(type_, value):
    signature_of(type_)
    if isinstance(type_, SizedInt):
        low = -(1 << (type_.bits - 1)) if type_.signed else 0
        high = 1 << (type_.bits - 1 if type_.signed else type_.bits)
        if not low <= value < high:
            raise OverflowError(f"{value} is out of range for `{type_}`")
        return (value % (1 << 256)).to_bytes(32, "big")
    if type_ is bool:
        return _word(1 if value else 0)
    if type_ is Address:
        return bytes(12) + Address(value).as_bytes
    if type_ in (str, bytes):
        data = value.encode() if type_ is str else bytes(value)
        return _word(len(data)) + data + bytes(-len(data) % 32)
    parts = _parts(type_)
    if parts is not None:
        return _encode_all(parts, value)
    args = typing.get_args(type_)
    if typing.get_origin(type_) is Array:
        return _encode_all([args[0]] * _length(args), value)
    return _word(len(value)) + _encode_all([args[0]] * len(value), value)


def _number(data, at):
    word = data[at:at + 32]
    if len(word) != 32:
        raise ValueError("the data ends too early")
    return int.from_bytes(word, "big")


def _decode_all(types, data, base):
    values, at = [], base
    for type_ in types:
        where = base + _number(data, at) if _is_dynamic(type_) else at
        values.append(_decode(type_, data, where))
        at += _head_size(type_)
    return values


def _decode(type_, data, at):
    signature_of(type_)
    if isinstance(type_, SizedInt):
        number = _number(data, at)
        return number - (1 << 256) if type_.signed and number >> 255 else number
    if type_ is bool:
        return _number(data, at) != 0
    if type_ is Address:
        return Address(_number(data, at).to_bytes(32, "big")[12:])
    parts = _parts(type_)
    if parts is not None:
        return tuple(_decode_all(parts, data, at))
    args = typing.get_args(type_)
    if typing.get_origin(type_) is Array:
        return _decode_all([args[0]] * _length(args), data, at)
    length = _number(data, at)
    if length > len(data):
        raise ValueError("a length is larger than the data")
    if type_ in (str, bytes):
        raw = data[at + 32:at + 32 + length]
        return raw.decode() if type_ is str else raw
    return _decode_all([args[0]] * length, data, at + 32)


def encode(type_, value):
    """Encodes one value; a dynamic one is preceded by its offset, as an argument is."""
    parts = _parts(type_)
    return _encode_all(parts, value) if parts is not None else _encode_all([type_], [value])


def decode(type_, data, offset=0):
    """Reads what `encode` wrote."""
    data = bytes(data)[offset:]
    parts = _parts(type_)
    return tuple(_decode_all(parts, data, 0)) if parts is not None else _decode(
        type_, data, _number(data, 0) if _is_dynamic(type_) else 0)


def selector_of(name, params):
    """The first four bytes of a call."""
    return _genlayer.keccak256((name + signature_of(tuple(params))).encode())[:4]


class MethodEncoder:
    """Calls of one method: its name, the types of its parameters and of its result."""

    def __init__(self, name, params, ret):
        self.name = name
        self._params = _parts(params) if _parts(params) is not None else [params]
        self._ret = ret
        self.selector = selector_of(name, self._params)

    def encode_call(self, args):
        return self.selector + _encode_all(self._params, list(args))

    def decode_ret(self, data):
        return None if self._ret in (None, type(None)) else decode(self._ret, data)
