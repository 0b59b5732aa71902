"""Arrays and numbers of numpy's in storage: their bytes in place, little-endian."""

import math
import typing

from genlayer import storage
from genlayer.arrays import made, ndarray
from genlayer.scalars import DTYPES, dtype_of


class ScalarCodec:
    """A number of numpy's in storage: its bytes, little-endian."""

    def __init__(self, type_):
        self.name, self.size, self._dtype = f"np.{type_.name}", type_.itemsize, type_

    def zero(self):
        return self._dtype.wrapped(0)

    def get(self, slot, offset):
        return self._dtype.wrapped(self._dtype.unpack(storage.read(slot, offset, self.size))[0])

    def set(self, slot, offset, value):
        if type(value) is not self._dtype.type:
            raise TypeError(f"`{self.name}` storage takes one, not `{storage.kind(value)}`: "
                            f"{self.name}(…)")
        storage.write(slot, offset, value.tobytes())


class ArrayCodec:
    """An array in storage: a fixed number of elements in place, little-endian, in order."""

    def __init__(self, args, where):
        shape = [typing.get_args(part)[0] if typing.get_origin(part) is typing.Literal else part
                 for part in (typing.get_args(args[0]) if len(args) == 2 else ())]
        if not shape or not all(isinstance(length, int) and length > 0 for length in shape):
            raise TypeError(f"{where}: write `np.ndarray[tuple[typing.Literal[n]], "
                            "np.dtype[np.float32]]` with n > 0")
        try:
            self.dtype = dtype_of(args[1])
        except TypeError as error:
            raise TypeError(f"{where}: {error}") from None
        self.shape = tuple(shape)
        self.length = math.prod(shape)
        self.size = self.length * self.dtype.itemsize
        self.name = f"np.ndarray[{self.shape}, {self.dtype.name}]"

    def zero(self):
        return ndarray(self.shape, self.dtype)

    def get(self, slot, offset):
        return made(self.dtype.unpack(storage.read(slot, offset, self.size)), self.dtype, self.shape)

    def set(self, slot, offset, value):
        if not isinstance(value, ndarray):
            raise AttributeError(f"`{self.name}` storage takes an array, not `{storage.kind(value)}`"
                                 f": np.array(…, dtype=np.{self.dtype})")
        if value.dtype is not self.dtype or value.shape != self.shape:
            raise AssertionError(f"`{self.name}` storage takes an array of {self.dtype} in the shape "
                                 f"{self.shape}, not of {value.dtype} in the shape {value.shape}")
        storage.write(slot, offset, value.tobytes())


storage.GENERIC[ndarray] = ArrayCodec
for _type in DTYPES.values():
    if _type.kind != "b":
        storage.SIMPLE[_type.type] = ScalarCodec(_type)
