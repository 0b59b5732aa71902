# { "Depends": "py-genlayer:test" }
import datetime
from genlayer import *


class Keys(gl.Contract):
    by_bytes: TreeMap[bytes, u8]
    by_big: TreeMap[bigint, u8]
    by_bool: TreeMap[bool, u8]
    by_float: TreeMap[float, u8]
    by_time: TreeMap[datetime.datetime, u8]
    by_int: TreeMap[i16, u8]
    by_text: TreeMap[str, u8]

    def __init__(self):
        pass

    @gl.public.write
    def fill(self) -> list:
        for key in (b"b", b"", b"ab"):
            self.by_bytes[key] = 1
        for key in (10**30, -1, 5):
            self.by_big[key] = 1
        self.by_bool[True] = 1
        self.by_bool[False] = 2
        for key in (0.5, -1.0):
            self.by_float[key] = 1
        for day in (3, 1, 2):
            self.by_time[datetime.datetime(2024, 1, day)] = day
        for key in (5, -5, 0):
            self.by_int[key] = 1
        for key in ("z", "Z", "é", ""):
            self.by_text[key] = 1
        return [
            [key.hex() for key in self.by_bytes.keys()], [str(key) for key in self.by_big], list(self.by_bool),
            [str(key) for key in self.by_float], list(self.by_time.values()),
            list(self.by_int), list(self.by_text),
        ]

    @gl.public.view
    def wrong(self) -> int:
        return self.by_text[1]


#> deploy []
#> call fill [] => [["", "6162", "62"], ["-1", "5", "1000000000000000000000000000000"], [false, true], ["-1.0", "0.5"], [1, 2, 3], [-5, 0, 5], ["", "Z", "z", "é"]]
#> fail wrong [] => '<' not supported between instances of 'int' and 'str'
