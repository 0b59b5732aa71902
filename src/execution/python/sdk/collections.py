"""Collections that live in storage: DynArray, Array and TreeMap.

Instances are views: a position in storage and the codecs of what lies there.
"""

import collections.abc
import types
import typing

from genlayer import storage
from genlayer.storage import GENERIC, child, codec_of, kind, read, write


def _u32(slot, offset):
    return int.from_bytes(read(slot, offset, 4), "little")


def _set_u32(slot, offset, value):
    write(slot, offset, value.to_bytes(4, "little"))


class _View:
    """What all collections have in common."""

    __slots__ = ("_slot", "_offset", "_codec")

    def __init__(self, *args, **kwargs):
        raise TypeError("this class can't be instantiated by user: declare a "
                        f"`{type(self).__name__}` as a field, it is there and empty from the start")

    def __class_getitem__(cls, parameters):
        if not isinstance(parameters, tuple):
            parameters = (parameters,)
        return types.GenericAlias(cls, parameters)


def _view(cls, slot, offset, codec):
    view = object.__new__(cls)
    view._slot, view._offset, view._codec = slot, offset, codec
    return view


class _Sequence(_View):
    """Indexing, iteration and comparison over `__len__` and `_place`."""

    __slots__ = ()

    def _index(self, index):
        if not isinstance(index, int):
            raise TypeError(f"an index is an int, not `{kind(index)}`")
        length = len(self)
        position = index + length if index < 0 else index
        if not 0 <= position < length:
            raise IndexError(f"index {index} is out of range: the length is {length}")
        return position

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._codec.item.get(*self._place(self._index(index)))

    def __setitem__(self, index, value):
        if isinstance(index, slice):
            self._set_slice(index, list(value))
            return
        self._codec.item.set(*self._place(self._index(index)), value)

    def _set_slice(self, places, values):
        """As with a list, of the same length for an array."""
        items = [_in_memory(item) for item in self]
        items[places] = values
        self._codec.set(self._slot, self._offset, items)

    def assign(self, values):
        """Takes the items of an iterable in place of its own."""
        self._codec.set(self._slot, self._offset, list(values))
        return self

    def reverse(self):
        """Turns the order of the items around."""
        self._set_slice(slice(None), [_in_memory(item) for item in reversed(self)])

    def __iter__(self):
        # The length counts as it is at first: a loop that appends ends.
        for index in range(len(self)):
            yield self[index]

    def __reversed__(self):
        for index in range(len(self) - 1, -1, -1):
            yield self._codec.item.get(*self._place(index))

    def __contains__(self, value):
        return any(item == value for item in self)

    def index(self, value, start=0, stop=None):
        for index, item in enumerate(self):
            if index >= start and (stop is None or index < stop) and item == value:
                return index
        raise ValueError(f"{value!r} is not in the {type(self).__name__}")

    def count(self, value):
        return sum(1 for item in self if item == value)

    def __eq__(self, other):
        if isinstance(other, (_Sequence, list, tuple)):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other))
        return NotImplemented

    __hash__ = None

    def __repr__(self):
        return f"[{','.join(map(repr, self))}]"


class DynArray(_Sequence):
    """A list: its length in place, its items one after another in the derived slot."""

    __slots__ = ()

    def __len__(self):
        return _u32(self._slot, self._offset)

    def _place(self, index):
        return child(self._slot, self._offset), index * self._codec.item.size

    def append(self, value):
        """Adds an item at the end."""
        length = len(self)
        place = self._place(length)
        write(*place, bytes(self._codec.item.size))
        self._codec.item.set(*place, value)
        _set_u32(self._slot, self._offset, length + 1)

    def append_new_get(self):
        """Adds an item of zeros at the end and returns it."""
        length = len(self)
        place = self._place(length)
        write(*place, bytes(self._codec.item.size))
        _set_u32(self._slot, self._offset, length + 1)
        return self._codec.item.get(*place)

    def extend(self, values):
        """Adds all items of an iterable."""
        for value in list(values):
            self.append(value)

    def __iadd__(self, values):
        self.extend(values)
        return self

    def pop(self):
        """Takes the last item out. It returns nothing, in all of GenVM's SDKs."""
        length = len(self)
        if length == 0:
            raise Exception("can't pop from empty array")
        self.truncate(length - 1)

    def insert(self, index, value):
        """Puts an item before `index`."""
        length = len(self)
        index = max(0, index + length) if index < 0 else min(index, length)
        self.append(value)
        self._rotate(index, length)

    def _rotate(self, index, last):
        """Moves the last item to `index`, in place: what its derived slots hold moves along."""
        values = [_in_memory(self[i]) for i in range(index, last + 1)]
        for position, value in zip(range(index, last + 1), [values[-1], *values[:-1]]):
            self[position] = value

    def remove(self, value):
        """Takes the first equal item out."""
        del self[self.index(value)]

    def __delitem__(self, index):
        if isinstance(index, slice):
            for position in sorted(range(*index.indices(len(self))), reverse=True):
                del self[position]
            return
        index = self._index(index)
        length = len(self)
        for position in range(index, length - 1):
            self[position] = _in_memory(self[position + 1])
        self.truncate(length - 1)

    def truncate(self, length=0):
        """Keeps the first `length` items."""
        size, old = self._codec.item.size, len(self)
        if length < old:
            slot, offset = self._place(length)
            write(slot, offset, bytes(size * (old - length)))
            _set_u32(self._slot, self._offset, length)

    def clear(self):
        """Takes all items out."""
        self.truncate(0)


