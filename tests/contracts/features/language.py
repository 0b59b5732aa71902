# { "Depends": "py-genlayer:test" }
from genlayer import *

import typing

LIMIT: typing.Final[int] = 3
TABLE = {number: number**2 for number in range(LIMIT)}
_counter = 0


def helper(*args, scale=1, **named):
    return sum(args) * scale + len(named)


def generator(count):
    for number in range(count):
        received = yield number
        if received:
            yield received


class Base:
    registry = []

    def __init_subclass__(cls, /, label="none", **kwargs):
        super().__init_subclass__(**kwargs)
        Base.registry.append((cls.__name__, label))

    def greet(self):
        return "base"


class Left(Base, label="left"):
    def greet(self):
        return "left " + super().greet()


class Right(Base):
    def greet(self):
        return "right " + super().greet()


class Both(Left, Right):
    __slots__ = ("_value",)

    def __init__(self):
        self._value = 1

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = max(new, 0)

    @staticmethod
    def static():
        return "static"

    @classmethod
    def named(cls):
        return cls.__name__

    def __getitem__(self, key):
        return key

    def __len__(self):
        return 2

    def __contains__(self, item):
        return item == "x"

    def __call__(self, *args):
        return args

    def __add__(self, other):
        return ("add", other)

    def __radd__(self, other):
        return ("radd", other)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is KeyError

    def __getattr__(self, name):
        return "no " + name


class Problem(Exception):
    def __init__(self, code, detail=""):
        super().__init__(f"{code}: {detail}")
        self.code = code


class Pair[A, B]:
    def __init__(self, a: A, b: B):
        self.a, self.b = a, b


type Number = int | float


def first[T](items: list[T]) -> T:
    return items[0]


