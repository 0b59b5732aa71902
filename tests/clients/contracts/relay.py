# { "Depends": "py-genlayer:test" }

from genlayer import *


class Relay(gl.Contract):
    """Sends messages to another contract: one at once, one when it is final."""

    target: Address

    def __init__(self, target: Address):
        self.target = target

    @gl.public.write
    def pass_on(self, text: str) -> None:
        gl.get_contract_at(self.target).emit(on="accepted").update_storage(text)

    @gl.public.write
    def pass_on_later(self, text: str) -> None:
        gl.get_contract_at(self.target).emit(on="finalized").update_storage(text)

    @gl.public.view
    def peek(self) -> str:
        return gl.get_contract_at(self.target).view().get_storage()
