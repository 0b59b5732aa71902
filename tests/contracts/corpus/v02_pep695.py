# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *
from dataclasses import dataclass


@allow_storage
@dataclass
class Pair[A, B]:
    left: A
    right: B


class Pairs(gl.Contract):
    one: Pair[u16, str]
    two: Pair[bool, DynArray[i8]]

    def __init__(self):
        self.one = Pair(7, "seven")

    @gl.public.write
    def grow(self) -> list:
        self.two.right.append(-1)
        self.two.left = True
        return [self.one.left, self.one.right, self.two.left, list(self.two.right)]


#> deploy []
#> call grow [] => [7, "seven", true, [-1]]
#> call grow [] => [7, "seven", true, [-1, -1]]
