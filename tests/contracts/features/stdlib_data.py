# { "Depends": "py-genlayer:test" }
from __future__ import annotations

from genlayer import *

import abc
import bisect
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import heapq
import inspect
import itertools
import logging
import operator
import pprint
import secrets
import sys
import traceback
import types
import typing
import uuid
import warnings
import weakref
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from enum import Enum, Flag, IntEnum, StrEnum, auto
from typing import (Annotated, Any, ClassVar, Dict, Final, Generic, List, Literal, NamedTuple,
                    NewType, NotRequired, Optional, Protocol, Self, Set, Tuple, TypeAlias,
                    TypedDict, TypeVar, Union, cast)

logger = logging.getLogger(__name__)
T = TypeVar("T")
Score = NewType("Score", int)
Names: TypeAlias = List[str]


class Status(Enum):
    OPEN = "open"
    CLOSED = "closed"

    @classmethod
    def parse(cls, text: str) -> Status:
        return cls(text.lower())

    @property
    def is_open(self) -> bool:
        return self is Status.OPEN


class Level(IntEnum):
    LOW = 1
    HIGH = auto()


class Colour(StrEnum):
    RED = auto()


class Rights(Flag):
    READ = auto()
    WRITE = auto()


class Shape(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self) -> float: ...


@dataclass(frozen=True)
class Square(Shape):
    side: float

    @property
    def area(self) -> float:
        return self.side**2


@dataclass(order=True)
class Item:
    rank: int
    name: str = field(compare=False)
    tags: list[str] = field(default_factory=list, repr=False)
    kind: ClassVar[str] = "item"

    def __post_init__(self):
        self.name = self.name.strip()


@dataclass(slots=True, kw_only=True)
class Slim:
    a: int = 1


class Point(NamedTuple):
    x: int
    y: int = 0


class Movie(TypedDict, total=False):
    title: str
    year: NotRequired[int]


class HasName(Protocol):
    name: str


class Box(Generic[T]):
    def __init__(self, value: T):
        self.value = value

    def map(self, function: Callable[[T], T]) -> Self:
        return type(self)(function(self.value))


