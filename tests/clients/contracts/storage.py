# { "Depends": "py-genlayer:test" }

from genlayer import *


class Storage(gl.Contract):
    """The contract of every tutorial: one text, read and replaced."""

    storage: str

    def __init__(self, initial_storage: str):
        self.storage = initial_storage

    @gl.public.view
    def get_storage(self) -> str:
        return self.storage

    @gl.public.write
    def update_storage(self, new_storage: str) -> None:
        print("was", self.storage)
        self.storage = new_storage

    @gl.public.write
    def refuse(self, why: str) -> None:
        raise gl.vm.UserError(why)
