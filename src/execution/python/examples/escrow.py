# { "Depends": "py-genlayer:test" }

from genlayer import *


@gl.evm.contract_interface
class Account:
    class View:
        pass

    class Write:
        pass


class Escrow(gl.Contract):
    buyer: Address
    seller: Address
    terms: str
    held: u256
    state: str

    def __init__(self, seller: Address, terms: str):
        self.buyer = gl.message.sender_address
        self.seller = seller
        self.terms = terms
        self.state = "open"

    def _only(self, who: Address, state: str) -> None:
        if gl.message.sender_address != who:
            raise gl.vm.UserError(f"only {who.as_hex} may do that")
        if self.state != state:
            raise gl.vm.UserError(f"the escrow is {self.state}, not {state}")

    @gl.public.write.payable
    def fund(self) -> None:
        self._only(self.buyer, "open")
        if gl.message.value == 0:
            raise gl.vm.UserError("an escrow needs a value")
        self.held = gl.message.value
        self.state = "funded"

    @gl.public.write
    def release(self) -> None:
        self._only(self.buyer, "funded")
        self._pay(self.seller, "released")

    @gl.public.write
    def give_back(self) -> None:
        self._only(self.seller, "funded")
        self._pay(self.buyer, "given back")

    @gl.public.write
    def judge(self, evidence: str) -> str:
        """A model decides by the terms when the two do not agree."""
        if gl.message.sender_address not in (self.buyer, self.seller) or self.state != "funded":
            raise gl.vm.UserError("only buyer and seller of a funded escrow may ask for a judgement")
        case = f"Terms:\n{self.terms}\n\nEvidence:\n{evidence}"
        verdict = gl.eq_principle.prompt_non_comparative(
            lambda: case,
            task="Decide by the terms who gets the money. Answer with one word: seller or buyer.",
            criteria="It is one word, seller or buyer, and follows from terms and evidence.",
        ).strip().lower()
        if verdict not in ("seller", "buyer"):
            raise gl.vm.UserError(f"no judgement: {verdict}")
        self._pay(self.seller if verdict == "seller" else self.buyer, f"judged for the {verdict}")
        return verdict

    def _pay(self, to: Address, state: str) -> None:
        amount, self.held = self.held, 0
        self.state = state
        Account(to).emit_transfer(value=amount)

    @gl.public.view
    def status(self) -> dict:
        return {"state": self.state, "held": self.held, "balance": self.balance}
