# v0.3.0
# { "Depends": "py-genlayer:babwp9t37jw9g4j2bccgn14g6x7x9s1f7dsmh7emvz735pz4zxa0" }
import genlayer as gl
from genlayer.types import *
from genlayer.message import datetime as now, raw


@gl.contract.interface
class Other:
    class View:
        def size(self) -> int: ...


class InPublic(gl.contract.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def the_message_as_it_came(self) -> None:
        assert gl.message.raw["datetime"].endswith("Z")
        assert gl.message.raw["chain_id"] == gl.chain.id == gl.message.chain_id

    @gl.public.view
    def names_of_the_chain(self) -> None:
        me = gl.contract.get_at(gl.message.contract_address)
        for account in (me, self, gl.chain.Account(me.address)):
            assert isinstance(account, gl.chain.IAccount) and account.balance == 0
        assert not isinstance(me.address, gl.chain.IAccount) and gl.chain.ON is not None
        assert gl.vm.ABI.StorageView.LATEST_DECIDED == 2

    @gl.public.view
    def every_field_of_the_message(self) -> None:
        assert gl.message.datetime == now == raw["datetime"] == gl.message.raw["datetime"]
        assert gl.message.is_init is False and gl.message.stack == [] and gl.message.entry_stage_data is None
        assert gl.message.entry_kind == 0 and gl.calldata.decode(gl.message.entry_data)["method"]
        kind = gl.vm.unpack_result(gl.vm.spawn_sandbox(lambda: gl.message.entry_kind))
        assert kind == 1 and gl.message.entry_kind == 0

    @gl.public.view
    def sized_integers_convert(self) -> None:
        assert gl.u256("12") == 12 and gl.u256(3.7) == 3 and gl.u256() == 0 and u8("ff", 16) == 255
        assert gl.bigint("-5") == -5 and type(u8(True)) is int

    @gl.public.view
    def texts_of_errors(self) -> None:
        assert str(gl.vm.UserError("x")) == "UserError('x')" and gl.vm.UserError({"code": 1}).data == {"code": 1}
        assert str(gl.vm.VMError("timeout # foo")) == 'VMError("timeout # foo")'
        assert str(gl.vm.VMError("OOM")) == 'VMError("OOM")'

    @gl.public.write
    def messages_with_fees(self) -> None:
        fees = gl.chain.InternalMessageParams(1, 1, 1, [1], 1, 1, 1)
        proxy = gl.contract.get_at(gl.message.sender_address)
        proxy.emit(on="decided", use_balance=True, fee_params=fees).anything(1)
        gl.contract.deploy(code=b"x", on="decided", use_balance=True, fee_params=fees)
        for pay in (self.emit_transfer, proxy.emit_transfer):
            try:
                pay(0)
                raise AssertionError("nothing was sent")
            except ValueError:
                pass

    @gl.public.view
    def the_clock_of_the_machine(self) -> None:
        at = gl.vm.get_timestamp()
        assert at.microsecond == 0 and now.startswith(at.isoformat()[:19])

    @gl.public.view
    def undeclared_methods_of_an_interface(self) -> None:
        assert Other(gl.message.sender_address).view().weight is not None
