# { "Depends": "py-genlayer:test" }

from genlayer import *


class KeyValueStore(gl.Contract):
    entries: TreeMap[str, str]

    def __init__(self):
        pass

    @gl.public.write
    def put(self, key: str, value: str) -> None:
        self.entries[key] = value

    @gl.public.write
    def remove(self, key: str) -> None:
        if key not in self.entries:
            raise gl.vm.UserError(f"there is nothing under {key}")
        del self.entries[key]

    @gl.public.view
    def get(self, key: str) -> str:
        return self.entries.get(key, "")

    @gl.public.view
    def keys(self) -> list[str]:
        return list(self.entries)

    @gl.public.view
    def size(self) -> int:
        return len(self.entries)
