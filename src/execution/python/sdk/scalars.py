"""The numbers of this network's numpy: types of elements, and values of one alone.

Single precision is real: every result is rounded to what a `float32` can hold. Integers wrap around
as the machine's do, and a number of Python's takes the type of what it meets.
"""

import math
import operator
import struct
import types

import _vectors


class generic:
    """What all scalars are."""

    __slots__ = ()
    shape = ()
    ndim = 0
    size = 1

    def item(self):
        """The number as one of Python's."""
        return self.dtype.plain(self)

    tolist = item

    def astype(self, type_):
        return dtype_of(type_).wrapped(self.item())

    def tobytes(self):
        return self.dtype.pack([self.item()])

    def __repr__(self):
        return f"np.{self.dtype.name}({self})"

    def __reduce_ex__(self, protocol):
        return type(self), (self.item(),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


class number(generic):
    __slots__ = ()


class integer(number):
    __slots__ = ()


class signedinteger(integer):
    __slots__ = ()


class unsignedinteger(integer):
    __slots__ = ()


class floating(number):
    __slots__ = ()


class dtype:
    """The type of an array's elements: `np.dtype(np.float32)`, of which there is one each."""

    def __new__(cls, type_=float):
        return cls._only if "_only" in vars(cls) else dtype_of(type_)

    def __class_getitem__(cls, parameters):
        return types.GenericAlias(cls, parameters)

    def __eq__(self, other):
        try:
            return self is dtype_of(other)
        except TypeError:
            return False

    def __hash__(self):
        return hash(self.name)

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"dtype('{self.name}')"

    def __reduce_ex__(self, protocol):
        return dtype_of, (self.name,)

    def __deepcopy__(self, memo):
        return self

    def pack(self, values):
        """The elements as little-endian bytes, one after another."""
        return struct.pack(f"<{len(values)}{self.char}", *values)

    def unpack(self, data):
        """The elements that lie in these bytes."""
        return list(struct.unpack(f"<{len(data) // self.itemsize}{self.char}", data))

    def zero(self):
        return self.plain(0)

    def settle(self, values):
        """Results of a computation as elements: rounded, or wrapped around."""
        return [self.wrap(value) for value in values]


class _Float(dtype):
    kind = "f"

    def plain(self, value):
        return float.__float__(value) if isinstance(value, float) else float(value)

    def convert(self, value):
        """An element of a number of Python's."""
        return self.wrap(value)

    def wrap(self, value):
        return _vectors.single(float(value)) if self.itemsize == 4 else self.plain(value)

    def settle(self, values):
        try:
            return self.unpack(self.pack(values))
        except OverflowError:
            return [self.wrap(value) for value in values]

    def wrapped(self, value):
        return float.__new__(self.type, self.wrap(value))


class _Int(dtype):

    def plain(self, value):
        return int.__int__(value) if isinstance(value, int) else int(value)

    def convert(self, value):
        number = int(value)
        if not self.low <= number <= self.high:
            raise OverflowError(f"Python integer {number} out of bounds for {self.name}")
        return number

    def wrap(self, value):
        number = int(value)
        if self.low <= number <= self.high:
            return number
        return (number - self.low) % (1 << 8 * self.itemsize) + self.low

    def wrapped(self, value):
        return int.__new__(self.type, self.wrap(value))


class _Bool(dtype):
    kind = "b"

    def plain(self, value):
        return bool(value)

    convert = wrap = wrapped = plain


def divide(left, right):
    """As the machine divides: by zero, too."""
    if right:
        return left / right
    if not left or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _floor_divide(left, right):
    if right:
        return left // right
    return divide(left, right) if isinstance(left, float) or isinstance(right, float) else 0


def _modulo(left, right):
    if right:
        return left % right
    return math.nan if isinstance(left, float) or isinstance(right, float) else 0


def power(left, right):
    """As the machine does it, without complex numbers."""
    if right == 2:
        return left * left
    if isinstance(left, int) and isinstance(right, int) and right < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    try:
        result = left ** right
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        return math.inf
    return math.nan if isinstance(result, complex) else result


#: Operations by the name that operators have.
ARITHMETIC = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": divide,
              "floordiv": _floor_divide, "mod": _modulo, "pow": power}
COMPARISONS = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
               "eq": operator.eq, "ne": operator.ne}


def _scalar_operator(function, name, turned):
    def method(self, other):
        if not isinstance(other, (int, float)):
            return NotImplemented
        result = promoted(self.dtype, other)
        if name == "truediv" and result.kind != "f":
            result = DTYPES["float64"]
        left, right = self.item(), other.item() if isinstance(other, generic) else other
        if result.kind in "iu":
            right = right if isinstance(other, generic) else result.convert(right)
        if turned:
            left, right = right, left
        return result.wrapped(function(left, right))

    method.__name__ = f"__{'r' * turned}{name}__"
    return method


for _name, _function in ARITHMETIC.items():
    for _turned in (False, True):
        _method = _scalar_operator(_function, _name, _turned)
        setattr(number, _method.__name__, _method)
number.__neg__ = lambda self: self.dtype.wrapped(-self.item())
number.__pos__ = lambda self: self
number.__abs__ = lambda self: self.dtype.wrapped(abs(self.item()))


#: From here on numbers of single precision are written with an exponent.
_LONG_FROM = 1e6


