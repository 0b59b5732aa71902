# v0.3.0
# { "Depends": "py-genlayer:babwp9t37jw9g4j2bccgn14g6x7x9s1f7dsmh7emvz735pz4zxa0" }
import genlayer as gl
from dataclasses import dataclass

import genlayer.evm.calldata as evm_calldata
from genlayer.calldata import DataclassMixin, EncodableWithDefault, Raw
from genlayer.message_allocation import ANY_METHOD, ExternalAllocation, InternalAllocation, UseBalanceParams
from genlayer.storage import Comparable, Manager, Slot, cast_slot


@dataclass
class Point(DataclassMixin):
    x: int
    y: int


class Sorted[K: Comparable]:
    def first(self, keys: list[K]) -> K:
        return min(keys)


def lenient(value: EncodableWithDefault[float]) -> bytes:
    return gl.calldata.encode(value, default=lambda item: str(item) if isinstance(item, float) else item)


def caught(work):
    try:
        work()
    except gl.vm.UserError as error:
        return error


class Newest(gl.contract.Contract):
    total: gl.u256
    names: gl.DynArray[str]

    def __init__(self):
        pass

    @gl.public.view
    def tracing(self) -> None:
        gl.vm.trace("seen", 1, sep=", ")
        assert gl.vm.yield_() is None and gl.vm.trace_time_micro() == 0
        for absent in (gl.vm.register_runner, gl.vm.map_file):
            try:
                absent(b"")
                raise AssertionError("registered")
            except NotImplementedError as error:
                assert "archive" in str(error)

    @gl.public.view
    def calldata_as_it_is(self) -> None:
        inner = gl.calldata.encode({"a": [1, b"x"]})
        assert gl.calldata.encode(Raw(inner)) == inner and Raw(inner) == Raw(inner)
        assert gl.calldata.decode(gl.calldata.encode([Raw(inner), 2])) == [{"a": [1, b"x"]}, 2]
        assert gl.calldata.to_str([Raw(b"\x09")]) == "[raw#09]" and repr(Raw(b"")) == "Raw(b'')"
        assert gl.calldata.decode(inner, memview2bytes=lambda view: view.tobytes().hex()) == {"a": [1, "78"]}
        assert gl.calldata.decode(gl.calldata.encode(Point(1, 2))) == {"x": 1, "y": 2} == Point(1, 2).__to_calldata__()
        assert gl.calldata.decode(lenient([0.5])) == ["0.5"]
        try:
            gl.calldata.encode(Raw(b"\xff"))
            raise AssertionError("encoded")
        except gl.calldata.DecodingError:
            pass

    @gl.public.write
    def slots(self) -> None:
        manager = gl.storage.Root.MANAGER
        assert isinstance(manager, Manager) and Sorted[int]().first([2, 1]) == 1
        slot = manager.get_store_slot(7)
        assert slot == Slot((7).to_bytes(32, "little"), manager) and slot.as_int() == 7 and len({slot, slot}) == 1
        slot.write(3, b"abc")
        assert slot.read(2, 5) == b"\0abc\0" and slot.indirect(1).read(0, 1) == b"\0" and slot.indirect(1) != slot
        assert repr(slot) == f"Slot({slot.id.hex()})"
        self.names.append("first")
        self.total = 2**64 + 5
        own = manager.get_store_slot(bytes(32)).indirect(0)
        assert own.cast(gl.u256, 0) == 2**64 + 5 == cast_slot(gl.u256, manager, own.id, 0)
        assert list(own.cast(gl.DynArray[str], 32)) == ["first"]

    @gl.public.view
    def signatures_of_ethereum(self) -> None:
        assert evm_calldata.signature_of("transfer", tuple[gl.Address, gl.u256]) == "transfer(address,uint256)"
        assert evm_calldata.selector_of("transfer", tuple[gl.Address, gl.u256]).hex() == "a9059cbb"
        assert evm_calldata.MethodEncoder is gl.evm.MethodEncoder and gl.evm.signature_of is evm_calldata.signature_of
        assert evm_calldata.type_name_of(list[gl.u8]) == "uint8[]"
        from genlayer.py.eth.calldata import encode
        from genlayer.py.evm.calldata import decode
        assert decode(gl.u8, encode(gl.u8, 5)) == 5

    @gl.public.write
    def fees_of_messages(self) -> None:
        fees = gl.chain.InternalMessageParams(1, 1, 1, [1], 1, 1, 1)
        inner = InternalAllocation(self.address, "pay", fees, 5)
        outer = InternalAllocation(self.address, None, fees, 9, "decided", [inner])
        assert inner.__to_calldata__()["call_key"] == b"pay" + bytes(29)
        assert outer.__to_calldata__()["call_key"] == ANY_METHOD and outer.children == [inner]
        long = InternalAllocation(self.address, "m" * 32, fees, 5).__to_calldata__()["call_key"]
        assert len(long) == 32 and long[-1] & 1 == 1
        away = ExternalAllocation(self.address, b"abcd", gl.chain.ExternalMessageParams(1, 1), 5)
        assert away.__to_calldata__()["call_key"] == b"abcd" + bytes(28)
        proxy = gl.contract.get_at(gl.message.sender_address)
        proxy.emit(use_balance=UseBalanceParams(fees, [outer, away])).anything(1)
        assert gl.chain.InternalMessageParams(
            leader_time_units_allocation=1, validator_time_units_allocation=1, execution_budget_per_round=1,
            rotations=[1], max_price_gen_per_time_unit=1, storage_fee_max_gas_price=1,
            receipt_fee_max_gas_price=1) == fees

    @gl.public.view
    def names_of_states_and_requests(self) -> None:
        view = gl.contract.StorageView
        assert (view.LATEST_FINALIZED, view.LATEST_DECIDED) == (1, 2)
        me = gl.contract.get_at(self.address)
        assert me.view(state=view.LATEST_DECIDED, catch_vm_error=True) is not None
        assert gl.nondet.web.options is not None
        account = gl.evm.Account(gl.message.sender_address)
        assert account.balance == 0
        try:
            account.emit_call(0, b"abcd")
            raise AssertionError("there are no such contracts")
        except NotImplementedError as error:
            assert "emit_transfer" in str(error)

    @gl.public.write
    def accounts_are_paid_by_calls_without_data(self) -> None:
        gl.evm.Account(gl.message.sender_address).emit_call(0, b"")

    @gl.public.write
    def errors_with_values(self) -> None:
        def refuse():
            raise gl.vm.UserError({"code": 1, "of": [b"x", self.address]})

        for refused in (gl.vm.spawn_sandbox(refuse), caught(lambda: gl.vm.run_nondet(refuse, lambda result: True))):
            assert isinstance(refused, gl.vm.UserError)
            assert refused.data == {"code": 1, "of": [b"x", self.address]} and refused != gl.vm.UserError("x")
        immediate = gl.vm.spawn_sandbox(lambda: gl.vm.UserError.immediate([1, None]))
        assert immediate.data == [1, None] and hasattr(self, "emit_transfer")
        assert gl.vm.spawn_sandbox(lambda: gl.vm.UserError.immediate(0.5)).data == "<its text cannot be had>"

    @gl.public.view
    def errors_of_the_web_can_be_named(self) -> None:
        import urllib.request
        from urllib.error import HTTPError, URLError
        assert issubclass(HTTPError, URLError) and str(URLError("no")) == "<urlopen error no>"
        assert HTTPError("u", 404, "no", {}, None).code == 404
        try:
            urllib.request.urlopen("http://localhost")
            raise AssertionError("opened")
        except OSError as error:
            assert "gl.nondet.web" in str(error)

    @gl.public.view
    def there_is_no_host(self) -> None:
        import os
        import os.path
        assert os.getenv("HOME") is None and os.getcwd() == "/" and not os.path.exists("/etc")
        assert not hasattr(os, "fork") and os.path.expanduser("~/a") == "~/a"
