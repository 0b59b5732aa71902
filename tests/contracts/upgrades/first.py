# { "Depends": "py-genlayer:test" }
from genlayer import *


class Upgradable(gl.Contract):
    count: u32

    def __init__(self, upgraders: list[Address]):
        self.count = 1
        gl.storage.Root.get().upgraders.get().extend(upgraders)

    @gl.public.write
    def add(self) -> int:
        self.count += 1
        return self.count

    @gl.public.write
    def update_code(self, new_code: bytes) -> str:
        code = gl.storage.Root.get().code.get()
        code.truncate()
        code.extend(new_code)
        assert bytes(gl.storage.Root.get().code.get()) == new_code
        methods = bytes(code).count(b"def add")
        return f"{self.version()}, and the next has {methods} methods that add"

    @gl.public.view
    def version(self) -> str:
        return "first"

    @gl.public.view
    def own_code(self) -> bytes:
        return bytes(gl.storage.Root.get().code.get())