class Language(gl.Contract):
    total: u256

    CONSTANT = 5

    def __init__(self):
        self.total = 1

    def _private(self, factor: int = 2) -> int:
        return self.total * factor

    @staticmethod
    def plain(text: str) -> str:
        return text.upper()

    @classmethod
    def made(cls) -> str:
        return cls.__name__

    @property
    def doubled(self) -> int:
        return self.total * 2

    @gl.public.view
    def members(self) -> None:
        assert self._private() == 2 and self._private(factor=3) == 3 and self.plain("a") == "A"
        assert Language.plain("b") == "B" and self.made() == "Language" and self.doubled == 2
        assert self.CONSTANT == Language.CONSTANT == 5 and isinstance(self, gl.Contract)
        assert getattr(self, "total") == 1 and hasattr(self, "total") and not hasattr(self, "x")

    @gl.public.view
    def functions(self) -> None:
        assert helper(1, 2, scale=2, a=1) == 7 and helper(*[1, 2], **{"scale": 3}) == 9

        def only(a, /, b, *, c=3):
            return a, b, c

        assert only(1, b=2) == (1, 2, 3)
        counter = 0

        def bump():
            nonlocal counter
            counter += 1
            return counter

        assert (bump(), bump()) == (1, 2)
        global _counter
        _counter += 1
        assert _counter == 1
        assert (lambda a, b=2: a + b)(1) == 3
        assert [each() for each in [lambda n=n: n for n in range(3)]] == [0, 1, 2]
        assert helper.__name__ == "helper" and callable(helper)

        def recursive(n):
            return 1 if n == 0 else n * recursive(n - 1)

        assert recursive(20) == 2432902008176640000

    @gl.public.view
    def generators(self) -> None:
        running = generator(2)
        assert next(running) == 0 and running.send("x") == "x" and list(running) == [1]

        def chained():
            yield from generator(2)
            return "end"

        assert list(chained()) == [0, 1] and sum(n for n in generator(4)) == 6
        assert next((n for n in [] if n), None) is None

    @gl.public.view
    def comprehensions(self) -> None:
        assert [a * b for a in (1, 2) for b in (3, 4) if a != b] == [3, 4, 6, 8]
        assert {k: v for k, v in zip("ab", [1, 2])} == {"a": 1, "b": 2} and {n % 2 for n in range(4)} == {0, 1}
        assert [[0] * 2 for _ in range(2)] == [[0, 0], [0, 0]] and TABLE == {0: 0, 1: 1, 2: 4}
        assert [y for x in [1, 2] if (y := x * 2) > 2] == [4]

    @gl.public.view
    def unpacking(self) -> None:
        a, *rest, z = [1, 2, 3, 4]
        (b, (c, d)), e = (1, (2, 3)), [4]
        assert (a, rest, z) == (1, [2, 3], 4) and (b, c, d, e) == (1, 2, 3, [4])
        assert {**{"a": 1}, "b": 2} == {"a": 1, "b": 2} and [*range(2), 5] == [0, 1, 5]
        assert {"a": 1} | {"b": 2} == {"a": 1, "b": 2}
        a, z = z, a
        assert (a, z) == (4, 1)
        for index, (key, value) in enumerate({"x": 1}.items(), start=1):
            assert (index, key, value) == (1, "x", 1)

    @gl.public.view
    def walrus_and_ternary(self) -> None:
        if (found := "abc".find("c")) > 0:
            assert found == 2
        assert ("yes" if self.total else "no") == "yes" and (None or "x") == "x" and ("" and 1) == ""
        assert 1 < 2 <= 2 != 3 and not (1 > 2) and 2 in [1, 2] and None is not False

    @gl.public.view
    def matching(self) -> None:
        def kind(value):
            match value:
                case 0 | 1:
                    return "small"
                case int(n) if n > 100:
                    return f"large {n}"
                case [x, y, *others]:
                    return f"{x} {y} {len(others)}"
                case {"type": "a", **rest}:
                    return f"a with {sorted(rest)}"
                case str() as text:
                    return text.upper()
                case Pair(a=1):
                    return "pair"
                case Both():
                    return "both"
                case None:
                    return "none"
                case _:
                    return "other"

        found = [kind(value) for value in (1, 500, [1, 2, 3], {"type": "a", "b": 1}, "x", Both(), None, 7)]
        assert found == ["small", "large 500", "1 2 1", "a with ['b']", "X", "both", "none", "other"]
        pair = Pair(1, 2)
        assert kind(pair) == "pair"

    @gl.public.view
    def exceptions(self) -> None:
        steps = []
        try:
            try:
                raise Problem("E1", "no")
            except (KeyError, ValueError):
                steps.append("wrong")
            except Problem as problem:
                steps.append(str(problem))
                raise RuntimeError("again") from problem
            else:
                steps.append("else")
            finally:
                steps.append("finally")
        except RuntimeError as error:
            assert error.__cause__.code == "E1" and error.args == ("again",)
        assert steps == ["E1: no", "finally"]
        try:
            steps.append("try")
        except Exception:
            raise
        else:
            steps.append("else")
        assert steps[-1] == "else"
        for make, kind in ((lambda: {}["x"], KeyError), (lambda: [][1], IndexError),
                           (lambda: int("x"), ValueError), (lambda: 1 / 0, ZeroDivisionError),
                           (lambda: None.x, AttributeError), (lambda: "a" + 1, TypeError),
                           (lambda: undefined, NameError), (lambda: next(iter([])), StopIteration)):
            try:
                make()
            except kind as error:
                assert isinstance(error, Exception)
            else:
                raise AssertionError(kind)
        try:
            raise ExceptionGroup("many", [ValueError("a"), KeyError("b")])
        except* ValueError as group:
            assert len(group.exceptions) == 1
        except* KeyError:
            pass
        try:
            raise ValueError("x", 1)
        except ValueError as error:
            error.add_note("noted")
            assert repr(error) == "ValueError('x', 1)" and error.__notes__ == ["noted"]
        assert repr(KeyError("k")) == "KeyError('k')" and str(KeyError("k")) == "'k'"

    @gl.public.view
    def messages_of_errors(self) -> None:
        def words(make):
            try:
                make()
            except Exception as error:
                return str(error)

        assert words(lambda: 1 / 0) == "division by zero"
        assert words(lambda: int("x")) == "invalid literal for int() with base 10: 'x'"
        assert words(lambda: float("x")) == "could not convert string to float: 'x'"
        assert words(lambda: [][0]) == "list index out of range"
        assert words(lambda: {}["k"]) == "'k'"
        assert words(lambda: None.x) == "'NoneType' object has no attribute 'x'"
        assert words(lambda: undefined) == "name 'undefined' is not defined"
        assert words(lambda: 1 + "a") == "unsupported operand type(s) for +: 'int' and 'str'"
        assert words(lambda: None[0]) == "'NoneType' object is not subscriptable"
        assert words(lambda: len(5)) == "object of type 'int' has no len()"
        assert words(lambda: 5()) == "'int' object is not callable"

    @gl.public.view
    def classes(self) -> None:
        both = Both()
        assert both.greet() == "left right base" and Both.__mro__[1] is Left
        assert ("Left", "left") in Base.registry and ("Right", "none") in Base.registry
        both.value = -5
        assert both.value == 0 and Both.static() == "static" and Both.named() == "Both"
        assert both["k"] == "k" and len(both) == 2 and "x" in both and both(1, 2) == (1, 2)
        assert both + 1 == ("add", 1) and 1 + both == ("radd", 1) and both.missing == "no missing"
        with both as entered:
            assert entered is both
            raise KeyError
        made = type("Made", (Base,), {"x": 1})
        assert made().x == 1 and isinstance(made(), Base) and issubclass(Both, (int, Base))
        assert first([1, 2]) == 1 and Pair[int, str](1, "a").b == "a" and Number.__name__ == "Number"

    @gl.public.view
    def f_strings(self) -> None:
        name, value, width = "x", 3.14159, 10
        assert f"{name}: {value:.2f}" == "x: 3.14" and f"{name!r:>5}" == "  'x'" and f"{value=:.1f}" == "value=3.1"
        assert f"{value:{width}.1f}|" == "       3.1|" and f"{{}} {name.upper()} {1 if name else 0}" == "{} X 1"
        assert f"{'nested ' + f'{name}'}" == "nested x" and f"{[n for n in range(2)]}" == "[0, 1]"
        assert f"""{
            name
        }""" == "x" and rf"\d{name}" == "\\dx" and f"{ {'a': 1}['a'] }" == "1"
        assert f"{"same quotes"}" == "same quotes" and f"{'a\n'!r}" == "'a\\n'"

    @gl.public.view
    def containers(self) -> None:
        items = [3, 1, 2]
        items.sort(key=lambda n: -n)
        assert items == [3, 2, 1] and sorted(items, reverse=True) == items and list(reversed(items)) == [1, 2, 3]
        items[1:2] = [9, 9]
        del items[0]
        items.insert(0, 5)
        assert items == [5, 9, 9, 1] and items.count(9) == 2 and items.pop(0) == 5 and items[-1] == 1
        items += [4]
        assert items[::2] == [9, 1] and items.index(1) == 2 and items.copy() == items
        table = {"b": 1, "a": 2}
        table.update(c=3)
        assert table.pop("b") == 1 and table.setdefault("d", []) == [] and list(table) == ["a", "c", "d"]
        assert table.get("x", 0) == 0 and dict.fromkeys("ab", 0) == {"a": 0, "b": 0} and table.popitem()[0] == "d"
        assert list(table.items()) == [("a", 2), ("c", 3)] and max(table, key=table.get) == "c"
        some = {1, 2} | {3}
        assert some - {1} == {2, 3} and some & {1, 9} == {1} and some ^ {1} == {2, 3} and {1} <= some
        some.discard(9)
        assert frozenset([1]) in {frozenset([1])} and (1, "a") < (1, "b") and (1,) + (2,) == (1, 2)
        assert list(map(str, filter(None, [0, 1]))) == ["1"] and any([0, 1]) and all([]) and list(zip("ab", [1])) == [("a", 1)]
        assert min(3, 1) == 1 and sum([[1], [2]], []) == [1, 2] and list(range(5, 0, -2)) == [5, 3, 1]
        assert isinstance(True, int) and type(1) is int and id(items) == id(items) and hash("a") == hash("a")
        assert slice(1, 3).indices(2) == (1, 2, 1) and list(iter([1].pop, 1)) == []

    @gl.public.view
    def loops(self) -> None:
        seen = []
        for n in range(5):
            if n == 1:
                continue
            if n == 3:
                break
            seen.append(n)
        else:
            seen.append("never")
        while seen:
            seen.pop()
        else:
            seen.append("end")
        assert seen == ["end"]

    @gl.public.view
    def dynamic(self) -> None:
        assert eval("1 + 2", {"__builtins__": {}}) == 3 and eval("a * 2", {}, {"a": 2}) == 4
        space = {}
        exec("def f(x):\n    return x + 1", space)
        assert space["f"](1) == 2 and "Language" in globals() and "space" in locals()
        assert vars(Problem("a"))["code"] == "a" and "greet" in dir(Base)
        assert object.__doc__ is not None and print("x", end="") is None

    @gl.public.view
    def asynchronous(self) -> None:
        async def inner():
            return 5

        async def outer():
            return await inner() + 1

        running = outer()
        try:
            running.send(None)
        except StopIteration as end:
            assert end.value == 6
