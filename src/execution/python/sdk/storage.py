"""How values lie in storage: one codec per type, each knowing its size in place.

A codec reads and writes at `(slot, offset)`; what does not fit in place lies in the slot derived
from that position. All zeros is the zero value of every type, so fresh storage needs no set-up.

A value of a wrong type raises what it raises in GenVM, where most types are found out by the method
they lack: `AttributeError`, or `AssertionError` for records and maps.
"""

import builtins
import contextlib
import dataclasses
import datetime
import struct
import types
import typing

import _genlayer
from genlayer.types import SIZED, ZERO_ADDRESS, Address, SizedInt, bigint

SIZED_U256 = SIZED["u256"]

read = _genlayer.read
write = _genlayer.write
child = _genlayer.child


def kind(value):
    """The name of a value's type, for messages."""
    return type(value).__name__


class IntCodec:
    """Two's complement, little-endian."""

    def __init__(self, name, bits, signed):
        self.name = name
        self.size = bits // 8
        self.signed = signed
        self.low = -(1 << (bits - 1)) if signed else 0
        self.high = (1 << (bits - 1 if signed else bits)) - 1

    def zero(self):
        return 0

    def get(self, slot, offset):
        return int.from_bytes(read(slot, offset, self.size), "little", signed=self.signed)

    def set(self, slot, offset, value):
        if not isinstance(value, int):
            raise AttributeError(f"`{self.name}` storage takes an int, not `{kind(value)}`")
        # A class derived from int may answer what it likes.
        number = int.__index__(value)
        if not self.low <= number <= self.high:
            raise OverflowError(f"{number} is out of range for `{self.name}`")
        write(slot, offset, number.to_bytes(self.size, "little", signed=self.signed))


class BoolCodec:
    """One byte; what is true of a value is what counts, whatever it is."""

    name = "bool"
    size = 1
    zero = bool

    def get(self, slot, offset):
        return read(slot, offset, 1) != b"\0"

    def set(self, slot, offset, value):
        write(slot, offset, b"\1" if value else b"\0")


class FloatCodec:
    """An IEEE double."""

    name = "float"
    size = 8
    zero = float

    def get(self, slot, offset):
        return struct.unpack("<d", read(slot, offset, 8))[0]

    def set(self, slot, offset, value):
        if not isinstance(value, (float, int)):
            raise TypeError(f"`float` storage takes a number, not `{kind(value)}`")
        write(slot, offset, struct.pack("<d", value))


class AddressCodec:
    """Twenty bytes."""

    name = "Address"
    size = 20

    def zero(self):
        return ZERO_ADDRESS

    def get(self, slot, offset):
        return Address(read(slot, offset, 20))

    def set(self, slot, offset, value):
        if not isinstance(value, Address):
            raise AttributeError(f"`Address` storage takes an Address, not `{kind(value)}`: "
                                 "Address(…)")
        write(slot, offset, value.as_bytes)


class StrCodec:
    """Length in place, UTF-8 in the derived slot."""

    name = "str"
    size = 4
    zero = str

    def get(self, slot, offset):
        return _genlayer.read_blob(slot, offset).decode()

    def set(self, slot, offset, value):
        if not isinstance(value, str):
            raise AttributeError(f"`str` storage takes a str, not `{kind(value)}`")
        _genlayer.write_blob(slot, offset, value.encode())


class BytesCodec:
    """Length in place, content in the derived slot."""

    name = "bytes"
    size = 4
    zero = bytes

    def get(self, slot, offset):
        return _genlayer.read_blob(slot, offset)

    def set(self, slot, offset, value):
        if not isinstance(value, (bytes, bytearray)):
            raise TypeError(f"`bytes` storage takes bytes, not `{kind(value)}`")
        _genlayer.write_blob(slot, offset, bytes(value))


class BigintCodec:
    """As bytes: two's complement, as short as possible; nothing for zero."""

    name = "bigint"
    size = 4
    zero = int

    def get(self, slot, offset):
        return int.from_bytes(_genlayer.read_blob(slot, offset), "little", signed=True)

    def set(self, slot, offset, value):
        if not isinstance(value, int):
            raise TypeError(f"`bigint` storage takes an int, not `{kind(value)}`")
        number = int.__index__(value)
        length = 0 if number == 0 else (number + (number < 0)).bit_length() // 8 + 1
        _genlayer.write_blob(slot, offset, number.to_bytes(length, "little", signed=True))


