# { "Depends": "py-genlayer:test" }
import numpy as np
from numpy import array, float32
from numpy.linalg import norm
import numpy.typing as npt
from genlayer import *


def refused(kind, words, act):
    try:
        act()
    except kind as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError("nothing was refused")


def same(found, expected, type_=None):
    assert found.tolist() == expected, f"{found.tolist()} is not {expected}"
    assert type_ is None or found.dtype == type_, f"{found.dtype} is not {type_}"


class Arrays(gl.Contract):
    def __init__(self): pass

    @gl.public.view
    def single_precision_is_real(self) -> None:
        third = np.float32(1) / 3
        assert type(third) is np.float32 and float(third) == 0.3333333432674408
        assert str(third) == "0.33333334" and repr(np.float32(0.1)) == "np.float32(0.1)"
        assert str(np.float32(1e6)) == "1e+06" and str(np.float32(1e-5)) == "1e-05" and str(np.float32(1e20)) == "1e+20"
        assert str(1 - np.float32(0)) == "1.0" and np.float32(16777216) + 1 == 16777216
        assert type(np.float32(1) + np.float64(1)) is np.float64
        assert type(2 * np.float32(1)) is np.float32 and np.float32(1e38) * 10 == np.inf
        assert f"{np.float32(0.5):.2f}" == "0.50" and float(np.float32(0.5)) == 0.5
        assert np.float32(1) / 0 == np.inf and np.isnan(np.float32(0) / 0)
        same(array([0.1, 0.2], dtype=float32) + array([0.2, 0.1], dtype=float32),
             [0.30000001192092896, 0.30000001192092896], np.float32)
        same(np.array([0.1]) + 0.2, [0.30000000000000004], np.float64)
        same(np.array([1, 1], dtype=np.float32).sum() / np.array([3], dtype=np.float32),
             [0.6666666865348816], np.float32)

    @gl.public.view
    def integers_wrap_around(self) -> None:
        assert np.int8(127) + np.int8(1) == -128 and np.uint8(0) - np.uint8(1) == 255
        same(np.array([200, 100], dtype=np.uint8) * 2, [144, 200], np.uint8)
        assert (np.int32(7) // 2, np.int32(7) % 4, np.int32(7) / 2) == (3, 3, 3.5)
        assert type(np.int32(1) + np.int64(1)) is np.int64
        refused(OverflowError, "300 out of bounds for uint8", lambda: np.array([300], np.uint8))
        same(np.array([300, -1]).astype(np.uint8), [44, 255], np.uint8)
        same(np.array([1.9, -1.9]).astype(int), [1, -1], np.int64)

    @gl.public.view
    def arrays_are_made(self) -> None:
        same(np.zeros(2), [0.0, 0.0], np.float64)
        same(np.ones((2, 2), dtype=np.int32), [[1, 1], [1, 1]], np.int32)
        same(np.full(2, 7), [7, 7], np.int64)
        same(np.arange(1, 7, 2), [1, 3, 5], np.int64)
        same(np.linspace(0, 1, 3), [0.0, 0.5, 1.0])
        same(np.eye(2), [[1.0, 0.0], [0.0, 1.0]])
        same(np.array([[1, 2.5], (3, True)]), [[1.0, 2.5], [3.0, 1.0]], np.float64)
        same(np.array([True, False]), [True, False], bool)
        same(np.frombuffer(np.array([1, 2], dtype=np.int16).tobytes(), dtype=np.int16), [1, 2])
        one = np.array([1, 2])
        assert np.asarray(one) is one and np.array(one) is not one
        same(np.asarray(one, dtype=np.float32), [1.0, 2.0], np.float32)
        assert np.array([1.5], dtype=np.float32).tobytes() == b"\x00\x00\xc0\x3f"
        refused(ValueError, "setting an array element with a sequence",
                lambda: np.array([[1], [1, 2]]))

    @gl.public.view
    def parts_are_seen_and_changed(self) -> None:
        a = np.array([[1, 2, 3], [4, 5, 6]])
        assert (a.shape, a.ndim, a.size, len(a), a[1, 2], a[-1][0]) == ((2, 3), 2, 6, 2, 6, 4)
        same(a[:, 1], [2, 5])
        same(a[0, ::-1], [3, 2, 1])
        same(a.T, [[1, 4], [2, 5], [3, 6]])
        same(a[..., -1], [3, 6])
        same(a[:, None, 0], [[1], [4]])
        same(a.reshape(3, -1), [[1, 2], [3, 4], [5, 6]])
        row = a[0]
        row[1:] = 9
        same(a, [[1, 9, 9], [4, 5, 6]])
        a[:, 0] = [7, 8]
        a[a > 8] if False else None
        same(a.flatten(), [7, 9, 9, 8, 5, 6])
        b = np.array([5, 3, 8])
        same(b[b > 4], [5, 8])
        same(b[[2, 0]], [8, 5])
        b[b > 4] = 0
        same(b, [0, 3, 0])
        assert [int(x) for x in b] == [0, 3, 0] and 3 in b and type(b[1]) is np.int64
        refused(IndexError, "index 3 is out of bounds for axis 0 with size 3", lambda: b[3])
        refused(IndexError, "too many indices", lambda: b[0, 0])

    @gl.public.view
    def arithmetic_goes_element_by_element(self) -> None:
        a, b = np.array([1.0, 2.0, 3.0]), np.array([4, 5, 6])
        same(a + b, [5.0, 7.0, 9.0])
        same(2 - a, [1.0, 0.0, -1.0])
        same(a * a / 2, [0.5, 2.0, 4.5])
        same(b // 2, [2, 2, 3])
        same(b / 2, [2.0, 2.5, 3.0])
        same(a ** 2, [1.0, 4.0, 9.0])
        same(-b % 4, [0, 3, 2])
        same(a + [[1], [2]], [[2.0, 3.0, 4.0], [3.0, 4.0, 5.0]])
        same((a >= 2) & (b < 6), [False, True, False], bool)
        same(~(a == 2), [True, False, True])
        same(1 / np.array([0.0, 2.0]), [np.inf, 0.5])
        c = a
        c += 1
        same(a, [2.0, 3.0, 4.0])
        same(np.array([1, 2], dtype=np.float32) * 2.5, [2.5, 5.0], np.float32)
        same(np.float32(2) * np.array([1, 2], dtype=np.float32), [2.0, 4.0], np.float32)
        refused(ValueError, "could not be broadcast", lambda: a + np.array([1, 2]))
        refused(ValueError, "The truth value of an array", lambda: bool(a))

    @gl.public.view
    def arrays_become_numbers(self) -> None:
        a = np.array([[3.0, 1.0], [2.0, 4.0]])
        assert (a.sum(), a.mean(), a.max(), a.min(), np.median(a)) == (10, 2.5, 4, 1, 2.5)
        assert (a.argmax(), a.argmin(), a.var()) == (3, 1, 1.25)
        assert (np.argmax([1, 3, 3]), np.argmin([1, 0, 0])) == (1, 1)
        same(a.sum(axis=0), [5.0, 5.0])
        same(np.mean(a, axis=1), [2.0, 3.0])
        same(np.argmax(a, axis=-1), [0, 1], np.int64)
        same(np.argsort(np.array([3, 1, 2, 1])), [1, 3, 2, 0])
        same(np.sort(np.array([3, 1, 2])), [1, 2, 3])
        assert np.dot([1, 2, 3], [4, 5, 6]) == 32 and np.array([1, 2]) @ np.array([3, 4]) == 11
        same(a @ np.eye(2), a.tolist())
        same(np.dot(a, np.array([1.0, 1.0])), [4.0, 6.0])
        assert norm(np.array([3.0, 4.0])) == 5.0 and np.linalg.norm([3, -4], 1) == 7.0
        same(np.linalg.norm(a, axis=1) ** 2, [10.000000000000002, 20.000000000000004])
        same(np.sqrt(np.array([4, 9])), [2.0, 3.0])
        assert np.sqrt(np.float32(2)) == np.float32(1.4142135) and np.isnan(np.sqrt(-1.0))
        same(np.where(a > 2, a, 0), [[3.0, 0.0], [0.0, 4.0]])
        same(np.maximum([1, 5], [3, 2]), [3, 5])
        same(np.clip(np.array([-1, 5, 9]), 0, 6), [0, 5, 6])
        same(np.concatenate([np.array([1]), np.array([2.0])]), [1.0, 2.0])
        same(np.stack([np.array([1, 2]), np.array([3, 4])]), [[1, 2], [3, 4]])
        assert np.allclose(a, a + 1e-9) and not np.array_equal(a, a + 1)
        assert (np.any(a > 3), np.all(a > 3)) == (True, False)
        refused(ValueError, "negative dimensions are not allowed", lambda: np.zeros(-5))
        refused(ValueError, "Integers to negative integer powers", lambda: np.int64(3) ** -1)
        refused(ValueError, "not aligned: 3 (dim 0) != 2 (dim 0)", lambda: np.dot([1, 2, 3], [1, 2]))

    @gl.public.view
    def arrays_are_shown(self) -> None:
        assert repr(np.array([1, 2], dtype=np.float32)) == "array([1., 2.], dtype=float32)"
        assert (str(np.array([1, 2])), str(np.array([0.5, 2.5]))) == ("[1 2]", "[0.5 2.5]")
        assert str(np.dtype(np.float32)) == "float32" and np.dtype("f4") == np.float32
        assert np.dtypes.Float32DType() == np.float32 and np.int16(3).tobytes() == b"\x03\x00"
        assert isinstance(np.float32(1), np.floating) and issubclass(np.uint8, np.integer)

    @gl.public.view
    def what_is_not_there_is_told(self) -> None:
        refused(TypeError, "an array holds numbers, not `str`", lambda: np.array(["a"]))
        refused(AttributeError, "this network's `numpy` has no `argmx`; did you mean `argmax`? It has",
                lambda: np.argmx)
        refused(AttributeError, "`numpy.linalg` has no `svd`. It has norm", lambda: np.linalg.svd)
        refused(AttributeError, "`numpy` has no `random`", lambda: np.random)
        refused(AttributeError, "an array has no `cumprod` on this network",
                lambda: np.zeros(1).cumprod)
        refused(TypeError, "is no type of elements here", lambda: np.zeros(1, dtype="complex64"))
        refused(TypeError, "is a float", lambda: gl.calldata.encode([np.float32(1)]))

    @gl.public.view
    def takes(self, a: np.int32 = 1, b: npt.NDArray[np.int32] = None) -> None:
        assert gl.calldata.decode(gl.calldata.encode([np.int32(5)])) == [5]
