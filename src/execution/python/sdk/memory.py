"""Values of storage types that are not in storage: zero values and collections in memory.

A `TreeMap()` a contract makes lives in memory until it is assigned to a field, which copies it.
"""

import copy
import functools
import typing

import _genlayer_code
from genlayer import collections, storage
from genlayer.collections import Array, DynArray, TreeMap
from genlayer.storage import codec_of, kind


class MemoryMap(TreeMap):
    """A TreeMap in memory; `_codec` tells its types."""

    __slots__ = ("_entries",)

    def __init__(self, codec):
        self._slot = self._offset = None
        self._codec = codec
        self._entries = {}

    def __deepcopy__(self, memo):
        made = MemoryMap(self._codec)
        made._entries = copy.deepcopy(self._entries, memo)
        return made

    def __len__(self):
        return len(self._entries)

    def __getitem__(self, key):
        return self._entries[key]

    def __setitem__(self, key, value):
        self._entries[key] = value

    def __delitem__(self, key):
        del self._entries[key]

    def __contains__(self, key):
        return key in self._entries

    def get(self, key, default=None):
        return self._entries.get(key, default)

    def get_or_insert_default(self, key):
        if key not in self._entries:
            if self._codec is None:
                raise TypeError("this TreeMap has no types: write `TreeMap[K, V]()`")
            self._entries[key] = zero(self._codec.value)
        return self._entries[key]

    def assign(self, other):
        self._entries = dict(other.items())
        return self

    def __iter__(self):
        yield from sorted(self._entries)

    def _walk(self):
        for key in sorted(self._entries):
            yield key, self._entries[key]


class MemoryList(list):
    """A DynArray in memory."""

    def __init__(self, items=(), codec=None):
        # `dataclasses.asdict` makes one of the items alone.
        super().__init__(items)
        self._codec = codec

    def append_new_get(self):
        self.append(zero(self._codec.item))
        return self[-1]

    def pop(self):
        if not self:
            raise Exception("can't pop from empty array")
        del self[-1]

    def truncate(self, length=0):
        del self[length:]

    def assign(self, values):
        self[:] = values
        return self


def copied(value):
    """A collection in memory with what a stored one, or one in memory, holds."""
    if isinstance(value, TreeMap):
        made = MemoryMap(value._codec)
        made._entries = {key: collections._in_memory(item) for key, item in value.items()}
        return made
    items = [collections._in_memory(item) for item in value]
    return MemoryList(items, value._codec) if isinstance(value, DynArray) else items


def _own(codec, value):
    """A copy of what a field of a record in memory is given."""
    if isinstance(codec, collections.TreeMapCodec):
        if not isinstance(value, TreeMap):
            return value
        made = copied(value)
        made._codec = codec
        return made
    if not isinstance(value, (list, DynArray, Array)):
        return value
    items = [collections._in_memory(item) for item in value]
    return MemoryList(items, codec) if isinstance(codec, collections.DynArrayCodec) else items


def keep_own_collections(cls, codec):
    """A record made by hand has collections of its own: copies of what it is given."""
    kinds = (collections.DynArrayCodec, collections.ArrayCodec, collections.TreeMapCodec)
    fields = [field for field in codec.fields if isinstance(field.codec, kinds)]
    original = cls.__init__

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        for field in () if hasattr(self, "_slot") else fields:
            value = getattr(self, field.name, None)
            object.__setattr__(self, field.name, _own(field.codec, value))

    if fields:
        cls.__init__ = __init__


def zero(codec):
    """The zero value of a type, in memory."""
    if isinstance(codec, collections.TreeMapCodec):
        return MemoryMap(codec)
    if isinstance(codec, collections.DynArrayCodec):
        return MemoryList(codec=codec)
    if isinstance(codec, collections.ArrayCodec):
        return [zero(codec.item) for _ in range(codec.length)]
    if isinstance(codec, storage.StructCodec):
        made = object.__new__(codec.cls)
        for field in codec.fields:
            object.__setattr__(made, field.name, zero(field.codec))
        return made
    return codec.zero()


def make_map(cls):
    """`TreeMap()`: of the types of the first TreeMap the file declares, as with GenVM's SDK."""
    return MemoryMap(collections.FIRST_MAP[0] if collections.FIRST_MAP else None)


def inmem_allocate(type_, *args, **kwargs):
    """A value of a storage type in memory: zeros, then its constructor."""
    codec = codec_of(type_, "inmem_allocate")
    made = zero(codec)
    if isinstance(made, (MemoryMap, list)):
        if kwargs or len(args) > 1:
            raise TypeError(f"`{codec.name}` takes what it begins with, and nothing else")
        if args and isinstance(made, MemoryMap):
            made.update(args[0])
        elif args:
            made[:] = args[0]
    elif isinstance(typing.get_origin(type_) or type_, type) and hasattr(made, "__dict__"):
        if args or kwargs:
            made.__init__(*args, **kwargs)
    elif args:
        return args[0]
    return made


def copy_to_memory(value):
    """A copy of a stored value that can leave storage, as into a non-deterministic block."""
    return collections._in_memory(value)


