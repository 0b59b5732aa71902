# { "Depends": "py-genlayer:test" }

from genlayer import *


@gl.contract_interface
class Token:
    class View:
        def balance_of(self, owner: Address) -> int: ...

        def total_supply(self) -> int: ...

    class Write:
        pass


class Portfolio(gl.Contract):
    tokens: DynArray[Address]
    best: u256

    def __init__(self, tokens: list[Address]):
        self.tokens.extend(tokens)

    @gl.public.view
    def worth(self, owner: Address) -> int:
        return sum(Token(token).view().balance_of(owner) for token in self.tokens)

    @gl.public.view
    def share(self, owner: Address, token: Address) -> int:
        """In hundredths of a per cent."""
        views = Token(token).view()
        return views.balance_of(owner) * 10_000 // views.total_supply()

    @gl.public.write
    def remember(self) -> int:
        worth = self.worth(gl.message.sender_address)
        if worth <= self.best:
            raise gl.vm.UserError(f"{worth} is no more than {self.best}")
        self.best = worth
        return worth
