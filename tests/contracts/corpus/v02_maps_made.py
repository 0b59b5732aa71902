# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


class Made(gl.Contract):
    names: TreeMap[str, str]
    other: TreeMap[str, str]
    sums: TreeMap[Address, u256]

    def __init__(self):
        self.names = TreeMap()
        self.other = TreeMap[str, str]()
        self.names["a"] = "b"

    @gl.public.view
    def size(self) -> int:
        return len(self.names) + len(self.other) + len(self.sums)

    @gl.public.write
    def wrong_map(self) -> None:
        self.sums = TreeMap()

    @gl.public.write
    def wrong_list(self) -> None:
        DynArray[str]()

    @gl.public.write
    def memory(self) -> list:
        rows = gl.storage.inmem_allocate(DynArray[str])
        rows.append("r")
        table = gl.storage.inmem_allocate(TreeMap[str, u8])
        table["z"] = 1
        table["k"] = 2
        table.get_or_insert_default("n")
        copy = gl.storage.copy_to_memory(self.names)
        self.names["a"] = "changed"
        return [list(rows), list(table.items()), copy["a"], self.names["a"]]


#> deploy []
#> call size [] => 1
#> fail wrong_map [] => Is right the same storage type?
#> fail wrong_list [] => this class can't be instantiated by user
#> call memory [] => [["r"], [["k", 2], ["n", 0], ["z", 1]], "b", "changed"]
