# { "Depends": "py-genlayer:test" }

from genlayer import *


@gl.evm.contract_interface
class Account:
    class View:
        pass

    class Write:
        pass


class Purse(gl.Contract):
    """Takes money and pays it out again when its transaction is final."""

    given: TreeMap[Address, u256]

    def __init__(self):
        pass

    @gl.public.write.payable
    def give(self) -> int:
        giver = gl.message.sender_address
        self.given[giver] = self.given.get(giver, 0) + gl.message.value
        return gl.message.value

    @gl.public.write
    def pay_out(self, to: Address, amount: int) -> None:
        Account(to).emit_transfer(value=amount)

    @gl.public.view
    def given_by(self, who: Address) -> int:
        return self.given.get(who, 0)

    @gl.public.view
    def total(self) -> int:
        return self.balance
