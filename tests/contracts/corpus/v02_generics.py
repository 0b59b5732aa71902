# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *
from dataclasses import dataclass
import typing

T = typing.TypeVar("T")


@allow_storage
@dataclass
class Box(typing.Generic[T]):
    value: T
    past: DynArray[T]


class Boxes(gl.Contract):
    number: Box[u8]
    words: TreeMap[Address, Box[str]]

    def __init__(self):
        self.number = Box(3, [1, 2])

    @gl.public.write
    def say(self, word: str) -> list:
        box = self.words.get_or_insert_default(gl.message.sender_address)
        box.past.append(box.value)
        box.value = word
        return list(box.past)

    @gl.public.view
    def number_of(self) -> dict:
        return self.number

    @gl.public.write
    def too_much(self) -> None:
        self.number.value = 256


#> deploy []
#> call say ["a"] => [""]
#> call say ["b"] => ["", "a"]
#> call number_of [] => {"value": 3, "past": [1, 2]}
#> fail too_much [] => 256 is out of range for `u8`
