# { "Depends": "py-genlayer:test" }

from genlayer import *


@gl.evm.contract_interface
class Account:
    class View:
        pass

    class Write:
        pass


class Vault(gl.Contract):
    deposits: TreeMap[Address, u256]

    def __init__(self):
        pass

    @gl.public.write.payable
    def deposit(self, owner: Address) -> None:
        if gl.message.value == 0:
            raise gl.vm.UserError("a deposit needs a value")
        self.deposits[owner] = self.held(owner) + gl.message.value

    @gl.public.write
    def withdraw(self, amount: int) -> None:
        owner = gl.message.sender_address
        held = self.held(owner)
        if not 0 < amount <= held:
            raise gl.vm.UserError(f"{owner.as_hex} has {held} in here, so {amount} cannot be paid out")
        self.deposits[owner] = held - amount
        # Waits for finality: what left for an account never comes back.
        Account(owner).emit_transfer(value=amount)

    @gl.public.view
    def held(self, owner: Address) -> int:
        return self.deposits.get(owner, 0)

    @gl.public.view
    def total(self) -> int:
        return self.balance