class Data(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def collections_module(self) -> None:
        counted = Counter("abracadabra")
        assert counted.most_common(2) == [("a", 5), ("b", 2)] and counted["z"] == 0
        assert counted.total() == 11 and (Counter("aab") - Counter("a")) == Counter("ab")
        grouped = defaultdict(list)
        grouped["x"].append(1)
        assert dict(grouped) == {"x": [1]} and "y" not in grouped
        queue = deque([1, 2, 3], maxlen=3)
        queue.append(4)
        queue.rotate(1)
        assert list(queue) == [4, 2, 3] and queue.popleft() == 4
        ordered = OrderedDict(a=1, b=2)
        ordered.move_to_end("a")
        assert list(ordered) == ["b", "a"]
        assert collections.ChainMap({"a": 1}, {"a": 2, "b": 3})["b"] == 3
        Pair = namedtuple("Pair", "left right")
        assert Pair(1, right=2)._asdict() == {"left": 1, "right": 2}
        assert isinstance([], Sequence) and isinstance({}, Mapping) and isinstance("", Iterable)

    @gl.public.view
    def dataclasses_module(self) -> None:
        item = Item(2, " b ")
        assert repr(item) == "Item(rank=2, name='b')" and item.tags == [] and item.kind == "item"
        assert Item(1, "z") < item and Item(2, "other") == item
        assert asdict(item) == {"rank": 2, "name": "b", "tags": []} and astuple(item)[0] == 2
        assert replace(item, rank=3).rank == 3 and [each.name for each in fields(item)][1] == "name"
        assert dataclasses.is_dataclass(item) and Slim(a=2).a == 2 and not hasattr(Slim(), "__dict__")
        made = dataclasses.make_dataclass("Made", [("x", int), ("y", int, field(default=5))])
        assert made(1).y == 5
        try:
            Square(1.0).side = 2.0
        except dataclasses.FrozenInstanceError:
            pass
        else:
            raise AssertionError
        assert Square(3).area == 9 and hash(Square(3)) == hash(Square(3))
        try:
            Shape()
        except TypeError:
            return
        raise AssertionError

    @gl.public.view
    def enum_module(self) -> None:
        assert Status("open") is Status.OPEN and Status["CLOSED"].value == "closed"
        assert Status.parse("OPEN").is_open and [each.name for each in Status] == ["OPEN", "CLOSED"]
        assert str(Status.OPEN) == "Status.OPEN" and repr(Status.OPEN) == "<Status.OPEN: 'open'>"
        assert Level.HIGH == 2 and Level.HIGH > Level.LOW and f"{Level.HIGH}" == "2"
        assert Colour.RED == "red" and f"{Colour.RED}" == "red" and Status.OPEN != "open"
        assert Rights.READ in (Rights.READ | Rights.WRITE) and Rights(3).value == 3
        assert "OPEN" in Status.__members__ and len(Status) == 2
        assert {Status.OPEN: 1}[Status.OPEN] == 1
        try:
            Status("other")
        except ValueError as error:
            assert str(error) == "'other' is not a valid Status", str(error)
        else:
            raise AssertionError
        assert enum.unique(Status) is Status

    @gl.public.view
    def typing_module(self) -> None:
        assert Point(1).y == 0 and Point(1, 2)._replace(x=5) == (5, 2)
        movie: Movie = {"title": "x"}
        assert cast(Any, movie)["title"] == "x" and Score(4) == 4
        assert typing.get_origin(List[int]) is list and typing.get_args(Dict[str, int]) == (str, int)
        assert typing.get_args(Literal["a", "b"]) == ("a", "b") and Optional[int] == Union[int, None]
        assert typing.get_type_hints(Movie)["title"] is str
        assert Box[int](2).map(lambda value: value + 1).value == 3
        limit: Final = 3
        names: Names = ["a"]
        pair: Tuple[int, ...] = (1,)
        some: Set[int] = {limit}
        noted: Annotated[int, "unit"] = 1
        assert (names, pair, some, noted) == (["a"], (1,), {3}, 1)

    @gl.public.view
    def functools_module(self) -> None:
        assert functools.reduce(operator.add, [1, 2, 3], 10) == 16
        assert functools.partial(int, base=2)("101") == 5

        @functools.lru_cache(maxsize=None)
        def fibonacci(n):
            return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

        assert fibonacci(80) == 23416728348467685

        def doubled(function):
            @functools.wraps(function)
            def call(*args, **kwargs):
                return 2 * function(*args, **kwargs)

            return call

        @doubled
        def three():
            "tells three"
            return 3

        assert three() == 6 and three.__name__ == "three" and three.__doc__ == "tells three"
        key = functools.cmp_to_key(lambda left, right: right - left)
        assert sorted([1, 3, 2], key=key) == [3, 2, 1]

        @functools.singledispatch
        def kind(value):
            return "other"

        @kind.register
        def _(value: int):
            return "int"

        assert (kind(1), kind("")) == ("int", "other")

        class Lazy:
            @functools.cached_property
            def value(self):
                return [1]

        lazy = Lazy()
        assert lazy.value is lazy.value

    @gl.public.view
    def itertools_module(self) -> None:
        assert list(itertools.chain([1], [2, 3])) == [1, 2, 3]
        assert list(itertools.chain.from_iterable([[1], [2]])) == [1, 2]
        assert list(itertools.islice(itertools.count(5, 2), 3)) == [5, 7, 9]
        assert list(itertools.combinations("abc", 2))[-1] == ("b", "c")
        assert len(list(itertools.permutations(range(3)))) == 6
        assert list(itertools.product([0, 1], repeat=2))[2] == (1, 0)
        assert list(itertools.accumulate([1, 2, 3])) == [1, 3, 6]
        assert [(key, list(group)) for key, group in itertools.groupby("aab")] == [
            ("a", ["a", "a"]), ("b", ["b"])]
        assert list(itertools.zip_longest([1], [2, 3], fillvalue=0)) == [(1, 2), (0, 3)]
        assert list(itertools.takewhile(lambda n: n < 2, [1, 2, 1])) == [1]
        assert list(itertools.pairwise([1, 2, 3])) == [(1, 2), (2, 3)]
        assert list(itertools.batched("abcde", 2))[-1] == ("e",)
        assert next(itertools.cycle("x")) == "x" and list(itertools.repeat(1, 2)) == [1, 1]
        assert list(itertools.starmap(pow, [(2, 3)])) == [8]
        assert list(itertools.compress("abc", [1, 0, 1])) == ["a", "c"]

    @gl.public.view
    def small_modules(self) -> None:
        heap = [3, 1, 2]
        heapq.heapify(heap)
        heapq.heappush(heap, 0)
        assert heapq.heappop(heap) == 0 and heapq.nlargest(2, heap) == [3, 2]
        assert bisect.bisect_left([1, 3, 5], 3) == 1
        ranked = [1, 3]
        bisect.insort(ranked, 2)
        assert ranked == [1, 2, 3]
        assert sorted([{"a": 2}, {"a": 1}], key=operator.itemgetter("a"))[0] == {"a": 1}
        assert operator.attrgetter("x")(Point(4)) == 4 and operator.methodcaller("upper")("a") == "A"
        nested = {"a": [1]}
        shallow, deep = copy.copy(nested), copy.deepcopy(nested)
        nested["a"].append(2)
        assert shallow["a"] == [1, 2] and deep["a"] == [1]
        space = types.SimpleNamespace(a=1)
        assert space.a == 1 and types.MappingProxyType({"a": 1})["a"] == 1
        assert pprint.pformat({"b": 1, "a": 2}) == "{'a': 2, 'b': 1}"
        assert sys.version_info >= (3, 12) and sys.maxsize > 2**31
        assert weakref.ref(Data)() is Data

    @gl.public.view
    def contexts(self) -> None:
        seen = []

        @contextlib.contextmanager
        def noted(name):
            seen.append("in " + name)
            try:
                yield name.upper()
            finally:
                seen.append("out " + name)

        with noted("a") as a, noted("b"):
            assert a == "A"
        assert seen == ["in a", "in b", "out b", "out a"]
        with contextlib.suppress(KeyError):
            {}["x"]
        with contextlib.ExitStack() as stack:
            stack.callback(seen.append, "end")
        assert seen[-1] == "end"

    @gl.public.view
    def looking_around(self) -> None:
        def function(a, b=1, *args, c, **kwargs) -> int:
            "adds"

        named = inspect.signature(function).parameters
        assert list(named) == ["a", "b", "args", "c", "kwargs"] and named["b"].default == 1
        assert inspect.isfunction(function) and inspect.getdoc(function) == "adds"
        try:
            raise ValueError("no")
        except ValueError as error:
            assert "ValueError: no" in traceback.format_exc()
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            assert lines[-1] == "ValueError: no\n"
            assert sys.exc_info()[1] is error

    @gl.public.view
    def notes(self) -> None:
        logger.info("told nobody")
        logger.warning("told %s", "somebody")
        logging.basicConfig(level=logging.INFO)
        warnings.warn("told once", UserWarning)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("told nobody")

    @gl.public.view
    def identifiers(self) -> None:
        assert str(uuid.uuid5(uuid.NAMESPACE_DNS, "a.b")) == str(uuid.uuid5(uuid.NAMESPACE_DNS, "a.b"))
        assert uuid.UUID(int=5).hex.endswith("5") and len(str(uuid.uuid4())) == 36
        assert uuid.uuid4() != uuid.uuid4()
        assert len(secrets.token_hex(8)) == 16 and 0 <= secrets.randbelow(5) < 5
        assert secrets.choice([1]) == 1 and len(secrets.token_bytes(4)) == 4

    @gl.public.view
    def paths_are_texts(self) -> None:
        import os
        import os.path as path_module
        from os.path import join, splitext
        from pathlib import PurePath, PurePosixPath
        assert path_module is os.path and join("a", "b", "/c") == "/c" and join("a", "b") == "a/b"
        assert splitext("a.tar.gz") == ("a.tar", ".gz") and os.path.normpath("a/../b") == "b"
        assert os.path.basename("/a/b") == "b" and os.path.dirname("/a/b") == "/a" and os.path.isabs("/a")
        assert os.path.commonpath(["/a/b", "/a/c"]) == "/a" and os.path.relpath("/a/b", "/a") == "b"
        assert os.sep == "/" and os.linesep == "\n" and os.getenv("NO_SUCH_NAME") is None
        assert os.environ.get("NO_SUCH_NAME", "x") == "x" and len(os.urandom(4)) == 4
        assert str(PurePath("/a") / "b.txt") == "/a/b.txt" and PurePosixPath("a/b.txt").suffix == ".txt"
        assert os.fspath(PurePath("a")) == "a" and isinstance(PurePath("a"), os.PathLike)
