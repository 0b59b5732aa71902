"""The encoding of Ethereum contracts' calls: what `gl.evm.encode` and `decode` do."""

import typing

import _genlayer
from genlayer.collections import Array, DynArray
from genlayer.types import Address, SizedInt

_LISTS = (list, DynArray, Array)


class FixedBytes:
    """`bytes1` to `bytes32`: so many bytes, in one word."""

    def __init__(self, size):
        self.size = size
        self.__name__ = self.__qualname__ = f"bytes{size}"

    def __call__(self, value):
        if len(value) != self.size:
            raise ValueError(f"`{self.__name__}` has {self.size} bytes, not {len(value)}")
        return bytes(value)

    def __repr__(self):
        return self.__name__


FIXED_BYTES = {f"bytes{size}": FixedBytes(size) for size in range(1, 33)}


class InplaceTuple:
    """The first type of a `tuple[…]` whose parts lie where the tuple would, without an offset."""


def type_name_of(type_):
    """The type's name in a method's signature."""
    if isinstance(type_, SizedInt) and type_.bits is not None:
        return f"{'int' if type_.signed else 'uint'}{type_.bits}"
    simple = {bool: "bool", str: "string", bytes: "bytes", Address: "address"}.get(type_)
    if simple is not None:
        return simple
    if isinstance(type_, FixedBytes):
        return type_.__name__
    parts = _parts(type_)
    if parts is not None:
        return f"({','.join(map(type_name_of, parts))})"
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin is Array:
        return f"{type_name_of(args[0])}[{_length(args)}]"
    if origin in _LISTS:
        return f"{type_name_of(args[0])}[]"
    raise TypeError(f"`{getattr(type_, '__name__', type_)}` has no encoding for Ethereum: use a "
                    "sized integer, bool, str, bytes, Address, list[…] or tuple[…]")


def _length(args):
    length = args[1]
    return typing.get_args(length)[0] if typing.get_origin(length) is typing.Literal else length


def _parts(type_):
    """The types within a tuple, or None."""
    if isinstance(type_, (tuple, list)):
        return list(type_)
    if typing.get_origin(type_) is not tuple:
        return None
    return [part for part in typing.get_args(type_) if part is not InplaceTuple]


def _is_in_place(type_):
    return typing.get_origin(type_) is tuple and InplaceTuple in typing.get_args(type_)[:1]


def _flat(types):
    """The types, with the parts of tuples in place of those that lie in place."""
    found = []
    for type_ in types:
        found.extend(_flat(_parts(type_)) if _is_in_place(type_) else [type_])
    return found


def _flat_values(types, values):
    found = []
    for type_, value in zip(types, values, strict=True):
        if _is_in_place(type_):
            found.extend(_flat_values(_parts(type_), value))
        else:
            found.append(value)
    return found


def _gathered(types, values):
    """What `_flat_values` made flat, from an iterator."""
    return [tuple(_gathered(_parts(type_), values)) if _is_in_place(type_) else next(values)
            for type_ in types]


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
    types, values = _flat(types), _flat_values(types, values)
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
    type_name_of(type_)
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
    if isinstance(type_, FixedBytes):
        return type_(value) + bytes(32 - type_.size)
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
    for type_ in _flat(types):
        where = base + _number(data, at) if _is_dynamic(type_) else at
        values.append(_decode(type_, data, where))
        at += _head_size(type_)
    return _gathered(types, iter(values))


def _decode(type_, data, at):
    type_name_of(type_)
    if isinstance(type_, SizedInt):
        number = _number(data, at)
        return number - (1 << 256) if type_.signed and number >> 255 else number
    if type_ is bool:
        return _number(data, at) != 0
    if type_ is Address:
        return Address(_number(data, at).to_bytes(32, "big")[12:])
    if isinstance(type_, FixedBytes):
        return _number(data, at).to_bytes(32, "big")[:type_.size]
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
    return _encode_all([type_], [value])


def decode(type_, data, offset=0):
    """Reads what `encode` wrote."""
    return _decode_all([type_], bytes(data)[offset:], 0)[0]


def signature_of(name, params, /):
    """A method's name with the types of its parameters."""
    return name + type_name_of(tuple(_parts(params) or ()))


def selector_of(name, params, /):
    """The first four bytes of a call."""
    return _genlayer.keccak256(signature_of(name, params).encode())[:4]


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
        if self._ret in (None, type(None)):
            return None
        # A method returns the parts of a tuple one by one.
        parts = _parts(self._ret)
        return decode(self._ret, data) if parts is None else tuple(_decode_all(parts, data, 0))
