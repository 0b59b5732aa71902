"""`ndarray`: numbers of one type in one dimension or more.

The elements lie in a list, which slices share with the array they are of, as with numpy.
"""

import itertools
import math
import types

from genlayer import scalars
from genlayer.reductions import Reductions, ordered, total
from genlayer.scalars import ARITHMETIC, COMPARISONS, DTYPES, dtype_of, of_value, promoted


def _steps_of(shape):
    steps, step = [], 1
    for length in reversed(shape):
        steps.append(step)
        step *= length
    return tuple(reversed(steps))


def made(items, type_, shape=None):
    """An array of elements that have its type already."""
    self = object.__new__(ndarray)
    shape = (len(items),) if shape is None else shape
    self._items, self._start, self._steps = items, 0, _steps_of(shape)
    self.shape, self.dtype = shape, type_
    return self


def _seen(array, start, shape, steps):
    """A part of an array, over the same elements."""
    self = object.__new__(ndarray)
    self._items, self._start, self._steps = array._items, start, steps
    self.shape, self.dtype = shape, array.dtype
    return self


def _nested(value, leaves):
    """The shape of nested lists, whose numbers are added to `leaves`."""
    if isinstance(value, ndarray):
        leaves.extend(value._scalars())
        return value.shape
    if not (isinstance(value, (list, tuple, range)) or hasattr(value, "__iter__")) \
            or isinstance(value, (str, bytes, dict)):
        of_value(value)
        leaves.append(value)
        return ()
    shapes = {_nested(item, leaves) for item in value}
    if len(shapes) > 1:
        raise ValueError("setting an array element with a sequence: its parts have the shapes "
                         + " and ".join(map(str, sorted(shapes, key=str))))
    return len(value), *(shapes.pop() if shapes else ())


def array(value, dtype=None, copy=True):
    """An array of nested sequences of numbers, or of another array."""
    leaves = []
    shape = _nested(value, leaves)
    if dtype is not None:
        type_ = dtype_of(dtype)
    elif isinstance(value, ndarray):
        type_ = value.dtype
    else:
        found = {of_value(leaf) for leaf in leaves} or {DTYPES["float64"]}
        type_ = found.pop()
        for other in found:
            type_ = promoted(type_, other)
    if type_.kind == "f":
        return made(type_.settle([float(leaf) for leaf in leaves]), type_, shape)
    return made([type_.convert(leaf) for leaf in leaves], type_, shape)


def asarray(value, dtype=None):
    """As `array`, but what is one already stays the same."""
    if isinstance(value, ndarray) and (dtype is None or dtype_of(dtype) is value.dtype):
        return value
    return array(value, dtype)


def common_shape(*shapes):
    """The shape that results of these have."""
    result = []
    for lengths in itertools.zip_longest(*map(reversed, shapes), fillvalue=1):
        found = {length for length in lengths if length != 1}
        if len(found) > 1:
            raise ValueError("operands could not be broadcast together with shapes "
                             + " ".join(map(str, shapes)))
        result.append(found.pop() if found else 1)
    return tuple(reversed(result))


def _spread(array, shape):
    """An array seen in a larger shape."""
    missing = len(shape) - len(array.shape)
    steps = [0] * missing + [step if own == length else 0 for own, length, step in
                             zip(array.shape, shape[missing:], array._steps)]
    return _seen(array, array._start, shape, tuple(steps))


def _both(left, right):
    """Two operands as arrays of one shape; numbers of Python's have no type of their own."""
    shape = common_shape(left.shape, right.shape)
    return [one.flat_list() if one.shape == shape else _spread(one, shape).flat_list()
            for one in (left, right)], shape


def _typed(one, type_):
    """An operand as an array: what has no type of elements takes that of the results."""
    if isinstance(one, ndarray):
        return one
    if isinstance(one, scalars.generic):
        return made([one.item()], one.dtype, ())
    return made([type_.convert(one) if type_.kind != "b" else one], type_, ())


