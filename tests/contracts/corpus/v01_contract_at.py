# v0.1.0
# { "Depends": "py-genlayer:latest" }
from genlayer import *
from genlayer.py.types import Address, u256
from genlayer.py.storage import DynArray


class At(gl.Contract):
    sent: DynArray[u256]

    def __init__(self):
        pass

    @gl.public.write
    def ping(self, to: str) -> int:
        gl.ContractAt(Address(to)).emit(on="finalized").pong()
        self.sent.append(u256(1))
        return len(self.sent)


#> deploy []
#> call ping ["0x2222222222222222222222222222222222222222"] => 1
