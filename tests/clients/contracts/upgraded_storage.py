# { "Depends": "py-genlayer:test" }

from genlayer import *


class UpgradedStorage(gl.Contract):
    """What takes the place of `UpgradableStorage`."""

    storage: str

    def __init__(self, initial_storage: str):
        self.storage = initial_storage
        root = gl.storage.Root.get()
        root.upgraders.get().append(gl.message.sender_address)

    @gl.public.view
    def get_storage(self) -> str:
        return self.storage

    @gl.public.write
    def update_code(self, new_code: bytes) -> None:
        code = gl.storage.Root.get().code.get()
        code.truncate()
        code.extend(new_code)

    @gl.public.write
    def shout(self) -> None:
        self.storage = self.storage.upper()