def combined(name, left, right):
    """One operation on the elements of two arrays, or of one and a number."""
    types_ = [one.dtype if isinstance(one, (ndarray, scalars.generic)) else one
              for one in (left, right)]
    if not isinstance(types_[0], scalars.dtype):
        types_.reverse()
    type_ = promoted(*types_)
    (first, second), shape = _both(_typed(left, type_), _typed(right, type_))
    if name in COMPARISONS:
        return made(list(map(COMPARISONS[name], first, second)), DTYPES["bool"], shape)
    if name == "truediv" and type_.kind != "f":
        type_ = DTYPES["float64"]
    if type_.kind == "b":
        raise TypeError(f"arrays of truths have no `{name}`: use `.astype(…)` first")
    if type_.kind == "f":
        first, second = map(float, first), map(float, second)
    return made(type_.settle(list(map(ARITHMETIC[name], first, second))), type_, shape)


def _operator(name, turned=False):
    def method(self, other):
        if isinstance(other, (list, tuple)):
            other = array(other)
        elif not isinstance(other, (ndarray, int, float)):
            return NotImplemented
        return scalar(combined(name, other, self) if turned else combined(name, self, other))

    return method


def _in_place(name):
    def method(self, other):
        self[...] = combined(name, self, other).astype(self.dtype)
        return self

    return method


def scalar(result):
    """An array without dimensions as the number it is."""
    return result if result.shape else result._scalars()[0]


def _shown(item, between):
    """An element as arrays show it: `1.` in place of `1.0`."""
    if isinstance(item, ndarray):
        return item._text(between)
    text = str(item)
    return text[:-1] if text.endswith(".0") else text


