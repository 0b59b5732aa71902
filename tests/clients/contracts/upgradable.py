# { "Depends": "py-genlayer:test" }

from genlayer import *


class Upgradable(gl.Contract):
    """Says which version of its code runs; the suites deploy it as 1 and upgrade it to 2."""

    count: u32

    def __init__(self):
        self.count = 1

    @gl.public.write
    def add(self) -> None:
        self.count += 1

    @gl.public.view
    def version(self) -> str:
        return f"version 1, count {self.count}"
