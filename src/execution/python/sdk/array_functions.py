"""The functions of this network's numpy."""

import math

from genlayer import scalars
from genlayer.arrays import array, asarray, combined, common_shape, made, ndarray, scalar
from genlayer.reductions import total
from genlayer.scalars import DTYPES, dtype_of


def _shape(shape):
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(side < 0 for side in shape):
        raise ValueError("negative dimensions are not allowed")
    return shape


def full(shape, fill_value, dtype=None):
    type_ = scalars.of_value(fill_value) if dtype is None else dtype_of(dtype)
    shape = _shape(shape)
    return made([type_.convert(fill_value)] * math.prod(shape), type_, shape)


def zeros(shape, dtype=float):
    return full(shape, 0, dtype)


def ones(shape, dtype=float):
    return full(shape, 1, dtype)


def zeros_like(a, dtype=None):
    return zeros(asarray(a).shape, dtype or asarray(a).dtype)


def ones_like(a, dtype=None):
    return ones(asarray(a).shape, dtype or asarray(a).dtype)


def full_like(a, fill_value, dtype=None):
    return full(asarray(a).shape, fill_value, dtype or asarray(a).dtype)


def arange(start, stop=None, step=1, dtype=None):
    first, last = (0, start) if stop is None else (start, stop)
    count = max(0, math.ceil((last - first) / step))
    return array([first + index * step for index in range(count)],
                 dtype or scalars.of_value(first + step))


def linspace(start, stop, num=50):
    step = (stop - start) / (num - 1) if num > 1 else 0.0
    items = [start + index * step for index in range(num)]
    if num > 1:
        items[-1] = stop
    return array(items, float)


def eye(n):
    return made([float(row == column) for row in range(n) for column in range(n)],
                 DTYPES["float64"], (n, n))


def frombuffer(buffer, dtype=float):
    type_ = dtype_of(dtype)
    if len(buffer) % type_.itemsize:
        raise ValueError("buffer size must be a multiple of element size")
    return made(type_.unpack(bytes(buffer)), type_)


def copy(a):
    return asarray(a).copy()


#: Functions whose names mean something else in this module.
SHADOWING = {}


def _method(name):
    def function(a, *args, **kwargs):
        return getattr(asarray(a), name)(*args, **kwargs)

    function.__name__ = name
    return function


for _name in ("sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "argsort", "all",
              "any", "clip", "round", "reshape", "ravel", "squeeze", "transpose", "dot"):
    SHADOWING[_name] = _method(_name)


def matmul(a, b):
    return asarray(a) @ asarray(b)


def outer(a, b):
    return asarray(a).reshape(-1, 1) * asarray(b).reshape(1, -1)


def sort(a):
    made = asarray(a).copy()
    made.sort()
    return made


def size(a):
    return asarray(a).size


def ndim(a):
    return asarray(a).ndim


def shape(a):
    return asarray(a).shape


def _operation(name):
    """An operator as a function."""
    def function(a, b):
        if not isinstance(a, (ndarray, scalars.generic)) or isinstance(b, (list, tuple)):
            # Two numbers of Python's have no type of elements between them.
            a, b = asarray(a), b if isinstance(b, (ndarray, int, float)) else asarray(b)
        return scalar(combined(name, a, b))

    return function


for _name, _known in (("add", "add"), ("subtract", "sub"), ("multiply", "mul"),
                      ("divide", "truediv"), ("true_divide", "truediv"), ("power", "pow"),
                      ("floor_divide", "floordiv"), ("mod", "mod"), ("less", "lt"),
                      ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge"),
                      ("equal", "eq"), ("not_equal", "ne")):
    SHADOWING[_name] = _operation(_known)


def _real(type_):
    """The type of elements that roots and the like of these have."""
    if type_.kind == "f":
        return type_
    return DTYPES["float32" if type_.itemsize <= 2 else "float64"]


def _each(function, type_=None):
    """A function of one number as one of arrays; what is not defined is no number."""
    def of_array(a):
        a = asarray(a)
        kind = type_ or _real(a.dtype)
        return scalar(made(kind.settle([function(item) for item in a.flat_list()]), kind, a.shape))

    return of_array


def _defined(function, otherwise=lambda value: math.nan):
    def guarded(value):
        try:
            return function(value)
        except (ValueError, OverflowError):
            return otherwise(value)

    return guarded


