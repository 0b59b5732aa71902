# v0.2.16
# { "Depends": "py-genlayer:test" }
"""What public contracts were found to use, beside the other files of this folder."""
from genlayer import *

from dataclasses import dataclass

import genlayer.gl._internal.gl_call as machine
from genlayer.py.public_abi import ResultCode, StorageType


@allow_storage
@dataclass
class Seen:
    by: str
    times: u32


@allow_storage
@dataclass
class Record:
    name: str
    history: DynArray[Seen]
    scores: TreeMap[str, u32]


class InPublic(gl.Contract):
    names: TreeMap[str, u32]
    records: DynArray[Record]
    numbers: DynArray[u32]

    def __init__(self):
        pass

    @gl.public.view
    def list(self) -> list[str]:
        return ["a method that hides a type"]

    @gl.public.view
    def str(self) -> str:
        return "another"

    @gl.public.write
    def lists_that_begin_empty(self) -> None:
        record = Record("a", gl.storage.inmem_allocate(DynArray[Seen], []),
                        gl.storage.inmem_allocate(TreeMap[str, u32], {"x": 1}))
        record.history.append(Seen("me", 2))
        self.records.append(record)
        assert self.records[0].history[0].by == "me" and self.records[0].scores["x"] == 1

    @gl.public.write
    def maps_as_pythons(self) -> None:
        self.names.update({"b": 2}, a=1)
        self.names.update([("c", 3)])
        assert len(self.names.items()) == 3 and ("b", 2) in self.names.items()
        assert [*self.names.items()] == [("a", 1), ("b", 2), ("c", 3)] == [*self.names.items()]
        assert self.names.popitem() == ("a", 1) and len(self.names) == 2
        assert self.names.setdefault("z", 9) == 9
        empty = gl.storage.inmem_allocate(TreeMap[str, u32])
        try:
            empty.popitem()
            raise AssertionError("nothing can be taken out")
        except KeyError:
            pass

    @gl.public.write
    def lists_as_genvms(self) -> None:
        self.numbers.assign([1, 2, 3])
        self.numbers.assign(self.numbers[1:])
        assert self.numbers == [2, 3]

    @gl.public.view
    def numbers_of_the_machine(self) -> None:
        assert StorageType.LATEST_FINAL == 1 and ResultCode.VM_ERROR == 2
        assert gl.vm.ABI.StorageType is StorageType
        me = gl.get_contract_at(gl.message.contract_address)
        assert me.view(state=StorageType.LATEST_NON_FINAL) is not None

    @gl.public.write
    def money_by_the_machine(self) -> None:
        import _genlayer_wasi
        assert gl.wasi.get_self_balance() == 0 == self.balance
        assert _genlayer_wasi.get_balance(gl.message.sender_address.as_bytes) >= 0
        assert gl.wasi.get_balance(gl.message.sender_address) >= 0
        try:
            machine.gl_call_generic({"EthCall": {}}, lambda raw: raw)
            raise AssertionError("there is nothing to call")
        except NotImplementedError as error:
            assert "EthCall" in builtin_text(error)

    @gl.public.view
    def types_of_ethereum(self) -> None:
        evm = gl.evm
        encoder = evm.MethodEncoder("seal", [evm.bytes32, bool, u8], bool)
        call = encoder.encode_call([b"\x01" * 32, True, 7])
        assert len(call) == 4 + 3 * 32 and call[4:36] == b"\x01" * 32
        assert evm.type_name_of(tuple[evm.InplaceTuple, u8, evm.bytes32]) == "(uint8,bytes32)"
        word = evm.encode(evm.bytes4, b"abcd")
        assert word == b"abcd" + bytes(28) and evm.decode(evm.bytes4, word) == b"abcd"
        try:
            evm.encode(evm.bytes4, b"abc")
            raise AssertionError("too short")
        except ValueError:
            pass

    @gl.public.view
    def tuples_of_ethereum(self) -> None:
        evm = gl.evm
        pair, apart = tuple[u8, str_type], tuple[evm.InplaceTuple, u8, str_type]
        data = evm.encode(pair, (1, "x"))
        words = [int.from_bytes(data[i:i + 32], "big") for i in range(0, len(data), 32)]
        assert words[:4] == [0x20, 1, 0x40, 1] and len(words) == 5, words
        assert evm.decode(pair, data) == (1, "x")
        assert evm.encode(apart, (1, "x")) == data[32:] and evm.decode(apart, data[32:]) == (1, "x")
        nested = tuple[u8, apart]
        assert evm.decode(nested, evm.encode(nested, (9, (1, "x")))) == (9, (1, "x"))
        fixed = tuple[u8, bool]
        assert evm.encode(fixed, (1, True)) == (1).to_bytes(32, "big") * 2

    @gl.public.write
    def rights_at_the_root(self) -> None:
        root = gl.storage.Root.get()
        locked = [slot.as_int() for slot in (root.slot(), root.code.slot(),
                                             root.locked_slots.slot(), root.upgraders.slot())]
        assert list(root.locked_slots.get()) == locked and len(root.upgraders.get()) == 0
        assert b"class InPublic" in root.code.get()
        for write in (lambda: root.upgraders.get().append(gl.message.sender_address),
                      root.lock_default, root.code.get().truncate):
            try:
                write()
                raise AssertionError("who is no upgrader writes nothing there")
            except SystemError as error:
                assert builtin_text(error).startswith("forbidden: ")


def builtin_text(error):
    return error.args[0]


str_type = type("")