class Array(_Sequence):
    """A fixed number of items, inline."""

    __slots__ = ()

    def __len__(self):
        return self._codec.length

    def _place(self, index):
        return self._slot, self._offset + index * self._codec.item.size


class _Items(collections.abc.ItemsView):
    """The entries of a map, found in one walk."""

    def __iter__(self):
        return self._mapping._walk()


class _Values(collections.abc.ValuesView):
    """The values of a map, found in one walk."""

    def __iter__(self):
        for _, value in self._mapping._walk():
            yield value


class _MapType(type):
    """Makes `TreeMap()` a map in memory."""

    def __call__(cls, *args, **kwargs):
        if cls is not TreeMap:
            return super().__call__(*args, **kwargs)
        if args or kwargs:
            raise TypeError("TreeMap() takes no arguments")
        from genlayer.memory import make_map

        return make_map(cls)


class TreeMap(_View, metaclass=_MapType):
    """A map ordered by key."""

    __slots__ = ()

    def __len__(self):
        codec = self._codec
        return _u32(self._slot, self._offset + 4) - _u32(self._slot, self._offset + 8)

    def _find(self, key):
        return self._codec.tree(self._slot, self._offset).find(key)

    def __getitem__(self, key):
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return self._codec.value.get(*value)

    def __setitem__(self, key, value):
        tree = self._codec.tree(self._slot, self._offset)
        tree.check(key)
        place = tree.find(key)
        if place is None:
            place = tree.insert(key)
        self._codec.value.set(*place, value)

    def __delitem__(self, key):
        if not self._codec.tree(self._slot, self._offset).remove(key):
            raise KeyError(key)

    def __contains__(self, key):
        return self._find(key) is not None

    def get(self, key, default=None):
        """The value of `key`, or `default`."""
        place = self._find(key)
        return default if place is None else self._codec.value.get(*place)

    def get_or_insert_default(self, key):
        """The value of `key`; a zero value is put there first when there is none."""
        tree = self._codec.tree(self._slot, self._offset)
        tree.check(key)
        return self._codec.value.get(*(tree.find(key) or tree.insert(key)))

    def compute_if_absent(self, key, make):
        """The value of `key`; `make()` is put there first when there is none."""
        if key not in self:
            self[key] = make()
        return self[key]

    def setdefault(self, key, default=None):
        """The value of `key`; `default` is put there first when there is none."""
        return self.compute_if_absent(key, lambda: default)

    def pop(self, key, *default):
        """Takes an entry out and returns its value."""
        if key not in self:
            if default:
                return default[0]
            raise KeyError(key)
        value = _in_memory(self[key])
        del self[key]
        return value

    def popitem(self):
        """Takes the first entry out and returns its key and value."""
        for key in self:
            return key, self.pop(key)
        raise KeyError("popitem(): the TreeMap is empty")

    def update(self, other=(), /, **named):
        """Puts all entries of another map, or all pairs, in."""
        for key, value in other.items() if hasattr(other, "items") else other:
            self[key] = value
        for key, value in named.items():
            self[key] = value

    def assign(self, other):
        """Takes the entries of another TreeMap in place of its own."""
        self._codec.set(self._slot, self._offset, other)
        return self

    def clear(self):
        """Takes all entries out."""
        for key in list(self):
            del self[key]

    def __iter__(self):
        for key, _ in self._codec.tree(self._slot, self._offset).walk():
            yield key

    def keys(self):
        """Keys in order."""
        return collections.abc.KeysView(self)

    def values(self):
        """Values in the order of keys."""
        return _Values(self)

    def items(self):
        """Pairs of key and value in the order of keys."""
        return _Items(self)

    def _walk(self):
        for key, place in self._codec.tree(self._slot, self._offset).walk():
            yield key, self._codec.value.get(*place)

    def __eq__(self, other):
        if isinstance(other, (TreeMap, dict)):
            return dict(self.items()) == dict(other.items())
        return NotImplemented

    __hash__ = None

    def __repr__(self):
        return f"{{{','.join(f'{key!r}:{value!r}' for key, value in self.items())}}}"