sqrt = _each(_defined(math.sqrt))
exp = _each(_defined(math.exp, lambda value: math.inf))
log = _each(_defined(math.log, lambda value: math.nan if value else -math.inf))
log2 = _each(_defined(math.log2, lambda value: math.nan if value else -math.inf))
log10 = _each(_defined(math.log10, lambda value: math.nan if value else -math.inf))
_floor = _each(_defined(lambda value: float(math.floor(value)), lambda value: value))
_ceil = _each(_defined(lambda value: float(math.ceil(value)), lambda value: value))
isnan = _each(math.isnan, DTYPES["bool"])
isinf = _each(math.isinf, DTYPES["bool"])
isfinite = _each(math.isfinite, DTYPES["bool"])


def floor(a):
    a = asarray(a)
    return _floor(a) if a.dtype.kind == "f" else scalar(a.copy())


def ceil(a):
    a = asarray(a)
    return _ceil(a) if a.dtype.kind == "f" else scalar(a.copy())


def absolute(a):
    return scalar(abs(asarray(a)))



def negative(a):
    return -asarray(a)


def square(a):
    return asarray(a) * asarray(a)


def sign(a):
    return scalar(asarray(a)._each(lambda item: (item > 0) - (item < 0) if item == item else item))


def where(condition, x, y):
    x, y = asarray(x), asarray(y)
    type_ = scalars.promoted(x.dtype, y.dtype)
    condition = asarray(condition)
    target = zeros(common_shape(condition.shape, x.shape, y.shape), type_)
    parts = [(one + target if one.dtype.kind != "b" else one | target).flat_list()
             for one in (x.astype(type_), y.astype(type_))]
    chosen = (condition.astype(bool) | target.astype(bool)).flat_list()
    items = [one if first else other for first, one, other in zip(chosen, *parts)]
    return scalar(made(items, type_, target.shape))


def maximum(x, y):
    return where(asarray(x) >= asarray(y), x, y)


def minimum(x, y):
    return where(asarray(x) <= asarray(y), x, y)


def concatenate(arrays, axis=0):
    parts = [asarray(part) for part in arrays]
    dimensions = {part.ndim for part in parts}
    if len(dimensions) != 1 or 0 in dimensions:
        raise ValueError("arrays that are put together need the same number of dimensions, and one "
                         "at least")
    if axis in (1, -1) and dimensions == {2}:
        return concatenate([part.T for part in parts]).T.copy()
    if axis not in (0, -parts[0].ndim):
        raise ValueError(f"arrays are not put together along axis {axis} on this network")
    if len({part.shape[1:] for part in parts}) != 1:
        raise ValueError("all the input array dimensions except for the first must match exactly")
    type_ = parts[0].dtype
    for part in parts:
        type_ = scalars.promoted(type_, part.dtype)
    items = [item for part in parts for item in part.astype(type_).flat_list()]
    return made(items, type_, (sum(map(len, parts)), *parts[0].shape[1:]))


def stack(arrays):
    return concatenate([asarray(part).reshape(1, *asarray(part).shape) for part in arrays])


def vstack(arrays):
    return concatenate([part.reshape(1, -1) if part.ndim < 2 else part
                        for part in map(asarray, arrays)])


def hstack(arrays):
    parts = [asarray(part) for part in arrays]
    if all(part.ndim == 2 for part in parts):
        return concatenate(parts, axis=1)
    return concatenate([part.reshape(-1) for part in parts])


def cumsum(a):
    items, so_far = [], 0
    for item in asarray(a).flat_list():
        so_far += item
        items.append(so_far)
    type_ = asarray(a)._wide()
    return made(type_.settle(items), type_)


def unique(a):
    a = asarray(a)
    return made(sorted(set(a.flat_list())), a.dtype)


def median(a):
    items = sorted(asarray(a).flat_list())
    middle = items[(len(items) - 1) // 2:len(items) // 2 + 1]
    return asarray(a)._real().wrapped(scalars.divide(sum(middle), len(middle)))


def array_equal(a, b):
    a, b = asarray(a), asarray(b)
    return a.shape == b.shape and a.flat_list() == b.flat_list()


def isclose(a, b, rtol=1e-05, atol=1e-08):
    b = asarray(b, float)
    return absolute(asarray(a, float) - b) <= absolute(b) * rtol + atol


def allclose(a, b, rtol=1e-05, atol=1e-08):
    return bool(array(isclose(a, b, rtol, atol)).all())


def norm(x, ord=None, axis=None):
    x = asarray(x)
    kind = x._real()
    norms = {None: lambda row: math.sqrt(total([item * item for item in row])),
             1: lambda row: total([abs(item) for item in row]),
             math.inf: lambda row: max(map(abs, row))}
    norms[2] = norms[None]
    if ord not in norms or axis is None and ord is not None and x.ndim > 1:
        raise ValueError("norms here are 1, 2 and inf of vectors, and without `ord` of anything")
    return x.along(norms[ord], axis, kind)