class NoneCodec:
    """Takes no room."""

    name = "None"
    size = 0

    def zero(self):
        return None

    def get(self, slot, offset):
        return None

    def set(self, slot, offset, value):
        pass


class DatetimeCodec:
    """Seconds u64, micros u32, has_tz bool, then the zone's days, seconds and micros as i32."""

    name = "datetime"
    size = 25
    EPOCH = datetime.datetime(1970, 1, 1)

    def zero(self):
        return self.EPOCH

    def get(self, slot, offset):
        fields = struct.unpack("<qIBiii", read(slot, offset, 25))
        naive = self.EPOCH + datetime.timedelta(seconds=fields[0], microseconds=fields[1])
        if not fields[2]:
            return naive
        return naive.replace(tzinfo=datetime.timezone(datetime.timedelta(*fields[3:])))

    def set(self, slot, offset, value):
        if not isinstance(value, datetime.datetime):
            raise AttributeError(f"`datetime` storage takes a datetime, not `{kind(value)}`")
        since = value.replace(tzinfo=None) - self.EPOCH
        zone = value.utcoffset()
        parts = (0, 0, 0, 0) if zone is None else (1, zone.days, zone.seconds, zone.microseconds)
        seconds = since.days * 86400 + since.seconds
        write(slot, offset, struct.pack("<qIBiii", seconds, since.microseconds, *parts))


class Field:
    """A stored field of a contract or struct: reads and writes go to storage."""

    def __init__(self, name, codec, offset):
        self.name = name
        self.codec = codec
        self.offset = offset

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return self.codec.get(instance._slot, instance._offset + self.offset)

    def __set__(self, instance, value):
        try:
            self.codec.set(instance._slot, instance._offset + self.offset, value)
        except (TypeError, AttributeError, OverflowError, AssertionError) as error:
            raise type(error)(f"field `{self.name}`: {error}") from None

    def __delete__(self, instance):
        raise AttributeError(f"the stored field `{self.name}` cannot be deleted")


def filled(type_, arguments):
    """A type with the parameters of a generic class put in."""
    if isinstance(type_, typing.TypeVar):
        return arguments.get(type_, type_)
    args = typing.get_args(type_)
    origin = typing.get_origin(type_)
    if not args or origin is typing.Literal:
        return type_
    return origin[tuple(filled(arg, arguments) for arg in args)]


def _arguments(origin, args, where):
    """Which type stands for which parameter of a generic class."""
    parameters = getattr(origin, "__parameters__", ()) or getattr(origin, "__type_params__", ())
    if len(parameters) != len(args):
        raise TypeError(f"{where}: `{origin.__name__}` takes {len(parameters)} types in brackets, "
                        f"not {len(args)}")
    return dict(zip(parameters, args))


def fields_of(cls, stop):
    """The annotated fields of a class, base classes first, as `(name, type)`."""
    hints = typing.get_type_hints(cls)
    order = {}
    for base in reversed(cls.__mro__):
        if base in (object, stop):
            continue
        for name in getattr(base, "__annotations__", {}):
            hint = hints[name]
            if hint is not typing.ClassVar and typing.get_origin(hint) is not typing.ClassVar:
                order[name] = hints[name]
    return list(order.items())


def lay_out(owner, fields):
    """Fields with their codecs and offsets, and the size of all together."""
    laid, offset = [], 0
    for name, type_ in fields:
        codec = codec_of(type_, f"`{name}` of `{owner}`")
        laid.append(Field(name, codec, offset))
        offset += codec.size
    return laid, offset


class StructCodec:
    """A class marked with `@allow_storage`: its fields inline, in order of declaration."""

    def __init__(self, cls, arguments=None):
        self.cls = cls
        self.name = cls.__name__
        fields = fields_of(cls, object)
        if arguments:
            fields = [(name, filled(type_, arguments)) for name, type_ in fields]
            names = (getattr(type_, "__name__", repr(type_)) for type_ in arguments.values())
            self.name += f"[{', '.join(names)}]"
        self.fields, self.size = lay_out(cls.__name__, fields)
        names = [field.name for field in self.fields]

        def equal(own, other):
            if not isinstance(other, cls):
                return NotImplemented
            return all(getattr(own, name) == getattr(other, name) for name in names)

        def new(_, *args, **kwargs):
            # `type(stored)(…)` and `dataclasses.replace(stored, …)` make one in memory.
            return cls(*args, **kwargs)

        def reduce(view, _):
            return object.__new__, (type(view),), dict(vars(view))

        body = {field.name: field for field in self.fields}
        body |= {"__new__": new, "__reduce_ex__": reduce}
        body |= {"__eq__": equal, "__hash__": None, "__module__": cls.__module__}
        body |= {"__qualname__": cls.__qualname__, "_agora_view": True}
        self.view = type(cls.__name__, (cls,), body)

    def get(self, slot, offset):
        view = object.__new__(self.view)
        object.__setattr__(view, "_slot", slot)
        object.__setattr__(view, "_offset", offset)
        return view

    def set(self, slot, offset, value):
        if not isinstance(value, self.cls):
            raise AssertionError(f"`{self.name}` storage takes a `{self.name}`, not `{kind(value)}`")
        if getattr(value, "_slot", None) == slot and value._offset == offset:
            return
        for field in self.fields:
            field.codec.set(slot, offset + field.offset, getattr(value, field.name))


