# { "Depends": "py-genlayer:test" }

from genlayer import *


class Token(gl.Contract):
    name: str
    supply: u256
    balances: TreeMap[Address, u256]
    allowances: TreeMap[Address, TreeMap[Address, u256]]

    def __init__(self, name: str, supply: int):
        self.name = name
        self.supply = supply
        self.balances[gl.message.sender_address] = supply

    def _move(self, source: Address, target: Address, amount: int) -> None:
        if amount < 0:
            raise gl.vm.UserError("an amount cannot be negative")
        held = self.balances.get(source, 0)
        if held < amount:
            raise gl.vm.UserError(f"{source} has {held}, which is less than {amount}")
        self.balances[source] = held - amount
        self.balances[target] = self.balances.get(target, 0) + amount

    @gl.public.write
    def transfer(self, to: Address, amount: int) -> None:
        self._move(gl.message.sender_address, to, amount)

    @gl.public.write
    def approve(self, spender: Address, amount: int) -> None:
        allowed = self.allowances.get_or_insert_default(gl.message.sender_address)
        allowed[spender] = amount

    @gl.public.write
    def transfer_from(self, source: Address, to: Address, amount: int) -> None:
        spender = gl.message.sender_address
        allowed = self.allowance(source, spender)
        if allowed < amount:
            raise gl.vm.UserError(f"{spender.as_hex} may move {allowed}, which is less than {amount}")
        self._move(source, to, amount)
        self.allowances[source][spender] = allowed - amount

    @gl.public.view
    def allowance(self, owner: Address, spender: Address) -> int:
        if owner not in self.allowances:
            return 0
        return self.allowances[owner].get(spender, 0)

    @gl.public.view
    def balance_of(self, owner: Address) -> int:
        return self.balances.get(owner, 0)

    @gl.public.view
    def total_supply(self) -> int:
        return self.supply
