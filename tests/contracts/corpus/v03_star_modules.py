# v0.3.0
# { "Depends": "py-genlayer:5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng" }
import genlayer as gl
from genlayer import *
from dataclasses import dataclass


@evm.contract_interface
class Payee:
    class View:
        pass

    class Write:
        pass


@storage.allow
@dataclass
class Note:
    text: str


class Notes(contract.Contract):
    notes: storage.TreeMap[str, Note]

    def __init__(self):
        pass

    @public.write
    def add(self, key: str, text: str) -> str:
        if not text:
            raise vm.UserError("no text")
        self.notes[key] = Note(text)
        return f"{len(self.notes)} {message.sender_address == gl.message.sender_address} {chain.id}"

    @public.view
    def agreed(self) -> list:
        kept = [note.text for note in self.notes.values()]
        return eq_principle.strict_eq(lambda: calldata.decode(calldata.encode(kept)))


#> deploy []
#> call add ["a", "x"] => "1 True 61999"
#> call agreed [] => ["x"]
#> user add ["b", ""] => "no text"
