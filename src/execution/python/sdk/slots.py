"""Storage as it is: slots of bytes, for contracts that lay something out themselves."""

import abc
import typing

import _genlayer
from genlayer import memory, storage


class Comparable(typing.Protocol):
    """For annotations: what can be the key of a `TreeMap`."""

    @abc.abstractmethod
    def __eq__(self, other, /):
        """Is it the same key?"""

    @abc.abstractmethod
    def __lt__(self, other, /):
        """Does it come before?"""


class Manager(abc.ABC):
    """Where slots are kept."""

    @abc.abstractmethod
    def get_store_slot(self, slot_id, /):
        """The slot of this number, which is an int or 32 bytes."""

    @abc.abstractmethod
    def do_read(self, slot_id, offset, length, /):
        """Bytes of a slot."""

    @abc.abstractmethod
    def do_write(self, slot_id, offset, data, /):
        """Puts bytes into a slot."""


class _OwnStorage(Manager):
    """The storage of the running contract."""

    def get_store_slot(self, slot_id, /):
        if isinstance(slot_id, int):
            slot_id = slot_id.to_bytes(32, "little")
        return Slot(slot_id, self)

    def do_read(self, slot_id, offset, length, /):
        return _genlayer.read(slot_id, offset, length)

    def do_write(self, slot_id, offset, data, /):
        _genlayer.write(slot_id, offset, bytes(data))


class Slot:
    """One slot: bytes that are zero until they are written, and slots derived from it."""

    __slots__ = ("id", "manager")

    def __init__(self, slot_id, manager, /):
        if not isinstance(slot_id, bytes) or len(slot_id) != 32:
            raise ValueError("the number of a slot is an int or 32 bytes")
        self.id = slot_id
        self.manager = manager

    def indirect(self, offset, /):
        """The slot derived from a place in this one."""
        return self.manager.get_store_slot(_genlayer.child(self.id, offset))

    def read(self, offset, length, /):
        return self.manager.do_read(self.id, offset, length)

    def write(self, offset, data, /):
        self.manager.do_write(self.id, offset, data)

    def as_int(self):
        """The slot's number."""
        return int.from_bytes(self.id, "little")

    def cast(self, type_, offset, /):
        """What lies there, taken for a value of a storage type."""
        if not isinstance(self.manager, _OwnStorage):
            raise NotImplementedError("only slots of the contract's own storage can be cast")
        return storage.codec_of(type_, "cast").get(self.id, offset)

    def __eq__(self, other):
        return isinstance(other, Slot) and other.manager is self.manager and other.id == self.id

    def __hash__(self):
        return hash(self.id)

    def __repr__(self):
        return f"Slot({self.id.hex()})"


def cast_slot(type_, manager, slot_id, offset, /):
    """What lies at a place of a slot, taken for a value of a storage type."""
    return manager.get_store_slot(slot_id).cast(type_, offset)


class Pickled:
    """Python's own serialization, which is not there: what it made could run anything when read."""

    def __class_getitem__(cls, parameters):
        return cls


storage.REFUSED[Pickled] = ("`Pickled` is not on this network: keep `json.dumps(…)` in a `str` or "
                            "`gl.calldata.encode(…)` in `bytes`")
memory.Root.MANAGER = _OwnStorage()
NAMES = {"Comparable": Comparable, "Manager": Manager, "Pickled": Pickled, "Slot": Slot,
         "cast_slot": cast_slot}
storage.__dict__.update(NAMES)