def _text(self):
    value = self.item()
    if self.dtype.itemsize != 4 or not math.isfinite(value):
        return float.__repr__(value)
    digits, _, exponent = _vectors.shortest(value).partition("e")
    if value == 0 or 1e-4 <= abs(value) < _LONG_FROM:
        return repr(float(f"{digits}e{exponent}"))
    return f"{digits}e{int(exponent):+03}"


def _round(self, digits=None):
    return round(self.item()) if digits is None else self.dtype.wrapped(round(self.item(), digits))


def _new(kind):
    def __new__(cls, value=0):
        if isinstance(value, (int, float, str)):
            value = cls.dtype.convert(cls.dtype.plain(value))
            return (float if kind == "f" else int).__new__(cls, value)
        from genlayer import arrays

        made = arrays.array(value, cls.dtype)
        return made if made.shape else made.flat_list()[0]

    return __new__


#: Types of elements by name.
DTYPES = {}


def _define(name, kind, char, size):
    base = {"f": floating, "i": signedinteger, "u": unsignedinteger}[kind]
    plain = float if kind == "f" else int
    body = {"__slots__": (), "__new__": _new(kind), "__module__": "numpy",
            "__hash__": plain.__hash__, "__doc__": f"A number of numpy's, {8 * size} bits."}
    if kind == "f":
        body |= {"__str__": _text, "__round__": _round}
    else:
        body["__str__"] = lambda self: int.__repr__(self.item())
    scalar = type(name, (base, plain), body)
    family = type(name.replace("i", "I", 1).capitalize().replace("Uint", "UInt") + "DType",
                  (_Float if kind == "f" else _Int,), {"__module__": "numpy.dtypes"})
    made = object.__new__(family)
    made.name, made.kind, made.char, made.itemsize, made.type = name, kind, char, size, scalar
    made.str = f"{'|' if size == 1 else '<'}{kind}{size}"
    if kind != "f":
        made.low = -(1 << 8 * size - 1) if kind == "i" else 0
        made.high = (1 << 8 * size - (kind == "i")) - 1
    family._only = scalar.dtype = DTYPES[name] = made


for _entry in (("float32", "f", "f", 4), ("float64", "f", "d", 8), ("int8", "i", "b", 1),
               ("int16", "i", "h", 2), ("int32", "i", "i", 4), ("int64", "i", "q", 8),
               ("uint8", "u", "B", 1), ("uint16", "u", "H", 2), ("uint32", "u", "I", 4),
               ("uint64", "u", "Q", 8)):
    _define(*_entry)
BoolDType = type("BoolDType", (_Bool,), {"__module__": "numpy.dtypes"})
_truth = BoolDType._only = DTYPES["bool"] = object.__new__(BoolDType)
_truth.name, _truth.char, _truth.itemsize, _truth.type, _truth.str = "bool", "?", 1, bool, "|b1"

_PLAIN = {float: "float64", int: "int64", bool: "bool"}


def dtype_of(thing):
    """The type of elements that is meant: by itself, its scalar, its class or its name."""
    if isinstance(thing, dtype):
        return thing
    if isinstance(thing, types.GenericAlias) and thing.__origin__ is dtype:
        return dtype_of(thing.__args__[0])
    if isinstance(thing, type):
        if thing in _PLAIN:
            return DTYPES[_PLAIN[thing]]
        found = vars(thing).get("dtype", vars(thing).get("_only"))
        if isinstance(found, dtype):
            return found
    if isinstance(thing, str):
        for found in DTYPES.values():
            if thing in (found.name, found.str, found.str[1:]):
                return found
    raise TypeError(f"{thing!r} is no type of elements here: there are {', '.join(DTYPES)}")


def of_value(value):
    """The type of elements that one value has by itself."""
    if isinstance(value, generic):
        return value.dtype
    if isinstance(value, bool):
        return DTYPES["bool"]
    if isinstance(value, float):
        return DTYPES["float64"]
    if isinstance(value, int):
        fits = -(1 << 63) <= value < 1 << 63
        if fits or 0 <= value < 1 << 64:
            return DTYPES["int64" if fits else "uint64"]
        raise OverflowError(f"Python integer {value} is too large for numpy")
    raise TypeError(f"an array holds numbers, not `{type(value).__name__}`")


def promoted(one, other):
    """The type of elements that results have; `other` may be a number, which has none of its own."""
    if not isinstance(other, (dtype, generic)):
        if isinstance(other, bool) or one.kind == "f":
            return one
        if isinstance(other, float):
            return DTYPES["float64"]
        return DTYPES["int64"] if one.kind == "b" else one
    other = other if isinstance(other, dtype) else other.dtype
    if one is other or other.kind == "b":
        return one
    if one.kind == "b":
        return other
    if one.kind == other.kind:
        return one if one.itemsize >= other.itemsize else other
    if "f" in one.kind + other.kind:
        floats, ints = (one, other) if one.kind == "f" else (other, one)
        return floats if ints.itemsize <= 2 else DTYPES["float64"]
    signed, unsigned = (one, other) if one.kind == "i" else (other, one)
    if signed.itemsize > unsigned.itemsize:
        return signed
    return DTYPES[f"int{16 * unsigned.itemsize}"] if unsigned.itemsize < 8 else DTYPES["float64"]