class Slot(bytes):
    """The name of a slot, and a way to it."""

    def as_int(self):
        """As the list of locked slots has it."""
        return int.from_bytes(self, "little")

    def indirect(self, offset):
        """The slot derived from a position in this one."""
        return Slot(storage.child(self, offset))

    def read(self, offset, length):
        return storage.read(self, offset, length)

    def write(self, offset, data):
        storage.write(self, offset, data)


class Indirection:
    """A value in the slot derived from its position."""

    def __init__(self, codec, slot, offset):
        self._place = (codec, Slot(storage.child(slot, offset)))

    def get(self):
        codec, slot = self._place
        return codec.get(slot, 0)

    def set(self, value):
        codec, slot = self._place
        codec.set(slot, 0, value)

    def slot(self):
        """The slot that the value lies in."""
        return self._place[1]

    def __class_getitem__(cls, parameters):
        return collections.types.GenericAlias(cls, parameters)


class VLA(DynArray):
    """An array of variable length whose length and items lie in one slot."""

    __slots__ = ()

    def _place(self, index):
        return self._slot, self._offset + 4 + index * self._codec.item.size


class VLACodec(collections.DynArrayCodec):
    """See `VLA`."""

    def get(self, slot, offset):
        return collections._view(VLA, slot, offset, self)


class Code:
    """The contract's own code: read as bytes, and replaced like an array of them.

    What runs stays what it is; whoever calls later meets the new code.
    """

    __slots__ = ()

    def __bytes__(self):
        return _genlayer_code.read()

    def __len__(self):
        return _genlayer_code.length()

    def __getitem__(self, index):
        return bytes(self)[index]

    def __iter__(self):
        return iter(bytes(self))

    def __contains__(self, value):
        return value in bytes(self)

    def __eq__(self, other):
        if isinstance(other, (Code, bytes, bytearray)):
            return bytes(self) == bytes(other)
        return NotImplemented

    __hash__ = None

    def __repr__(self):
        return repr(bytes(self))

    def __getattr__(self, name):
        # Everything that bytes can be asked: `decode`, `find`, `startswith`, …
        return getattr(bytes(self), name)

    @staticmethod
    def _taken(values):
        if isinstance(values, (str, int)):
            raise TypeError(f"code is bytes, not `{storage.kind(values)}`")
        return bytes(values) if hasattr(values, "__bytes__") else bytes(bytearray(values))

    def _edit(self, change):
        data = bytearray(bytes(self))
        change(data)
        self.assign(data)

    def __setitem__(self, index, value):
        value = self._taken(value) if isinstance(index, slice) else value
        self._edit(lambda data: data.__setitem__(index, value))

    def __delitem__(self, index):
        self._edit(lambda data: data.__delitem__(index))

    def insert(self, index, value):
        self._edit(lambda data: data.insert(index, value))

    def pop(self):
        """Takes the last byte out, and returns nothing."""
        self._edit(lambda data: data.pop())

    def append(self, value):
        """Adds a byte at the end."""
        self.extend((value,))

    def extend(self, values):
        """Adds bytes at the end."""
        end = len(self)
        _genlayer_code.replace(end, end, self._taken(values))

    def __iadd__(self, values):
        self.extend(values)
        return self

    def truncate(self, length=0):
        """Keeps the first `length` bytes."""
        if length < len(self):
            _genlayer_code.replace(length, len(self), b"")

    def clear(self):
        """Takes all bytes out."""
        self.truncate(0)

    def assign(self, values):
        """Takes these bytes in place of its own."""
        _genlayer_code.replace(0, len(self), self._taken(values))
        return self


class CodeCodec:
    """The network keeps code by itself, not in the contract's storage."""

    name = "VLA"
    size = 4

    def get(self, slot, offset):
        return Code()

    def set(self, slot, offset, value):
        Code().assign(value)


ROOT_SLOT_ID = bytes(32)


class Root:
    """The first slot of a contract: where its fields, its code and its rights lie.

    When a contract is deployed, the root, the code and the rights are locked before its constructor
    runs: only `upgraders` write them then.
    """

    MANAGER = None

    @staticmethod
    def get():
        """The root of the running contract."""
        return Root()

    @property
    def contract_instance(self):
        return Indirection(storage.NoneCodec(), ROOT_SLOT_ID, 0)

    @property
    def code(self):
        return Indirection(CodeCodec(), ROOT_SLOT_ID, 1)

    @property
    def locked_slots(self):
        return Indirection(VLACodec((storage.SIZED_U256,), "locked_slots"), ROOT_SLOT_ID, 2)

    @property
    def upgraders(self):
        return Indirection(VLACodec((storage.Address,), "upgraders"), ROOT_SLOT_ID, 3)

    def lock_default(self):
        """Locks the root, the code and the rights themselves."""
        locked = self.locked_slots.get()
        for slot in (self.slot(), self.code.slot(), self.locked_slots.slot(),
                     self.upgraders.slot()):
            locked.append(slot.as_int())

    def slot(self):
        return Slot(ROOT_SLOT_ID)
