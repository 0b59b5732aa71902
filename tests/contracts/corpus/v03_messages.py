# { "Depends": "py-genlayer:5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng" }
import genlayer as gl


@gl.contract.interface
class Other:
    class View:
        def size(self) -> int: ...

    class Write:
        def push(self, what: str) -> None: ...


class Sends(gl.contract.Contract):
    def __init__(self):
        pass

    @gl.public.write
    def go(self) -> str:
        to = gl.message.sender_address
        Other(to).emit(on="accepted").push("x")
        gl.contract.get_at(to).emit().anything(1)
        try:
            gl.chain.Account(to).emit_transfer(0)
        except ValueError:
            pass
        made = gl.contract.deploy(code=b"code", args=[1], salt_nonce=1)
        return made.as_hex[:2]

    @gl.public.write
    def undeclared(self) -> None:
        Other(gl.message.sender_address).emit().pish("x")


#> deploy []
#> call go [] => "0x"
#> call undeclared [] => null