def _in_memory(value):
    """A value that stays what it is when storage changes."""
    if isinstance(value, (_Sequence, TreeMap)):
        from genlayer.memory import copied

        return copied(value)
    if hasattr(type(value), "_copied"):
        return value._copied()
    if getattr(type(value), "_agora_view", False):
        copy = object.__new__(type(value).__mro__[1])
        for field in vars(type(value)).values():
            if isinstance(field, storage.Field):
                object.__setattr__(copy, field.name, _in_memory(getattr(value, field.name)))
        return copy
    return value


class DynArrayCodec:
    """See `DynArray`."""

    size = 4

    def __init__(self, args, where):
        if len(args) != 1:
            raise TypeError(f"{where}: write `DynArray[T]` with the type of its items")
        self.item = codec_of(args[0], where)
        self.name = f"DynArray[{self.item.name}]"

    def get(self, slot, offset):
        return _view(DynArray, slot, offset, self)

    def set(self, slot, offset, value):
        if isinstance(value, DynArray) and (value._slot, value._offset) == (slot, offset):
            return
        if not isinstance(value, (list, tuple, _Sequence)):
            raise TypeError(f"`{self.name}` storage takes a list, not `{kind(value)}`")
        items = [_in_memory(item) for item in value]
        array = self.get(slot, offset)
        array.clear()
        array.extend(items)


class ArrayCodec:
    """See `Array`."""

    def __init__(self, args, where):
        length = args[1] if len(args) == 2 else None
        if typing.get_origin(length) is typing.Literal:
            length = typing.get_args(length)[0]
        if not isinstance(length, int) or length <= 0:
            raise TypeError(f"{where}: write `Array[T, Literal[n]]` with n > 0")
        self.item = codec_of(args[0], where)
        self.length = length
        self.size = self.item.size * length
        self.name = f"Array[{self.item.name}, {length}]"

    def get(self, slot, offset):
        return _view(Array, slot, offset, self)

    def set(self, slot, offset, value):
        if not isinstance(value, (list, tuple, _Sequence)):
            raise TypeError(f"`{self.name}` storage takes a list, not `{kind(value)}`")
        items = [_in_memory(item) for item in value]
        if len(items) != self.length:
            raise AssertionError(f"`{self.name}` storage takes {self.length} items, "
                                 f"not {len(items)}")
        for index, item in enumerate(items):
            self.item.set(slot, offset + index * self.item.size, item)


#: The codec of the first TreeMap the file of the running job declares.
FIRST_MAP = []


class TreeMapCodec:
    """See `TreeMap`: the root's number in place, then the array of nodes, then the free list."""

    size = 12

    def __init__(self, args, where):
        from genlayer.tree import Tree

        if len(args) != 2:
            raise TypeError(f"{where}: write `TreeMap[K, V]` with the types of keys and values")
        self.key = codec_of(args[0], where)
        if not isinstance(self.key, COMPARABLE):
            raise TypeError(f"{where}: `{self.key.name}` cannot be a key of a TreeMap: it has no "
                            "order")
        self.value = codec_of(args[1], where)
        self.name = f"TreeMap[{self.key.name}, {self.value.name}]"
        self.node = self.key.size + self.value.size + 9
        self._tree = Tree
        if not FIRST_MAP:
            FIRST_MAP.append(self)

    def tree(self, slot, offset):
        return self._tree(self, slot, offset)

    def get(self, slot, offset):
        return _view(TreeMap, slot, offset, self)

    def set(self, slot, offset, value):
        if isinstance(value, TreeMap) and (value._slot, value._offset) == (slot, offset):
            return
        if not isinstance(value, TreeMap):
            self._refuse(kind(value), kind(value))
        if value._codec is not None:
            # Equal types have equal names.
            if value._codec.name != self.name:
                self._refuse("TreeMap", value._codec.name)
        entries = {key: _in_memory(item) for key, item in value.items()}
        tree = self.get(slot, offset)
        tree.clear()
        tree.update(entries)

    def _refuse(self, theirs, type_):
        """The first sentence is that of GenVM's SDK."""
        raise AssertionError(f"Is right the same storage type? `TreeMap` <- `{theirs}`: "
                             f"`{self.name}` <- `{type_}`. A field is there and empty from the "
                             "start: leave the assignment out, put entries in one by one or with "
                             "`update`")


COMPARABLE = (storage.IntCodec, storage.StrCodec, storage.BytesCodec, storage.AddressCodec,
              storage.BigintCodec, storage.BoolCodec, storage.FloatCodec, storage.DatetimeCodec,
              storage.StructCodec)

GENERIC[DynArray] = DynArrayCodec
GENERIC[Array] = ArrayCodec
GENERIC[TreeMap] = TreeMapCodec
collections.abc.Sequence.register(_Sequence)
collections.abc.MutableSequence.register(DynArray)
collections.abc.MutableMapping.register(TreeMap)
