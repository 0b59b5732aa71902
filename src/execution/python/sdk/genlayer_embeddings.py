"""Vector databases in a contract's storage, and texts as vectors.

The weights of the model that GenVM brings are no part of this network. What stands in for it knows
spelling and no meaning: texts with words in common are close, the same on every node, but
similarities are other numbers than those of `all-MiniLM-L6-v2`.
"""

import math as _math
import typing as _typing

import _vectors
from genlayer import storage as _storage
from genlayer.arrays import made as _made, ndarray as _ndarray
from genlayer.collections import DynArray as _DynArray, FIRST_MAP as _FIRST_MAP
from genlayer.collections import TreeMap as _TreeMap, _View, _in_memory
from genlayer.memory import zero as _zero
from genlayer.scalars import DTYPES as _DTYPES, dtype as _dtype, dtype_of as _dtype_of
from genlayer.types import SIZED as _SIZED

__all__ = ["VecDB", "VecDBElement", "Distance", "CosineDistance", "EuclideanDistance",
           "EuclideanDistanceSquared", "ManhattanDistance", "ChebyshevDistance",
           "SentenceTransformer"]

MODEL = "all-MiniLM-L6-v2"
#: So many bytes of vectors are read at a time.
_CHUNK_BYTES = 1 << 20
Id = _typing.NewType("Id", int)


class SentenceTransformer:
    """Makes vectors of texts: 384 numbers of single precision, of length 1.

    Equal texts have equal vectors; those of texts with words or parts of words in common are near
    each other. They are not the model's own: see the module.
    """

    def __init__(self, model):
        if model != MODEL:
            raise ValueError(f"there is no model `{model}` on this network: there is `{MODEL}`")
        self.model = model

    def __call__(self, text):
        if not isinstance(text, str):
            raise TypeError(f"a vector is made of a str, not of `{type(text).__name__}`")
        return _made(_DTYPES["float32"].unpack(_vectors.embed(text)), _DTYPES["float32"])

    def __repr__(self):
        return f"SentenceTransformer({self.model!r})"


def get_model(*args, **kwargs):
    raise NotImplementedError("models cannot be loaded on this network: write "
                              f"`SentenceTransformer('{MODEL}')`")


SentenceTransformerFromPath = get_model


class Distance:
    """How far apart two vectors are: a class of yours, with `@allow_storage`, defines `__call__`."""

    #: What the network computes by itself.
    _metric = None

    def __call__(self, l, r):
        if self._metric is None:
            raise NotImplementedError(f"`{type(self).__name__}` defines no `__call__(self, l, r)`")
        wide = _DTYPES["float64"]
        left, right = (wide.pack(wide.settle(side.flat_list())) for side in (l, r))
        return l.dtype.wrapped(_vectors.distances(self._metric, False, left, right)[0])


class CosineDistance(Distance):
    """1 less the cosine of the angle between two vectors: what a VecDB of three parameters has."""

    _metric = "cosine"


class EuclideanDistance(Distance):
    """The length of the way between two vectors."""

    _metric = "euclidean"


class EuclideanDistanceSquared(Distance):
    """The square of the length of the way between two vectors."""

    _metric = "euclidean_squared"


class ManhattanDistance(Distance):
    """The differences of two vectors, added up."""

    _metric = "manhattan"


class ChebyshevDistance(Distance):
    """The largest difference of two vectors."""

    _metric = "chebyshev"


_OWN = (CosineDistance, EuclideanDistance, EuclideanDistanceSquared, ManhattanDistance,
        ChebyshevDistance)


class VecDBElement:
    """One entry of a VecDB; `distance` is that from what was searched for, and None otherwise."""

    __slots__ = ("_db", "_id", "distance")

    def __init__(self, db, id, distance):
        self._db, self._id, self.distance = db, id, distance

    @property
    def id(self):
        """The number of the entry, which a later entry may have after it is removed."""
        return self._id

    @property
    def key(self):
        """The vector, as an array of its own."""
        return self._db._keys[self._id]

    @property
    def value(self):
        """What is stored with the vector; records can be changed in place."""
        return self._db._values[self._id]

    @value.setter
    def value(self, value):
        self._db._values[self._id] = value

    def remove(self):
        """Takes the entry out. Nothing happens when it is out already."""
        self._db._free_idx[self._id] = None

    def __repr__(self):
        return (f"VecDB.Element(id={self.id!r}, key={self.key!r}, value={self.value!r}, "
                f"distance={self.distance})")