class ndarray(Reductions):
    """Numbers of one type, in one dimension or more."""

    __slots__ = ("_items", "_start", "_steps", "shape", "dtype")
    __hash__ = None

    def __init__(self, shape, dtype=float):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.dtype, self.shape, self._start = dtype_of(dtype), shape, 0
        self._items, self._steps = [self.dtype.zero()] * math.prod(shape), _steps_of(shape)

    def __class_getitem__(cls, parameters):
        return types.GenericAlias(cls, parameters)

    def __getattr__(self, name):
        known = ", ".join(known for known in dir(ndarray) if not known.startswith("_"))
        raise AttributeError(f"an array has no `{name}` on this network; it has {known}")

    def __reduce_ex__(self, protocol):
        return made, (self.flat_list(), self.dtype, self.shape)

    def __deepcopy__(self, memo):
        return self.copy()

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def itemsize(self):
        return self.dtype.itemsize

    @property
    def nbytes(self):
        return self.size * self.dtype.itemsize

    @property
    def T(self):
        return self.transpose()

    def transpose(self):
        return _seen(self, self._start, self.shape[::-1], self._steps[::-1])

    def _places(self):
        """Where the elements lie, in their order."""
        places = [self._start]
        for length, step in zip(self.shape, self._steps):
            places = [place + index * step for place in places for index in range(length)]
        return places

    def _is_whole(self):
        return self._steps == _steps_of(self.shape)

    def flat_list(self):
        """The elements as numbers of Python's, in one list of its own."""
        if self._is_whole():
            return self._items[self._start:self._start + self.size]
        return [self._items[place] for place in self._places()]

    def _scalars(self):
        return [self.dtype.wrapped(item) for item in self.flat_list()]

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(self.shape[0]))

    def _part(self, key):
        """The part of the array that a key of numbers and slices means."""
        key = key if isinstance(key, tuple) else (key,)
        if any(part is ... for part in key):
            at = next(index for index, part in enumerate(key) if part is ...)
            named = sum(part is not None for part in key) - 1
            key = key[:at] + (slice(None),) * (len(self.shape) - named) + key[at + 1:]
        if sum(part is not None for part in key) > len(self.shape):
            raise IndexError(f"too many indices: the array has {len(self.shape)} dimensions")
        start, shape, steps = self._start, [], []
        axes = iter(enumerate(zip(self.shape, self._steps)))
        for part in key:
            if part is None:
                shape.append(1)
                steps.append(0)
                continue
            axis, (length, step) = next(axes)
            if isinstance(part, slice):
                first, last, stride = part.indices(length)
                start += first * step
                shape.append(len(range(first, last, stride)))
                steps.append(step * stride)
                continue
            if isinstance(part, bool) or not isinstance(part, int):
                raise IndexError("an index is an int, a slice, `...`, or alone a list of ints or "
                                 f"truths, not `{type(part).__name__}`")
            if not -length <= part < length:
                raise IndexError(f"index {part} is out of bounds for axis {axis} with size "
                                 f"{length}")
            start += int(part) % length * step
        for _, (length, step) in axes:
            shape.append(length)
            steps.append(step)
        return _seen(self, start, tuple(shape), tuple(steps))

    def _chosen(self, key):
        """Which rows a list of numbers or of truths means."""
        key = asarray(key)
        if len(key.shape) != 1 or key.dtype.kind == "f" and key.size:
            raise IndexError("a list as an index is of ints or of truths, in one dimension")
        if key.dtype.kind != "b":
            return [int(index) for index in key.flat_list()]
        if len(key) != len(self):
            raise IndexError(f"{len(key)} truths choose from {len(self)} rows")
        return [index for index, chosen in enumerate(key.flat_list()) if chosen]

    def _flattened(self, key):
        """The places of the elements that truths in this array's own shape mean, or None."""
        if isinstance(key, ndarray) and key.dtype.kind == "b" and key.shape == self.shape:
            return [place for place, chosen in zip(self._places(), key.flat_list()) if chosen]
        return None

    def __getitem__(self, key):
        places = self._flattened(key)
        if places is not None:
            return made([self._items[place] for place in places], self.dtype)
        if isinstance(key, (list, ndarray)):
            rows = [self._part(index) for index in self._chosen(key)]
            items = [item for row in rows for item in row.flat_list()]
            return made(items, self.dtype, (len(rows), *self.shape[1:]))
        return scalar(self._part(key)) if key is not ... else self._part(key)

    def __setitem__(self, key, value):
        value = asarray(value)
        value = value if value.dtype is self.dtype else value.astype(self.dtype)
        places = self._flattened(key)
        if places is not None:
            self._put(places, value, (len(places),))
            return
        if not isinstance(key, (list, ndarray)):
            part = self._part(key)
            self._put(part._places(), value, part.shape)
            return
        rows = [self._part(index) for index in self._chosen(key)]
        places = [place for row in rows for place in row._places()]
        self._put(places, value, (len(rows), *self.shape[1:]))

    def _put(self, places, value, shape):
        """Puts the elements of an array, spread to a shape, into their places."""
        if value.shape != shape:
            if common_shape(value.shape, shape) != shape:
                raise ValueError(f"shape {value.shape} does not fit into shape {shape}")
            value = _spread(value, shape)
        for place, item in zip(places, value.flat_list()):
            self._items[place] = item

    def __contains__(self, value):
        return value in self.flat_list()

    def __bool__(self):
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. "
                             "Use a.any() or a.all()")
        return bool(self.flat_list()[0])

    def _one(self):
        if self.size != 1:
            raise TypeError("only an array of one element is a number")
        return self.flat_list()[0]

    def __float__(self):
        return float(self._one())

    def __int__(self):
        return int(self._one())

    def item(self, *index):
        """An element as a number of Python's."""
        return self[index].item() if index else self._one()

    def __neg__(self):
        return scalar(made(self.dtype.settle([-item for item in self.flat_list()]), self.dtype,
                           self.shape))

    def __pos__(self):
        return self.copy()

    def __abs__(self):
        return self._each(abs)

    def __invert__(self):
        return self._each(lambda item: not item if self.dtype.kind == "b" else ~item)

    def _each(self, function):
        items = self.dtype.settle(list(map(function, self.flat_list())))
        return made(items, self.dtype, self.shape)

    def _truths(self, other, function):
        (left, right), shape = _both(self, asarray(other))
        return made(list(map(function, left, right)), promoted(self.dtype, asarray(other).dtype), shape)

    def __and__(self, other):
        return self._truths(other, lambda left, right: left & right)

    def __or__(self, other):
        return self._truths(other, lambda left, right: left | right)

    def __matmul__(self, other):
        return self.dot(other)

    def __repr__(self):
        words = "" if self.dtype.name in ("float64", "int64", "bool") else f", dtype={self.dtype}"
        return f"array({self._text(', ')}{words})"

    def __str__(self):
        return self._text(" ")

    def _text(self, between):
        if not self.shape:
            return str(self._scalars()[0])
        return "[" + between.join(_shown(item, between) for item in self) + "]"

    def copy(self):
        return made(self.flat_list(), self.dtype, self.shape)

    def flatten(self):
        return made(self.flat_list(), self.dtype)

    def ravel(self):
        return self.reshape(-1)

    def reshape(self, *shape):
        """The same elements in another shape; one length may be -1."""
        shape = list(shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)
        if -1 in shape:
            rest = -math.prod(shape)
            shape[shape.index(-1)] = self.size // rest if rest else 0
        if math.prod(shape) != self.size:
            raise ValueError(f"cannot reshape array of size {self.size} into shape {tuple(shape)}")
        array = self if self._is_whole() else self.copy()
        return _seen(array, array._start, tuple(shape), _steps_of(shape))

    def squeeze(self):
        kept = [pair for pair in zip(self.shape, self._steps) if pair[0] != 1]
        return _seen(self, self._start, tuple(length for length, _ in kept),
                     tuple(step for _, step in kept))

    def astype(self, dtype, copy=True):
        """The elements as another type has them: rounded, cut off, or wrapped around."""
        type_ = dtype_of(dtype)
        return made(type_.settle(self.flat_list()), type_, self.shape)

    def tolist(self):
        """Nested lists of numbers of Python's."""
        if not self.shape:
            return self.flat_list()[0]
        return [item.tolist() for item in self] if len(self.shape) > 1 else self.flat_list()

    def tobytes(self):
        return self.dtype.pack(self.flat_list())

    def fill(self, value):
        self[...] = value

    def _rows(self, axis):
        """The elements along an axis, row by row, and the shape of what is made of them."""
        if axis is None:
            return [self.flat_list()], ()
        if not -len(self.shape) <= axis < len(self.shape):
            raise ValueError(f"axis {axis} is out of bounds for array of dimension {self.ndim}")
        axis %= len(self.shape)
        shape = self.shape[:axis] + self.shape[axis + 1:]
        rest = _seen(self, self._start, shape, self._steps[:axis] + self._steps[axis + 1:])
        length, step = self.shape[axis], self._steps[axis]
        return [[self._items[place + index * step] for index in range(length)]
                for place in rest._places()], shape

    def along(self, function, axis=None, type_=None):
        """One result for each row along an axis, or one of all elements."""
        rows, shape = self._rows(axis)
        type_ = self.dtype if type_ is None else type_
        return scalar(made(type_.settle([function(row) for row in rows]), type_, shape))

    def argsort(self):
        """The places of the elements from the smallest to the largest; equal ones stay in order."""
        return made(sorted(range(len(self)), key=self._row_key()), DTYPES["int64"])

    def _row_key(self):
        if len(self.shape) != 1:
            raise ValueError("only an array of one dimension can be sorted on this network")
        return ordered(self.flat_list()).__getitem__

    def sort(self):
        self[...] = self[self.argsort()]

    def dot(self, other):
        """The inner product, or that of matrices."""
        other = asarray(other)
        type_ = promoted(self.dtype, other.dtype)
        if not self.shape or not other.shape:
            return self * other
        if len(self.shape) > 2 or len(other.shape) > 2:
            raise ValueError("products are of one or two dimensions on this network")
        if self.shape[-1] != other.shape[0]:
            raise ValueError(f"shapes {self.shape} and {other.shape} not aligned: "
                             f"{self.shape[-1]} (dim {self.ndim - 1}) != {other.shape[0]} (dim 0)")
        left, columns = self._rows(len(self.shape) - 1)[0], other._rows(0)[0]
        items = [total(map(float.__mul__ if type_.kind == "f" else int.__mul__,
                           map(type_.plain, row), map(type_.plain, column)))
                 for row in left for column in columns]
        return scalar(made(type_.settle(items), type_, self.shape[:-1] + other.shape[1:]))


for _name in ARITHMETIC:
    setattr(ndarray, f"__{_name}__", _operator(_name))
    setattr(ndarray, f"__r{_name}__", _operator(_name, True))
    setattr(ndarray, f"__i{_name}__", _in_place(_name))
for _name in COMPARISONS:
    setattr(ndarray, f"__{_name}__", _operator(_name))
