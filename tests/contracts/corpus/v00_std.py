# { "Depends": "genlayer-py-std:test" }
from genlayer.std import *
import genlayer.std as gl


@gl.contract
class Old:
    count: u256
    names: TreeMap[str, str]

    def __init__(self, start: int):
        self.count = start

    @gl.public.write
    def add(self) -> int:
        self.count += 1
        self.names["last"] = gl.message.sender_account.as_hex
        return self.count

    @gl.public.view
    def last(self) -> str:
        return self.names["last"]


#> deploy [5]
#> call add [] => 6
#> call last [] => "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"
