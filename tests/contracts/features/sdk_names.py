# v0.2.16
# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *

import json
import typing
from dataclasses import dataclass

import genlayer.gl.vm as vm_module
from genlayer.py.types import Address as SameAddress, u256 as same_u256
from genlayer.py.storage import DynArray as SameArray, TreeMap as SameMap
from genlayer.py.keccak import Keccak256 as SameKeccak
from genlayer import gl as same_gl
from genlayer.gl.vm import UserError as SameError, Return, Result, VMError

OTHER = Address("0x" + "0E" * 20)


@gl.contract_interface
class Token:
    class View:
        def balance_of(self, owner: Address) -> u256: ...

    class Write:
        def send(self, to: Address, amount: u256) -> None: ...


@gl.evm.contract_interface
class Wallet:
    class View:
        pass

    class Write:
        pass


class Paid(gl.Event):
    def __init__(self, to: Address, /, **blob): ...


class NotAllowed(gl.vm.UserError):
    def __init__(self, who: str):
        super().__init__(f"{who} may not")


class Names(gl.Contract):
    total: u256

    def __init__(self):
        self.total = u256(3)

    @gl.public.view
    def same_things_by_other_paths(self) -> None:
        assert SameAddress is Address and same_u256 is u256 and SameArray is DynArray and SameMap is TreeMap
        assert SameKeccak is Keccak256 and same_gl is gl and SameError is gl.vm.UserError and vm_module is gl.vm
        assert Return is gl.vm.Return and VMError is gl.vm.VMError and Result is gl.vm.Result
        assert gl.Address is Address and gl.u256 is u256 and gl.storage.TreeMap is TreeMap
        assert gl.storage.DynArray is DynArray and gl.public.write is not None and gl.ContractProxy is not None

    @gl.public.view
    def sized_integers(self) -> None:
        for bits in range(8, 257, 8):
            assert globals()[f"u{bits}"](5) == 5 and globals()[f"i{bits}"](-5) == -5
        assert bigint(2**300) == 2**300 and type(u256(1)) is int and u8.__name__ == "u8"
        assert u256(7) // 2 == 3 and json.dumps({"n": u256(1)}) == '{"n": 1}' and isinstance(u8(3), int)
        assert typing.Optional[u256] and list[u256] and dict[str, u8] and (u8 | None)

    @gl.public.view
    def addresses(self) -> None:
        text = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        address = Address(text.lower())
        assert address.as_hex == text and str(address) == text and repr(address) == f'Address("{text}")'
        assert f"{address}" == f'Address("{text}")' and f"{address:x}" == f"{address:s}" == text
        assert f"{address!s}" == text and format(address, "b64") == address.as_b64
        assert f"{address:cd}" == "addr#" + text[2:].lower() and "{}".format(address) == repr(address)
        assert Address(address.as_bytes) == Address(address.as_b64) == address and len(address.as_bytes) == 20
        assert address.as_int == int.from_bytes(address.as_bytes, "little") and Address.SIZE == 20
        assert address != text and address != None and address in {address: 1} and OTHER < address
        assert sorted([address, OTHER])[0] == OTHER and address.as_hex.lower() == text.lower()
        for wrong in ("", "0x12", "not an address", b"short", "0x" + "z" * 40):
            try:
                Address(wrong)
            except Exception:
                continue
            raise AssertionError(wrong)

    @gl.public.view
    def the_message(self) -> None:
        message, raw = gl.message, gl.message_raw
        assert isinstance(message.sender_address, Address) and message.value == u256(0)
        assert message.contract_address == self.address and message.origin_address == message.sender_address
        assert message.chain_id == 61999 and raw["is_init"] is False
        assert raw["datetime"].startswith("2023-11-14T22:13:20") and raw["sender_address"] == message.sender_address
        assert raw["stack"] == [] and raw["entry_kind"] == 0 and isinstance(raw["entry_data"], bytes)
        assert raw["entry_stage_data"] is None and raw["value"] == 0 and raw["chain_id"] == 61999
        assert self.balance == 0 and message.sender_address.as_hex.startswith("0x")
        contract, sender, origin, value, chain = message
        assert (contract, sender, origin, value, chain) == (self.address, message.sender_address,
                                                           message.origin_address, 0, 61999)
        assert message._asdict()["chain_id"] == 61999

    @gl.public.view
    def user_errors(self) -> None:
        error = gl.vm.UserError("no")
        assert error.message == "no" and repr(error) == "UserError(message='no')" and str(error) == repr(error)
        assert isinstance(error, Exception) and error == gl.vm.UserError("no") and error != gl.vm.UserError("x")
        assert gl.vm.UserError(message="m").message == "m" and f"{error}" == repr(error)
        try:
            raise NotAllowed("ann")
        except gl.vm.UserError as caught:
            assert caught.message == "ann may not" and caught.args == ("ann may not",)
        for arguments in ((), ("a", "b")):
            try:
                gl.vm.UserError(*arguments)
            except TypeError:
                continue
            raise AssertionError(arguments)

    @gl.public.write
    def results_and_sandboxes(self) -> None:
        result = gl.vm.spawn_sandbox(lambda: {"a": [1]})
        assert isinstance(result, gl.vm.Return) and result.calldata == {"a": [1]}
        assert gl.vm.unpack_result(result) == {"a": [1]} and result == gl.vm.Return({"a": [1]})

        def refuse():
            raise gl.vm.UserError("no")

        refused = gl.vm.spawn_sandbox(refuse)
        assert isinstance(refused, gl.vm.UserError) and refused.message == "no"
        broken = gl.vm.spawn_sandbox(lambda: 1 // 0)
        assert isinstance(broken, gl.vm.VMError) and broken.message.startswith("exit_code 1")
        assert gl.vm.spawn_sandbox.lazy(lambda: 1).get() == gl.vm.Return(1)
        for failed, text in ((refused, "no"), (broken, "vm error: " + broken.message)):
            try:
                gl.vm.unpack_result(failed)
            except gl.vm.UserError as error:
                assert error.message == text
            else:
                raise AssertionError

        def change():
            self.total = 9

        assert isinstance(gl.vm.spawn_sandbox(change, allow_write_ops=True), gl.vm.Return) and self.total == 9

    @gl.public.write
    def kinds_of_entries(self) -> None:
        def seen():
            raw = gl.message_raw
            return [raw["entry_kind"], raw["entry_stage_data"]]

        assert gl.vm.spawn_sandbox(seen).calldata == [1, None]
        assert gl.eq_principle.strict_eq(seen) == [2, None]
        assert seen() == [0, None]

    @gl.public.write
    def immediate_errors_end_a_sandbox(self) -> None:
        def give_up():
            try:
                gl.vm.UserError.immediate("now")
            except Exception:
                return "caught"

        ended = gl.vm.spawn_sandbox(give_up)
        assert isinstance(ended, gl.vm.UserError) and ended.message == "now"

        def go_on():
            try:
                give_up()
                gl.vm.UserError.immediate("later")
            except BaseException:
                self.total = 77
            return "caught"

        before = int(self.total)
        ended = gl.vm.spawn_sandbox(go_on, allow_write_ops=True)
        assert isinstance(ended, gl.vm.UserError) and ended.message == "now" and self.total == before

        def by_name():
            gl.advanced.user_error_immediate("then")

        assert gl.vm.spawn_sandbox(by_name).message == "then"

    @gl.public.write
    def messages_go_out(self) -> None:
        other = gl.get_contract_at(OTHER)
        other.emit().store("a", 1, flag=True)
        other.emit(on="accepted").store()
        other.emit(on="finalized", value=u256(0)).store([1], {"k": b""})
        Token(OTHER).emit().send(OTHER, u256(5))
        assert other.address == OTHER and Token(OTHER).address == OTHER
        assert gl.deploy_contract(code=b"# x", args=[1], kwargs={"a": 2}) is None
        made = gl.deploy_contract(code="# x", args=(), salt_nonce=u256(7), on="accepted")
        assert isinstance(made, Address) and made != OTHER
        try:
            gl.get_contract_at("0x00")
        except TypeError:
            pass
        else:
            raise AssertionError

    @gl.public.write
    def transfers_need_an_amount(self) -> None:
        for make in (lambda: gl.get_contract_at(OTHER).emit_transfer(value=u256(0)),
                     lambda: gl.get_contract_at(OTHER).emit_transfer(value=-1)):
            try:
                make()
            except (ValueError, TypeError):
                continue
            raise AssertionError

    @gl.public.write
    def events_go_out(self) -> None:
        Paid(OTHER, amount=5, note="x").emit()
        gl.advanced.emit_raw_event([b"\1" * 32], {"any": [1]})
        assert Paid.name == "Paid" and Paid.signature == "Paid(to)"

    @gl.public.view
    def evm_encoding(self) -> None:
        encoder = gl.evm.MethodEncoder("transfer", (Address, u256), bool)
        data = encoder.encode_call((OTHER, u256(5)))
        assert data[:4].hex() == "a9059cbb" and len(data) == 68
        assert encoder.decode_ret((1).to_bytes(32, "big")) is True
        assert gl.evm.decode(tuple[u256, str], gl.evm.encode(tuple[u256, str], (5, "x"))) == (5, "x")

    @gl.public.view
    def calldata_of_values(self) -> None:
        values = [None, True, -5, 2**200, "é", b"\0", OTHER, [1, [2]], {"a": {"b": 1}}]
        assert gl.calldata.decode(gl.calldata.encode(values)) == values
        assert gl.calldata.encode({"b": 1, "a": (2,)}) == gl.calldata.encode({"a": [2], "b": 1})
        for wrong in (0.5, {1: 2}, {1, 2}, object(), 1j):
            try:
                gl.calldata.encode(wrong)
            except TypeError:
                continue
            raise AssertionError(wrong)

    @gl.public.view
    def names_that_do_not_exist(self) -> None:
        for path in ("transfer", "block", "dataclass", "http_fetch", "UserErrors", "revert", "log", "api",
                     "get_balance", "msg", "web", "ai", "String", "message.sender", "message.timestamp",
                     "message.transfer", "public.read", "eq_principle.execute", "eq_principle.json_eq",
                     "nondet.llm", "nondet.web.get_text", "exec_prompt", "get_webpage"):
            found = gl
            try:
                for name in path.split("."):
                    found = getattr(found, name)
            except AttributeError:
                continue
            raise AssertionError(path)

    @gl.public.view
    def the_message_is_a_tuple(self) -> None:
        message = gl.message
        assert len(message) == 5 and message[0] == message.contract_address and message[-1] == message.chain_id
        assert message._fields == ("contract_address", "sender_address", "origin_address", "value", "chain_id")
        assert list(message) == list(message._asdict().values()) and message[1:3] == tuple(message)[1:3]
        paid = message._replace(value=u256(5))
        assert paid.value == 5 and message.value == 0 and paid.sender_address == message.sender_address
        try:
            message._replace(amount=5)
            raise AssertionError("there is no such field")
        except ValueError as error:
            assert "amount" in str(error)

    @gl.public.view
    def the_time_of_the_machine(self) -> None:
        assert gl.trace_time_micro() == 0

    @gl.public.write
    def accounts_are_paid_whatever_is_said_beside(self) -> None:
        account = Wallet(OTHER)
        account.emit_transfer()
        account.emit_transfer(value=u256(0), on="finalized", gas=100)
        # Names of methods only: nothing is sent.
        account.emit(value=u256(5))
        account.view()
        for call in (lambda: account.emit().pay(1), lambda: account.view().total()):
            try:
                call()
                raise AssertionError("there are no such contracts")
            except NotImplementedError as error:
                assert "emit_transfer" in str(error)
        gl.get_contract_at(OTHER).emit().__receive__()

    @gl.public.view
    def printing(self) -> None:
        print("a", 1, OTHER, sep=", ", end="!\n")
        gl.trace("seen", 1)

    @gl.public.view
    def names_of_the_newest_sdk(self) -> None:
        from genlayer import IS_IN_VM
        assert IS_IN_VM is True
        error = VMError("exit_code 1 # why")
        assert (error.public_code, error.detail) == ("exit_code 1", "why")
        assert gl.vm.UserError("words").data == "words"

        def write():
            self.total = u256(4)
        assert not isinstance(gl.vm.spawn_sandbox(write), gl.vm.Return)

    @gl.public.write
    def blocks_of_the_newest_sdk(self) -> None:
        def fail():
            raise ValueError
        caught = gl.vm.run_nondet_default(fail, lambda result: True, catch_vm_error=True)
        assert caught.public_code == "exit_code 1"
        assert gl.vm.run_nondet_unsafe(lambda: 5, lambda result: True, catch_vm_error=True) == 5

        def write():
            self.total = u256(4)
        assert isinstance(gl.vm.spawn_sandbox(write, allow_write_storage=True), gl.vm.Return)
        assert self.total == 4

    @gl.public.view
    def files_of_the_sdk(self) -> None:
        from genlayer.gl.annotations import public
        from genlayer.gl.events import Event
        from genlayer.gl.genvm_contracts import Contract, deploy_contract
        from genlayer.py.storage.tree_map import TreeMap as map_type
        from genlayer.py.storage.vec import Array, DynArray as array_type
        assert public is gl.public and Event is gl.Event and Contract is gl.Contract
        assert deploy_contract is gl.deploy_contract and map_type is TreeMap and array_type is DynArray
        assert isinstance(gl.message, gl.MessageType) and gl.nondet.web.put is not None
        assert u256(None) is None and not hasattr(gl.message, "entry_kind")

    @gl.public.write
    def addresses_of_salted_contracts(self) -> None:
        from genlayer.py._internal import create2_address
        made = gl.deploy_contract(code=b"x", salt_nonce=7)
        assert create2_address(gl.message.contract_address, 7, gl.message.chain_id) == made

    @gl.public.view
    def calldata_of_ones_own(self) -> None:
        from genlayer.py.calldata import CalldataEncodable, Decoded, DecodingError, Encodable, encode, to_str

        class Point(CalldataEncodable):
            def __to_calldata__(self) -> Encodable:
                return {"x": [1, None]}

        data: Decoded = gl.calldata.decode(encode([Point(), Point()]))
        assert data == [{"x": [1, None]}] * 2
        halves = lambda value: str(value) if isinstance(value, float) else value
        assert gl.calldata.decode(encode({"a": [0.5, Point()]}, default=halves)) == {"a": ["0.5", {"x": [1, None]}]}
        shown = to_str([None, True, -2, "a\n", b"\x0f", OTHER, Point()])
        assert shown == '[null,true,-2,"a\\n",b#0f,addr#' + "0e" * 20 + ',{"x":[1,null]}]'
        try:
            gl.calldata.decode(b"\x00\x00")
            raise AssertionError("decoded")
        except DecodingError:
            pass
        try:
            CalldataEncodable()
            raise AssertionError("made")
        except TypeError:
            pass
