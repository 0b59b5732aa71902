# { "Depends": "py-genlayer:test" }
from genlayer import *


@gl.contract
class Story:
    text: str
    parts: DynArray[str]

    def __init__(self):
        self.text = "once"

    @gl.public.write
    def tell(self, more: str) -> str:
        self.parts.append(more)
        self.text += " " + more
        return self.text


#> deploy []
#> call tell ["upon"] => "once upon"
#> call tell ["a"] => "once upon a"
