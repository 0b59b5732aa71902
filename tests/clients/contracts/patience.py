# { "Depends": "py-genlayer:test" }

from genlayer import *


class Patience(gl.Contract):
    """Takes its time, so that what comes after it has to wait."""

    total: u256

    def __init__(self):
        pass

    @gl.public.write
    def count(self, steps: int) -> None:
        total = 0
        for step in range(steps):
            total += step
        self.total = total
