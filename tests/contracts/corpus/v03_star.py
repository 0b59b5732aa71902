# { "Depends": "py-genlayer:5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng" }
from genlayer import *
import genlayer.gl as gl


class Star(gl.contract.Contract):
    names: TreeMap[Address, str]
    flags: DynArray[bool]

    def __init__(self):
        self.names[gl.message.contract_address] = "me"

    @gl.public.write
    def go(self) -> int:
        self.flags.append(True)
        return len(self.names) + len(self.flags)


#> deploy []
#> call go [] => 2
