# { "Depends": "py-genlayer:test" }
from genlayer import *
from typing import Literal


class Lists(gl.Contract):
    names: DynArray[str]
    grid: Array[u8, Literal[2]]

    def __init__(self):
        self.names = ["a", "b", "c"]
        self.grid = [1, 2]

    @gl.public.write
    def work(self) -> list:
        self.names.insert(0, "z")
        self.names.remove("b")
        last = self.names[-1]
        self.names.pop()
        self.names.extend(["x", "y"])
        del self.names[0]
        self.grid[-1] = 9
        return [last, list(self.names), self.names[1:], self.names[-1], "x" in self.names,
                len(self.names), list(reversed(self.names)), list(self.grid)]

    @gl.public.view
    def beyond(self) -> str:
        return self.names[7]

    @gl.public.write
    def wrong(self) -> None:
        self.names.append(1)

    @gl.public.write
    def short(self) -> None:
        self.grid = [1]


#> deploy []
#> call work [] => ["c", ["a", "x", "y"], ["x", "y"], "y", true, 3, ["y", "x", "a"], [1, 9]]
#> fail beyond [] => index 7 is out of range: the length is 3
#> fail wrong [] => `str` storage takes a str, not `int`
#> fail short [] => takes 2 items, not 1
