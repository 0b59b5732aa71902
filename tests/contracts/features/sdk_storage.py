# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from __future__ import annotations

from genlayer import *

import collections.abc
import typing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone


@allow_storage
@dataclass
class Profile:
    name: str
    score: u256 = u256(7)
    tags: DynArray[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.name}!"

    def raise_score(self, by: int) -> None:
        self.score += by


@dataclass
@allow_storage
class Vote:
    voter: Address
    weight: i32


@allow_storage
class Plain:
    label: str
    count: u32

    def __init__(self, label: str, count: int = 0):
        self.label = label
        self.count = count


@allow_storage
class Bare:
    left: u8
    right: str


T = typing.TypeVar("T")


@gl.storage.allow
@dataclass
class Boxed(typing.Generic[T]):
    item: T
    note: str


@allow_storage
@dataclass
class Later:
    value: u8


class Storage(gl.Contract):
    text: str
    raw: bytes
    number: u256
    signed: i64
    small: u24
    big: bigint
    flag: bool
    ratio: float
    owner: Address
    at: datetime
    profile: Profile
    plain: Plain
    bare: Bare
    grid: Array[u8, typing.Literal[3]]
    names: DynArray[str]
    numbers: DynArray[u64]
    owners: DynArray[Address]
    profiles: DynArray[Profile]
    nested_lists: DynArray[DynArray[str]]
    by_name: TreeMap[str, u256]
    by_owner: TreeMap[Address, u256]
    by_id: TreeMap[u256, Profile]
    votes: TreeMap[Address, TreeMap[str, Vote]]
    lists: TreeMap[str, DynArray[u32]]
    moments: TreeMap[datetime, str]
    by_flag: TreeMap[bool, str]
    by_raw: TreeMap[bytes, str]
    by_big: TreeMap[bigint, str]
    boxes: TreeMap[str, Boxed[u8]]
    later: TreeMap[str, "Later"]
    started: u256 = u256(5)
    kind: typing.ClassVar[str] = "storage"

    def __init__(self):
        pass

    @gl.public.write
    def zero_values(self) -> None:
        assert (self.text, self.raw, self.number, self.signed, self.big) == ("", b"", 0, 0, 0)
        assert self.flag is False and self.ratio == 0.0 and self.owner == Address(b"\0" * 20)
        assert self.profile.name == "" and self.profile.score == 0 and len(self.profile.tags) == 0
        assert list(self.grid) == [0, 0, 0] and len(self.names) == 0 and len(self.by_name) == 0
        assert self.plain.count == 0 and self.bare.right == "" and self.at.year == 1970

    @gl.public.write
    def defaults_of_fields_are_ignored(self) -> None:
        assert self.started == 0 and self.kind == "storage"
        self.started += 1
        assert self.started == 1

    @gl.public.write
    def simple_values(self) -> None:
        self.text, self.raw, self.flag, self.ratio = "é" * 300, b"\0\xff", True, -0.5
        self.number, self.signed, self.small, self.big = 2**256 - 1, -(2**63), 2**24 - 1, -(10**50)
        assert (self.text, self.raw, self.flag, self.ratio) == ("é" * 300, b"\0\xff", True, -0.5)
        assert (self.number, self.signed, self.small, self.big) == (2**256 - 1, -(2**63), 2**24 - 1, -(10**50))
        self.number -= u256(1)
        self.big *= 2
        assert self.number == 2**256 - 2 and self.big == -2 * 10**50
        self.text += "x"
        self.owner = gl.message.sender_address
        assert self.text.endswith("éx") and self.owner == gl.message.sender_address
        self.ratio = 3
        assert self.ratio == 3.0 and isinstance(self.ratio, float)

    @gl.public.write
    def moments_in_time(self) -> None:
        for at in (datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=timezone.utc), datetime(2001, 1, 1),
                   datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3)))):
            self.at = at
            assert self.at == at and self.at.utcoffset() == at.utcoffset()
        self.at = datetime.now(timezone.utc)
        assert datetime.now(timezone.utc) - self.at == timedelta(0)
        self.moments[datetime(2024, 1, 1)] = "a"
        assert list(self.moments) == [datetime(2024, 1, 1)]

    @gl.public.write
    def structs(self) -> None:
        self.profile = Profile("ann")
        assert self.profile.score == 7 and self.profile.title == "ann!" and list(self.profile.tags) == []
        self.profile.raise_score(3)
        self.profile.tags.append("x")
        assert self.profile.score == 10 and self.profile.tags[0] == "x"
        self.profiles.append(self.profile)
        self.profile.name = "bob"
        assert self.profiles[0].name == "ann" and isinstance(self.profiles[0], Profile)
        held = self.profiles[0]
        held.name = "changed"
        assert self.profiles[0].name == "changed"
        self.profile = Profile(name="cy", score=u256(1), tags=["a", "b"])
        assert list(self.profile.tags) == ["a", "b"]
        assert self.profile == self.profile and repr(self.profile).startswith("Profile(name='cy'")

    @gl.public.write
    def structs_without_dataclass(self) -> None:
        self.plain = Plain("a", 3)
        assert (self.plain.label, self.plain.count) == ("a", 3)
        self.plain.count += 1
        assert self.plain.count == 4
        bare = Bare()
        assert bare.left == 0 and bare.right == ""
        bare.right = "x"
        self.bare = bare
        assert self.bare.right == "x" and self.bare.left == 0

    @gl.public.write
    def generic_structs(self) -> None:
        self.boxes["a"] = gl.storage.inmem_allocate(Boxed[u8], 5, "n")
        assert self.boxes["a"].item == 5 and self.boxes["a"].note == "n"
        self.boxes.get_or_insert_default("b").note = "zero"
        assert self.boxes["b"].item == 0

    @gl.public.write
    def forward_references(self) -> None:
        self.later["a"] = Later(4)
        assert self.later["a"].value == 4

    @gl.public.write
    def lists_grow_and_shrink(self) -> None:
        names = self.names
        names.append("a")
        names.extend(["b", "c"])
        names += ["d"]
        assert len(names) == 4 and list(self.names) == ["a", "b", "c", "d"] and names[-1] == "d"
        self.names[0] = "z"
        assert self.names[1:3] == ["b", "c"] and self.names[::-1] == ["d", "c", "b", "z"]
        del self.names[1]
        self.names.insert(1, "y")
        self.names.remove("c")
        assert list(self.names) == ["z", "y", "d"] and self.names.index("y") == 1 and self.names.count("d") == 1
        self.names.reverse()
        assert list(self.names) == ["d", "y", "z"]
        self.names.pop()
        assert len(self.names) == 2 and "y" in self.names and "q" not in self.names
        assert [f"{n}:{name}" for n, name in enumerate(self.names)] == ["0:d", "1:y"]
        assert sorted(self.names) == ["d", "y"] and ",".join(self.names) == "d,y" and bool(self.names)
        self.names[0:1] = ["m", "n"]
        assert list(self.names) == ["m", "n", "y"] and list(reversed(self.names)) == ["y", "n", "m"]
        self.names.clear()
        assert not self.names and max(self.names, default="none") == "none"
        self.names = ["only"]
        self.names = list(self.names) + ["more"]
        assert [*self.names] == ["only", "more"] and tuple(self.names) == ("only", "more")
        assert isinstance(self.names, collections.abc.MutableSequence) and isinstance(self.names, DynArray)
        first, second = self.names
        assert (first, second) == ("only", "more")

    @gl.public.write
    def lists_of_everything(self) -> None:
        self.numbers = [3, 1, 2]
        assert sum(self.numbers) == 6 and max(self.numbers) == 3 and sorted(self.numbers) == [1, 2, 3]
        self.owners.append(gl.message.sender_address)
        assert gl.message.sender_address in self.owners
        made = self.profiles.append_new_get()
        made.name = "new"
        assert self.profiles[-1].name == "new" and [p.name for p in self.profiles if p.score == 0] == ["new"]
        inner = self.nested_lists.append_new_get()
        inner.append("deep")
        assert self.nested_lists[0][0] == "deep"
        for index in range(len(self.numbers)):
            self.numbers[index] *= 2
        assert list(self.numbers) == [6, 2, 4]
        self.grid[1] = 5
        self.grid = [self.grid[1], 2, 3]
        assert list(self.grid) == [5, 2, 3] and len(self.grid) == 3 and self.grid[-1] == 3

    @gl.public.write
    def maps_of_names(self) -> None:
        table = self.by_name
        table["b"] = 2
        table["a"] = u256(1)
        assert table["a"] == 1 and table.get("z") is None and table.get("z", 0) == 0 and "a" in table
        assert list(table) == ["a", "b"] and list(table.items()) == [("a", 1), ("b", 2)] and len(table) == 2
        assert list(table.keys()) == ["a", "b"] and list(table.values()) == [1, 2] and sum(table.values()) == 3
        assert len(table.keys()) == 2 and "b" in table.keys() and dict(table) == {"a": 1, "b": 2}
        table["a"] += 10
        assert table["a"] == 11 and sorted(table.items(), key=lambda entry: -entry[1])[0] == ("a", 11)
        assert {key: value for key, value in table.items()} == {"a": 11, "b": 2} and bool(table)
        del table["a"]
        assert "a" not in table and table.get_or_insert_default("n") == 0 and "n" in table
        assert table.compute_if_absent("m", lambda: u256(9)) == 9 and table.compute_if_absent("m", lambda: 1) == 9
        assert isinstance(table, collections.abc.Mapping) and next(iter(table)) == "b"
        try:
            table["missing"]
        except KeyError:
            pass
        else:
            raise AssertionError
        try:
            del table["missing"]
        except KeyError:
            return
        raise AssertionError

    @gl.public.write
    def maps_of_everything(self) -> None:
        sender = gl.message.sender_address
        self.by_owner[sender] = self.by_owner.get(sender, u256(0)) + 5
        assert self.by_owner[Address(sender.as_hex)] == 5 and list(self.by_owner) == [sender]
        self.by_id[u256(3)] = Profile("c")
        self.by_id[1] = Profile("a", 1, ["t"])
        assert [key for key in self.by_id] == [1, 3] and self.by_id[1].tags[0] == "t"
        self.by_id[3].score = 99
        assert self.by_id[3].score == 99 and self.by_id.get(4) is None
        votes = self.votes.get_or_insert_default(sender)
        votes["p"] = Vote(sender, -4)
        assert self.votes[sender]["p"].weight == -4 and "p" in self.votes[sender]
        self.lists.get_or_insert_default("k").append(1)
        self.lists["k"].append(2)
        assert list(self.lists["k"]) == [1, 2]
        self.by_flag[True], self.by_raw[b"x"], self.by_big[-5] = "t", "r", "b"
        assert (self.by_flag[True], self.by_raw[b"x"], self.by_big[-5]) == ("t", "r", "b")

    @gl.public.write
    def maps_made_by_hand(self) -> None:
        self.by_name = TreeMap()
        self.by_name["a"] = 1
        assert self.by_name["a"] == 1
        made = gl.storage.inmem_allocate(TreeMap[str, u256])
        made["x"] = 3
        self.by_name = made
        assert list(self.by_name.items()) == [("x", 3)]

    @gl.public.write
    def copies_in_memory(self) -> None:
        self.profiles.append(Profile("a", 1, ["t"]))
        copied = gl.storage.copy_to_memory(self.profiles[0])
        self.profiles[0].name = "b"
        assert copied.name == "a" and list(copied.tags) == ["t"] and copied.title == "a!"
        made = gl.storage.inmem_allocate(Profile, "new", 2, [])
        assert made.name == "new" and made.score == 2
        assert gl.storage.inmem_allocate(DynArray[str]) == []

    @gl.public.write
    def mistakes(self) -> None:
        def refuses(kind, action):
            try:
                action()
            except kind:
                return True

        def assign(name, value):
            return lambda: setattr(self, name, value)

        assert refuses(OverflowError, assign("number", -1)) and refuses(OverflowError, assign("number", 2**256))
        assert refuses(Exception, assign("number", "5")) and refuses(Exception, assign("text", 5))
        assert refuses(Exception, assign("number", 1.5)) and refuses(Exception, assign("owner", "0x" + "0" * 40))
        assert refuses(Exception, assign("profile", {"name": "x"})) and refuses(Exception, assign("names", 5))
        assert refuses(IndexError, lambda: self.names[0]) and refuses(Exception, lambda: self.names.pop())
        assert refuses(TypeError, lambda: DynArray()) and refuses(TypeError, lambda: DynArray[str]())
        assert refuses(Exception, lambda: self.grid.append(1)) and refuses(AttributeError, lambda: self.absent)