class VecDB(_View):
    """Vectors with values: `VecDB[np.float32, typing.Literal[n], V]`, and a distance if you like.

    A search compares with every vector, so it finds the nearest ones, whatever the distance is. Loops
    over a VecDB or over what `knn` found may remove entries: those removed are passed over.
    """

    __slots__ = ("_keys", "_values", "_free_idx")
    Id = Id
    Element = VecDBElement

    def __len__(self):
        return len(self._keys) - len(self._free_idx)

    def insert(self, key, val):
        """Adds a vector and its value; returns the id, the largest of those that are free."""
        key = self._codec.checked(key)
        if key.dtype is not self._codec.dtype:
            raise AssertionError(f"`{self._codec.name}` takes vectors of {self._codec.dtype}, not of "
                                 f"{key.dtype}: .astype(np.{self._codec.dtype})")
        if len(self._free_idx):
            id = list(self._free_idx)[-1]
            self._values[id], self._keys[id] = val, key
            del self._free_idx[id]
            return id
        self._values.append(val)
        self._keys.append(key)
        return len(self._keys) - 1

    def get_by_id(self, id):
        """The entry of this id; KeyError when there is none."""
        found = self.get_by_id_or_none(id)
        if found is None:
            raise KeyError(f"no element with id {id}")
        return found

    def get_by_id_or_none(self, id):
        """The entry of this id, or None."""
        if not 0 <= id < len(self._keys) or id in self._free_idx:
            return None
        return VecDBElement(self, id, None)

    def knn(self, v, k):
        """The `k` entries nearest to a vector, nearest first; of equally near ones the smaller id."""
        vector = self._codec.checked(v).astype(self._codec.dtype)
        return self._nearest(vector, k)

    def _nearest(self, vector, k):
        if k <= 0:
            return
        free = set(self._free_idx)
        found = sorted((distance, id) for id, distance in enumerate(self._distances(vector))
                       if id not in free and _math.isfinite(distance))
        wrapped = self._codec.dtype.wrapped if self._codec.dtype.kind == "f" else float
        for distance, id in found:
            if id in self._free_idx:
                continue
            yield VecDBElement(self, id, wrapped(distance))
            k -= 1
            if k <= 0:
                return

    def _distances(self, vector):
        """The distances of all vectors, removed ones too, in the order of ids."""
        codec = self._codec
        if codec.own is not None:
            measure = _zero(codec.own)
            return [float(measure(key, vector)) for key in self._keys]
        is_plain = codec.dtype.kind == "f"
        packed = vector.tobytes() if is_plain else _wide(vector.flat_list())
        result = []
        for keys in self._packed():
            keys = keys if is_plain else _wide(codec.dtype.unpack(keys))
            result += _vectors.distances(codec.metric, codec.dtype.name == "float32", keys, packed)
        return result

    def _packed(self):
        """The bytes of all vectors, some at a time."""
        if not isinstance(self._keys, _DynArray):
            yield from (key.tobytes() for key in self._keys)
            return
        slot, _ = self._keys._place(0)
        size = self._codec.key.size
        end = len(self._keys) * size
        step = max(1, _CHUNK_BYTES // size) * size
        for start in range(0, end, step):
            yield _storage.read(slot, start, min(step, end - start))

    def __iter__(self):
        for id in range(len(self._keys)):
            if id not in self._free_idx:
                yield VecDBElement(self, id, None)

    def __repr__(self):
        return f"VecDB({list(self)!r})"

    def _copied(self):
        """One in memory with the same entries."""
        made = self._codec.zero()
        made._keys[:] = self._keys
        made._values[:] = map(_in_memory, self._values)
        made._free_idx.update(self._free_idx.items())
        return made


def _wide(numbers):
    wide = _DTYPES["float64"]
    return wide.pack(wide.settle(numbers))


def _part(codec, slot, offset, parts):
    made = object.__new__(VecDB)
    made._slot, made._offset, made._codec = slot, offset, codec
    made._keys, made._values, made._free_idx = parts
    return made


class VecDBCodec:
    """Vectors, values and the ids of removed entries, as the public library of three parameters.

    The tree that the one of four parameters adds is not kept: there is no search that needs it.
    """

    def __init__(self, args, where):
        if len(args) not in (3, 4):
            raise TypeError(f"{where}: write `VecDB[np.float32, typing.Literal[n], V]`, with a "
                            "distance as a fourth parameter if you like")
        type_, length, value, distance = *args, *(CosineDistance,)[:4 - len(args)]
        try:
            _dtype_of(type_)
        except TypeError as error:
            raise TypeError(f"{where}: {error}") from None
        is_own = distance in _OWN
        self.metric = distance._metric if is_own else None
        self.own = None if is_own else _storage.codec_of(distance, f"distance of {where}")
        known = bool(_FIRST_MAP)
        fields = (("_keys", _DynArray[_ndarray[tuple[length], _dtype[type_]]]),
                  ("_values", _DynArray[value]), ("_free_idx", _TreeMap[_SIZED["u32"], None]))
        self.fields, self.size = _storage.lay_out(where, fields)
        if not known:
            # A `TreeMap()` of the contract's is of its own first type, not of the free ids.
            _FIRST_MAP.clear()
        self.key = self.fields[0].codec.item
        self.dtype, self.length = self.key.dtype, self.key.length
        if self.own is not None:
            self.size += self.own.size
        names = (self.dtype.name, str(self.length), self.fields[1].codec.item.name,
                 distance.__name__)
        self.name = f"VecDB[{', '.join(names[:len(args)])}]"

    def checked(self, vector):
        """The vector, if it can be one of these."""
        if not isinstance(vector, _ndarray):
            raise TypeError(f"`{self.name}` takes vectors as arrays, not as "
                            f"`{_storage.kind(vector)}`: np.array(…, dtype=np.{self.dtype})")
        if vector.shape != (self.length,):
            raise ValueError(f"`{self.name}` takes vectors of {self.length} numbers; this one has "
                             f"the shape {vector.shape}")
        if vector.dtype.kind == "f" and not all(map(_math.isfinite, vector.flat_list())):
            raise ValueError(f"`{self.name}` takes vectors of finite numbers: there is a NaN or an "
                             "infinity in this one")
        return vector

    def zero(self):
        return _part(self, None, None, [_zero(field.codec) for field in self.fields])

    def get(self, slot, offset):
        parts = [field.codec.get(slot, offset + field.offset) for field in self.fields]
        return _part(self, slot, offset, parts)

    def set(self, slot, offset, value):
        if not isinstance(value, VecDB) or value._codec.name != self.name:
            raise AssertionError(f"`{self.name}` storage takes one, not `{_storage.kind(value)}`: a "
                                 "field is there and empty from the start")
        if (value._slot, value._offset) == (slot, offset):
            return
        for field in self.fields:
            field.codec.set(slot, offset + field.offset, getattr(value, field.name))


_storage.GENERIC[VecDB] = VecDBCodec
