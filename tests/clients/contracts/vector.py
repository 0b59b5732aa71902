# { "Depends": "py-genlayer:test" }

import typing

from genlayer import *


class Vector(gl.Contract):
    """Has the methods that the recorded transactions and calls of data/vectors.json name."""

    calls: u32

    def __init__(self):
        pass

    @gl.public.view
    def get(self, number: int = 0, text: str = "") -> typing.Any:
        return "hello" if text else None

    @gl.public.write
    def set(self, number: int) -> None:
        self.calls += 1

    @gl.public.write.payable
    def f(self, first: typing.Any = None, *, k: typing.Any = None) -> None:
        self.calls += 1

    @gl.public.write.payable
    def pay(self) -> None:
        self.calls += 1

    @gl.public.write
    def set_all(
        self,
        small: int,
        text: str,
        who: Address,
        items: list,
        entries: dict,
        raw: bytes,
        yes: bool,
        no: bool,
        nothing: None,
        large: int,
        negative: int,
        very_negative: int,
    ) -> None:
        self.calls += 1
