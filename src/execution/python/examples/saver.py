# { "Depends": "py-genlayer:test" }

from genlayer import *


@gl.contract_interface
class Vault:
    class View:
        def held(self, owner: Address) -> int: ...

    class Write:
        def deposit(self, owner: Address) -> None: ...


class Saver(gl.Contract):
    vault: Address
    percent: u8
    saved: TreeMap[Address, u256]

    def __init__(self, vault: Address, percent: int = 10):
        if not 0 < percent <= 100:
            raise gl.vm.UserError("the percentage is from 1 to 100")
        self.vault = vault
        self.percent = percent

    @gl.public.write.payable
    def earn(self) -> int:
        earner = gl.message.sender_address
        part = gl.message.value * self.percent // 100
        if part == 0:
            return 0
        # The vault hears of it as soon as this transaction is accepted.
        Vault(self.vault).emit(value=part, on="accepted").deposit(earner)
        self.saved[earner] = self.saved_by(earner) + part
        return part

    @gl.public.view
    def saved_by(self, earner: Address) -> int:
        return self.saved.get(earner, 0)

    @gl.public.view
    def left(self) -> int:
        return self.balance
