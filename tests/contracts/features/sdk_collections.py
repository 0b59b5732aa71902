# { "Depends": "py-genlayer:test" }
import collections.abc
import dataclasses
import typing
from dataclasses import dataclass
from genlayer import *


@allow_storage
@dataclass
class P:
    n: u256
    tags: DynArray[str]


@allow_storage
@dataclass
class Kept:
    names: DynArray[str]
    row: Array[u8, typing.Literal[2]]
    counts: TreeMap[str, u8]


class Book(gl.Contract):
    """What collections and records of storage do where plain Python ones differ."""

    ps: DynArray[P]
    kept: DynArray[Kept]
    xs: DynArray[u256]
    numbers: TreeMap[u256, str]
    owners: TreeMap[Address, u256]
    counts: TreeMap[str, u256]

    def __init__(self):
        pass

    @gl.public.write
    def a_stored_record_makes_one_in_memory(self):
        self.ps.append(P(1, ["a"]))
        changed = dataclasses.replace(self.ps[0], n=2)
        assert changed.n == 2 and list(changed.tags) == ["a"] and self.ps[0].n == 1
        made = type(self.ps[0])(3, [])
        assert type(made) is P and made.n == 3 and isinstance(self.ps[0], P)
        self.ps[0] = changed
        assert self.ps[0].n == 2 and self.ps[0].tags[0] == "a"

    @gl.public.write
    def collections_are_written_without_blanks(self):
        self.ps.append(P(7, ["a", "b"]))
        self.counts["x"] = 1
        self.counts["y"] = 2
        assert str(self.ps[len(self.ps) - 1].tags) == "['a','b']" == f"{self.ps[len(self.ps) - 1].tags}"
        assert repr(self.counts) == "{'x':1,'y':2}" == "%s" % self.counts and str(self.xs) == "[]"
        assert repr(self.ps[len(self.ps) - 1]) == "P(n=7, tags=['a','b'])"
        assert isinstance(self.counts, collections.abc.MutableMapping) and isinstance(self.xs, collections.abc.MutableSequence)
        del self.counts["x"], self.counts["y"]
        self.ps.pop()

    @gl.public.write
    def a_loop_has_the_length_of_its_start(self):
        self.xs.append(1)
        for x in self.xs:
            self.xs.append(x + 1)
        assert list(self.xs) == [1, 2]
        try:
            for _ in self.xs:
                self.xs.pop()
        except IndexError:
            return
        raise Exception("items removed meanwhile")

    @gl.public.write
    def keys_of_another_type_are_looked_up_as_they_compare(self):
        assert self.owners.get("0xabc", 7) == 7 and "0xabc" not in self.owners
        self.numbers[5] = "five"
        assert self.numbers.get(5.0) == "five" and self.numbers.get(4.5) is None
        self.owners[gl.message.sender_address] = 1
        for look_up in (lambda: self.owners.get("0xabc"), lambda: "0xabc" in self.owners,
                        lambda: self.owners.pop("0xabc"), lambda: Address(bytes(20)) < 1):
            try:
                look_up()
            except AssertionError:
                continue
            raise Exception("an Address has no order with others")
        try:
            self.owners["0xabc"] = 1
        except TypeError:
            return
        raise Exception("written with a str")

    @gl.public.write
    def pop_takes_the_last_and_returns_nothing(self):
        self.xs.extend([1, 2, 3])
        assert self.xs.pop() is None and list(self.xs) == [1, 2]
        try:
            self.xs.pop(0)
        except TypeError:
            self.xs.clear()
        try:
            self.xs.pop()
        except Exception as error:
            assert type(error) is Exception
            return
        raise Exception("popped from an empty array")

    @gl.public.write
    def copies_in_memory_are_maps_and_arrays(self):
        self.counts["a"] = 1
        copy = gl.storage.copy_to_memory(self.counts)
        assert isinstance(copy, TreeMap) and copy.get_or_insert_default("0") == 0
        assert list(copy) == ["0", "a"] and list(self.counts) == ["a"] and copy != self.counts
        counts = self.counts
        assert counts.assign(copy) is counts and counts == copy
        self.xs.append(1)
        numbers = gl.storage.copy_to_memory(self.xs)
        assert numbers.append_new_get() == 0 and numbers == [1, 0] and len(self.xs) == 1
        xs = self.xs
        assert xs.assign([4, 5]) is xs and list(xs) == [4, 5]

    @gl.public.write
    def a_record_has_lists_of_its_own(self):
        given = ["a"]
        made = P(1, given)
        given.append("b")
        assert made.tags == ["a"] and made.tags.append_new_get() == ""
        assert dataclasses.asdict(made) == {"n": 1, "tags": ["a", ""]}
        self.ps.append(made)
        other = dataclasses.replace(self.ps[0], n=2)
        other.tags.append("c")
        assert list(self.ps[0].tags) == ["a", ""] and other.tags == ["a", "", "c"]

    @gl.public.write
    def a_record_in_memory_has_collections_of_its_own(self):
        names, row, counts = ["a"], [1, 2], TreeMap[str, u8]()
        counts["a"] = 1
        made = Kept(names, row, counts)
        names.append("b"), row.append(3)
        counts["b"] = 2
        assert made.names == ["a"] and list(made.row) == [1, 2] and dict(made.counts.items()) == {"a": 1}
        made.counts["c"], made.row[0] = 3, 7
        assert "c" not in counts and row[0] == 1
        self.kept.append(made)
        stored = self.kept[0]
        assert list(stored.row) == [7, 2] and dict(stored.counts.items()) == {"a": 1, "c": 3}
        taken = Kept(stored.names, stored.row, stored.counts)
        stored.counts["d"] = 4
        assert list(taken.counts) == ["a", "c"] and taken.row == [7, 2] and not hasattr(self, "emit_transfer")
