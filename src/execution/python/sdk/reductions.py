"""What arrays make one number of many with: sums, means, extremes and orders.

Sums add up in double precision from first to last, and are rounded once: the same on every machine.
"""

import math

from genlayer import scalars
from genlayer.scalars import DTYPES


def total(values):
    """A sum from first to last, without the corrections that Python's own makes."""
    result = 0
    for value in values:
        result += value
    return result


def mean(row):
    return scalars.divide(total(row), len(row))


def variance(row):
    middle = mean(row)
    return mean([(item - middle) ** 2 for item in row])


def largest(row):
    """The maximum, which is not a number when one of them is none."""
    if not row:
        raise ValueError("zero-size array to reduction operation which has no identity")
    return next((item for item in row if item != item), max(row))


def ordered(items):
    """Keys that sort what is no number last."""
    return [(item != item, item if item == item else 0) for item in items]


class Reductions:
    """The part of `ndarray` that looks at all elements, or at those along an axis."""

    __slots__ = ()

    def _wide(self):
        if self.dtype.kind == "f":
            return self.dtype
        return DTYPES["uint64" if self.dtype.kind == "u" else "int64"]

    def _real(self):
        return self.dtype if self.dtype.kind == "f" else DTYPES["float64"]

    def sum(self, axis=None):
        return self.along(total, axis, self._wide())

    def prod(self, axis=None):
        return self.along(math.prod, axis, self._wide())

    def mean(self, axis=None):
        return self.along(mean, axis, self._real())

    def var(self, axis=None):
        return self.along(variance, axis, self._real())

    def std(self, axis=None):
        return self.along(lambda row: math.sqrt(variance(row)), axis, self._real())

    def max(self, axis=None):
        return self.along(largest, axis)

    def min(self, axis=None):
        return self.along(lambda row: -largest([-item for item in row]), axis)

    def argmax(self, axis=None):
        return self.along(lambda row: row.index(max(row)), axis, DTYPES["int64"])

    def argmin(self, axis=None):
        return self.along(lambda row: row.index(min(row)), axis, DTYPES["int64"])

    def all(self, axis=None):
        return self.along(all, axis, DTYPES["bool"])

    def any(self, axis=None):
        return self.along(any, axis, DTYPES["bool"])

    def clip(self, min=None, max=None):
        low = -math.inf if min is None else min
        high = math.inf if max is None else max
        return self._each(lambda item: low if item < low else high if item > high else item)

    def round(self, decimals=0):
        return self._each(lambda item: round(item, decimals) if math.isfinite(item) else item)
