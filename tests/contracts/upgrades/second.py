# { "Depends": "py-genlayer:test" }
from genlayer import *


class Upgradable(gl.Contract):
    count: u32

    def __init__(self):
        pass

    @gl.public.write
    def add(self) -> int:
        self.count += 1
        return self.count

    @gl.public.write
    def add_many(self, many: u32) -> int:
        self.count += many
        return self.count

    @gl.public.view
    def version(self) -> str:
        return "second"

    @gl.public.view
    def own_code(self) -> bytes:
        return bytes(gl.storage.Root.get().code.get())
