# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


@gl.evm.contract_interface
class Token:
    class View:
        def balanceOf(self, owner: Address, /) -> u256: ...

    class Write:
        def transfer(self, to: Address, amount: u256, /) -> None: ...


class Encodes(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def call(self) -> str:
        method = gl.evm.MethodEncoder("transfer", [Address, u256], bool)
        assert method.decode_ret(bytes(31) + b"\x01") is True
        return method.encode_call([Address("0x" + "11" * 20), u256(258)]).hex()

    @gl.public.view
    def round_trip(self) -> list:
        kind = tuple[i16, str, list[bytes], tuple[bool, Address]]
        value = (-2, "hé", [b"", b"x" * 33], (True, gl.message.sender_address))
        assert gl.evm.decode(kind, gl.evm.encode(kind, value)) == value
        return [gl.evm.type_name_of(kind), gl.evm.encode(str, "ab").hex()]


#> deploy []
#> call call [] => "a9059cbb00000000000000000000000011111111111111111111111111111111111111110000000000000000000000000000000000000000000000000000000000000102"
#> call round_trip [] => ["(int16,string,bytes[],(bool,address))", "000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000026162000000000000000000000000000000000000000000000000000000000000"]
