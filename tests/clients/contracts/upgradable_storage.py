# { "Depends": "py-genlayer:test" }

from genlayer import *


class UpgradableStorage(gl.Contract):
    """A text, and code that whoever deployed it replaces."""

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