def _zeros_first(cls, codec):
    """Fields of an object that is made by hand are zero until its `__init__` sets them."""
    original = cls.__init__

    def __init__(self, *args, **kwargs):
        from genlayer.memory import zero

        if not hasattr(self, "_slot"):
            for field in codec.fields:
                object.__setattr__(self, field.name, zero(field.codec))
        original(self, *args, **kwargs)

    cls.__init__ = __init__


def _make_in_memory(cls, codec):
    """Lets objects of the class that are made by hand hold what stored ones would."""
    from genlayer.memory import keep_own_collections

    if not dataclasses.is_dataclass(cls):
        _zeros_first(cls, codec)
    else:
        keep_own_collections(cls, codec)


def allow_storage(cls):
    """Marks a class, mostly a dataclass, as usable within storage."""
    cls.__allow_storage__ = True
    return cls


#: Are dataclasses stored that are not marked? The first SDK did not ask for it.
_unmarked = {"stored": False}


@contextlib.contextmanager
def unmarked_records():
    """Where the classes are of the first SDK."""
    _unmarked["stored"] = True
    try:
        yield
    finally:
        _unmarked["stored"] = False


SIMPLE = {
    bool: BoolCodec(),
    str: StrCodec(),
    bytes: BytesCodec(),
    float: FloatCodec(),
    Address: AddressCodec(),
    bigint: BigintCodec(),
    datetime.datetime: DatetimeCodec(),
    None: NoneCodec(),
    type(None): NoneCodec(),
}

#: Makers of codecs by generic class, filled in by `genlayer.collections`.
GENERIC = {}

REFUSED = {
    int: "plain `int` has no size: use `u256`, another sized integer or `bigint`",
    list: "`list` cannot be stored: use `DynArray[…]`",
    dict: "`dict` cannot be stored: use `TreeMap[…, …]`",
    set: "`set` cannot be stored: use `TreeMap[…, bool]`",
    tuple: "`tuple` cannot be stored: use an `@allow_storage` dataclass",
}


def codec_of(type_, where):
    """The codec of a type; `where` names the field in messages."""
    if isinstance(type_, types.FunctionType):
        # Annotations of fields are looked up late: a method `str` hides the type of that name.
        type_ = getattr(builtins, type_.__name__, type_)
    if isinstance(type_, SizedInt):
        if type_.bits is None:
            return SIMPLE[bigint]
        return IntCodec(type_.__name__, type_.bits, type_.signed)
    try:
        if type_ in SIMPLE:
            return SIMPLE[type_]
    except TypeError:
        pass
    origin = typing.get_origin(type_) or type_
    if _unmarked["stored"] and dataclasses.is_dataclass(origin):
        allow_storage(origin)
    if origin in REFUSED:
        raise TypeError(f"{where}: {REFUSED[origin]}")
    if origin in GENERIC:
        return GENERIC[origin](typing.get_args(type_), where)
    if isinstance(origin, type) and "__allow_storage__" in vars(origin):
        codecs = vars(origin).get("__agora_codecs__")
        if codecs is None:
            codecs = origin.__agora_codecs__ = {}
        args = typing.get_args(type_)
        codec = codecs.get(args)
        if codec is None:
            codec = codecs[args] = StructCodec(origin, _arguments(origin, args, where))
            if len(codecs) == 1:
                _make_in_memory(origin, codec)
        return codec
    if dataclasses.is_dataclass(origin):
        raise TypeError(f"{where}: `{origin.__name__}` is not marked for usage within storage: "
                        "annotate it with `@allow_storage`")
    name = getattr(type_, "__name__", None) or repr(type_)
    raise TypeError(f"{where}: `{name}` cannot be stored"
                    + getattr(type_, "__agora_instead__", ""))
