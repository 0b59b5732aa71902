# { "Depends": "py-genlayer:test" }

import typing

from genlayer import *


def name_of(value: typing.Any) -> str:
    """The calldata type a value arrived as, with what is in it."""
    if isinstance(value, list):
        return "[" + ",".join(name_of(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{name_of(item)}" for key, item in value.items()) + "}"
    return type(value).__name__


class Values(gl.Contract):
    """Every calldata type, in as an argument and out as a result."""

    last: str
    number: bigint
    raw: bytes
    who: Address
    flag: bool

    def __init__(self, start: int = 0, *, note: str = ""):
        self.number = start
        self.last = note

    @gl.public.view
    def echo(self, value: typing.Any) -> typing.Any:
        return value

    @gl.public.view
    def type_of(self, value: typing.Any) -> str:
        return name_of(value)

    @gl.public.view
    def join(self, first: str, second: str = "-", *, third: str = "!") -> str:
        return first + second + third

    @gl.public.write
    def keep(self, text: str, number: int, raw: bytes, who: Address, flag: bool) -> typing.Any:
        self.last = text
        self.number = number
        self.raw = raw
        self.who = who
        self.flag = flag
        return [text, number, raw, who, flag]

    @gl.public.write
    def tell(self, value: typing.Any) -> typing.Any:
        """As `echo`, but through consensus: the value is in the receipt."""
        self.last = name_of(value)
        return value

    @gl.public.view
    def kept(self) -> dict[str, typing.Any]:
        return {
            "text": self.last,
            "number": self.number,
            "raw": self.raw,
            "who": self.who,
            "flag": self.flag,
        }
