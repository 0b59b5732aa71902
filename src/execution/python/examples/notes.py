# { "Depends": "py-genlayer:test" }

from genlayer import *


class Notes(gl.Contract):
    notes: TreeMap[Address, str]

    def __init__(self):
        pass

    @gl.public.write
    def keep(self, note: str) -> None:
        self.notes[gl.message.sender_address] = note

    @gl.public.view
    def note_of(self, owner: Address) -> str:
        return self.notes.get(owner, "")

    @gl.public.view
    def all(self) -> dict[str, str]:
        return {owner.as_hex: note for owner, note in self.notes.items()}
