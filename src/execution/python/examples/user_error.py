# { "Depends": "py-genlayer:test" }

from genlayer import *


class Fussy(gl.Contract):
    accepted: u32

    def __init__(self, limit: int = 10):
        if limit < 0:
            raise gl.vm.UserError("the limit cannot be negative")
        self.limit = limit

    limit: u32

    @gl.public.write
    def add(self, amount: int) -> None:
        self.accepted += amount
        if self.accepted > self.limit:
            raise gl.vm.UserError(f"{self.accepted} is more than {self.limit}")

    @gl.public.write
    def crash(self) -> None:
        nothing = {}
        nothing["a key that is not there"]

    @gl.public.view
    def total(self) -> int:
        return self.accepted
