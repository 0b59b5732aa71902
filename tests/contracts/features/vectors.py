# { "Seq": [ { "Depends": "py-lib-genlayer-embeddings:test" }, { "Depends": "py-genlayer:test" } ] }
from genlayer import *
from dataclasses import dataclass
import genlayer_embeddings as gle
import typing
import numpy as np


@allow_storage
class Weighted(gle.Distance):
    def __call__(self, l, r):
        return abs(float(l[0]) - float(r[0]))


@allow_storage
@dataclass
class Shelf:
    name: str
    db: gle.VecDB[np.float64, typing.Literal[2], str]


def refused(kind, words, act):
    try:
        act()
    except kind as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError("nothing was refused")


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


class Vectors(gl.Contract):
    plain: gle.VecDB[np.float32, typing.Literal[2], str]
    squared: gle.VecDB[np.float32, typing.Literal[2], u8, gle.EuclideanDistanceSquared]
    straight: gle.VecDB[np.float64, typing.Literal[2], u8, gle.EuclideanDistance]
    city: gle.VecDB[np.int32, typing.Literal[2], u8, gle.ManhattanDistance]
    board: gle.VecDB[np.float32, typing.Literal[2], u8, gle.ChebyshevDistance]
    mine: gle.VecDB[np.float32, typing.Literal[2], u8, Weighted]
    made: TreeMap[str, u8]
    shelves: TreeMap[str, Shelf]
    rows: DynArray[Shelf]
    weights: np.ndarray[tuple[typing.Literal[3]], np.dtypes.Float32DType]
    grid: np.ndarray[tuple[typing.Literal[2], typing.Literal[2]], np.dtype[np.int16]]
    single: np.float32
    double: np.float64
    small: np.int8
    last: u8

    def __init__(self): pass

    @gl.public.write
    def distances_are_of_the_named_kind(self) -> None:
        points = ([3, 4], [0, 0], [6, 8], [-4, 3])
        for db, type_ in ((self.plain, np.float32), (self.squared, np.float32),
                          (self.straight, np.float64), (self.city, np.int32),
                          (self.board, np.float32), (self.mine, np.float32)):
            for at, point in enumerate(points):
                db.insert(np.array(point, dtype=type_), str(at) if db is self.plain or
                          db._codec is self.plain._codec else at)
        near = lambda db, type_: [(found.id, float(found.distance))
                                  for found in db.knn(np.array([3, 4], dtype=type_), 9)]
        assert near(self.plain, np.float32) == [(0, 0.0), (2, 0.0), (1, 1.0), (3, 1.0)]
        assert near(self.squared, np.float32) == [(0, 0.0), (1, 25.0), (2, 25.0), (3, 50.0)]
        assert near(self.straight, np.float64)[:3] == [(0, 0.0), (1, 5.0), (2, 5.0)]
        assert near(self.city, np.int32) == [(0, 0.0), (1, 7.0), (2, 7.0), (3, 8.0)]
        assert near(self.board, np.float32) == [(0, 0.0), (1, 4.0), (2, 4.0), (3, 7.0)]
        assert near(self.mine, np.float32) == [(0, 0.0), (1, 3.0), (2, 3.0), (3, 7.0)]
        found = next(iter(self.squared.knn(vector(0, 1), 1)))
        assert (type(found.distance), found.id, found.value) == (np.float32, 1, 1)
        assert gle.EuclideanDistance()(vector(0, 0), vector(3, 4)) == 5.0
        assert repr(found).startswith("VecDB.Element(id=1, key=array([0., 0.], dtype=float32)")

    @gl.public.write
    def entries_come_and_go(self) -> None:
        db = self.plain
        assert [db.insert(vector(at, 1), str(at)) for at in range(5)] == [0, 1, 2, 3, 4]
        seen = []
        for entry in db:
            seen.append(entry.value)
            if entry.id == 1:
                db.get_by_id(2).remove()
                entry.remove()
                entry.remove()
        assert seen == ["0", "1", "3", "4"] and len(db) == 3
        assert db.get_by_id_or_none(2) is None and db.get_by_id_or_none(5) is None
        found = db.knn(vector(0, 1), 3)
        assert next(found).id == 0
        db.get_by_id(3).remove()
        assert [entry.id for entry in found] == [4]
        assert db.insert(vector(9, 9), "new") == 3
        entry = db.get_by_id(3)
        assert (entry.key.tolist(), entry.value, entry.distance) == ([9.0, 9.0], "new", None)
        entry.value = "changed"
        assert db.get_by_id(3).value == "changed"
        refused(KeyError, "no element with id 77", lambda: db.get_by_id(77))
        assert isinstance(db, gle.VecDB) and isinstance(entry, gle.VecDB.Element)

    @gl.public.write
    def what_does_not_fit_is_refused(self) -> None:
        db = self.plain
        db.insert(vector(1, 2), "here")
        for act in (lambda v: db.insert(v, "x"), lambda v: db.knn(v, 1)):
            refused(ValueError, "takes vectors of 2 numbers; this one has the shape (3,)",
                    lambda: act(vector(1, 2, 3)))
            refused(ValueError, "a NaN or an infinity", lambda: act(vector(1, np.nan)))
            refused(ValueError, "a NaN or an infinity", lambda: act(vector(np.inf, 1)))
            refused(TypeError, "not as `list`", lambda: act([1.0, 2.0]))
        refused(AssertionError, "not of float64: .astype(np.float32)",
                lambda: db.insert(np.array([1.0, 2.0]), "x"))
        refused(AttributeError, "`str` storage takes a str", lambda: db.insert(vector(1, 2), 5))
        refused(TypeError, "can't be instantiated", lambda: gle.VecDB())
        assert len(db) == 1 and db.insert(vector(0, 0), "zero") == 1
        assert [float(found.distance) for found in db.knn(vector(0, 0), 10 ** 30)] == [1.0, 1.0]

    @gl.public.write
    def texts_become_vectors(self) -> None:
        embed = gle.SentenceTransformer("all-MiniLM-L6-v2")
        one, other = embed("The payment was refused"), embed("the payment was refused!")
        assert (one.shape, one.dtype) == ((384,), np.float32)
        assert np.array_equal(one, other) and abs(np.linalg.norm(one) - 1) < 1e-6
        assert np.dot(one, embed("the payments were refused")) > 0.6
        assert abs(float(np.dot(one, embed("green tea in a cup")))) < 0.2
        assert embed("").shape == (384,) and np.linalg.norm(embed("")) > 0.99
        refused(ValueError, "there is `all-MiniLM-L6-v2`", lambda: gle.SentenceTransformer("x"))
        refused(ValueError, "a vector is made of at most 65536", lambda: embed("x" * 70_000))
        refused(TypeError, "not of `bytes`", lambda: embed(b"x"))
        refused(NotImplementedError, "cannot be loaded", lambda: gle.get_model("x"))

    @gl.public.write
    def databases_lie_in_other_things(self) -> None:
        shelf = self.shelves.get_or_insert_default("a")
        shelf.name = "first"
        shelf.db.insert(np.array([1.0, 0.0]), "one")
        shelf.db.insert(np.array([0.0, 1.0]), "two")
        shelf.db.get_by_id(0).remove()
        copy = gl.storage.copy_to_memory(self.shelves["a"])
        shelf.db.insert(np.array([5.0, 5.0]), "late")
        assert [entry.value for entry in copy.db] == ["two"] and len(copy.db) == 1
        assert next(copy.db.knn(np.array([0.0, 2.0]), 1)).value == "two"
        self.shelves["b"] = copy
        assert [entry.value for entry in self.shelves["b"].db] == ["two"]
        assert self.shelves["b"].db.insert(np.array([2.0, 2.0]), "more") == 0
        for name in ("x", "y"):
            row = self.rows.append_new_get()
            row.name = name
            row.db.insert(np.array([1.0, 1.0]), name)
        self.rows.insert(0, self.shelves["b"])
        assert [[entry.value for entry in row.db] for row in self.rows] == \
            [["more", "two"], ["x"], ["y"]]
        counts = TreeMap()
        counts["a"] = 1
        self.made = counts

    @gl.public.write
    def arrays_and_numbers_are_stored(self) -> None:
        assert self.weights.tolist() == [0.0, 0.0, 0.0] and self.grid.shape == (2, 2)
        self.last = 255
        self.weights = vector(0.1, -2, 3)
        self.grid = np.array([[1, -2], [3, 4]], dtype=np.int16)
        assert self.weights[0] == np.float32(0.1) and self.grid[0, 1] == -2
        assert (self.single, self.small) == (0, 0)
        self.single, self.double, self.small = np.float32(0.1), np.float64(0.1), np.int8(-5)
        assert type(self.single) is np.float32 and float(self.single) != 0.1
        assert type(self.double) is np.float64 and self.double == 0.1 and self.small == -5
        assert self.last == 255
        refused(AssertionError, "not of float64", lambda: setattr(self, "weights", np.zeros(3)))
        refused(AssertionError, "the shape (2,)", lambda: setattr(self, "weights", vector(1, 2)))
        refused(AttributeError, "takes an array", lambda: setattr(self, "weights", [1, 2, 3]))
        refused(TypeError, "np.float32(…)", lambda: setattr(self, "single", 0.5))
